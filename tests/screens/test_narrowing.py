"""``/`` and ``、``: a list is narrowed as one types, the board searches, the panel filters."""

from datetime import date

import pytest

from crm_tui import i18n
from crm_tui.screens.customers import CustomersScreen
from crm_tui.store.tables import lead
from crm_tui.widgets.filter_dialog import FilterDialog
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.navigation import Go

SLASHES = ["slash", "、", "／"]


@pytest.fixture
def shop(office, clock):
    """Three customers whom nobody has called in time."""
    made = [
        office.customer(name, phones=(f"1380013800{n}",)) for n, name in enumerate(("张三", "王五", "赵四"))
    ]
    clock.move(days=2)
    return made


async def press(pilot, *keys):
    await pilot.press(*keys)
    await pilot.pause()
    await pilot.pause()


def names(pilot):
    return {row.cells[0] for row in pilot.app.screen.query_one(VirtualList).known().values()}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("slash", SLASHES)
@pytest.mark.parametrize("typed", ["zs", "8000", "张"])
async def test_the_to_do_list_is_narrowed_as_one_types(office, at_work, lines, slash, typed):
    async with at_work(office, Go("todo")) as pilot:
        await press(pilot, slash, *typed)
        assert pilot.app.screen.typed.value == typed
        assert len(names(pilot)) == (1 if typed != "zs" else 2)
        assert "张三" in names(pilot)
        assert any(i18n.t("customers.hits", count=len(names(pilot))) in line for line in lines(pilot.app))
        await press(pilot, "escape")
        assert names(pilot) == {"张三", "王五", "赵四"}
        assert pilot.app.screen.rows.has_focus


@pytest.mark.usefixtures("shop")
async def test_a_narrowed_row_is_opened_by_enter_and_the_tabs_count_what_is_left(office, at_work, lines):
    async with at_work(office, Go("todo")) as pilot:
        await press(pilot, "slash", *"wangwu")
        assert any("[" in line and " 1]" in line for line in lines(pilot.app)[:4])
        await press(pilot, "enter")
        assert "王五" in "\n".join(lines(pilot.app))


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("slash", SLASHES)
@pytest.mark.parametrize("place", ["customers", "leads"])
async def test_a_slash_typed_first_is_no_part_of_a_search(office, at_work, place, slash):
    async with at_work(office, Go(place)) as pilot:
        await press(pilot, slash, "z")
        assert pilot.app.screen.typed.value == "z"
        await press(pilot, "tab", slash, "s")
        assert pilot.app.screen.typed.value == "zs"


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("slash", SLASHES)
async def test_on_the_board_it_opens_the_search_with_the_cursor_in_the_field(office, at_work, slash):
    async with at_work(office, Go("board")) as pilot:
        await press(pilot, slash, *"ww")
        assert isinstance(pilot.app.screen, CustomersScreen)
        assert names(pilot) == {"王五"}


@pytest.mark.parametrize("slash", SLASHES)
async def test_on_the_panel_it_opens_the_filters(office, at_work, slash):
    async with at_work(office, Go("panel"), number="4001") as pilot:
        await press(pilot, slash)
        assert isinstance(pilot.app.screen, FilterDialog)


@pytest.mark.parametrize("place", ["todo", "customers", "leads", "board", "panel"])
async def test_the_help_names_it(office, at_work, lines, place):
    async with at_work(office, Go(place), number="4001", size=(80, 60)) as pilot:
        await press(pilot, "f1")
        shown = "\n".join(lines(pilot.app))
        assert any(" / " in f"{line} " for line in shown.splitlines()), shown


async def test_a_lead_is_found_by_its_initials(office, at_work):
    with office.desk._books.write() as tx:
        for number, name in enumerate(("刘先生", "马女士")):
            tx.insert(
                lead,
                id=f"lead-{number}",
                branch_id=office.units["Jingan"],
                owner_id=office.people["6001"],
                name=name,
                phone="",
                source="展会",
                status="new",
                created_on=date(2026, 1, 5),
                extra={},
            )
    async with at_work(office, Go("leads")) as pilot:
        await press(pilot, *"lx")
        assert names(pilot) == {"刘先生"}
