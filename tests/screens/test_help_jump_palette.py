"""Finding one's way: help, Ctrl+G and the palette."""

from __future__ import annotations

from typing import ClassVar

import pytest
from textual.binding import Binding, BindingType

from crm_tui import i18n
from crm_tui.screens import SCREENS
from crm_tui.screens.board import BoardScreen
from crm_tui.screens.follow_up import FollowUpScreen
from crm_tui.screens.help import HelpScreen
from crm_tui.screens.jump import JumpScreen
from crm_tui.screens.palette import PaletteScreen
from crm_tui.widgets.key_lines import key_name, lines_of_class
from crm_tui.widgets.workplace import WorkScreen


async def enter(pilot):
    await pilot.pause()
    await pilot.press(*"6001", "enter", *"2468", "enter")
    await pilot.pause()


@pytest.mark.parametrize("key", ["f1", "question_mark", "fullwidth_question_mark"])
async def test_three_keys_open_the_same_help_and_escape_returns_to_the_same_card(program, office, lines, key):
    for name in ("王小满", "赵大同"):
        office.deal(office.customer(name))
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await enter(pilot)
        board = app.screen
        await pilot.press("down", key)
        await pilot.pause()
        before = board.deal_id
        assert isinstance(app.screen, HelpScreen)
        assert "This screen" in lines(app)[5]
        assert any("Shift+Right >" in line for line in lines(app))
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is board
        assert board.deal_id == before


async def test_help_opens_while_a_field_has_the_focus(program, office):
    customer_id = office.customer()
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await enter(pilot)
        await app.push_screen(FollowUpScreen(app._open_counter, customer_id))
        await pilot.press(*"abc", "f1")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("f12")
        await pilot.pause()
        assert isinstance(app.screen, FollowUpScreen)


@pytest.mark.parametrize(
    ("language", "typed"), [("zh_CN", "cx"), ("zh_CN", "撤销"), ("en", "undo"), ("en", "ctrl+z")]
)
async def test_typing_searches_the_help_by_words_and_initials(program, office, lines, language, typed):
    i18n.use(language)
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await enter(pilot)
        await pilot.press("f1", *typed)
        await pilot.pause()
        assert any("Ctrl+Z" in line for line in lines(app)[4:20])
        assert not any("F9" in line for line in lines(app)[4:20])
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, BoardScreen)


async def test_help_is_whole_in_a_tiny_window(program, office, lines):
    app = program(office.desk)
    async with app.run_test(size=(40, 12)) as pilot:
        await enter(pilot)
        await pilot.press("f1")
        await pilot.pause()
        seen = set()
        for _ in range(60):
            seen |= {line.split("  ")[0].strip("> ") for line in lines(app)}
            await pilot.press("down")
        assert {"F1 ?", "F9", "F10 Ctrl+S", "Ctrl+Z", "Ctrl+L", "0-9"} <= {one.strip() for one in seen}


@pytest.mark.parametrize("key", ["1", "１", "b"])
async def test_ctrl_g_goes_by_digit_and_letter(program, office, key):
    customer_id = office.customer()
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await enter(pilot)
        await app.push_screen(FollowUpScreen(app._open_counter, customer_id))
        await pilot.press("ctrl+g", key)
        await pilot.pause()
        assert isinstance(app.screen, BoardScreen)


async def test_ctrl_g_names_a_key_that_leads_nowhere(program, office):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await enter(pilot)
        await pilot.press("ctrl+g", "z")
        await pilot.pause()
        assert isinstance(app.screen, BoardScreen)
        assert app.screen.message.startswith("z leads nowhere")


async def test_the_list_of_places_shows_to_who_hesitates(program, office, lines):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await enter(pilot)
        await app.push_screen(JumpScreen(app._open_counter, delay=0))
        await pilot.pause()
        assert any(" 1 b  Board" in line for line in lines(app))
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, BoardScreen)


@pytest.mark.parametrize(
    ("language", "typed"), [("zh_CN", "sp"), ("zh_CN", "锁屏"), ("zh_CN", "lock"), ("en", "lock")]
)
async def test_the_palette_finds_by_initials_words_and_english_and_does_it_there(
    program, office, language, typed
):
    i18n.use(language)
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await enter(pilot)
        await pilot.press("ctrl+p", *typed, "enter")
        await pilot.pause()
        assert not office.desk.is_logged_in


async def test_the_palette_changes_the_language_and_remembers_it(program, office, home):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await enter(pilot)
        await pilot.press("ctrl+p", *"zh cn", "enter")
        await pilot.pause()
        assert i18n.language() == "zh_CN"
        assert home.read().language == "zh_CN"
        assert isinstance(app.screen, BoardScreen)


async def test_escape_closes_the_palette_and_does_nothing(program, office):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await enter(pilot)
        await pilot.press("ctrl+p", *"lock")
        await pilot.pause()
        assert isinstance(app.screen, PaletteScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, BoardScreen)
        assert office.desk.is_logged_in


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_place_has_a_name(language):
    i18n.use(language)
    assert all(i18n.knows(f"place.{one.name}") for one in SCREENS)


class Small(WorkScreen):
    """A screen with one key of its own."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6,ctrl+r", "save", "keys.reassign", tooltip="keys.save_tip"),
        Binding("x", "y", "no such key"),
    ]


def test_a_class_tells_its_own_keys_and_hides_what_has_no_words():
    (line,) = lines_of_class(Small)
    assert (line.key_words, line.label) == ("F6 Ctrl+R", i18n.t("keys.reassign"))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("ctrl+g", "Ctrl+G"),
        ("f10", "F10"),
        ("question_mark", "?"),
        ("shift+right", "Shift+Right"),
        ("n", "n"),
    ],
)
def test_keys_are_printed_as_they_stand_on_the_keyboard(key, name):
    assert key_name(key) == name


async def test_f1_again_lists_the_keys_of_every_place_and_once_more_goes_back(program, office, lines):
    app = program(office.desk)
    async with app.run_test(size=(120, 40)) as pilot:
        await enter(pilot)
        await pilot.press("f1", "f1")
        await pilot.pause()
        assert "all keys" in lines(app)[0]
        titles = {title for title, found in app.screen._sections if found}
        assert {"Board", "Settings", "Follow-up", "Everywhere", "Jump"} <= titles
        await pilot.press("f1")
        await pilot.pause()
        assert "Board" in lines(app)[0]
