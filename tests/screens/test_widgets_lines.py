"""The long list: cursor, selection and pages, on a source that counts what it is asked."""

from typing import Any

import pytest
from rich.cells import cell_len
from textual import on
from textual.app import App

from crm_tui import i18n
from crm_tui.widgets import paging
from crm_tui.widgets.keys import KeyOrder
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.rows import Anchor, Column, ListSource, Row, Selection

COLUMNS = [
    Column("name", "姓名", width=8),
    Column("phone", "手机", width=11, drop=1),
    Column("amount", "金额", width=7, align="right"),
    Column("next", "下一步", width=6, flex=1, drop=2),
]
HOSTILE = [
    "[/]",
    "[@click=app.quit()]x",
    "\x1b]0;owned\x07名",
    "a\nb\tc",
    "\u202eevil",
    "北京恒信装饰工程有限公司",
    "𠀀张",
    "😀三",
]


def row(number: int, name: str = "") -> Row:
    return Row(f"c{number}", (name or f"客户{number}", "138****8000", f"{number}.0万", "送样品"))


class Endless:
    """A source of any size that notes every page asked for."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.asked: list[tuple[int, int, Anchor | None]] = []

    async def count(self) -> int:
        return self.size

    async def page(self, offset: int, limit: int, near: Anchor | None) -> list[Row]:
        self.asked.append((offset, limit, near))
        return [row(number) for number in range(offset, min(offset + limit, self.size))]

    async def index_of(self, row_id: str) -> int | None:
        return int(row_id[1:]) if int(row_id[1:]) < self.size else None


class ListApp(KeyOrder, App[Any]):
    def __init__(self, source: Any) -> None:
        super().__init__()
        self.lines = VirtualList(COLUMNS, source)
        self.heard: list[tuple[str, Any]] = []

    def compose(self):
        yield self.lines

    @on(VirtualList.CursorMoved)
    def moved(self, message: VirtualList.CursorMoved) -> None:
        self.heard.append(("moved", message.row_id))

    @on(VirtualList.Opened)
    def opened(self, message: VirtualList.Opened) -> None:
        self.heard.append(("opened", message.row_id))

    @on(VirtualList.SelectionChanged)
    def selected(self, message: VirtualList.SelectionChanged) -> None:
        self.heard.append(("selected", message.count))


@pytest.fixture(autouse=True)
def chinese():
    i18n.use("zh_CN")
    yield
    i18n.use("en")


def shown(lines: VirtualList) -> list[str]:
    return [lines.render_line(y).text for y in range(lines.size.height)]


async def test_only_the_pages_around_the_cursor_are_asked_for_in_a_million_rows():
    source = Endless(1_000_000)
    app = ListApp(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("end", "up", "pageup")
        assert app.lines.cursor == 1_000_000 - 1 - 1 - 22
        assert app.lines.cursor_id == "c999976"
        assert all(limit == 100 for _, limit, _ in source.asked)
        assert {offset for offset, _, _ in source.asked} <= {0, 999_800, 999_900}
        assert source.asked[1][2] is not None


async def test_the_cursor_is_a_mark_and_every_line_is_as_wide_as_the_window():
    app = ListApp(ListSource([row(n, name) for n, name in enumerate(HOSTILE)]))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        lines = shown(app.lines)
        assert all(cell_len(line) == 80 for line in lines)
        assert lines[0].startswith("  姓名")
        assert lines[1].startswith("  [/]")
        assert lines[2].startswith("> [@clic..")
        assert lines[3].startswith("  ]0;owned") is False
        assert lines[3].startswith("  ]0;own..")
        assert lines[6].startswith("  北京恒.. 138")
        assert not any(char in "".join(lines) for char in "\x1b\x07\u202e\n\t")
        assert len({cell_len(line.split("138")[0]) for line in lines[1:9]}) == 1


async def test_space_picks_a_row_and_the_mark_says_so():
    app = ListApp(Endless(30))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "down", "down", "ideographic_space")
        lines = shown(app.lines)
        assert (lines[1][:2], lines[2][:2], lines[3][:2]) == (" *", "  ", ">*")
        assert app.lines.selection == Selection(ids=frozenset({"c0", "c2"}))
        await pilot.press("space")
        assert ("selected", 2) in app.heard
        assert app.heard[-1] == ("selected", 1)


async def test_shift_and_arrows_select_a_range_that_can_shrink_again():
    app = ListApp(Endless(30))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "shift+down", "shift+down", "shift+down")
        assert app.lines.selection.ids == {"c1", "c2", "c3", "c4"}
        await pilot.press("shift+up")
        assert app.lines.selection.ids == {"c1", "c2", "c3"}


async def test_all_of_the_filter_may_be_selected_minus_some():
    app = ListApp(Endless(1000))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+a", "space")
        assert app.lines.selection == Selection(everything=True, ids=frozenset({"c0"}))
        assert app.lines.selected_count == 999
        assert app.lines.clear_selection()
        assert not app.lines.clear_selection()


async def test_the_cursor_keeps_its_row_when_rows_come_in_above_it():
    source = ListSource([row(n) for n in range(50)])
    app = ListApp(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "down", "down")
        source.rows.insert(0, row(99))
        await app.lines.reload()
        assert (app.lines.cursor, app.lines.cursor_id) == (4, "c3")
        source.rows.clear()
        await app.lines.reload()
        await pilot.pause()
        assert app.heard[-1] == ("moved", "")
        assert "没有内容" in shown(app.lines)[1]


async def test_another_filter_starts_at_its_first_row():
    app = ListApp(Endless(50))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "space")
        await app.lines.show(ListSource([row(7), row(1)]))
        assert (app.lines.cursor_id, app.lines.selected_count) == ("c7", 0)
        await app.lines.show(ListSource([row(7), row(1)]), to="c1")
        assert app.lines.cursor_id == "c1"


@pytest.mark.parametrize("key", ["enter", "ctrl+j"])
async def test_enter_of_either_kind_opens_the_row(key):
    app = ListApp(Endless(5))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("end", key)
        assert app.heard[-1] == ("opened", "c4")


async def test_a_click_moves_the_cursor_and_a_second_one_opens():
    app = ListApp(Endless(5))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.click(VirtualList, offset=(5, 3))
        assert app.lines.cursor == 2
        await pilot.click(VirtualList, offset=(5, 3))
        assert app.heard[-1] == ("opened", "c2")


async def test_a_row_changed_by_others_carries_a_mark_until_its_time_is_over(monkeypatch):
    monkeypatch.setattr(paging, "FLASH_SECONDS", 0.01)
    source = ListSource([row(n) for n in range(5)])
    app = ListApp(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        source.rows[1:3] = [row(3, "新名字"), row(2)]
        del source.rows[3]
        app.lines.by_others = True
        await app.lines.reload()
        assert [line[:2] for line in shown(app.lines)[1:5]] == ["  ", ">~", "  ", "  "]
        while shown(app.lines)[2].startswith(">~"):
            await pilot.pause()


async def test_what_one_does_oneself_carries_no_mark():
    source = ListSource([row(n) for n in range(5)])
    app = ListApp(source)
    async with app.run_test(size=(80, 24)):
        source.rows[2] = row(2, "新名字")
        await app.lines.reload()
        assert not any("~" in line for line in shown(app.lines))


async def test_a_narrow_window_leaves_whole_columns_out():
    app = ListApp(Endless(5))
    async with app.run_test(size=(24, 12)):
        lines = shown(app.lines)
        assert "下一步" not in lines[0]
        assert "手机" not in lines[0]
        assert "0.0万" in lines[1]
        assert all(cell_len(line) == 24 for line in lines)
