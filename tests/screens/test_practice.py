"""Practice: the real screens on made-up data, a line that waits for the real key."""

from datetime import UTC, datetime

import pytest

from crm_tui.cli.practice import DONE, FIND, LOG, MOVE, PracticeApp, sought_customer
from crm_tui.demo import open_demo
from crm_tui.desk import Desk
from crm_tui.screens.board import BoardScreen
from crm_tui.settings import Home
from crm_tui.store.engine import open_engine

NOW = datetime(2026, 1, 8, 2, 42, tzinfo=UTC)


@pytest.fixture
def practice(tmp_path, in_line, ids):
    """The practice on its own demonstration."""
    home = Home(tmp_path / "practice")
    facts = open_demo(home, "small", lambda: NOW)
    engine = open_engine(home.database)
    desk = Desk(engine, clock=lambda: NOW, ids=ids, writer=in_line, reader=in_line)
    desk.log_in(facts.person_id, facts.pin)
    yield PracticeApp(home, lambda: desk, desk.answer(sought_customer), facts.pin, starter=in_line)
    engine.dispose()


async def test_the_three_lessons_wait_for_what_they_teach(practice, lines):
    async with practice.run_test(size=(80, 24)) as pilot:

        def advice():
            return lines(practice)[1]

        await pilot.pause()
        await pilot.pause()
        assert "press F2" in advice()
        await pilot.press("enter")
        await pilot.pause()
        assert practice.lesson == FIND  # opened from the board: nothing was looked for
        await pilot.press("escape", "f2")
        await pilot.pause()
        assert f"Type {practice._sought.typed}" in advice()
        await pilot.press(*practice._sought.typed, "enter")
        await pilot.pause()
        assert practice.lesson == LOG
        assert "press F3" in advice()
        await pilot.press("f3")
        await pilot.pause()
        assert "F10 saves" in advice()
        await pilot.press("enter", *"matt", "enter", "enter", *"samples", "f10")
        await pilot.pause()
        assert practice.lesson == MOVE
        assert "Esc until you see the board" in advice()
        await pilot.press("ctrl+g", "1")
        await pilot.pause()
        assert "Shift+Right" in advice()
        await pilot.press("shift+right")
        await pilot.pause()
        assert practice.lesson == DONE
        assert "Well done" in advice()
        await pilot.press("escape")
        await pilot.pause()
    assert practice.return_code == 0


async def test_esc_on_the_board_skips_the_practice(practice):
    async with practice.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.pause()
        assert isinstance(practice.screen, BoardScreen)
        await pilot.press("escape")
        await pilot.pause()
    assert practice.return_code == 0
    assert practice.lesson == FIND


async def test_the_advice_stands_in_a_small_window_too_and_names_the_pin_when_locked(practice, lines):
    async with practice.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        await pilot.pause()
        assert any("press F2" in line for line in lines(practice))
        await pilot.press("ctrl+l")
        await pilot.pause()
        assert any("PIN 1234" in line for line in lines(practice))
