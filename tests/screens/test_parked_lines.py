"""Esc in a window with one line loses nothing: the same question brings back what was typed."""

import pytest

from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.line_dialog import LineDialog
from crm_tui.widgets.navigation import Go


async def press(pilot, *keys):
    await pilot.press(*keys)
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("key", ["ctrl+n", "ctrl+t"])
async def test_a_line_comes_back_and_typing_replaces_it(office, at_work, key):
    office.customer("王一")
    async with at_work(office, Go("customers")) as pilot:
        await press(pilot, "tab", key, *"sofa", "escape")
        assert not isinstance(pilot.app.screen, LineDialog)
        await press(pilot, key)
        assert pilot.app.screen._field.value == "sofa"
        await press(pilot, *"oak")
        assert pilot.app.screen._field.value == "oak"


async def test_a_line_that_was_taken_does_not_come_back(office, at_work):
    office.customer("王一")
    async with at_work(office, Go("customers")) as pilot:
        await press(pilot, "tab", "ctrl+t", *"sofa", "escape")
        await press(pilot, "ctrl+t", "enter")
        assert "sofa" in pilot.app.screen.message
        await press(pilot, "ctrl+t")
        assert pilot.app.screen._field.value == ""


async def test_somebody_else_does_not_see_the_line(office, at_work):
    office.customer("王一")
    async with at_work(office, Go("customers")) as pilot:
        await press(pilot, "tab", "ctrl+t", *"sofa", "escape")
    assert office.desk.drawer.find("line", "tag").answers == {"text": "sofa"}
    office.as_person("4001")
    assert office.desk.drawer.find("line", "tag") is None


async def test_a_typed_reason_comes_back(office, at_work):
    office.deal(office.customer("王一"))
    office.as_person("4001")
    async with at_work(office, Go("board"), number="4001") as pilot:
        await press(pilot, "f6", "3")
        assert isinstance(pilot.app.screen, Confirm)
        await press(pilot, *"known", "escape")
        assert not isinstance(pilot.app.screen, Confirm)
        await press(pilot, "f6", "3")
        assert pilot.app.screen._reason.value == "known"
