"""Nobody works at a terminal that has not met its hub for longer than the lease."""

from datetime import timedelta

import pytest

from crm_tui import i18n
from crm_tui.screens.login import LoginScreen
from crm_tui.store.drafts import drafts_of


async def quiet(pilot):
    """Wait until nobody works aside: the log-in and a round ask the hub in threads of their own."""
    groups = ("enter", "watching", "measure", "meet", "standing")
    for _ in range(3):
        await pilot.pause()
        await pilot.app.workers.wait_for_complete([one for one in pilot.app.workers if one.group in groups])
    await pilot.pause()


@pytest.mark.parametrize("later", [timedelta(days=8), timedelta(days=-2)], ids=["too late", "set back"])
async def test_nobody_stays_longer_than_the_lease_and_what_was_typed_is_kept(shop, run_at, later):
    desk = shop.terminal("mine")
    app, running = run_at(desk)
    async with running as pilot:
        await pilot.pause()
        await pilot.press(*"6001", "enter", *"2468", "enter")
        await quiet(pilot)
        await pilot.press("f7")
        await quiet(pilot)
        app.screen.form.fill({"name": "刚录的"})
        app.look_who_may_stay()
        await quiet(pilot)
        assert not isinstance(app.screen, LoginScreen)
        desk.way.cut = True
        shop.clock.now += later
        app.look_who_may_stay()
        await quiet(pilot)
        assert isinstance(app.screen, LoginScreen)
        assert app.screen.message == i18n.t("refused.lease_over", days=7)
        with desk._books.read() as tx:
            (kept,) = drafts_of(tx, shop.people["6001"])
        assert kept.answers["name"] == "刚录的"
        await pilot.press(*"2468", "enter")
        await quiet(pilot)
        assert isinstance(app.screen, LoginScreen)
        desk.way.cut = False
        await pilot.press(*"2468", "enter")
        await quiet(pilot)
        assert not isinstance(app.screen, LoginScreen)
