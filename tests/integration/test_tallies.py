"""The counts that the file keeps by itself say what counting the rows says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from crm_tui.commands.customers import ArchiveCustomer, EditCustomer, RestoreCustomer
from crm_tui.commands.deals import EditDeal, MoveDeal
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.queries.board import board
from crm_tui.queries.customers import CustomerFilter, customers_page
from crm_tui.queries.pickers import people, sources, tags
from crm_tui.store.tables import customer, deal


@pytest.fixture
def shop(office: Any) -> Any:
    """An office in which a little of everything has happened."""
    if office.desk._books._reading.dialect.name != "sqlite":
        pytest.skip("a hub keeps no tallies")
    office.as_person("6001")
    first = office.customer("甲", level="A", source="walk-in", tags=("瓷砖", "急"))
    second = office.customer("乙", level="B", source="fair", tags=("瓷砖",), phones=("13800138000",))
    gone = office.customer("丙", level="A", source="fair", tags=("急",))
    back = office.customer("丁", customer_kind="firm")
    won, moved, lost = office.deal(first, amount=500), office.deal(second, amount=70), office.deal(back)
    office.deal(gone, amount=9_000)
    office.clock.move(days=2)
    office.give(MoveDeal(deal_id=moved, to_stage="contact", expected_stage="lead"))
    office.give(EditDeal(deal_id=moved, amount=80))
    office.give(MoveDeal(deal_id=lost, to_stage="lost", expected_stage="lead", lost_reason="price"))
    office.give(EditCustomer(customer_id=second, tags=("急", "板材"), level="A"))
    office.give(ArchiveCustomer(customer_id=gone))
    office.give(ArchiveCustomer(customer_id=back))
    office.give(RestoreCustomer(customer_id=back))
    with office.desk._books.write() as tx:
        tx.update(deal, won, state="won", stage="won", closed_on=office.clock.now.date())
    office.as_person("5001")
    office.give(
        ReassignCustomer(
            customer_id=second,
            to_owner_id=office.people["6002"],
            expected_owner_id=office.people["6001"],
            reason="workload",
        )
    )
    return office


@pytest.mark.parametrize("number", ["2001", "3001", "4001"])
def test_board_pickers_and_list_say_the_same_from_the_tally_as_from_the_rows(
    number: str, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.as_person(number)
    asked = [
        (board, {}),
        (people, {}),
        (sources, {}),
        (tags, {}),
        *((customers_page, {"filters": CustomerFilter(**one)}) for one in FILTERS),
    ]
    told = [shop.desk.answer(question, **more) for question, more in asked]
    monkeypatch.setattr("crm_tui.store.scope.Scope.is_by_branch", False)
    assert told == [shop.desk.answer(question, **more) for question, more in asked]
    assert told[0].total_count > 0


FILTERS: list[dict[str, str]] = [{}, {"level": "A"}, {"level": "AB", "source": "fair"}, {"kind": "firm"}]


def test_the_tallies_hold_after_everything_that_can_happen_to_a_row(shop: Any) -> None:
    with shop.desk._books.read() as tx:
        told = tx.rows(text("SELECT stage, sum(uses), sum(amount) FROM deal_tally WHERE uses > 0 GROUP BY 1"))
        living = deal.c.archived_at.is_(None), deal.c.state != "lost"
        counted = tx.rows(
            select(deal.c.stage, func.count(), func.coalesce(func.sum(deal.c.amount), 0))
            .where(*living)
            .group_by(deal.c.stage)
            .order_by(deal.c.stage)
        )
        assert [tuple(row) for row in told] == [tuple(row) for row in counted]
        assert tx.scalar(text("SELECT min(uses) FROM deal_tally")) >= 0
    with shop.desk._books.write() as tx:
        tx.connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        saved = tx.connection.begin_nested()
        tx.delete_where(deal)
        tx.connection.execute(text("DELETE FROM customer"))
        left = "SELECT (SELECT sum(uses) FROM {}), (SELECT max(abs(amount) + abs(entered)) FROM deal_tally)"
        for tally in ("deal_tally", "customer_tally", "tag_tally"):
            assert tuple(tx.rows(text(left.format(tally)))[0]) == (0, 0)
        saved.rollback()
        assert tx.scalar(select(func.count()).select_from(customer)) > 0


def test_a_mean_stay_is_exact_to_the_second(office: Any) -> None:
    office.as_person("6001")
    office.deal(office.customer("甲"))
    office.clock.move(days=3)
    office.as_person("2001")
    (lead, *_) = office.desk.answer(board).columns
    assert lead.dwell_days == pytest.approx(3, abs=timedelta(seconds=1) / timedelta(days=1))
