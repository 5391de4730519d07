"""The door in a real terminal: lock, wrong PINs, signals, and the terminal as it was before."""

import os
import signal

import pytest

pytestmark = pytest.mark.e2e


def write_settings(home, text):
    (home / "settings.toml").write_text(text, "utf-8")


def shows_no_customer(terminal):
    told = ("看板", "线索", "万", "周宏峰")
    terminal.until(lambda me: not any(words in me.text for words in told))  # painted to its end
    assert not any(words in terminal.scrolled_away for words in told)


def test_the_lock_leaves_no_customer_on_screen_or_in_the_scrollback(at_board):
    board = at_board()
    board.press("ctrl+l")
    board.until("PIN", lambda me: "线索" not in me.text)
    shows_no_customer(board)
    board.press("1234", "enter")
    board.until("移阶", "[线索]")


def test_a_counter_nobody_touches_locks_itself(start, home, facts):
    write_settings(home, "idle_minutes = 0\n")
    door = start()
    door.until("PIN", "工号")
    door.press("up", "ctrl+u", facts.number, "enter", facts.pin, "enter")
    door.until("已锁屏", lambda me: "线索" not in me.text)
    shows_no_customer(door)


def test_five_wrong_pins_lock_over_a_restart(start, facts):
    door = start()
    door.until("PIN", "工号")
    for left in (4, 3, 2, 1, 0):
        door.press("up", "ctrl+u", facts.number, "enter", "9999", "enter")
        door.until("!!", f"还可再试 {left} 次" if left else "15 分钟")
    door.press("f12")
    assert door.ended() == 0
    again = start()
    again.until("PIN")
    again.press("up", "ctrl+u", facts.number, "enter", "1234", "enter")
    again.until("!!")
    assert "看板" not in again.settle()


def test_keys_typed_before_the_desk_is_open_are_not_lost(start, facts):
    door = start()
    door.press(facts.number, "enter", "1234", "enter")
    door.until("移阶", "[线索]")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP], ids=["kill", "closed window"])
def test_a_signal_ends_the_program_and_the_terminal_is_as_before(at_board, restored, how):
    board = at_board()
    board.press("f3")
    board.until("需求变化")
    board.kill(how)
    board.ended()
    restored(board)


def test_leaving_by_ctrl_c_leaves_the_terminal_as_before(at_board, restored):
    board = at_board()
    board.press("ctrl+c")
    assert board.ended() == 0
    restored(board)


def test_an_unforeseen_end_restores_the_terminal_and_shows_no_values(at_board, home, restored, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "from crm_tui.screens.board import BoardScreen\n"
        "def crash(self):\n"
        "    secret = '13800138000'\n"
        "    raise RuntimeError(secret)\n"
        "BoardScreen.action_new = crash\n",
        "utf-8",
    )
    path = os.pathsep.join([str(broken), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    board = at_board(environment={"PYTHONPATH": path})
    board.press("f7")
    assert board.ended() == 1
    restored(board)
    assert "13800138000" not in board.text
    assert "RuntimeError" in board.trouble
    (home / "trouble.log").unlink()


def test_two_counters_on_one_home_both_write_and_see_each_other_on_f5(at_board):
    one, two = at_board(), at_board()
    one.press("shift+right")
    one.until("Ctrl+Z")
    two.press("down", "f3")
    two.until("需求变化")
    two.press("enter", "要大一号", "enter", "enter", "送图册", "f10")
    two.until("已保存")
    two.press("f5")
    one.settle()
    two.until(lambda me: me.lines[3] == one.lines[3])
    one.press("f5")
    one.until("已刷新", lambda me: me.lines[3] == two.lines[3])
    assert one.lines[5:-2] != []
