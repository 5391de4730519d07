"""What the message line says when the clock was set back, and when a step cannot be taken back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crm_tui import i18n
from crm_tui.commands.customers import CreateCustomer
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.screens.login import LoginScreen
from crm_tui.store.outbox import set_facts
from crm_tui.store.tables import customer, person
from crm_tui.widgets.navigation import Go

SIZE = (80, 24)


async def test_the_door_says_that_the_clock_is_behind(program, office):
    office.customer("Before")
    office.clock.move(days=-2)
    office.desk.log_out()
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, LoginScreen)
        assert app.screen.message == "The clock is 2 days behind the last entry: set it right."


@pytest.mark.parametrize(("minutes", "said"), [(-1560, "1560 min slow"), (9, "9 min fast"), (4, "")])
async def test_the_door_says_that_the_clock_is_not_the_hubs(shop, run_at, minutes, said):
    desk = shop.terminal("mine")
    with desk._books.write() as tx:
        set_facts(tx, hub_skew=str(minutes * 60_000_000))
    app, running = run_at(desk)
    async with running as pilot:
        await pilot.pause()
        await pilot.pause()
        assert said in app.screen.message
        assert bool(said) is bool(app.screen.message)


async def test_the_door_says_nothing_of_a_clock_that_is_few_minutes_behind(program, office):
    office.customer("Before")
    office.clock.move(minutes=-4)
    office.desk.log_out()
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert app.screen.message == ""


async def test_a_number_typed_in_full_width_finds_its_person(program, office):
    office.desk.log_out()
    app = program(office.desk)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.screen.query_one("#number").value = "６００１"
        assert app.screen.person.number == "6001"


async def test_saving_with_a_clock_that_was_set_back_says_so_and_saves(office, at_work, database):
    async with at_work(office, Go("board")) as pilot:
        office.customer("Before")
        office.clock.move(hours=-7)
        await pilot.app.screen.act(CreateCustomer(name="After"))
        pilot.app.screen.say("Saved.", "good")
        assert pilot.app.screen.message == "The clock is 7 hours behind the last entry: set it right. Saved."
        pilot.app.screen.say("Saved.", "good")
        assert pilot.app.screen.message == "Saved."
    with database.connect() as connection:
        assert set(connection.execute(select(customer.c.name)).scalars()) == {"Before", "After"}


async def test_an_undo_that_somebody_who_left_stands_in_the_way_of_names_the_person(office, at_work):
    customer_id = office.customer()
    async with at_work(office, Go("board"), number="5001") as pilot:
        away = {"to_owner_id": office.people["6002"], "expected_owner_id": office.people["6001"]}
        office.give(ReassignCustomer(customer_id=customer_id, reason="left", **away))
        with office.desk._books.write() as tx:
            tx.update(person, office.people["6001"], status="left")
        await pilot.press("ctrl+z")
        await pilot.pause()
        no = "Not taken back: 陈静 has left or is frozen: choose somebody else."
        assert pilot.app.screen.message == no
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert pilot.app.screen.message == i18n.t("refused.nothing_to_undo")
