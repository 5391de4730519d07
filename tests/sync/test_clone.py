"""A copied terminal becomes one of its own, and what both copies have done arrives exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crm_tui.commands.customers import CreateCustomer
from crm_tui.hub.verify import BAD, verify
from crm_tui.store.tables import customer

Clone = Callable[..., Any]


def names(organisation: Any) -> list[str]:
    with organisation.authority.books.read() as tx:
        return sorted(tx.scalars(customer.select().with_only_columns(customer.c.name)))


def device_ids(organisation: Any) -> set[str]:
    from crm_tui.store.outbox import fact

    found = set()
    for terminal in organisation.terminals.values():
        with terminal.desk._books.read() as tx:
            found.add(fact(tx, "device_id"))
    return found


def all_is_well(organisation: Any, *expected: str) -> bool:
    organisation.quiet()
    assert names(organisation) == sorted(expected)
    assert len(device_ids(organisation)) == len(organisation.terminals)
    for terminal in organisation.terminals.values():
        assert terminal.waiting() == 0
        assert terminal.everything() == organisation.everything()
    assert [one for one in verify(organisation.authority.books) if one.state == BAD] == []
    return True


@pytest.mark.parametrize("machine", ["another", ""], ids=["on another machine", "on the same machine"])
def test_a_copy_and_its_original_both_work_on_and_nothing_is_lost_or_doubled(
    organisation: Any, clone: Clone, machine: str
) -> None:
    one = organisation.terminal("one", log_in="6001")
    one.give(CreateCustomer(name="同步过"))
    one.sync()
    one.give(CreateCustomer(name="两边都有"))
    two = clone(one, "two", machine)
    one.give(CreateCustomer(name="原机"))
    two.give(CreateCustomer(name="副本"))
    one.sync()
    two.sync()
    assert all_is_well(organisation, "同步过", "两边都有", "原机", "副本")


def test_a_copy_of_a_copy_is_a_third_terminal(organisation: Any, clone: Clone) -> None:
    one = organisation.terminal("one", log_in="6001")
    one.give(CreateCustomer(name="甲"))
    two = clone(one, "two", "second machine")
    two.give(CreateCustomer(name="乙"))
    three = clone(two, "three", "third machine")
    three.give(CreateCustomer(name="丙"))
    for terminal in (three, one, two):
        terminal.sync()
    assert all_is_well(organisation, "甲", "乙", "丙")


def test_a_terminal_put_back_from_its_own_old_copy_goes_on_as_another_one(
    organisation: Any, clone: Clone
) -> None:
    one = organisation.terminal("one", log_in="6001")
    one.give(CreateCustomer(name="当时未上传"))
    old = clone(one, "old")
    one.give(CreateCustomer(name="之后"))
    one.sync()
    del organisation.terminals["one"]
    one.desk.close()
    one.hub.close()
    old.sync()
    old.give(CreateCustomer(name="还原以后"))
    assert all_is_well(organisation, "当时未上传", "之后", "还原以后")


def test_a_copy_brings_what_its_original_had_sent_when_the_hub_is_put_back(
    organisation: Any, clone: Clone, hub_books: Any
) -> None:
    from crm_tui.hub.keeping import begin_recovery
    from crm_tui.hub.tables import command_log, device

    one = organisation.terminal("one", log_in="6001")
    one.give(CreateCustomer(name="搬家前"))
    one.sync()
    two = clone(one, "two", "new machine")
    two.give(CreateCustomer(name="搬家后"))
    two.sync()
    del organisation.terminals["one"]
    one.desk.close()
    one.hub.close()
    lost = {row.cmd_id for row in two.outbox()}
    with hub_books.write() as tx:  # as a hub whose backup is older than either command
        tx.delete_where(command_log, command_log.c.cmd_id.in_(lost))
        tx.update_where(device, device.c.last_seq > 0, last_seq=0, last_hash="", status="active")
        rows = customer.c.name.in_(("搬家前", "搬家后"))
        ids = list(tx.scalars(customer.select().with_only_columns(customer.c.id).where(rows)))
        assert len(ids) == 2
        from crm_tui.store.tables import contact_plan, ownership_event

        for table in (ownership_event, contact_plan):
            tx.delete_where(table, table.c.customer_id.in_(ids))
        tx.delete_where(customer, rows)
        begin_recovery(tx)
    from crm_tui.hub import recovery
    from crm_tui.sync.messages import HubError

    with pytest.raises(HubError):
        two.sync()
    recovery.finish(hub_books)
    two.sync()
    assert lost <= {entry.cmd_id for entry in organisation.log()}
    assert all_is_well(organisation, "搬家前", "搬家后")
