"""The gate: what is missing is filled in, and the deal moves, as one step."""

from datetime import date

import pytest

from crm_tui.commands.deals import EditDeal, MoveDeal, TickAction
from crm_tui.commands.rules import CreateProductLine
from crm_tui.queries.profile import gate, profile
from crm_tui.widgets.navigation import Go


@pytest.fixture
def negotiated(office):
    """A deal that lacks its amount and its day before it may be won."""
    office.as_person("1001")
    line_id = office.give(CreateProductLine(name="瓷砖"))["line_id"]
    office.as_person("6001")
    customer_id = office.customer(phones=("13800138000",), address="x")
    deal_id = office.deal(customer_id, line_id=line_id, amount=1)
    office.give(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
    office.give(office.spoken(customer_id, deal_id=deal_id))
    for here, action, words, there in (
        ("contact", "reception", "", "need"),
        ("need", "measure", "3 rooms", "proposal"),
        ("proposal", "quote", "sent", "negotiation"),
    ):
        office.give(TickAction(deal_id=deal_id, action=action, words=words))
        office.give(MoveDeal(deal_id=deal_id, to_stage=there, expected_stage=here))
    office.give(EditDeal(deal_id=deal_id, amount=None))
    return customer_id, deal_id


async def fill_and_save(pilot, **values):
    pilot.app.screen._form.fill(values)
    await pilot.pause()
    await pilot.press("f10")
    await pilot.pause()
    await pilot.pause()


async def test_what_is_missing_is_filled_in_and_the_deal_moves(office, at_work):
    customer_id = office.customer()
    deal_id = office.deal(customer_id)
    async with at_work(office, Go("gate", deal_id=deal_id)) as pilot:
        await fill_and_save(pilot, phone="138-0013-8000")
    assert office.desk.answer(gate, deal_id).deal.stage == "contact"
    assert [one.normal for one in office.desk.answer(profile, customer_id).points] == ["+8613800138000"]


async def test_amount_and_day_are_filled_in_and_the_deal_is_won(office, at_work, negotiated):
    _, deal_id = negotiated
    async with at_work(office, Go("gate", deal_id=deal_id)) as pilot:
        await fill_and_save(pilot, amount="1.2万", expected_close_on="2026-02-01")
    deal = office.desk.answer(gate, deal_id).deal
    assert (deal.state, deal.amount, deal.expected_close_on) == ("won", 1_200_000, date(2026, 2, 1))


async def test_a_gap_that_somebody_else_has_filled_meanwhile_is_no_longer_asked_for(
    office, at_work, negotiated
):
    _, deal_id = negotiated
    async with at_work(office, Go("gate", deal_id=deal_id)) as pilot:
        office.give(EditDeal(deal_id=deal_id, amount=900_000))
        await pilot.pause()
        await pilot.pause()
        assert list(pilot.app.screen._form.values()) == ["expected_close_on"]
        await fill_and_save(pilot, expected_close_on="2026-02-01")
    deal = office.desk.answer(gate, deal_id).deal
    assert (deal.state, deal.amount) == ("won", 900_000)


async def test_what_was_filled_in_at_the_same_time_is_not_overwritten(office, at_work, negotiated):
    _, deal_id = negotiated
    async with at_work(office, Go("gate", deal_id=deal_id)) as pilot:
        screen = pilot.app.screen
        screen._form.fill({"amount": "1.2万", "expected_close_on": "2026-02-01"})
        sent = screen._commands(screen._gate)
    office.give(EditDeal(deal_id=deal_id, amount=900_000))
    edit, move = office.desk.carry_out(*sent)
    assert (edit.code, edit.details["now"], move.code) == ("field_changed", "¥9,000.00", "gate_unmet")
    assert office.desk.answer(gate, deal_id).deal.amount == 900_000
