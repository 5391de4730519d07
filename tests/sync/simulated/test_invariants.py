"""Single invariants of the protocol, by their numbers; the others hold in every ``World.check``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.commands.people import SetPersonStatus
from crm_tui.hub.tables import command_log
from crm_tui.store.tables import customer


def test_i3_the_revision_of_a_space_follows_the_order_of_the_commits(new_world: Any) -> None:
    world = new_world(5, "Haitang", "Jingan")
    world.live(40, clones=0)
    world.heal()
    last: dict[str, int] = {}
    with world.organisation.authority.books.read() as tx:
        for row in tx.rows(select(command_log.c.revs).order_by(text("rowid"))):
            for space, rev in row.revs.items():
                assert rev >= last.get(space, 0)
                last[space] = rev
    assert last


def test_i11_a_frozen_person_changes_nothing(new_world: Any) -> None:
    world = new_world(5, "Haitang", "Jingan")
    head, till = world.terminals
    frozen = world.organisation.people["6001"]
    world.give(head, SetPersonStatus(person_id=frozen, status="frozen", expected="active"))
    head.sync()
    world.give(till, CreateCustomer(name="too late"), number="6001")
    till.sync()
    assert [row.state for row in till.outbox()] == ["held"]
    world.check()
    assert not head.rows(customer)


def test_i13_the_order_is_that_of_arrival_whatever_clocks_say(new_world: Any) -> None:
    world = new_world(5)
    slow, fast = world.terminal("Haitang", skew=timedelta(hours=-9)), world.terminal("Haitang")
    (made,) = world.give(fast, CreateCustomer(name="first"))
    fast.sync()
    slow.sync()
    mine = made.details["customer_id"]
    world.give(fast, EditCustomer(customer_id=mine, name="by the right clock"))
    world.give(slow, EditCustomer(customer_id=mine, name="arrived last"))
    fast.sync()
    slow.sync()
    world.check()
    assert [row["name"] for row in fast.rows(customer)] == ["arrived last"]
