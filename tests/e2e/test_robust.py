"""What a shop does to a program: windows that change size, hostile names, keys in bursts, an idle counter."""

import json
import sqlite3
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from crm_tui.demo import measured, open_demo
from crm_tui.desk import Desk
from crm_tui.queries.customers import customers_page
from crm_tui.settings import Home

pytestmark = pytest.mark.e2e

SIZES = ((120, 40), (80, 24), (60, 20), (40, 12), (20, 5), (120, 40), (40, 12), (80, 24))
WINDOWS = {
    "filter": ("f4",),
    "stage": ("f6",),
    "palette": ("ctrl+p",),
    "help": ("f1",),
    "follow-up": ("f3", "enter", "改哑光"),
    "customer": ("f7", "新来的"),
    "quick": ("f9", "13912345678 张三"),
    "customers": ("f2", "zh"),
    "panel": ("ctrl+g", "5"),
}


def rows(home, question, *values):
    with sqlite3.connect(home / "crm.db") as data:
        return data.execute(question, values).fetchall()


def back_to_board(terminal):
    for _ in range(6):
        terminal.press("escape")
        terminal.settle()
        if terminal.lines[-1].startswith("1帮助") and "[线索]" in terminal.lines[2]:
            return
    raise AssertionError(f"no way back to the board:\n{terminal.text}")


def test_a_window_that_changes_size_under_any_open_window_comes_back_as_it_was(at_board):
    board = at_board()
    for name, keys in WINDOWS.items():
        board.press(*keys)
        board.settle()
        before = board.lines[:-2]
        for columns, lines in SIZES:
            board.resize(columns, lines)
            board.read(0.02)  # a storm: the next size comes while the last one is still being drawn
        board.settle()
        assert board.child.isalive()
        assert not board.trouble, name
        board.until(lambda me, was=before: me.lines[:-2] == was)
        back_to_board(board)


@pytest.mark.parametrize("size", [(60, 20), (40, 12)], ids=["60x20", "40x12"])
def test_a_small_window_shows_what_it_can_of_every_screen(at_board, size):
    board = at_board(size=size)
    for name, keys in WINDOWS.items():
        board.press(*keys)
        board.settle()
        assert not board.trouble, name
        assert all(cell_len(line) <= size[0] for line in board.lines), name
        assert any(line.strip() for line in board.lines), name
        for _ in range(4):
            board.press("escape")
            board.settle()


def test_sixteen_keys_at_once_on_the_board_take_effect_one_after_the_other(at_board, home):
    board = at_board()
    board.settle()
    before = board.lines[3:22]
    board.press(*("shift+right", "ctrl+z") * 8)
    board.until("Ctrl+Y", lambda _: rows(home, "SELECT count(*) FROM outbox") == [(16,)])
    board.until(lambda me: me.lines[3:22] == before)


def test_two_hundred_keys_at_once_move_two_hundred_lines_among_ten_thousand(start, tmp_path):
    shop = Home(tmp_path / "large")
    now = datetime(2026, 1, 8, 2, 42, tzinfo=UTC)
    facts = open_demo(shop, measured(10_000, 400, 400), lambda: now)
    desk = Desk.open(shop.database, clock=lambda: now)
    desk.log_in(rows(shop.path, "SELECT id FROM person WHERE number = '1002'")[0][0], facts.pin)
    wanted = desk.answer(customers_page, offset=200, limit=1).lines[0].name
    after = desk.answer(customers_page, offset=193, limit=1).lines[0].name
    desk.close()
    terminal = start(at=shop.path)
    terminal.until("PIN")
    terminal.press("1002", "enter", facts.pin, "enter")
    terminal.until("^P", "移阶")
    terminal.press("f2", *["down"] * 200, "enter")
    terminal.until("时间线", wanted)
    terminal.press("escape", *["up"] * 7, "enter")
    terminal.until("时间线", after)


def test_windows_lie_over_the_screen_they_were_opened_on(at_board):
    board = at_board()
    for keys in (("f6",), ("f4",), ("ctrl+g",)):
        board.press(*keys)
        board.until("[线索]", lambda me: "+--" in me.text)
        board.press("escape")
        board.until(lambda me: "+--" not in me.text)


def test_an_ideographic_comma_searches_like_a_slash(at_board):
    board = at_board()
    for comma in ("/", "、"):
        board.press("f2", "tab")
        board.until("命中")
        board.press(comma, "zh")
        board.until("命中", lambda me: me.lines[2].split("[")[1].startswith("zh"))
        names = {line[2:].split()[0] for line in board.settle().splitlines()[5:21] if line[2:].strip()}
        hits = int(board.lines[2].rpartition("命中")[2])
        assert 0 < len(names) <= hits < 51
        back_to_board(board)


def test_hostile_names_are_only_text_on_the_board_the_profile_and_in_forms(at_board, home, facts):
    hostile = "\x1b]0;owned\x07王\x1b[31m\u202e[@click=app.quit()]"
    with sqlite3.connect(home / "crm.db") as data:
        data.execute("UPDATE customer SET name = ? WHERE owner_id = ?", (hostile, facts.person_id))
    board = at_board()
    for keys in ((), ("f4",), ("enter",), ("f3",), ("f6",), ("f8",), ("f2",), ("f3",)):
        board.press(*keys)
        board.settle()
        assert "owned" in board.text or keys == ("f4",)
        assert not board.trouble, keys
        if keys == ("f4",):
            board.press("escape")
    assert not any("owned" in title for title in board.picture.titles)
    assert b"\x1b]0;owned" not in board.written
    assert "\u202e".encode() not in board.written


def test_an_idle_counter_locks_over_a_form_and_keeps_what_was_typed(start, home, facts):
    (home / "settings.toml").write_text("idle_minutes = 0\n", "utf-8")
    door = start()
    for _ in range(8):  # the lock may fall before the text is there: then once more
        door.until("PIN", "工号")
        door.press("up", "ctrl+u", facts.number)
        door.until("剩余尝试")  # what is typed on while the data is being opened takes the PIN back
        door.press("enter", facts.pin, "enter", "f3", "enter", "还没说完")
        door.until("已锁屏")
        kept = rows(home, "SELECT answers FROM draft")
        if kept:
            break
    assert json.loads(kept[0][0])["need_change"] == "还没说完"
    for words in ("需求变化", "还没说完", "周宏峰", "线索"):
        assert words not in door.settle()
        assert words not in door.scrolled_away
    door.press("up", "ctrl+u", facts.number, "enter", facts.pin, "enter")
    door.until("还没说完")
