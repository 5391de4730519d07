"""The follow-up form in a real terminal: six keys, gaps, drafts, the end in the middle of it."""

import json
import signal
import sqlite3

import pytest

pytestmark = pytest.mark.e2e


def rows(home, question):
    with sqlite3.connect(home / "crm.db") as data:
        return data.execute(question).fetchall()


def said(home):
    return rows(home, "SELECT need_change, next_step FROM follow_up ORDER BY occurred_at, id")[-1]


def the_form(terminal):
    """F3, and wait for the form."""
    terminal.press("f3")
    terminal.until("渠道", "需求变化", "客户 ")


@pytest.mark.parametrize("enter", ["enter", "keypad enter", "ctrl+j"])
def test_a_follow_up_takes_six_keys_beside_its_words_even_as_one_burst(at_board, home, enter):
    board = at_board()
    before = len(rows(home, "SELECT id FROM follow_up"))
    board.press("f3", enter, "改哑光", enter, enter, "送样品", enter, "f10")
    board.until("已保存")
    assert len(rows(home, "SELECT id FROM follow_up")) == before + 1
    assert said(home) == ("改哑光", "送样品")
    assert rows(home, "SELECT count(*) FROM draft") == [(0,)]


def test_a_gap_is_named_and_the_cursor_stands_in_its_line(at_board, home):
    board = at_board()
    before = len(rows(home, "SELECT id FROM follow_up"))
    the_form(board)
    board.press("f10")
    board.until("必填", lambda me: me.cursor[1] == me.line_of("需求变化"))
    assert len(rows(home, "SELECT id FROM follow_up")) == before


def test_the_cursor_stands_right_behind_chinese_text_and_a_paste_goes_field_by_field(at_board):
    board = at_board()
    the_form(board)
    board.press("f10")
    board.until("必填", lambda me: me.lines[me.cursor[1]].startswith(">需求变化"))
    board.settle()
    start = board.cursor[0]
    board.press("张三丰")
    board.until("张三丰", lambda me: me.cursor[0] == start + 6)
    board.press("escape")
    board.until("草稿已保存")
    board.press("f7")
    board.until("姓名")
    board.press("\x1b[200~钱小红\t13900139001\t\x1b[201~")
    board.until("钱小红", "139 0013 9001")
    board.press("escape")
    board.until("草稿已保存")


def test_a_form_that_was_only_looked_at_leaves_no_draft_and_ctrl_c_asks_nothing(at_board, home):
    board = at_board()
    the_form(board)
    board.press("escape")
    board.until("移阶")
    assert "草稿" not in board.settle()
    the_form(board)
    board.press("ctrl+c")
    assert board.ended() == 0
    assert rows(home, "SELECT count(*) FROM draft") == [(0,)]


def test_ctrl_c_with_unsaved_text_asks_once_and_the_draft_is_kept(at_board, home):
    board = at_board()
    the_form(board)
    board.press("enter", "想换一款", "ctrl+c")
    board.until("退出程序")
    board.press("escape")
    board.until(lambda me: "退出程序" not in me.text)
    assert "想换一款" in board.text
    board.press("ctrl+q")
    board.until("退出程序")
    board.press("f10")
    assert board.ended() == 0
    ((kept,),) = rows(home, "SELECT answers FROM draft")
    assert json.loads(kept)["need_change"] == "想换一款"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "kill"])
def test_what_was_typed_outlives_the_program(at_board, home, how):
    board = at_board()
    the_form(board)
    board.press("enter", "x", "未说完")
    board.until("x未说完")
    if how == signal.SIGKILL:
        board.until(lambda _: bool(rows(home, "SELECT 1 FROM draft")))
    board.kill(how)
    board.ended()
    again = at_board()
    again.press("f3")
    again.until("x未说完", "草稿")


def test_an_answer_that_is_refused_is_named_under_its_field_and_the_text_stays(at_board, home):
    board = at_board()
    before = len(rows(home, "SELECT id FROM follow_up"))
    the_form(board)
    board.press("enter", "改哑光", "enter", "enter", "送样品", "enter", "ctrl+u", "120", "f10")
    board.until("改哑光", "送样品", "! 下次联系太远")
    assert len(rows(home, "SELECT id FROM follow_up")) == before
