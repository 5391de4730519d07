"""What others do meanwhile: rows go, cards move, and whoever looks at them keeps a footing."""

import pytest

from crm_tui.app import CrmApp
from crm_tui.commands.customers import ArchiveCustomer, EditCustomer
from crm_tui.commands.deals import MoveDeal
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.desk import Desk
from crm_tui.desk.link import LINK
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.paging import Paged
from crm_tui.widgets.picker import Picker

KINDS = frozenset({"customer", "deal", "stage_visit", "contact_plan", "follow_up", LINK})


@pytest.fixture
def shop(office):
    """Three customers of the clerk 6001 with a deal each, as (customer, deal) ids."""
    made = []
    for number, name in enumerate(("王一", "王二", "王三")):
        customer_id = office.customer(name, phones=(f"1380013800{number}",))
        made.append((customer_id, office.deal(customer_id)))
    return made


@pytest.fixture
def elsewhere(office, database, clock, ids, in_line):
    """The branch manager at another counter; gives the way to act there."""
    other = Desk(database, clock=clock, ids=ids, writer=in_line, reader=in_line)
    other.log_in(office.people["4001"], office.pin)

    def act(command):
        (verdict,) = other.carry_out(command)
        assert verdict.applied, verdict

    return act


async def news(pilot):
    """Let the screen hear that the hub brought something."""
    pilot.app.post_message(CrmApp.Changed(KINDS))
    await pilot.pause()
    await pilot.pause()


def paged(pilot):
    return pilot.app.screen.query(Paged).first()


@pytest.mark.usefixtures("shop")
async def test_a_card_moved_by_another_takes_the_cursor_along_and_is_marked(
    office, elsewhere, at_work, lines
):
    async with at_work(office, Go("board")) as pilot:
        board = paged(pilot)
        deal_id = board.cursor_id
        elsewhere(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
        await news(pilot)
        assert (board.column_id, board.cursor_id) == ("contact", deal_id)
        (marked,) = [line for line in lines(pilot.app) if "~" in line]
        assert marked.index("~") == 16


@pytest.mark.usefixtures("shop")
async def test_what_one_moves_oneself_is_not_marked(office, at_work, lines):
    async with at_work(office, Go("board")) as pilot:
        await pilot.press("shift+right")
        await pilot.pause()
        assert paged(pilot).column_id == "contact"
        assert not any("~" in line for line in lines(pilot.app))


async def test_a_card_that_goes_while_its_stages_are_picked_moves_nowhere(office, shop, elsewhere, at_work):
    async with at_work(office, Go("board")) as pilot:
        screen, board = pilot.app.screen, paged(pilot)
        deal_id = board.cursor_id
        customer_id = next(customer for customer, deal in shop if deal == deal_id)
        await pilot.press("f6")
        assert isinstance(pilot.app.screen, Picker)
        elsewhere(ArchiveCustomer(customer_id=customer_id))
        await news(pilot)
        await pilot.press("1")
        await pilot.pause()
        assert pilot.app.screen is screen
        assert screen.message
        assert board.cursor_id in {deal for _, deal in shop} - {deal_id}


@pytest.mark.parametrize("place", ["customers", "todo"])
async def test_a_row_that_goes_leaves_the_cursor_on_the_next_one(office, shop, elsewhere, at_work, place):
    office.clock.move(days=30)
    async with at_work(office, Go(place)) as pilot:
        rows = paged(pilot)
        rows.focus()
        gone = rows.cursor_id
        assert (rows.count, gone != "") == (3, True)
        elsewhere(ArchiveCustomer(customer_id=gone))
        await news(pilot)
        assert rows.count == 2
        assert rows.cursor_id in {customer for customer, _ in shop} - {gone}
        await pilot.press("down", "up", "enter")
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "ProfileScreen"


@pytest.mark.parametrize("place", ["customers", "todo"])
async def test_rows_that_go_while_a_window_is_open_are_not_given_away(
    office, shop, elsewhere, at_work, place
):
    office.clock.move(days=30)
    async with at_work(office, Go(place)) as pilot:
        screen, rows = pilot.app.screen, paged(pilot)
        rows.focus()
        await pilot.press("ctrl+a", "ctrl+t")
        await pilot.pause()
        for customer_id, _ in shop:
            elsewhere(ArchiveCustomer(customer_id=customer_id))
        await news(pilot)
        await pilot.press(*"vip", "enter")
        await pilot.pause()
        assert pilot.app.screen is screen
        assert (rows.count, rows.cursor_id) == (0, "")
        await pilot.press("ctrl+r", "ctrl+n", "f3", "enter", "space", "down")
        await pilot.pause()
        assert pilot.app.screen is screen


@pytest.mark.usefixtures("shop")
async def test_the_row_another_renamed_is_marked_and_keeps_the_cursor(office, elsewhere, at_work, lines):
    async with at_work(office, Go("customers")) as pilot:
        rows = paged(pilot)
        rows.focus()
        await pilot.press("down")
        renamed = rows.cursor_id
        elsewhere(EditCustomer(customer_id=renamed, name="安一"))
        await news(pilot)
        assert rows.cursor_id == renamed
        (marked,) = [line for line in lines(pilot.app) if "~" in line]
        assert marked.startswith(">~安一")


async def test_a_customer_given_to_another_branch_stays_readable_as_it_was_and_says_so(
    office, shop, elsewhere, at_work
):
    customer_id = shop[0][0]
    async with at_work(office, Go("profile", customer_id=customer_id)) as pilot:
        elsewhere(
            ReassignCustomer(
                customer_id=customer_id,
                to_owner_id=office.people["6003"],
                expected_owner_id=office.people["6001"],
                reason="balance",
            )
        )
        await news(pilot)
        assert pilot.app.screen.message
        await pilot.press("f6", "escape", "tab", "f7", "escape", "escape")
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "BoardScreen"
