"""The sync screen's figures: where both sides stand, drafts, what goes on without the hub, its terminals."""

import asyncio
import re
import unicodedata
from datetime import timedelta

import pytest
from rich.cells import cell_len

from crm_tui import i18n
from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.desk import outlook as outlooks
from crm_tui.domain.follow_up import DRAFT_FORM
from crm_tui.hub.tables import device
from crm_tui.screens.sync import SyncScreen
from crm_tui.store.tables import org_unit
from crm_tui.sync.messages import HubError, Say
from crm_tui.widgets.hub_window import HubWindow
from crm_tui.widgets.picker import Picker

HOSTILE = "[/]\x1b]0;owned\x07[@click=app.quit()]店\u202ex"


def give(desk, *commands):
    verdicts = desk.carry_out(*commands)
    assert all(one.applied for one in verdicts), verdicts
    return verdicts[0].details


async def done(pilot):
    """Wait for the work aside too: threads that talk to the hub."""
    for _ in range(3):
        await pilot.pause()
        groups = ("measure", "meet", "standing", "devices")
        waited = [one for one in pilot.app.workers if one.group in groups]
        if waited:  # none would mean all of them, those of an open window too
            await pilot.app.workers.wait_for_complete(waited)
        await pilot.pause()


async def arrive(pilot, number="6001"):
    await pilot.pause()
    await pilot.press(*number, "enter", *"2468", "enter")
    await done(pilot)
    await pilot.press("ctrl+g", "0")
    await done(pilot)


def said(lines, app, word):
    """Return the line of the screen that has this word."""
    return next((line for line in lines(app) if word in line), "")


async def test_it_says_how_far_both_sides_are_and_what_lies_between(shop, run_at, lines):
    desk, other = shop.terminal("mine"), shop.terminal("other", "6003")
    app, running = run_at(desk)
    async with running as pilot:
        await arrive(pilot)
        assert re.search(r"here #(\d+)  hub #\1  apart 0", said(lines, app, "Reached"))
        give(other, CreateCustomer(name="一"), CreateCustomer(name="二"))
        other.link.run()
        app.screen._measure()
        await done(pilot)
        here, hub, apart = map(int, re.findall(r"\d+", said(lines, app, "Reached")))
        assert hub - here == apart > 0
        await pilot.press("f5")
        await done(pilot)
        assert f"here #{hub}  hub #{hub}  apart 0" in said(lines, app, "Reached")


async def test_of_a_hub_that_is_away_nothing_is_made_up_and_the_time_without_it_is_said(shop, run_at, lines):
    desk = shop.terminal("mine")
    app, running = run_at(desk)
    async with running as pilot:
        await arrive(pilot)
        desk.way.cut = True
        shop.clock.move(minutes=12)
        await pilot.press("f5")
        await done(pilot)
        assert "the hub is away: its own figure is not known" in said(lines, app, "Reached")
        assert "ms" not in said(lines, app, "10.2.0.5")
        assert said(lines, app, "Without the hub").startswith(" Offline; met 12 min ago. ")
        shop.clock.move(hours=3)
        app.screen._show_head()
        await pilot.pause()
        assert " Offline; met 3 h ago. " in said(lines, app, "Without the hub")
        desk.way.cut = False
        await pilot.press("f5")
        await done(pilot)
        assert "apart 0" in said(lines, app, "Reached")
        assert "Offline" not in said(lines, app, "Without the hub")


async def test_a_hub_that_does_not_know_the_question_is_not_spoken_for(shop, run_at, lines, monkeypatch):
    desk = shop.terminal("mine")

    def unknown(_request):
        raise HubError(Say.NOT_A_HUB, url="x")

    monkeypatch.setattr(desk.way, "position", unknown)
    app, running = run_at(desk)
    async with running as pilot:
        await arrive(pilot)
        assert "the hub does not say how far it is" in said(lines, app, "Reached")


async def test_a_hub_that_was_put_back_and_a_terminal_that_stands_elsewhere_are_said(shop, run_at, lines):
    desk = shop.terminal("mine")
    at = desk.link.state().standing
    assert at.last_met is not None
    app, running = run_at(desk)
    async with running as pilot:
        await arrive(pilot)
        with desk._books.write() as tx:
            tx.connection.exec_driver_sql("UPDATE sync_cursor SET rev = rev + 5 WHERE space = ''")
        await app.screen.redraw()
        await done(pilot)
        assert "the hub is 5 behind" in said(lines, app, "Reached")
        with shop.books.write() as tx:
            own = device.c.device_id == desk.way._device
            tx.update_where(device, own, unit_id=shop.office.units["Xuhui"])
        app.screen._measure()
        await done(pilot)
        assert "to be fetched anew" in said(lines, app, "Reached")


async def test_the_drafts_of_who_is_logged_in_are_counted(shop, run_at, lines):
    desk = shop.terminal("mine")
    shop.introduce(desk, "6002")
    desk.drawer.keep(DRAFT_FORM, "c1", {"need_change": "x"})
    shop.introduce(desk, "6001")
    for one in ("c1", "c2"):
        desk.drawer.keep(DRAFT_FORM, one, {"need_change": "x"})
    app, running = run_at(desk)
    async with running as pilot:
        await arrive(pilot)
        assert "drafts 2" in said(lines, app, "Waiting  0")


async def test_f4_leaves_what_waits_or_is_not_applied_and_escape_brings_all_back(shop, run_at, lines):
    desk, other = shop.terminal("mine"), shop.terminal("other", "6003")
    made = give(desk, CreateCustomer(name="张三"))["customer_id"]
    desk.link.run()
    give(other, CreateCustomer(name="周强", phones=("13900139000",)))
    other.link.run()
    give(desk, EditCustomer(customer_id=made, address="长江路 8 号", phones=("13900139000",)))
    desk.link.run()
    give(desk, *(CreateCustomer(name=f"等{n}") for n in range(3)))
    app, running = run_at(desk)
    async with running as pilot:
        await arrive(pilot)
        everything = app.screen._rows.count
        assert everything == 5
        for digit, count, name in (("2", 3, "waiting"), ("3", 1, "not applied")):
            await pilot.press("f4")
            await pilot.pause()
            assert isinstance(app.screen, Picker)
            await pilot.press(digit)
            await done(pilot)
            assert app.screen._rows.count == count
            assert lines(app)[0].startswith(f" Sync: {name}")
        assert said(lines, app, "Edit a customer").startswith(">")
        await pilot.press("escape")
        await done(pilot)
        assert isinstance(app.screen, SyncScreen)
        assert app.screen._rows.count == everything
        await pilot.press("f4", "2")
        await done(pilot)
        desk.link.run()
        await app.screen.redraw()
        await done(pilot)
        assert any("There is none of these" in line for line in lines(app))


async def test_everything_that_waits_is_listed_however_much_there_is(shop, run_at):
    desk = shop.terminal("mine")
    for n in range(130):
        give(desk, CreateCustomer(name=f"等{n}"))
    app, running = run_at(desk)
    async with running as pilot:
        await arrive(pilot)
        assert app.screen._rows.count == 100
        await pilot.press("f4", "2")
        await done(pilot)
        assert app.screen._rows.count == 130


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_an_administrator_sees_every_terminal_by_literal_names(*, shop, run_at, lines, size, language):
    i18n.use(language)
    desk, other = shop.terminal("office", "1001"), shop.terminal("till", "6003")
    give(other, CreateCustomer(name="一"))
    ahead = other._books.watch._clock
    other._books.watch._clock = lambda: ahead() + timedelta(minutes=9)
    other.link.run()
    with shop.books.write() as tx:
        tx.update_where(device, device.c.name == "till", name=HOSTILE, status="frozen")
        tx.update_where(org_unit, org_unit.c.name == "Jingan", name=HOSTILE)
    app, running = run_at(desk, size)
    async with running as pilot:
        await arrive(pilot, "1001")
        await pilot.press("f8")
        await done(pilot)
        assert isinstance(app.screen, HubWindow)
        shown = lines(app)
        assert all(cell_len(line) <= size[0] for line in shown)
        words = "\n".join(shown)
        assert "owned" not in app.title
        assert not {one for one in words if unicodedata.category(one) in {"Cc", "Cf"} - {"\n"}} - {"\n"}
        if size[0] >= 80:
            assert f"office ({desk.way._device[-8:]})" in words
            assert {"zh_CN": "快 9 分", "en": "9 min fast"}[language] in words
            assert {"zh_CN": "已停用", "en": "frozen"}[language] in words
            assert "[/]" in words
        await pilot.press("down", "enter")
        await pilot.pause()
        assert isinstance(app.screen, SyncScreen)
        assert app.is_running


async def test_without_the_right_one_sentence_says_so(shop, run_at):
    desk = shop.terminal("mine", "4001")
    app, running = run_at(desk)
    async with running as pilot:
        await arrive(pilot, "4001")
        await pilot.press("f8")
        await done(pilot)
        assert isinstance(app.screen, SyncScreen)
        assert app.screen.message == i18n.t("refused.not_allowed", right=i18n.t("work.right.manage_people"))


async def test_without_the_hub_one_sentence_says_so(shop, run_at):
    boss = shop.terminal("office", "1001")
    app, running = run_at(boss)
    async with running as pilot:
        await arrive(pilot, "1001")
        boss.way.cut = True
        await pilot.press("d")
        await done(pilot)
        assert isinstance(app.screen, SyncScreen)
        assert app.screen.message == i18n.t("refused.hub_needed")


async def test_a_terminal_that_works_alone_says_that_there_are_no_others(office, run_at, lines):
    office.desk.log_out()
    app, running = run_at(office.desk)
    async with running as pilot:
        await arrive(pilot, "1001")
        assert "works alone" in said(lines, app, "alone")
        assert not any("Without the hub" in line for line in lines(app))
        await pilot.press("f8")
        await done(pilot)
        assert app.screen.message == i18n.t("refused.devices_alone")


async def test_keys_are_heard_while_the_hub_takes_its_time(shop, run_at, monkeypatch):
    boss = shop.terminal("office", "1001")
    held = []

    async def slow(work):
        held.append(work)
        return await waiting.wait() and work()

    app, running = run_at(boss)
    async with running as pilot:
        waiting = asyncio.Event()
        await arrive(pilot, "1001")
        monkeypatch.setattr(outlooks, "aside", slow)
        await pilot.press("f8")
        await pilot.pause()
        assert held
        assert app.screen.message == "Asking the hub .."
        await pilot.press("f4")
        await pilot.pause()
        assert isinstance(app.screen, Picker)
        waiting.set()
        await done(pilot)
        assert isinstance(app.screen, Picker), "nothing comes over a window that was opened meanwhile"
        await pilot.press("escape")


async def test_the_screen_behind_a_lock_goes_on_without_anybody(shop, run_at):
    desk = shop.terminal("mine")
    app, running = run_at(desk)
    async with running as pilot:
        await arrive(pilot)
        screen = app.screen
        await pilot.press("ctrl+l")
        await pilot.pause()
        assert not desk.is_logged_in
        screen._show_head()
        screen._measure()
        await done(pilot)
        assert app.is_running


@pytest.mark.parametrize("language", ["zh_CN", "en"])
async def test_a_tiny_window_shows_the_list(shop, run_at, lines, language):
    i18n.use(language)
    desk = shop.terminal("mine")
    give(desk, CreateCustomer(name="张三"))
    app, running = run_at(desk, (40, 12))
    async with running as pilot:
        await arrive(pilot)
        desk.way.cut = True
        await pilot.press("f5")
        await done(pilot)
        assert all(cell_len(line) <= 40 for line in lines(app))
        assert any(line.startswith(">") for line in lines(app))
