"""The door and the lock: who gets in, and what is still there afterwards."""

from __future__ import annotations

from textual.widgets import Input

from crm_tui import i18n
from crm_tui.commands.people import SetPersonStatus
from crm_tui.queries.door import door
from crm_tui.screens.board import BoardScreen
from crm_tui.screens.follow_up import FollowUpScreen
from crm_tui.screens.login import LoginScreen
from crm_tui.settings import Settings
from crm_tui.store.credentials import drop_verifier
from crm_tui.widgets.picker import Picker

SIZE = (80, 24)


async def enter(pilot, number="6001", pin="2468"):
    await pilot.pause()
    await pilot.press(*number, "enter", *pin, "enter")
    await pilot.pause()


async def test_the_right_pin_opens_the_board(program, office):
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await enter(pilot)
        assert isinstance(app.screen, BoardScreen)
        assert office.desk.viewer.number == "6001"


async def test_the_number_is_filled_in_the_next_time(program, office, home):
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await enter(pilot)
    assert home.read().last_number == "6001"
    home.write(Settings(last_number="6002"))
    again = program(office.desk)
    async with again.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.press(*"2468", "enter")
        await pilot.pause()
        assert office.desk.viewer.number == "6002"


async def test_a_wrong_pin_is_counted_and_lets_nobody_in(program, office, lines):
    office.desk.log_out()
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await enter(pilot, pin="9999")
        assert isinstance(app.screen, LoginScreen)
        assert not office.desk.is_logged_in
        assert app.screen.message == "Wrong PIN; tries left: 4."
        assert "4" in next(line for line in lines(app) if "tries left" in line)
        assert app.screen.query_one("#pin", Input).value == ""


async def test_five_wrong_pins_lock_the_person_out_even_with_the_right_one(program, office):
    office.desk.log_out()
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await enter(pilot, pin="9999")
        for pin in ("9999", "9999", "9999", "9999", "2468"):
            await pilot.press(*pin, "enter")
            await pilot.pause()
        assert isinstance(app.screen, LoginScreen)
        assert "15" in app.screen.message


async def test_a_first_pin_is_asked_for_twice(program, office):
    with office.desk._books.write() as tx:
        drop_verifier(tx, office.people["6001"])
    office.desk.log_out()
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await enter(pilot, pin="1357")
        assert isinstance(app.screen, LoginScreen)
        await pilot.press(*"1358", "enter")
        await pilot.pause()
        assert isinstance(app.screen, LoginScreen)
        assert not office.desk.is_logged_in
        for _ in range(2):
            await pilot.press(*"1357", "enter")
            await pilot.pause()
        assert isinstance(app.screen, BoardScreen)


async def test_f4_lists_the_people_and_initials_find_one(program, office):
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.press("f4")
        assert isinstance(app.screen, Picker)
        await pilot.press(*"lm", "enter", *"2468", "enter")
        await pilot.pause()
        assert office.desk.viewer.name == "李敏"


async def test_the_lock_hides_customers_and_gives_the_same_person_the_form_back(program, office, lines):
    customer_id = office.customer("王小满", phones=("13800138000",))
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await enter(pilot)
        await app.push_screen(FollowUpScreen(app._open_counter, customer_id))
        await pilot.pause()
        assert any("王小满" in line for line in lines(app))
        await pilot.press("enter", *"larger table", "ctrl+l")
        await pilot.pause()
        assert isinstance(app.screen, LoginScreen)
        assert not office.desk.is_logged_in
        assert not any("王小满" in line or "8000" in line for line in lines(app))
        await pilot.press(*"2468", "enter")
        await pilot.pause()
        assert isinstance(app.screen, FollowUpScreen)
        assert "larger table" in {one.value for one in app.screen.query(Input)}


async def test_somebody_else_gets_a_fresh_board_after_the_lock(program, office):
    customer_id = office.customer()
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await enter(pilot)
        await app.push_screen(FollowUpScreen(app._open_counter, customer_id))
        await pilot.press("ctrl+l")
        await pilot.pause()
        app.screen.query_one("#number", Input).focus()
        await pilot.press("end", *["backspace"] * 4)
        await enter(pilot, "6002")
        assert isinstance(app.screen, BoardScreen)
        assert office.desk.viewer.number == "6002"
        assert not any(isinstance(screen, FollowUpScreen) for screen in app.screen_stack)


async def test_the_screen_locks_itself_when_nobody_is_there(program, office):
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await enter(pilot)
        app._last_key -= 10 * 60 - 1
        await app._lock_when_idle()
        await pilot.pause()
        assert isinstance(app.screen, BoardScreen)
        app._last_key -= 2
        await app._lock_when_idle()
        await pilot.pause()
        assert isinstance(app.screen, LoginScreen)


async def test_a_frozen_person_is_told_so_by_name_and_keeps_the_drafts(program, office):
    office.desk.drawer.keep("follow_up", "somebody", {"need_change": "half a sentence"})
    office.as_person("1001")
    freeze = SetPersonStatus(person_id=office.people["6001"], status="frozen", expected="active")
    office.give(freeze)
    office.desk.log_out()
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await enter(pilot)
        assert isinstance(app.screen, LoginScreen)
        assert app.screen.message == i18n.t("refused.person_frozen", name="陈静")
        await pilot.press("f4")
        await pilot.pause()
        assert "陈静" not in [row.label for row in app.screen._rows]
    office.as_person("1001")
    office.give(SetPersonStatus(person_id=office.people["6001"], status="active", expected="frozen"))
    office.as_person("6001")
    assert office.desk.drawer.find("follow_up", "somebody").answers == {"need_change": "half a sentence"}


def test_initials_mean_who_works_here_not_who_has_left(office):
    office.as_person("1001")
    office.give(SetPersonStatus(person_id=office.people["6002"], status="left", expected="active"))
    known = office.desk.answer_anyone(door)
    assert office.people["6002"] not in {one.person_id for one in known.people}
    assert known.out_of_use("lm") == []
    assert [one.name for one in known.out_of_use("6002")] == ["李敏"]
