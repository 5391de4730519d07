"""A save whose draft cannot be thrown away: the save stands, the form closes, and F10 saves nothing twice."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import event, func, select

from crm_tui.queries.customers import customers_page
from crm_tui.screens.board import BoardScreen
from crm_tui.store.tables import follow_up
from crm_tui.widgets.navigation import Go


@pytest.fixture
def jam(office, database):
    """Gives the way to have another program take the write lock behind the next save, and keep it."""
    with closing(sqlite3.connect(office.desk._books.path, isolation_level=None)) as other:

        def behind_the_next_save():
            event.listen(database, "checkout", lambda raw, *_: raw.execute("PRAGMA busy_timeout = 0"))
            office.desk.listen(lambda _: other.in_transaction or other.execute("BEGIN IMMEDIATE"))

        yield behind_the_next_save


async def press(pilot, *keys):
    await pilot.press(*keys)
    await pilot.pause()
    await pilot.pause()


async def test_a_follow_up_is_logged_once_and_the_form_closes(office, at_work, jam):
    customer_id = office.customer("王一", phones=("13800138000",))
    async with at_work(office, Go("follow_up", customer_id=customer_id)) as pilot:
        jam()
        await press(pilot, "enter", *"oak", "enter", "enter", *"call", "f10")
        assert isinstance(pilot.app.screen, BoardScreen)
        assert "do not save it twice" in pilot.app.screen.message
        await press(pilot, "f10")
    logged = select(func.count()).select_from(follow_up)
    assert office.desk.answer_anyone(lambda tx: tx.scalar(logged)) == 1


async def test_a_customer_is_taken_in_once_and_the_form_closes(office, at_work, jam):
    async with at_work(office, Go("customer_form", name="王一", phone="13800138000")) as pilot:
        jam()
        await press(pilot, "f10")
        assert isinstance(pilot.app.screen, BoardScreen)
        assert "do not save it twice" in pilot.app.screen.message
    assert office.desk.answer(customers_page).count == 1
