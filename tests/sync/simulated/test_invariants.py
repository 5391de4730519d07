"""Single invariants of the protocol, by their numbers.

The others hold in every ``World.check``, with which each simulation ends: I1 ``check_log`` and
``check_counts``, I4 ``check_fold``, I5 and I10 ``check_terminal``, I6 ``check_feed`` and the digests, I7
``check_owners`` (and below), I8 ``check_identities``. I9 is about rows of money: there are none yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.commands.people import SetPersonStatus
from crm_tui.hub.tables import command_log
from crm_tui.store.outbox import fact, pending
from crm_tui.store.replica import cursors
from crm_tui.store.tables import customer, outbox, ownership_event
from crm_tui.sync.client import SyncClient


def test_i2_what_is_acknowledged_is_seen_in_the_same_moment(
    new_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At no commit of a terminal is a customer missing that its own commands have made."""
    world = new_world(6, "Haitang", "Haitang", "Haitang")
    looks = [0]
    take_over = SyncClient._take_over

    def and_look(client: Any, *asked: Any) -> bool:
        done = take_over(client, *asked)
        with client._begin() as tx:
            rows = tx.rows(select(outbox).where(outbox.c.kind == "create_customer"))
            made = [
                row for row in rows if row.state == "applied" or (row.state == "pending" and not row.code)
            ]
            names = set(tx.scalars(select(customer.c.name)))
            marks = {row.args["name"] for row in made if row.args["name"].startswith("mark")}
            assert marks <= names, "an answer came before what it answers for"
            looks[0] += len(marks)
        return done

    monkeypatch.setattr(SyncClient, "_take_over", and_look)
    for number in range(12):
        one, other = world.rng.sample(world.terminals, 2)
        world.give(one, *(CreateCustomer(name=f"mark{number}/{place}") for place in range(4)))
        world.faulty = True
        world.sync(other)
        world.sync(one)
    world.check()
    assert looks[0] > 100


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


def test_i7_one_owner_each_whom_only_an_applied_command_changes(new_world: Any) -> None:
    """Two give one customer away at once, to two people: one is applied, the other changes nothing."""
    world = new_world(5)
    one, two, till = (world.terminal(unit) for unit in ("Haitang", "Haitang", "Jingan"))
    people = world.organisation.people
    (made,) = world.give(till, CreateCustomer(name="wanted"), number="6001")
    for terminal in (till, one, two):
        terminal.sync()
    for terminal, number in ((one, "6002"), (two, "6004")):
        given = {"to_owner_id": people[number], "expected_owner_id": people["6001"], "reason": "other"}
        world.give(terminal, ReassignCustomer(customer_id=made.details["customer_id"], **given))
    assert [_owner(terminal) for terminal in (till, one, two)] == [
        people[n] for n in ("6001", "6002", "6004")
    ]
    one.sync()
    two.sync()
    assert [(row.state, row.code) for row in two.outbox()] == [("rejected", "owner_changed")]
    world.check()
    assert {_owner(terminal) for terminal in (till, one, two)} == {people["6002"]}
    with world.organisation.authority.books.read() as tx:
        steps = sorted(tx.scalars(select(ownership_event.c.to_owner_id)))
    assert steps == sorted((people["6001"], people["6002"]))


def _owner(terminal: Any) -> str:
    """Return whom a terminal names as the owner of the one customer."""
    (row,) = terminal.rows(customer)
    return str(row["owner_id"])


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


def test_i12_poison_holds_nobody_up(new_world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = new_world(5)
    one, two = world.terminal("Haitang"), world.terminal("Haitang")
    right = CreateCustomer.apply

    def breaking(self: CreateCustomer, tx: Any, context: Any) -> Any:
        made = right(self, tx, context)
        if self.name == "poison" and "hub" in str(tx.connection.engine.url):
            raise ZeroDivisionError
        return made

    monkeypatch.setattr(CreateCustomer, "apply", breaking)
    world.give(one, CreateCustomer(name="before"), CreateCustomer(name="poison"))
    world.give(one, CreateCustomer(name="unknown"), CreateCustomer(name="after"))
    with one.desk._books.write() as tx:
        tx.update_where(outbox, outbox.c.args.contains("unknown"), kind="of_a_later_program")
    one.sync()
    two.sync()
    assert [row.state for row in one.outbox()] == ["applied", "quarantined", "quarantined", "applied"]
    assert one.waiting() == 0
    assert {row["name"] for row in two.rows(customer)} == {"before", "after"}
    assert one.everything() == two.everything() == world.organisation.everything()


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


def test_i14_epoch_cursors_rows_and_outbox_change_together(new_world: Any) -> None:
    """A program that dies at any of its commits leaves a state that stood before or stands after."""
    world = new_world(5)
    one, two = world.terminal("Haitang"), world.terminal("Haitang")
    world.give(two, *(CreateCustomer(name=f"theirs{place}") for place in range(3)))
    two.sync()
    world.give(one, CreateCustomer(name="mine"))
    before, after = _state(one), None
    client = one.link._client
    begin = client._begin
    for survived in range(20):
        client._begin = _dying(begin, survived)
        try:
            one.sync()
        except OSError:
            assert _state(one) == before
        else:
            after = _state(one)
            break
    assert after is not None
    assert after["names"] == {"mine", "theirs0", "theirs1", "theirs2"}
    assert after["pending"] == 0
    client._begin = begin
    world.check()


def _state(terminal: Any) -> dict[str, Any]:
    """Return what must change together."""
    with terminal.desk._books.read() as tx:
        return {
            "epoch": fact(tx, "hub_epoch"),
            "cursors": cursors(tx),
            "names": set(tx.scalars(select(customer.c.name))),
            "pending": len(pending(tx)),
        }


def _dying(begin: Any, survived: int) -> Any:
    """Return a ``begin`` whose program dies at the commit after so many."""
    count = [0]

    @contextmanager
    def dying() -> Iterator[Any]:
        with begin() as tx:
            yield tx
            if count[0] == survived:
                raise OSError
            count[0] += 1

    return dying
