"""The board in a real terminal: what is seen first, moving cards, help, sizes."""

import re
import sqlite3

import pytest
from rich.cells import cell_len

pytestmark = pytest.mark.e2e

BAR = "1帮助 2客户 3跟进 4筛选 5刷新 6移阶 7新建 8待办 9快录 10保存 12返回 ^P命令"


def counts(terminal):
    """The number of cards in each column shown."""
    return [int(one) for one in re.findall(r"(?:^|\s)(\d+) [\d.,]+万?", terminal.lines[3])]


def card(terminal):
    """The line of the card under the cursor."""
    return next(line for line in terminal.lines[5:22] if ">" in line)


def outbox(home):
    with sqlite3.connect(home / "crm.db") as data:
        return data.execute("SELECT count(*) FROM outbox").fetchone()[0]


def test_the_board_names_its_keys_and_moves_a_card_there_and_back(at_board):
    board = at_board()
    assert board.lines[-1] == BAR
    assert all(cell_len(line) <= 80 for line in board.lines)
    before, first = board.settle(), counts(board)
    board.press("shift+right")
    board.until("Ctrl+Z", lambda me: counts(me)[:2] == [first[0] - 1, first[1] + 1])
    board.press("ctrl+z")
    board.until("Ctrl+Y", lambda me: me.lines[:-2] == before.splitlines()[:-2])
    board.press("》")
    board.until("Ctrl+Z", lambda me: counts(me)[:2] == [first[0] - 1, first[1] + 1])
    board.press("《")
    board.until(lambda me: counts(me) == first)


def test_help_is_the_same_by_each_of_its_keys_and_the_board_stays_as_it_was(at_board):
    board = at_board()
    board.press("down", "down")
    board.settle()
    before, seen = board.text, set()
    for key in ("f1", "?", "？"):
        board.press(key)
        board.until("F6", "Shift")
        seen.add("\n".join(board.settle().splitlines()[1:]))
        board.press("escape")
        board.until(BAR)
        assert board.settle() == before
    assert len(seen) == 1


def test_the_help_list_is_reached_to_its_end_without_a_mouse(at_board):
    board = at_board()
    board.press("f1", "f1")
    seen, last = board.until("全部按键", "Ctrl+G"), ""
    while board.text != last:
        last = board.text
        board.press("\x1b[6~")
        seen += board.settle()
    for key in ("F1", "F2", "F3", "F5", "F8", "F9", "F10", "Ctrl+G", "Ctrl+L", "Ctrl+P", "Ctrl+Z", "Ctrl+Y"):
        assert key in seen


def test_a_closed_gate_lists_what_is_missing_and_nothing_is_sent(at_board, home):
    board = at_board()
    first = counts(board)
    board.press("right")
    board.until("[初步接触]")
    for _ in range(first[1]):  # the first card whose gate is closed opens the checklist
        sent = outbox(home)
        board.press("shift+right")
        board.until(lambda me: "Ctrl+Z" in me.message or "离开条件" in me.text)
        if "离开条件" in board.text:
            break
        board.press("ctrl+z")
        board.until("Ctrl+Y", lambda me: counts(me) == first)
        board.press("down")
        board.until(lambda me: "Ctrl+Y" in me.message)
    board.until("*", lambda _: outbox(home) == sent)
    board.press("escape")
    board.until(BAR, lambda me: counts(me) == first)
    assert outbox(home) == sent


def test_every_size_of_window_is_alive_and_keeps_the_card_under_the_cursor(at_board):
    board = at_board()
    board.press("down", "down")
    board.settle()
    name = card(board).split()[0].lstrip(">").split("..")[0]
    for columns, lines in ((120, 40), (80, 24), (60, 20), (40, 12), (20, 5), (80, 24)):
        board.resize(columns, lines)
        board.until(lambda me, w=columns: all(cell_len(line) <= w for line in me.lines))
        if lines >= 12:
            board.until(f">{name}", lambda me: me.lines[-1].startswith("1帮助"))
    board.until(lambda me: me.lines[-1] == BAR)


def test_esc_and_f12_on_the_board_stay_on_the_board(at_board):
    board = at_board()
    board.press("escape")
    board.until("Ctrl+C", BAR)
    board.press("f12", "f12", "f12")
    board.settle()
    assert "[线索]" in board.text


def test_ctrl_g_jumps_by_digit_and_letter_and_shows_the_list_to_who_hesitates(at_board):
    board = at_board()
    for keys, wanted in (
        (("3",), "待办"),
        (("5",), "仪表盘"),
        (("１",), "看板"),
        (("c",), "客户"),
        (("b",), "看板"),
    ):
        board.press("ctrl+g", *keys)
        board.until(lambda me, wanted=wanted: me.lines[0].strip().startswith(wanted))
    board.press("ctrl+g")
    board.until("看板", "待办", "设置", lambda me: "+--" in me.text)
    board.press("escape")
    board.until(lambda me: "+--" not in me.text)
