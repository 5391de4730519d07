"""The sync screen and the header: what waits, what was refused, and what a person does about it."""

import os
import re
import unicodedata
from pathlib import Path

import pytest
from rich.cells import cell_len

from crm_tui import i18n
from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.domain.errors import Refused
from crm_tui.hub.tables import device
from crm_tui.queries.outbox import last_commands, open_commands, sync_lines
from crm_tui.screens.follow_up import FollowUpScreen
from crm_tui.screens.login import LoginScreen
from crm_tui.screens.sync import SyncScreen
from crm_tui.store.tables import customer
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.form_window import FormWindow
from crm_tui.widgets.words_window import WordsWindow

GOLDENS = Path(__file__).parent / "goldens"


def give(desk, *commands):
    verdicts = desk.carry_out(*commands)
    assert all(one.applied for one in verdicts), verdicts
    return verdicts[0].details


@pytest.fixture
def taken(shop):
    """A clerk whose number for a customer belongs, as the hub knows, to somebody else's customer."""
    mine = shop.terminal("mine")
    other = shop.terminal("other", "6003")
    made = give(mine, CreateCustomer(name="张三"))["customer_id"]
    mine.link.run()
    shop.theirs = give(other, CreateCustomer(name="周强", phones=("13900139000",)))["customer_id"]
    other.link.run()
    give(mine, EditCustomer(customer_id=made, address="长江路 8 号", phones=("13900139000",)))
    mine.link.run()
    return mine


async def arrive(pilot, *, number="6001"):
    await pilot.pause()
    await pilot.press(*number, "enter", *"2468", "enter")
    await done(pilot)
    await pilot.press("ctrl+g", "0")
    await done(pilot)


async def done(pilot):
    """Wait for the work aside too: threads that talk to the hub."""
    for _ in range(3):
        await pilot.pause()
        waited = [one for one in pilot.app.workers if one.group in ("measure", "meet", "standing")]
        await pilot.app.workers.wait_for_complete(waited)
        await pilot.pause()


def states(desk):
    return {one.kind: one.state for one in desk.answer(last_commands)}


async def test_the_header_says_in_sync_offline_and_refused(shop, run_at, lines):
    desk = shop.terminal("mine")
    app, running = run_at(desk)
    async with running as pilot:
        await arrive(pilot)
        assert "Synced 10:42" in lines(app)[0]
        desk.way.cut = True
        give(desk, CreateCustomer(name="一"), CreateCustomer(name="二"))
        await pilot.press("f5")
        await done(pilot)
        assert "Offline 2" in lines(app)[0]
        assert app.screen.message.startswith("The hub cannot be reached")
        desk.way.cut = False
        await pilot.press("f5")
        await done(pilot)
        assert "Synced 10:42" in lines(app)[0]
        assert re.match(r"Sent 2, received \d+\.", app.screen.message)


async def test_a_refused_command_stands_first_with_its_reason_and_everything_typed(taken, run_at, lines):
    app, running = run_at(taken)
    async with running as pilot:
        await arrive(pilot)
        assert "Refused 1" in lines(app)[0]
        first = next(line for line in lines(app) if line.startswith(">"))
        assert "张三" in first
        assert "refused" in first
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, WordsWindow)
        shown = "\n".join(lines(app))
        assert "长江路 8 号" in shown
        assert "13900139000" in shown


async def test_a_corrected_command_takes_the_place_of_the_refused_one(taken, shop, run_at):
    app, running = run_at(taken)
    async with running as pilot:
        await arrive(pilot)
        await pilot.press("f6")
        await pilot.pause()
        assert isinstance(app.screen, FormWindow)
        form = app.screen.query_one("#form")
        form.fill({"phones": "13700137000"})
        await pilot.press("f10")
        await done(pilot)
        assert isinstance(app.screen, SyncScreen)
        assert app.screen.message == "Corrected and given again."
    old, new = (one for one in reversed(taken.answer(last_commands)) if one.kind == "edit_customer")
    assert (old.state, new.supersedes) == ("superseded", old.cmd_id)
    assert taken.answer(open_commands) == 0
    taken.link.run()
    assert states(taken)["edit_customer"] in ("applied", "superseded")
    assert [one.supersedes for one in shop.log() if one.kind == "edit_customer"] == ["", old.cmd_id]


async def test_what_is_given_up_is_asked_once_and_stays_in_the_history(taken, run_at, lines):
    app, running = run_at(taken)
    async with running as pilot:
        await arrive(pilot)
        await pilot.press("x")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        await pilot.press("f10")
        await done(pilot)
        assert app.screen.message.startswith("Given up")
        assert "Synced" in lines(app)[0]
        assert any("given up" in line for line in lines(app))
    assert states(taken)["edit_customer"] == "discarded"


async def test_a_command_that_is_refused_again_here_stays_on_the_list(taken, run_at):
    app, running = run_at(taken)
    async with running as pilot:
        await arrive(pilot)
        with taken._books.write() as tx:
            tx.update_where(customer, customer.c.name == "张三", archived_at=taken.now())
        await pilot.press("r")
        await done(pilot)
        assert app.screen._message_line.tone == "error"
    assert taken.answer(open_commands) == 1


async def test_a_command_tried_again_is_dealt_with(taken, shop, run_at):
    other = shop.desks[1]
    give(other, EditCustomer(customer_id=shop.theirs, phones=()))
    other.link.run()
    taken.link.run()
    app, running = run_at(taken)
    async with running as pilot:
        await arrive(pilot)
        await pilot.press("f7")
        await done(pilot)
        assert app.screen.message == "Given again."
    taken.link.run()
    assert taken.answer(open_commands) == 0
    assert [one.status for one in shop.log() if one.kind == "edit_customer"].count("applied") == 2


async def test_what_cannot_be_corrected_becomes_the_text_of_a_follow_up(shop, run_at):
    desk, boss = shop.terminal("mine", "4001"), shop.terminal("boss", "4001")
    made = give(boss, CreateCustomer(name="李四"))["customer_id"]
    boss.link.run()
    desk.link.run()
    gone = {"customer_id": made, "expected_owner_id": shop.people["4001"], "reason": "other"}
    give(boss, ReassignCustomer(to_owner_id=shop.people["6003"], **gone))
    boss.link.run()
    give(desk, ReassignCustomer(to_owner_id=shop.people["6001"], **gone))
    desk.link.run()
    assert states(desk)["reassign_customer"] == "rejected"
    app, running = run_at(desk)
    async with running as pilot:
        await arrive(pilot, number="4001")
        await pilot.press("c")
        await done(pilot)
        assert isinstance(app.screen, FollowUpScreen)
        form = app.screen.query_one("#form")
        assert "refused" in form.values()["need_change"]


def test_only_what_was_refused_can_be_dealt_with_and_only_once(taken):
    taken.log_in(taken.answer(last_commands)[0].actor_id, "2468")
    (one,) = (one for one in taken.answer(sync_lines) if one.state == "rejected")
    taken.inbox.discard(one.cmd_id)
    with pytest.raises(Refused, match="command_settled"):
        taken.inbox.discard(one.cmd_id)
    with pytest.raises(Refused, match="command_settled"):
        taken.inbox.again(one.cmd_id)


def test_a_clerk_has_no_business_with_what_was_refused_to_another(taken, shop):
    (one,) = (one for one in taken.answer(sync_lines) if one.state == "rejected")
    shop.introduce(taken, "6002")
    assert not any(line.cmd_id == one.cmd_id for line in taken.answer(sync_lines))
    with pytest.raises(Refused, match="not_allowed"):
        taken.inbox.discard(one.cmd_id)


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_sync_screen_is_what_its_golden_says(*, taken, run_at, lines, size, language):
    i18n.use(language)
    give(taken, CreateCustomer(name="钱二"))
    app, running = run_at(taken, size)
    async with running as pilot:
        await arrive(pilot)
        shown = [re.sub(r"\d+ ?ms", "38ms", line).rstrip() for line in lines(app)]
    assert all(cell_len(line) <= size[0] for line in shown)
    assert not {one for line in shown for one in line if unicodedata.east_asian_width(one) == "A"}
    golden = GOLDENS / f"sync_{size[0]}x{size[1]}_{language}.txt"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text("\n".join(shown) + "\n", "utf-8")
    assert "\n".join(shown) + "\n" == golden.read_text("utf-8")


async def test_somebody_new_at_this_terminal_is_let_in_by_the_hub(shop, run_at, lines):
    desk = shop.terminal("mine", number="")
    app, running = run_at(desk)
    async with running as pilot:
        await pilot.pause()
        await pilot.press(*"6001")
        await pilot.pause()
        assert any("the hub checks the PIN" in line for line in lines(app))
        desk.way.cut = True
        await pilot.press("enter", *"2468", "enter")
        await let_in(pilot)
        assert isinstance(app.screen, LoginScreen)
        assert app.screen._message_line.tone == "error"
        desk.way.cut = False
        await pilot.press(*"2468", "enter")
        await let_in(pilot)
        assert not isinstance(app.screen, LoginScreen)


async def test_a_terminal_that_was_frozen_locks_at_once_and_says_so(shop, run_at):
    desk = shop.terminal("mine")
    app, running = run_at(desk)
    async with running as pilot:
        await arrive(pilot)
        with shop.books.write() as tx:
            tx.update_where(device, device.c.device_id == desk.way._device, status="frozen")
        await pilot.press("f5")
        await done(pilot)
        await pilot.pause()
        assert isinstance(app.screen, LoginScreen)
        assert app.screen.message == i18n.t("refused.hub_frozen")


async def let_in(pilot):
    """Wait for the log-in, which asks the hub in a thread of its own."""
    entering = [one for one in pilot.app.workers if one.group == "enter"]
    await pilot.app.workers.wait_for_complete(entering)
    await pilot.pause()
    await pilot.pause()
