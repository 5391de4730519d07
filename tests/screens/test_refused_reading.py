"""A reading that is refused: every list keeps what it had, and the message line says the trouble."""

from contextlib import contextmanager

import pytest
from textual.app import App

from crm_tui import i18n
from crm_tui.domain.errors import Refused
from crm_tui.widgets.board import VirtualBoard
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.rows import Column, ListSource, NotAsked, Row


@contextmanager
def out_of_reach(desk):
    """Take the database file away for a while, as a share that is gone does."""
    path = desk._books.path
    aside = path.with_suffix(".aside")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


async def press(pilot, *keys):
    await pilot.press(*keys)
    await pilot.pause()
    await pilot.pause()


def listed(pilot):
    rows = pilot.app.screen.query_one(VirtualList)
    return [row.cells[0] for row in rows.known().values()], rows.cursor_id, rows.waiting


class Failing(ListSource):
    """Rows that cannot be read at one of the three questions."""

    def __init__(self, rows, at):
        super().__init__(rows)
        self._at = at

    async def count(self):
        return await self._or_fail("count", super().count())

    async def page(self, offset, limit, near):
        return await self._or_fail("page", super().page(offset, limit, near))

    async def index_of(self, row_id):
        return await self._or_fail("index_of", super().index_of(row_id))

    async def _or_fail(self, question, answer):
        found = await answer
        if question == self._at:
            raise Refused("database_busy")
        return found


class OneList(App[None]):
    def compose(self):
        yield VirtualList([Column("name", "Name", flex=1)], NotAsked(), empty="Nobody")


@pytest.mark.parametrize("at", ["count", "page", "index_of"])
async def test_a_list_stays_as_it_was_wherever_the_answer_breaks_off(at):
    async with OneList().run_test() as pilot:
        shown = pilot.app.query_one(VirtualList)
        await shown.show(ListSource([Row("1", ("Vera",)), Row("2", ("Willi",))]), to="2")
        with pytest.raises(Refused):
            await shown.show(Failing([Row("3", ("Xaver",))], at), to="gone")
        assert (list(shown.known()), shown.count, shown.cursor_id) == (["1", "2"], 2, "2")
        await shown.reload()
        assert (list(shown.known()), shown.cursor_id) == (["1", "2"], "2")


async def test_an_empty_list_is_not_the_answer_of_a_question_that_was_refused():
    async with OneList().run_test() as pilot:
        shown = pilot.app.query_one(VirtualList)
        with pytest.raises(Refused):
            await shown.show(Failing([], "page"))
        shown._lose_patience()
        assert shown.waiting
        await shown.show(ListSource())
        assert not shown.waiting


@pytest.fixture
def overdue(office, clock):
    """Three customers nobody has called for a month, and one tab that has nobody: escalated ones."""
    made = [
        office.customer(name, phones=(f"1380013800{n}",)) for n, name in enumerate(("王一", "王二", "王三"))
    ]
    clock.move(days=2)
    return made


@pytest.mark.usefixtures("overdue")
async def test_the_to_do_list_keeps_its_rows_when_the_next_tab_cannot_be_read(office, at_work, lines):
    async with at_work(office, Go("todo")) as pilot:
        before = listed(pilot)
        assert len(before[0]) == 3
        with out_of_reach(office.desk):
            await press(pilot, "right")
            assert listed(pilot) == before
            assert "file" in pilot.app.screen.message
            assert i18n.t("todo.empty") not in "\n".join(lines(pilot.app))
        await press(pilot, "f5")
        assert listed(pilot)[0] == []


@pytest.mark.usefixtures("overdue")
async def test_an_empty_tab_does_not_lend_its_words_to_one_that_was_not_read(office, at_work, lines):
    async with at_work(office, Go("todo", tab="today")) as pilot:
        assert i18n.t("todo.empty") in "\n".join(lines(pilot.app))
        with out_of_reach(office.desk):
            await press(pilot, "left")
            assert "file" in pilot.app.screen.message
            assert "[overdue" not in "\n".join(
                lines(pilot.app)
            )  # the tab it belongs to is still the one marked
        await press(pilot, "f5")
        assert len(listed(pilot)[0]) == 3


@pytest.mark.usefixtures("overdue")
@pytest.mark.parametrize("place", ["customers", "leads"])
async def test_a_search_that_cannot_be_answered_keeps_the_list(office, at_work, place):
    async with at_work(office, Go(place)) as pilot:
        before = listed(pilot)
        with out_of_reach(office.desk):
            await press(pilot, "q")
            assert listed(pilot) == before
            assert "file" in pilot.app.screen.message
        await press(pilot, "backspace")
        assert listed(pilot) == before


async def test_the_board_keeps_its_cards(office, overdue, at_work):
    for one in overdue:
        office.deal(one)
    async with at_work(office, Go("board")) as pilot:
        board = pilot.app.screen.query_one(VirtualBoard)
        before = (dict(board.known()), board.cursor_id)
        with out_of_reach(office.desk):
            await press(pilot, "f5")
            assert (dict(board.known()), board.cursor_id) == before
            assert "file" in pilot.app.screen.message
        await press(pilot, "f5")
        assert (dict(board.known()), board.cursor_id) == before


async def test_cards_that_cannot_be_read_after_their_columns_leave_the_board_as_it_was(
    office, overdue, at_work
):
    for one in overdue:
        office.deal(one)
    async with at_work(office, Go("board")) as pilot:
        board = pilot.app.screen.query_one(VirtualBoard)
        before = (dict(board.known()), board.columns)
        asked = board.source.columns

        async def columns():
            found = await asked()
            path.rename(path.with_suffix(".aside"))
            return found

        path = office.desk._books.path
        board.source.columns = columns
        await press(pilot, "f5")
        path.with_suffix(".aside").rename(path)
        assert (dict(board.known()), board.columns) == before
