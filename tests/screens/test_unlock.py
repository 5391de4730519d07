"""A manager unlocks somebody who typed five wrong PINs."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from crm_tui.domain.errors import Refused
from crm_tui.screens.board import BoardScreen
from crm_tui.screens.login import LoginScreen
from crm_tui.screens.unlock import UnlockScreen


def lock_out(office, number="6001"):
    for _ in range(5):
        with pytest.raises(Refused):
            office.desk.log_in(office.people[number], "9999")
    office.desk.log_out()


async def test_a_manager_unlocks_at_the_door(program, office):
    lock_out(office)
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press(*"6001", "f6")
        await pilot.pause()
        assert isinstance(app.screen, UnlockScreen)
        await pilot.press(*"4001", "enter", *"2468", "enter")
        await pilot.pause()
        assert isinstance(app.screen, LoginScreen)
        assert "may try again" in app.screen.message
        assert not office.desk.is_logged_in
        app.screen.query_one("#pin", Input).focus()
        await pilot.press(*"2468", "enter")
        await pilot.pause()
        assert isinstance(app.screen, BoardScreen)


async def test_a_wrong_pin_of_the_manager_is_said_and_leaves_the_lock(program, office):
    lock_out(office)
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press(*"6001", "f6")
        await pilot.pause()
        await pilot.press(*"4001", "enter", *"1111", "enter")
        await pilot.pause()
        assert isinstance(app.screen, UnlockScreen)
        assert app.screen.message == "Wrong PIN; tries left: 4."
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, LoginScreen)


@pytest.mark.parametrize("number", ["5001", "4001", "3001", "2001", "1001"])
def test_who_leads_the_person_may_unlock(office, number):
    lock_out(office)
    office.desk.door.unlock(office.people["6001"], number, "2468")
    assert office.desk.log_in(office.people["6001"], "2468").number == "6001"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("6002", "not_allowed"),
        ("6001", "pin_locked"),
        ("7001", "not_allowed"),
        ("4002", "person_unknown"),
        ("3002", "person_unknown"),
        ("8888", "person_unknown"),
    ],
)
def test_nobody_else_may(office, number, code):
    lock_out(office)
    with pytest.raises(Refused) as no:
        office.desk.door.unlock(office.people["6001"], number, "2468")
    assert no.value.code == code
    with pytest.raises(Refused):
        office.desk.log_in(office.people["6001"], "2468")


def test_a_manager_cannot_unlock_the_own_number(office):
    with pytest.raises(Refused) as no:
        office.desk.door.unlock(office.people["4001"], "4001", "2468")
    assert no.value.code == "person_self"


def test_wrong_tries_of_the_manager_count_on_the_manager(office):
    for _ in range(4):
        with pytest.raises(Refused):
            office.desk.door.unlock(office.people["6001"], "4001", "1111")
    with pytest.raises(Refused) as no:
        office.desk.door.unlock(office.people["6001"], "4001", "1111")
    assert no.value.code == "pin_locked"
    assert no.value.details["minutes"] == 15
