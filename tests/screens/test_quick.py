"""Quick entry on screen: read aloud, saved by Enter, nothing typed is lost."""

import pytest
from sqlalchemy import select
from textual import events
from textual.widgets import Input

from crm_tui import i18n
from crm_tui.queries.profile import profile
from crm_tui.screens.quick import QuickScreen
from crm_tui.store.tables import customer
from crm_tui.widgets.navigation import Go

HALF = "13800138000 张三 #瓷砖 ¥1.2万 !3天 电话:想看样品"
FULL = "１３８００１３８０００　张三　＃瓷砖　￥1.2万　！3天　电话：想看样品"
WHOLE = "13800138000 张三 #瓷砖 ¥12000 !3d 电话:想看样品 ~价格 -> 送样品"


@pytest.fixture
def quick(office, at_work):
    """Run the app on quick entry; gives the pilot."""
    return lambda: at_work(office, Go("quick"))


def profiles(office):
    desk = office.desk
    ids = desk.answer(lambda view: view.tx.scalars(select(customer.c.id)))
    return [desk.answer(profile, one) for one in ids]


async def put(pilot, line):
    field = pilot.app.screen.query_one("#line", Input)
    field.value = line
    await pilot.pause()


async def test_a_whole_line_is_saved_and_the_next_one_is_awaited(office, quick):
    async with quick() as pilot:
        await put(pilot, WHOLE)
        await pilot.press("enter")
        await pilot.pause()
        assert pilot.app.screen.query_one("#line", Input).value == ""
        assert "张三" in pilot.app.screen.message
    (one,) = profiles(office)
    assert one.tags == ("瓷砖",)
    assert one.next_step == "送样品"
    assert one.deals[0].amount == 1_200_000


@pytest.mark.parametrize("line", [HALF, FULL])
async def test_what_is_whole_is_saved_and_the_rest_opens_in_the_follow_up_form(office, quick, line, lines):
    async with quick() as pilot:
        await put(pilot, line)
        await pilot.press("enter")
        await pilot.pause()
        shown = "\n".join(lines(pilot.app))
        assert pilot.app.screen.name is None
        assert type(pilot.app.screen).__name__ == "FollowUpScreen"
        assert "想看样品" in shown
    (one,) = profiles(office)
    assert one.deals[0].amount == 1_200_000
    assert one.phones == ("+8613800138000",)


async def test_a_full_width_line_typed_key_by_key_keeps_its_blanks(quick):
    async with quick() as pilot:
        await pilot.press(*"１３８　张　#ａ")
        assert pilot.app.screen.query_one("#line", Input).value == "１３８　张　#ａ"


async def test_a_number_with_a_digit_too_few_is_refused_and_the_text_stays(office, quick):
    i18n.use("zh_CN")
    async with quick() as pilot:
        await put(pilot, "1380013800 张三")
        await pilot.press("enter")
        await pilot.pause()
        assert "手机号位数不对" in pilot.app.screen.message
        assert pilot.app.screen.query_one("#line", Input).value == "1380013800 张三"
    assert profiles(office) == []


async def test_a_known_number_is_said_while_it_is_typed(office, quick, lines):
    office.customer("张三", phones=("13800138000",))
    async with quick() as pilot:
        await put(pilot, "13800138000 张小三 电话:想看样品 -> 送样品 !3")
        shown = "\n".join(lines(pilot.app))
        assert "known: 张三 (陈静) -> a follow-up, not a second record" in shown
        await pilot.press("enter")
        await pilot.pause()
    assert [one.name for one in profiles(office)] == ["张三"]


async def test_a_number_alone_opens_the_customer_form_and_keeps_the_line(quick):
    async with quick() as pilot:
        quick_screen = pilot.app.screen
        await put(pilot, "13800138000 #瓷砖")
        await pilot.press("enter")
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "CustomerFormScreen"
        assert quick_screen.query_one("#line", Input).value == "13800138000 #瓷砖"


async def test_up_brings_back_what_was_saved(quick):
    async with quick() as pilot:
        await put(pilot, "13800138000 张三")
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("up")
        assert pilot.app.screen.query_one("#line", Input).value == "13800138000 张三"
        await pilot.press("down")
        assert pilot.app.screen.query_one("#line", Input).value == ""


async def test_a_line_that_was_left_is_there_again(quick):
    async with quick() as pilot:
        await put(pilot, "13800138000 张")
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("f9")
        await pilot.pause()
        assert isinstance(pilot.app.screen, QuickScreen)
        assert pilot.app.screen.query_one("#line", Input).value == "13800138000 张"


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)])
async def test_hostile_names_are_read_literally(office, at_work, language, size, lines):
    i18n.use(language)
    async with at_work(office, Go("quick"), size=size) as pilot:
        pilot.app.post_message(events.Paste("13800138000 [/] [@click=app.quit()]x \x1b]0;pwned\x07"))
        await pilot.pause()
        await pilot.pause()
        shown = "\n".join(lines(pilot.app))
        assert "[@click=app.quit()]x" in shown
        assert "\x1b" not in shown
