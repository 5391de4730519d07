"""A clock that was set back loses nothing and changes the order of nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from crm_tui.commands.deals import MoveDeal
from crm_tui.commands.follow_ups import PostponeContact
from crm_tui.desk import Desk
from crm_tui.store.tables import customer, deal, outbox, stage_visit


def test_the_last_decision_rules_though_its_clock_is_earlier(office: Any, books: Any) -> None:
    customer_id = office.customer()
    office.give(office.spoken(customer_id))
    office.clock.move(days=-2)
    later = office.clock.now + timedelta(days=9)
    office.give(PostponeContact(customer_id=customer_id, next_at=later))
    assert books.one(select(customer.c.next_contact_at)) == {"next_contact_at": later}
    said = office.spoken(customer_id)
    office.give(said)
    assert books.one(select(customer.c.next_contact_at)) == {"next_contact_at": said.next_at}
    office.desk.undo()
    assert books.one(select(customer.c.next_contact_at)) == {"next_contact_at": later}


def test_the_last_move_is_the_last_though_its_clock_is_earlier(office: Any, books: Any) -> None:
    deal_id = office.deal(office.customer(phones=("13800138000",)))
    office.clock.move(days=-2)
    day = office.clock.now.date()
    office.give(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
    office.give(MoveDeal(deal_id=deal_id, to_stage="lead", expected_stage="contact"))
    lost = MoveDeal(deal_id=deal_id, to_stage="lost", expected_stage="lead", lost_reason="price")
    office.give(lost)
    visits = books.rows(select(stage_visit).order_by(stage_visit.c.entered_at))
    assert [one["stage"] for one in visits] == ["lead", "contact", "lead", "lost"]
    assert all(one["left_at"] is None or one["left_at"] > one["entered_at"] for one in visits)
    assert books.one(select(deal.c.closed_on)) == {"closed_on": day}
    for stage in ("lead", "contact", "lead"):
        office.desk.undo()
        assert books.one(select(deal.c.stage)) == {"stage": stage}


def test_every_command_keeps_its_place_in_the_outbox(office: Any, books: Any) -> None:
    office.customer("Before")
    office.clock.move(days=-2)
    office.customer("After")
    last = books.rows(select(outbox).order_by(outbox.c.seq.desc()).limit(2))
    assert [one["args"]["name"] for one in last] == ["After", "Before"]
    assert last[0]["at"] < last[1]["at"]


def test_a_counter_that_is_opened_again_knows_that_the_clock_is_behind(
    office: Any, database: Any, clock: Any, ids: Any
) -> None:
    office.customer("Before")
    clock.move(hours=-3)
    again = Desk(database, clock=clock, ids=ids)
    assert again.watch.behind is not None
    assert again.watch.behind >= timedelta(hours=3)
    again.log_in(office.people["6001"], office.pin)
    again.close()
    clock.move(hours=3)
    later = Desk(database, clock=clock, ids=ids)
    assert later.watch.behind is None
    later.close()
