"""The board: legible at 80x24, one cursor, pages on demand."""

from typing import Any

import pytest
from rich.cells import cell_len
from textual import on
from textual.app import App

from crm_tui import i18n
from crm_tui.widgets.board import VirtualBoard
from crm_tui.widgets.cards import BoardColumn, Card, CardLists
from crm_tui.widgets.keys import KeyOrder
from crm_tui.widgets.rows import Anchor

NAMES = ["线索", "初步接触", "需求确认", "方案报价", "谈判推进", "成交"]
HOSTILE = [
    "[/]",
    "[@click=app.quit()]x",
    "\x1b]0;owned\x07名",
    "a\nb",
    "北京恒信装饰工程有限公司",
    "𠀀张",
    "😀三",
    "王五",
]


class Deals:
    """Six columns of any length; notes every page asked for."""

    def __init__(self, *sizes: int) -> None:
        self.sizes = dict(zip([f"s{n}" for n in range(6)], sizes, strict=True))
        self.asked: list[tuple[str, int]] = []
        self.places: dict[str, tuple[str, int]] = {}

    async def columns(self):
        return [
            BoardColumn(key, NAMES[n], f"{size} 8.6万 3.4天", size)
            for n, (key, size) in enumerate(self.sizes.items())
        ]

    async def cards(self, column_id: str, offset: int, limit: int, near: Anchor | None):
        self.asked.append((column_id, offset))
        last = min(offset + limit, self.sizes[column_id])
        return [card(f"{column_id}-{n}") for n in range(offset, last)]

    async def place_of(self, card_id: str):
        if card_id in self.places:
            return self.places[card_id]
        column, _, row = card_id.partition("-")
        return column, int(row)


def card(card_id: str, title: str = "张三丰", mark: str = "!2天") -> Card:
    return Card(card_id, title, mark, "地砖 未定 新")


class BoardApp(KeyOrder, App[Any]):
    def __init__(self, source: Any) -> None:
        super().__init__()
        self.board = VirtualBoard(source)
        self.heard: list[tuple[str, Any]] = []

    def compose(self):
        yield self.board

    @on(VirtualBoard.CursorMoved)
    def focused_card(self, message: VirtualBoard.CursorMoved) -> None:
        self.heard.append(("focused", message.row_id))

    @on(VirtualBoard.Opened)
    def opened(self, message: VirtualBoard.Opened) -> None:
        self.heard.append(("opened", message.row_id))

    @on(VirtualBoard.SelectionChanged)
    def selected(self, message: VirtualBoard.SelectionChanged) -> None:
        self.heard.append(("selected", message.count))


@pytest.fixture(autouse=True)
def chinese():
    i18n.use("zh_CN")
    yield
    i18n.use("en")


def shown(board: VirtualBoard) -> list[str]:
    return [board.render_line(y).text for y in range(board.size.height)]


async def test_five_columns_of_eight_cards_are_legible_in_the_body_of_80_by_24():
    app = BoardApp(Deals(12, 9, 8, 8, 8, 2))
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.press("right")
        lines = shown(app.board)
        assert lines[0] == " 线索           [初步接触]       需求确认        方案报价        谈判推进       "
        assert lines[1].startswith(" 12 8.6万 3.4天  9 8.6万 3.4天")
        assert lines[2] == "--------------  " * 5
        assert lines[3] == " 张三丰 !2天    >张三丰 !2天     张三丰 !2天     张三丰 !2天     张三丰 !2天    "
        assert lines[4] == "  地砖 未定 新    地砖 未定 新    地砖 未定 新    地砖 未定 新    地砖 未定 新  "
        assert lines[17].count("张三丰") == 5
        assert lines[19].rstrip().endswith("右移还有1列 >>")
        assert "1/9" in lines[19]
        assert all(cell_len(line) == 80 for line in lines)
        assert all(ord(char) < 0x2500 or ord(char) > 0x25FF for char in "".join(lines))


async def test_names_people_typed_stay_literal_and_the_mark_is_never_cut():
    columns = [BoardColumn("s", "[/]阶段[b]一个很长的阶段名字", "\x1b[31m7", len(HOSTILE))]
    columns += [BoardColumn(f"s{n}", "空", "0", 0) for n in range(4)]
    cards = [Card(str(n), name, "!12天", name, "alarm") for n, name in enumerate(HOSTILE)]
    app = BoardApp(CardLists(columns, {"s": cards}))
    async with app.run_test(size=(80, 20)):
        lines = shown(app.board)
        assert lines[0].startswith("[[/]阶段[b]..]")
        assert lines[3].startswith(">[/] !12天")
        assert lines[5].startswith(" [@clic.. !12天")
        assert lines[7].startswith(" ]0;own.. !12天")
        assert lines[3][16:].split() == ["无", "无", "无", "无"]
        assert "\x1b" not in "".join(lines)
        assert all(cell_len(line) == 80 for line in lines)


async def test_fifty_thousand_cards_cost_the_pages_on_the_screen():
    source = Deals(50_000, 5, 5, 5, 5, 5)
    app = BoardApp(source)
    async with app.run_test(size=(80, 20)) as pilot:
        assert {offset for _, offset in source.asked} == {0}
        await pilot.press("end", "up")
        assert app.board.cursor_id == "s0-49998"
        assert len([1 for column, _ in source.asked if column == "s0"]) <= 3


async def test_beside_the_cursor_goes_to_the_card_at_the_same_height():
    app = BoardApp(Deals(30, 4, 0, 30, 1, 1))
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.press("down", "down", "right")
        assert app.board.place == (1, 2)
        await pilot.press("right")
        assert (app.board.column_id, app.board.cursor_id) == ("s2", "")
        assert app.heard[-1] == ("focused", "")
        assert ">无" in shown(app.board)[3]


async def test_hidden_columns_come_when_the_cursor_goes_there():
    app = BoardApp(Deals(3, 3, 3, 3, 3, 3))
    async with app.run_test(size=(40, 12)) as pilot:
        assert "右移还有4列 >>" in shown(app.board)[11]
        await pilot.press("right", "right", "right", "right", "right")
        assert app.board.cursor_id == "s5-0"
        lines = shown(app.board)
        assert "[成交]" in lines[0]
        assert "<< 左移还有4列" in lines[11]
        assert ">张三丰" in lines[3]
        assert all(cell_len(line) == 40 for line in lines)


async def test_a_reload_follows_the_card_into_its_new_column():
    source = Deals(3, 3, 3, 3, 3, 3)
    app = BoardApp(source)
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.press("down")
        source.places["s0-1"] = ("s1", 2)
        await app.board.reload()
        assert app.board.place == (1, 2)
        assert shown(app.board)[0].count("[") == 1
        await app.board.reload(to="s5-1")
        assert app.board.cursor_id == "s5-1"


async def test_space_selects_and_enter_opens():
    app = BoardApp(Deals(3, 3, 3, 3, 3, 3))
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.press("space", "down", "ctrl+j")
        assert app.board.selection.ids == {"s0-0"}
        assert app.heard[-1] == ("opened", "s0-1")
        lines = shown(app.board)
        assert (lines[3][0], lines[4][0], lines[5][0]) == ("*", "*", ">")
        assert app.board.clear_selection()
        assert not app.board.clear_selection()


async def test_a_click_focuses_and_a_second_one_opens():
    app = BoardApp(Deals(3, 3, 3, 3, 3, 3))
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.click(VirtualBoard, offset=(20, 6))
        assert app.board.place == (1, 1)
        await pilot.click(VirtualBoard, offset=(20, 6))
        assert app.heard[-1] == ("opened", "s1-1")


async def test_a_board_without_columns_is_blank_and_takes_every_key():
    app = BoardApp(CardLists([], {}))
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.press("down", "right", "end", "space", "enter", "pagedown")
        assert app.board.cursor_id == ""
        assert {line.strip() for line in shown(app.board)} == {""}
