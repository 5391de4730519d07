"""Programs of different age at one hub: old commands, new columns, rows that have more than before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from crm_tui.commands.customers import CreateCustomer
from crm_tui.store.outbox import set_facts
from crm_tui.store.replica import Rebase
from crm_tui.store.tables import customer, outbox
from crm_tui.sync import client
from crm_tui.sync.messages import HubError, PullRequest, PushRequest, Say


def test_a_command_of_an_older_program_is_carried_out_by_a_newer_hub(
    organisation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upcast(_cls: type, args: Mapping[str, Any], version: int) -> Mapping[str, Any]:
        assert version == 1
        return {"name": args["title"]}

    one = organisation.terminal("one", log_in="6001")
    made = one.give(CreateCustomer(name="老版本"))["customer_id"]
    with one.desk._books.write() as tx:
        tx.update_where(outbox, outbox.c.state == "pending", args={"title": "老版本"})
    monkeypatch.setattr(CreateCustomer, "version", 2)
    monkeypatch.setattr(CreateCustomer, "upcast", classmethod(upcast))
    one.sync()
    assert [row.state for row in one.outbox()] == ["applied"]
    assert [row["name"] for row in one.rows(customer, customer.c.id == made)] == ["老版本"]
    assert one.everything() == organisation.everything()


def test_columns_a_program_does_not_know_are_left_and_those_it_is_not_told_are_kept(office: Any) -> None:
    desk = office.desk
    (verdict,) = desk.carry_out(CreateCustomer(name="旧名", birthday=date(1990, 2, 3)))
    customer_id = verdict.details["customer_id"]
    with desk._books.read() as tx:
        columns = [column.name for column in customer.columns if column.name != "birthday"]
        (row,) = tx.connection.exec_driver_sql(f"SELECT {', '.join(columns)} FROM customer").all()
    told = [*("新名" if name == "name" else value for name, value in zip(columns, row, strict=True)), "?"]
    with desk._books.rebase() as tx:
        rebase = Rebase(tx)
        with rebase.hub_state():
            rebase.put("customer", [*columns, "of_later_days"], [told])
            rebase.put("table_of_later_days", ["id"], [["1"]])
        (now,) = tx.rows(select(customer).where(customer.c.id == customer_id))
    assert (now.name, now.birthday) == ("新名", date(1990, 2, 3))


def test_a_renewed_program_fetches_rows_anew_that_have_more_than_before(
    organisation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = organisation.terminal("one", log_in="6001")
    one.give(CreateCustomer(name="甲"))
    one.sync()
    with one.desk._books.write() as tx:
        tx.connection.exec_driver_sql("UPDATE customer SET address = 'stale'")
        tx.connection.exec_driver_sql("DELETE FROM sync_undo")
        set_facts(tx, hub_schema="2")
    one.sync()
    assert one.everything() != organisation.everything()
    with one.desk._books.write() as tx:
        set_facts(tx, hub_schema="2")
    monkeypatch.setattr(client, "SCHEMA", 2)
    one.sync()
    assert one.everything() == organisation.everything()
    assert one.sync().pulled == 0


def test_a_program_that_is_too_old_may_hand_over_what_it_has_and_is_then_asked_to_be_renewed(
    organisation: Any,
) -> None:
    one = organisation.terminal("one", log_in="6001")
    epoch = organisation.authority.card().epoch
    old = {"epoch": epoch, "protocol": 0}
    assert one.hub.push(PushRequest(**old, now=0, commands=[])).acks == []
    with pytest.raises(HubError) as no:
        one.hub.pull(PullRequest(**old, scope_hash="", cursors={}, first_pending=1))
    assert no.value.code == Say.UPGRADE_REQUIRED
