"""Of two programs one edits a customer: the other one's form is read only, says why, and opens by itself."""

from __future__ import annotations

from typing import Any

import pytest

from crm_tui.commands.customers import EditCustomer
from crm_tui.desk import Desk
from crm_tui.desk.leases import Leases
from crm_tui.desk.link import Link
from crm_tui.i18n import t
from crm_tui.queries.profile import profile
from crm_tui.store.engine import open_engine
from crm_tui.sync.http import HttpHub
from crm_tui.widgets import leased
from crm_tui.widgets.navigation import Go

HELD = "Sue Team is editing this customer, free in 5 min."


class Second:
    """Another program on the same home, in which the supervisor works."""

    def __init__(self, office: Any, in_line: Any) -> None:
        office.as_person("6001")
        self.customer_id = office.customer("张三", note="old")
        self.desk = Desk(
            open_engine(office.desk._books.path),
            clock=office.clock,
            ids=office.desk._books.ids,
            writer=in_line,
            reader=in_line,
        )
        self.desk.log_in(office.people["5001"], office.pin)

    async def takes(self) -> bool:
        return (await self.desk.leases.take(self.customer_id, self)).mine

    def lets_go(self) -> None:
        self.desk.leases.let_go(self.customer_id, self)

    def form(self) -> Go:
        return Go("customer_form", customer_id=self.customer_id)


@pytest.fixture
def second(office: Any, in_line: Any) -> Any:
    made = Second(office, in_line)
    yield made
    made.desk.close()


async def look(pilot: Any) -> None:
    pilot.app.screen.look()
    await pilot.pause()
    await pilot.pause()


def text(pilot: Any, key: str) -> str:
    return str(pilot.app.screen.text(key))


async def test_who_comes_second_reads_who_edits_and_for_how_long_and_changes_nothing(second, office, at_work):
    assert await second.takes()
    async with at_work(office, second.form()) as pilot:
        screen = pilot.app.screen
        assert screen.message == HELD
        before = dict(screen.answers())
        await pilot.press("x", "1", "backspace", "ctrl+u", "enter")
        for row in screen.form.rows:
            row.field.focus()
            await pilot.press("2", "left", "space", "x", "backspace", "ctrl+k")
        assert pilot.app.screen is screen, "a digit is not a search here"
        assert dict(screen.answers()) == before
        screen.say("")
        await pilot.press("f10")
        assert screen.message == HELD
        screen.say("")
        await pilot.press("f4")
        assert (pilot.app.screen, screen.message) == (screen, HELD)
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.screen.message != t("drafting.kept")
    assert office.desk.answer(profile, second.customer_id).name == "张三"


async def test_a_paste_into_a_form_that_is_read_only_changes_nothing(second, office, at_work):
    from textual import events

    assert await second.takes()
    async with at_work(office, second.form()) as pilot:
        screen = pilot.app.screen
        before = dict(screen.answers())
        for row in screen.form.rows:
            row.field.focus()
            pilot.app.post_message(events.Paste("2"))
            await pilot.pause()
        assert dict(screen.answers()) == before


async def test_the_minutes_go_down_and_the_form_opens_by_itself_with_the_fresh_values(
    second, office, at_work
):
    assert await second.takes()
    async with at_work(office, second.form()) as pilot:
        office.clock.move(minutes=3, seconds=20)
        await look(pilot)
        assert pilot.app.screen.message == "Sue Team is editing this customer, free in 2 min."
        second.desk.carry_out(EditCustomer(customer_id=second.customer_id, name="张三丰", note="fresh"))
        second.lets_go()
        await look(pilot)
        assert pilot.app.screen.message == t("leased.free")
        assert (text(pilot, "name"), text(pilot, "note")) == ("张三丰", "fresh")
        assert "张三丰" in pilot.app.screen.title
        await pilot.press("end", "x", "f10")
        await pilot.pause()
        await pilot.pause()
    assert office.desk.answer(profile, second.customer_id).name == "张三丰x"


async def test_the_form_looks_by_itself(second, office, at_work, monkeypatch):
    monkeypatch.setattr(leased, "LOOK_SECONDS", 0.02)
    assert await second.takes()
    async with at_work(office, second.form()) as pilot:
        second.lets_go()
        for _ in range(500):
            await pilot.pause(0.01)
            if pilot.app.screen.message == t("leased.free"):
                break
        assert not pilot.app.screen.form.read_only


@pytest.mark.parametrize("keys", [("escape",), ("end", "x", "f10"), ("x", "escape"), ("ctrl+l",)])
async def test_the_customer_is_free_once_the_form_is_left(second, office, at_work, keys):
    async with at_work(office, second.form()) as pilot:
        assert not await second.takes()
        await pilot.press(*keys)
        await pilot.pause()
        await pilot.pause()
        assert await second.takes()


async def test_the_end_of_the_program_frees_the_customer(second, office, at_work):
    async with at_work(office, second.form()):
        assert not await second.takes()
    office.desk.close()
    assert await second.takes()


async def test_behind_the_lock_the_form_asks_again(second, office, at_work):
    async with at_work(office, second.form()) as pilot:
        await pilot.press("ctrl+l")
        await pilot.pause()
        assert await second.takes()
        await pilot.press(*office.pin, "enter")
        await pilot.pause()
        await pilot.pause()
        assert pilot.app.screen.message == HELD
        assert pilot.app.screen.form.read_only


async def test_while_somebody_types_the_lease_lasts(second, office, at_work, monkeypatch):
    async with at_work(office, second.form()) as pilot:
        monkeypatch.setattr(leased, "RENEW_SECONDS", 0)
        for _ in range(3):
            await pilot.press("x")
            await pilot.pause()
            office.clock.move(minutes=4)
        assert not await second.takes()


async def test_the_lease_is_renewed_at_most_once_a_minute(second, office, at_work, monkeypatch):
    async with at_work(office, second.form()) as pilot:
        asked = []
        take = office.desk.leases.take
        monkeypatch.setattr(office.desk.leases, "take", lambda *more: asked.append(more) or take(*more))
        await pilot.press(*"many keys")
        await look(pilot)
        assert asked == []
        pilot.app.screen._asked_at -= leased.RENEW_SECONDS
        await look(pilot)
        await pilot.press(*"more")
        await look(pilot)
        assert len(asked) == 1


async def test_who_types_nothing_loses_the_lease_and_keeps_what_was_typed(
    second, office, at_work, monkeypatch
):
    async with at_work(office, second.form()) as pilot:
        await pilot.press("end", "x")
        await pilot.pause()
        office.clock.move(minutes=6)
        assert await second.takes()
        monkeypatch.setattr(leased, "RENEW_SECONDS", 0)
        await pilot.press("y")
        await pilot.pause()
        await pilot.pause()
        screen = pilot.app.screen
        assert screen.message == "Sue Team has taken over, free in 5 min. What you typed is kept."
        await pilot.press("z")
        assert text(pilot, "name") == "张三xy"
        second.desk.carry_out(EditCustomer(customer_id=second.customer_id, name="李四", note="fresh"))
        second.lets_go()
        await look(pilot)
        assert (text(pilot, "name"), screen.form.read_only) == ("张三xy", False)
        await pilot.press("f10")
        await pilot.pause()
        await pilot.pause()
        assert "李四" in screen.message, "what somebody else wrote is not overwritten unseen"
    assert office.desk.answer(profile, second.customer_id).name == "李四"


async def test_where_nobody_can_be_asked_the_form_says_so_and_takes_keys(second, office, at_work):
    desk = office.desk
    link = Link(desk._books, HttpHub("http://127.0.0.1:1", "d", "s"), machine="m")
    desk.leases = Leases(desk._books, desk.door, link, desk._writer)
    async with at_work(office, second.form()) as pilot:
        for _ in range(500):
            await pilot.pause(0.01)
            if pilot.app.screen.message:
                break
        assert pilot.app.screen.message == t("refused.lease_unasked")
        await pilot.press("end", "x", "f10")
        await pilot.pause()
        await pilot.pause()
    link.stop()
    assert office.desk.answer(profile, second.customer_id).name == "张三x"


async def test_a_new_customer_is_nobody_elses(office, at_work, monkeypatch):
    asked = []
    monkeypatch.setattr(office.desk.leases, "take", lambda *more: asked.append(more))
    async with at_work(office, Go("customer_form")) as pilot:
        await pilot.press("x")
        await look(pilot)
        assert (asked, pilot.app.screen.form.read_only) == ([], False)


@pytest.mark.parametrize(
    "case",
    [("tags", "急", {"tags": ("复式",)}), ("phones", "137 0013 7000", {"phones": ("13900139001",)})],
    ids=lambda case: case[0],
)
async def test_where_two_edit_all_the_same_the_second_is_told_what_the_first_one_wrote(
    second, office, at_work, case
):
    key, typed, between = case
    office.give(EditCustomer(customer_id=second.customer_id, phones=("13800138000",), tags=("旧",)))
    async with at_work(office, second.form()) as pilot:
        screen = pilot.app.screen
        second.desk.carry_out(EditCustomer(customer_id=second.customer_id, **between))
        stands = office.desk.answer(profile, second.customer_id)
        screen.form.fill({key: typed})
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        await pilot.pause()
        assert "meanwhile" in screen.message
        assert text(pilot, key) == typed
    assert office.desk.answer(profile, second.customer_id) == stands
