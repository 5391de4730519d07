"""A list whose first answer has not come does not say that nothing was found."""

from __future__ import annotations

from textual.app import App, ComposeResult

from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.rows import Column, ListSource, NotAsked, Row


class OneList(App[None]):
    def compose(self) -> ComposeResult:
        yield VirtualList([Column("name", "Name", flex=1)], NotAsked(), empty="Nobody")


def first_line(shown: VirtualList) -> str:
    return "".join(segment.text for segment in shown.render_line(1)).strip()


async def test_a_list_is_only_called_empty_once_it_was_answered():
    async with OneList().run_test() as pilot:
        shown = pilot.app.query_one(VirtualList)
        assert first_line(shown) in {"", ".."}
        shown._lose_patience()
        assert first_line(shown) == ".."
        await shown.show(ListSource())
        assert first_line(shown) == "Nobody"
        await shown.show(ListSource([Row("1", ("Vera",))]))
        assert first_line(shown).split() == [">", "Vera"]
