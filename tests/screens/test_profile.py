"""The profile on screen."""

import pytest
from sqlalchemy import func, select

from crm_tui import i18n
from crm_tui.commands.customers import AddContact
from crm_tui.queries.follow_ups import last_follow_ups
from crm_tui.queries.profile import profile
from crm_tui.store.tables import outbox
from crm_tui.widgets.navigation import Go


@pytest.fixture
def zhang(office):
    """A customer with a number, a deal and a follow-up."""
    customer_id = office.customer(
        "张三", phones=("13800138000",), resident_id="110101199003074610", tags=("复式",), wechat="zs88"
    )
    office.deal(customer_id, amount=1_200_000, title="瓷砖")
    office.give(office.spoken(customer_id))
    office.give(AddContact(customer_id=customer_id, name="李四", title="设计师", phone="13900139000"))
    return customer_id


def text(lines, pilot):
    return "\n".join(lines(pilot.app))


def looks(office):
    return office.desk.answer(
        lambda view: view.tx.scalar(
            select(func.count()).select_from(outbox).where(outbox.c.kind == "reveal_identity")
        )
    )


def place_of(pilot):
    return type(pilot.app.screen).__name__


async def test_numbers_are_masked_until_a_recorded_look(office, at_work, zhang, lines):
    async with at_work(office, Go("profile", customer_id=zhang), size=(120, 40)) as pilot:
        shown = text(lines, pilot)
        assert "138****8000" in shown
        assert "139****9000" in shown
        assert "1101**********4610" in shown
        await pilot.press("V")
        await pilot.pause()
        shown = text(lines, pilot)
        assert "138 0013 8000" in shown
        assert "110101199003074610" in shown
        assert looks(office) == 1
        pilot.app.screen.hide()
        await pilot.pause()
        assert "138 0013 8000" not in text(lines, pilot)


async def test_leaving_for_another_screen_masks_the_numbers(office, at_work, zhang, lines):
    async with at_work(office, Go("profile", customer_id=zhang)) as pilot:
        await pilot.press("v")
        await pilot.pause()
        await pilot.press("f1")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert "138 0013 8000" not in text(lines, pilot)


async def test_copying_takes_the_bare_digits_and_records_the_look(office, at_work, zhang):
    async with at_work(office, Go("profile", customer_id=zhang)) as pilot:
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert pilot.app.clipboard == "13800138000"
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert looks(office) == 1


async def test_head_and_pane_say_how_the_customer_stands(office, at_work, zhang, lines):
    async with at_work(office, Go("profile", customer_id=zhang), size=(120, 40)) as pilot:
        shown = text(lines, pilot)
        for words in ("张三", "level C", "#复式", "owner 陈静", "WeChat zs88", "0 days", "¥12,000.00"):
            assert words in shown
        for words in ("[x] phone", "Contacts 1", "李四 设计师", "Similar customers 0", "send the drawing"):
            assert words in shown


async def test_f6_moves_the_newest_open_deal_or_the_one_under_the_cursor(office, at_work, zhang):
    async with at_work(office, Go("profile", customer_id=zhang)) as pilot:
        assert pilot.app.screen.chosen_deals()[0].stage == "lead"
        older = pilot.app.screen.deal_id
        office.deal(zhang, title="二期")
        await pilot.press("f5")
        await pilot.pause()
        assert pilot.app.screen.deal_id != older
        await pilot.press("tab", "down")
        await pilot.pause()
        assert pilot.app.screen.deal_id == older
        await pilot.press("shift+right")
        await pilot.pause()
    stages = {deal.id: deal.stage for deal in office.desk.answer(profile, zhang).deals}
    assert stages[older] == "contact"


async def test_enter_amends_the_follow_up_under_the_cursor(office, at_work, zhang):
    async with at_work(office, Go("profile", customer_id=zhang)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert place_of(pilot) == "FollowUpScreen"
        await pilot.press("f10")
        await pilot.pause()
        assert place_of(pilot) == "ProfileScreen"
    assert len(office.desk.answer(last_follow_ups, zhang, 5)) == 1


async def test_enter_on_a_deal_and_ctrl_k_open_its_form(office, at_work, zhang):
    async with at_work(office, Go("profile", customer_id=zhang)) as pilot:
        await pilot.press("tab", "enter")
        await pilot.pause()
        assert place_of(pilot) == "DealFormScreen"
        assert pilot.app.screen.text("title") == "瓷砖"
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("ctrl+k")
        await pilot.pause()
        assert place_of(pilot) == "DealFormScreen"
        assert pilot.app.screen.text("title") == ""


async def test_brackets_go_through_the_list_it_came_from(office, at_work, zhang):
    other = office.customer("王小满")
    async with at_work(office, Go("profile", customer_id=zhang, siblings=(zhang, other))) as pilot:
        assert pilot.app.screen.title.endswith("1/2")
        await pilot.press("right_square_bracket")
        await pilot.pause()
        assert "王小满" in pilot.app.screen.title
        await pilot.press("ctrl+down")
        await pilot.pause()
        assert pilot.app.screen.message.startswith("No further customer")
        await pilot.press("left_black_lenticular_bracket")
        await pilot.pause()
        assert pilot.app.screen.customer_id == zhang


async def test_a_channel_filters_the_timeline_and_escape_clears_it(office, at_work, zhang):
    async with at_work(office, Go("profile", customer_id=zhang)) as pilot:
        screen = pilot.app.screen
        everything = screen._history.timeline.count
        await pilot.press("f4")
        await pilot.press("2")
        await pilot.pause()
        assert screen._history.timeline.count == 1
        await pilot.press("escape")
        await pilot.pause()
        assert screen._history.timeline.count == everything
        assert pilot.app.screen is screen


async def test_an_archived_customer_leaves_and_comes_back_by_undo(office, at_work, zhang):
    async with at_work(office, Go("profile", customer_id=zhang)) as pilot:
        await pilot.press("delete")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        assert place_of(pilot) == "BoardScreen"
        assert office.desk.answer(profile, zhang).archived
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert not office.desk.answer(profile, zhang).archived


async def test_w_says_why_the_customer_is_due(office, at_work, zhang):
    office.clock.move(days=9)
    async with at_work(office, Go("profile", customer_id=zhang)) as pilot:
        await pilot.press("w")
        await pilot.pause()
        assert "01-10 Sat" in pilot.app.screen.message


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)])
async def test_hostile_words_stand_literally(office, at_work, language, size, lines):
    i18n.use(language)
    one = office.customer("[/] [@click=app.quit()]x", tags=("[red]",), note="\x1b]0;pwned\x07")
    office.deal(one, title="[bold]t")
    office.give(office.spoken(one, need_change="[link=x]need"))
    async with at_work(office, Go("profile", customer_id=one), size=size) as pilot:
        shown = text(lines, pilot)
        assert "[/] [@click=app.quit()]x" in shown
        assert "\x1b" not in shown
        await pilot.press("tab")
        await pilot.pause()
        assert "[bold]t" in text(lines, pilot)
