"""The first run: from nothing to a board, or nothing at all."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from crm_tui import i18n
from crm_tui.app import CrmApp
from crm_tui.queries.door import door
from crm_tui.queries.pickers import product_lines, units
from crm_tui.screens.board import BoardScreen
from crm_tui.screens.importing import ImportScreen
from crm_tui.screens.wizard import WizardScreen
from crm_tui.widgets.confirm import Confirm


async def organisation(pilot):
    """Answer the first three steps, working alone: region, team, zone and number are filled in."""
    await pilot.pause()
    await pilot.press("f10")
    await pilot.pause()
    await pilot.press("f10")
    await pilot.pause()
    await pilot.press(
        *"Haitang", "enter", "enter", *"Jingan", "enter", "enter", "enter", *"Ada", "enter", "enter"
    )
    await pilot.press(*"2468", "enter")


async def test_five_steps_found_the_organisation_and_log_in(program, desk, home):
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await organisation(pilot)
        await pilot.press(*"2468", "enter")
        await pilot.pause()
        await pilot.press("2", "f10")
        await pilot.pause()
        await pilot.press("2", "f10")
        await pilot.pause()
        assert isinstance(app.screen, BoardScreen)
        assert len(app.screen_stack) == 2
        assert (desk.viewer.name, desk.viewer.number) == ("Ada", "1001")
        assert [one.name for one in desk.answer(units)] == ["Haitang", "Region one", "Jingan", "Team one"]
        assert "Furniture" in {one.name for one in desk.answer(product_lines)}
    assert home.read().last_number == "1001"


async def test_the_spreadsheet_can_follow_at_once(program, desk):
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await organisation(pilot)
        await pilot.press(*"2468", "enter")
        await pilot.pause()
        await pilot.press("5", "enter", "2", "f10")
        await pilot.pause()
        await pilot.press("2", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ImportScreen)
        assert desk.answer(product_lines) == ()


async def test_the_chosen_language_speaks_from_the_second_step_on_and_is_kept(program, desk, home, lines):
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("1", "f10")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        assert i18n.language() == "zh_CN"
        assert any("您的姓名" in line for line in lines(app))
    assert home.read().language == "zh_CN"


@pytest.mark.parametrize("pin", ["13", "abcd"])
async def test_a_pin_of_the_wrong_shape_goes_no_further(program, desk, pin):
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await organisation(pilot)
        field = app.screen._form.row("pin").field
        field.focus()
        await pilot.press("home", *["delete"] * 4, *pin, "enter", *pin, "f10")
        await pilot.pause()
        assert app.screen._step == 2
        assert app.focused is field


async def test_two_different_pins_found_nothing(program, desk):
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await organisation(pilot)
        await pilot.press(*"2469", "f10")
        await pilot.pause()
        assert app.screen._step == 2
        assert app.screen.query(Input).last().value == ""
        assert not desk.answer_anyone(door).founded


async def test_a_gap_is_named_and_escape_keeps_what_was_typed(program, desk):
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await organisation(pilot)
        await pilot.press("f10")
        assert app.screen.message == "Required: PIN again"
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        assert {"Haitang", "Jingan", "Ada"} <= {one.value for one in app.screen.query(Input)}
        assert not desk.answer_anyone(door).founded


async def test_leaving_the_first_step_ends_the_program_with_nothing_founded(program, desk):
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, WizardScreen)
        await pilot.press("escape")
        await pilot.pause()
    assert app.return_code == 0
    assert not desk.answer_anyone(door).founded


async def test_a_refused_time_zone_is_said_and_nothing_is_half_founded(program, desk):
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await organisation(pilot)
        await pilot.press(*"2468", "enter")
        await pilot.pause()
        app.screen._typed["time_zone"] = "Mars/Base"
        await pilot.press("f10")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        assert isinstance(app.screen, WizardScreen)
        assert "Mars/Base" in app.screen.message
        assert not desk.answer_anyone(door).founded


async def test_who_wants_to_practise_is_sent_there_and_comes_back_to_the_import(program, desk):
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await organisation(pilot)
        await pilot.press(*"2468", "enter")
        await pilot.pause()
        await pilot.press("enter", "2", "f10")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
    assert app.return_value.then == "import"
    assert desk.viewer.name == "Ada"


async def test_going_back_to_the_first_step_and_leaving_asks_before_it_forgets(program, desk):
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await organisation(pilot)
        for _ in range(3):
            await pilot.press("escape")
            await pilot.pause()
        assert isinstance(app.screen, Confirm)
        await pilot.press("escape", "f10")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        assert {"Haitang", "Jingan", "Ada", "2468"} <= {one.value for one in app.screen.query(Input)}
        assert app.is_running


async def test_a_name_nobody_chose_follows_the_language(program, desk):
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await organisation(pilot)
        for _ in range(2):
            await pilot.press("escape")
            await pilot.pause()
        await pilot.press("1", "f10")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        values = [one.value for one in app.screen.query(Input)]
        assert values[:4] == ["Haitang", "本区", "Jingan", "一组"]


async def test_the_frames_chosen_are_drawn_from_the_next_step_on_and_kept(program, desk, home, lines):
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert set(lines(app)[1]) == {"-"}
        await pilot.press("enter", "enter", "2", "f10")
        await pilot.pause()
        assert set(lines(app)[1]) == {"─"}
    assert home.read().border == "line"


@pytest.mark.parametrize("language", ["zh_CN", "en"])
async def test_nothing_the_wizard_says_is_cut_at_80_columns(*, program, desk, lines, language):
    i18n.use(language)
    app = program(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await organisation(pilot)
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("escape")
        for step in range(5):
            await pilot.pause()
            assert app.screen._step == step
            assert [line for line in lines(app) if ".." in line or ">>" in line] == []
            await pilot.press("f10") if step != 2 else await pilot.press(*"2468", "f10")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ｈｔｔｐ：／／１２７。０．０．１：８７６５", "http://127.0.0.1:8765"),
        ("ｆｉｌｅ：／／／mnt/门店（总部）/hub.db", "file:///mnt/门店（总部）/hub.db"),
    ],
)
async def test_a_url_in_full_width_is_meant_and_the_cursor_goes_to_what_is_missing(
    *, desk, home, in_line, typed, meant
):
    asked = []
    app = CrmApp(
        home, opener=lambda: desk, starter=in_line, joiner=lambda url, code: asked.append((url, code))
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        await pilot.press("2", "f10")
        await pilot.pause()
        form = app.screen._form
        assert form.row("url").field.has_focus
        form.row("url").put(typed)
        await pilot.press("f10")
        await pilot.pause()
        assert form.row("code").field.has_focus
        form.row("code").put("ＡＢＣＤ－１２３４")
        await pilot.press("f10")
        await app.workers.wait_for_complete()
    assert asked == [(meant, "ABCD-1234")]
