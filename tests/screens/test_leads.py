"""Leads on the screen: an imported lead is found, judged, given away and converted."""

from datetime import date

import pytest

from crm_tui import i18n
from crm_tui.queries.leads import lead_line
from crm_tui.queries.profile import profile
from crm_tui.screens.lead_form import LeadFormScreen
from crm_tui.screens.leads import LeadsScreen
from crm_tui.screens.profile import ProfileScreen
from crm_tui.store.tables import lead
from crm_tui.widgets.navigation import Go


@pytest.fixture
def lead_id(office):
    with office.desk._books.write() as tx:
        tx.insert(
            lead,
            id="lead-1",
            branch_id=office.units["Jingan"],
            owner_id=office.people["6001"],
            name="刘先生",
            phone="+8613800138000",
            source="fair",
            status="new",
            created_on=date(2026, 1, 5),
            extra={"note": "asked for oak"},
        )
    return "lead-1"


async def typed(pilot, *keys):
    await pilot.press(*keys)
    await pilot.pause()
    await pilot.pause()


async def test_an_imported_lead_becomes_a_customer_with_a_deal(office, at_work, lead_id, lines):
    async with at_work(office, Go("leads")) as pilot:
        assert isinstance(pilot.app.screen, LeadsScreen)
        assert any("刘先生" in line and "138****8000" in line and "new" in line for line in lines(pilot.app))
        await typed(pilot, "enter")
        assert isinstance(pilot.app.screen, LeadFormScreen)
        await typed(pilot, *["down"] * 3, *"1.2w", "f10")
        assert isinstance(pilot.app.screen, LeadsScreen)
        assert "is a customer" in pilot.app.screen.message
        one = office.desk.answer(lead_line, lead_id)
        (deal,) = office.desk.answer(profile, one.customer_id).deals
        assert deal.amount == 1_200_000
        await typed(pilot, "ctrl+z")
        assert office.desk.answer(lead_line, lead_id).status == "new"


async def test_a_known_number_is_offered_before_a_second_record_is_made(office, at_work, lead_id):
    customer_id = office.customer("老刘", phones=("13800138000",))
    async with at_work(office, Go("lead_form", lead_id=lead_id)) as pilot:
        await typed(pilot, "f10")
        assert "老刘" in pilot.app.screen._preview
        await typed(pilot, "f10")
        assert office.desk.answer(lead_line, lead_id).customer_id == customer_id
    assert len(office.desk.answer(profile, customer_id).deals) == 1


@pytest.mark.usefixtures("lead_id")
async def test_a_converted_lead_opens_its_customer(office, at_work):
    async with at_work(office, Go("leads")) as pilot:
        await typed(pilot, "f7")
        await typed(pilot, "f10")
        await typed(pilot, "f4")
        await typed(pilot, "4")
        await typed(pilot, "enter")
        assert isinstance(pilot.app.screen, ProfileScreen)


async def test_leads_are_searched_judged_and_given_away(office, at_work, lead_id):
    async with at_work(office, Go("leads"), number="4001") as pilot:
        await typed(pilot, *"8000")
        assert pilot.app.screen.rows.count == 1
        await typed(pilot, "f6")
        await typed(pilot, "2")
        assert office.desk.answer(lead_line, lead_id).status == "following"
        await typed(pilot, "tab", "ctrl+r")
        await typed(pilot, *"lm", "enter")
        assert office.desk.answer(lead_line, lead_id).owner_name == "李敏"
        await typed(pilot, "escape")
        assert pilot.app.screen.typed.value == ""


@pytest.mark.usefixtures("lead_id")
async def test_the_number_is_masked_until_it_is_asked_for(office, at_work, lines):
    async with at_work(office, Go("leads"), size=(120, 40)) as pilot:
        await typed(pilot, "tab")
        assert not any("138 0013 8000" in line for line in lines(pilot.app))
        assert any("asked for oak" in line for line in lines(pilot.app))
        await typed(pilot, "v")
        assert "138 0013 8000" in pilot.app.screen.message


@pytest.mark.usefixtures("lead_id")
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)])
@pytest.mark.parametrize("language", ["zh_CN", "en"])
async def test_the_list_and_the_form_stand_in_both_languages_and_every_size(
    office, at_work, lines, size, language
):
    i18n.use(language)
    async with at_work(office, Go("leads"), size=size) as pilot:
        assert any("刘先生" in line for line in lines(pilot.app))
        await typed(pilot, "enter")
        assert isinstance(pilot.app.screen, LeadFormScreen)
        assert any("刘先生" in line for line in lines(pilot.app))
