"""Frames as the terminal draws them, and letters that move."""

import unicodedata
from dataclasses import replace

import pytest
from textual import events

from crm_tui.settings import Settings
from crm_tui.widgets import drawing
from crm_tui.widgets.board import VirtualBoard
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.picker import Picker

PLACES = ["board", "customers", "todo", "panel", "settings", "import", "quick"]


@pytest.fixture
def vim(home):
    """Settings in which letters move."""
    home.write(replace(Settings(), vim=True))


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("border", ["ascii", "line"])
async def test_every_place_draws_its_frames_as_the_setting_says(
    *, home, office, at_work, lines, name, border
):
    home.write(replace(Settings(), border=border))
    office.as_person("6001")
    office.deal(office.customer(name="阿迪力·买买提"))
    async with at_work(office, Go(name), size=(120, 40)) as pilot:
        shown = "".join(lines(pilot.app))
        doubtful = {char for char in shown if unicodedata.east_asian_width(char) == "A"}
        assert set(lines(pilot.app)[1]) == {"─" if border == "line" else "-"}
        assert "─" in doubtful if border == "line" else not doubtful


@pytest.mark.parametrize(("border", "corner"), [("ascii", "+"), ("line", "┌")])
async def test_a_window_has_the_frame_of_the_setting(*, home, office, at_work, lines, border, corner):
    home.write(replace(Settings(), border=border))
    async with at_work(office, Go("board")) as pilot:
        await pilot.press("f4")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Picker)
        assert any(corner in line for line in lines(pilot.app))


@pytest.mark.parametrize(("column", "lined"), [(1, True), (2, False)])
async def test_the_terminals_answer_decides_and_only_the_answer_asked_for(
    *, office, at_work, lines, column, lined
):
    async with at_work(office, Go("board")) as pilot:
        app = pilot.app
        app.post_message(events.CursorPosition(column, 1))
        await pilot.pause()
        assert drawing.measured() == 0
        app._asked_width = True
        app.post_message(events.CursorPosition(column, 1))
        await pilot.pause()
        await pilot.pause()
        assert drawing.measured() == column
        assert ("─" in lines(app)[1]) is lined


@pytest.mark.usefixtures("vim")
async def test_letters_move_on_the_board_and_jump(office, at_work):
    office.as_person("6001")
    for name in ("王一", "王二", "王三"):
        office.deal(office.customer(name=name))
    async with at_work(office, Go("board")) as pilot:
        cards = pilot.app.screen.query_one(VirtualBoard)
        await pilot.press("j", "j", "k")
        assert cards.place == (0, 1)
        await pilot.press("l", "l", "h")
        assert cards.place[0] == 1
        await pilot.press("g", "d")
        await pilot.pause()
        assert pilot.app.screen.name != "board"
        assert type(pilot.app.screen).__name__ == "PanelScreen"


@pytest.mark.usefixtures("vim")
async def test_letters_are_letters_in_a_field(office, at_work):
    async with at_work(office, Go("customers")) as pilot:
        await pilot.press(*"hjklg")
        assert pilot.app.focused.value == "hjklg"


async def test_letters_do_nothing_where_vim_is_off(office, at_work):
    office.as_person("6001")
    for name in ("王一", "王二"):
        office.deal(office.customer(name=name))
    async with at_work(office, Go("board")) as pilot:
        await pilot.press("j", "l", "g", "d")
        await pilot.pause()
        assert pilot.app.screen.query_one(VirtualBoard).place == (0, 0)


@pytest.mark.usefixtures("vim")
async def test_help_shows_the_letters_where_they_move(office, at_work, lines):
    async with at_work(office, Go("board")) as pilot:
        await pilot.press("f1")
        await pilot.press(*"outside fields")
        await pilot.pause()
        shown = "\n".join(lines(pilot.app))
        assert all(f"move {way}, outside" in shown for way in ("left", "down", "up", "right"))


async def test_frames_and_letters_are_chosen_in_the_settings(office, at_work, home, lines):
    async with at_work(office, Go("settings"), number="1001") as pilot:
        digit = next(n for n, one in enumerate(pilot.app.screen._sections, start=1) if one.name == "display")
        await pilot.press(str(digit), "enter")
        await pilot.pause()
        await pilot.press("enter", "enter", "enter", "2", "enter", "2", "f10")
        await pilot.pause()
        await pilot.pause()
        assert set(lines(pilot.app)[1]) == {"─"}
        assert pilot.app.vim
    assert (home.read().border, home.read().vim) == ("line", True)
