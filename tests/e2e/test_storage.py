"""The disk and who else is on it: full while saving, two programs at once, pipes of the command line."""

import json
import os
import re
import resource
import sqlite3
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e

NO_LIMIT = resource.RLIM_INFINITY
NOW = "2026-01-08T02:42:00+00:00"


def rows(home, question, *values):
    with sqlite3.connect(home / "crm.db") as data:
        return data.execute(question, values).fetchall()


def environment():
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return kept | {"CRM_TUI_PIN": "1234", "CRM_LANG": "en", "PYTHONUTF8": "1", "LANG": "C.UTF-8"}


def command_line(home, number, *words, typed=""):
    """Run a verb to its end as the person of this number."""
    return subprocess.run(
        [sys.executable, "-m", "crm_tui", "--home", str(home), "--as", number, "--clock", NOW, *words],
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(),
        check=False,
    )


def form_with_text(terminal, need):
    """F3 with all that is mandatory filled in, the cursor in the next step."""
    terminal.press("f3")
    terminal.until("需求变化")
    terminal.press("enter", need, "enter", "enter", "送图册")
    terminal.until(need, "送图册")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process are Linux's")
def test_a_full_disk_is_said_and_everything_typed_stays_until_there_is_room(at_board, home):
    board = at_board(environment={"PYTHONDONTWRITEBYTECODE": "1"})
    said = rows(home, "SELECT count(*) FROM follow_up")
    board.press("shift+right")
    board.until("Ctrl+Z")
    form_with_text(board, "要大一号")
    board.settle()
    resource.prlimit(board.child.pid, resource.RLIMIT_FSIZE, (4096, NO_LIMIT))
    board.press("f10")
    board.until("磁盘已满", "要大一号", "送图册")
    board.press("ctrl+u", "送两本", "f10")
    board.until("磁盘已满", "要大一号", "送两本")
    resource.prlimit(board.child.pid, resource.RLIMIT_FSIZE, (NO_LIMIT, NO_LIMIT))
    assert rows(home, "SELECT count(*) FROM follow_up") == said
    board.press("f10")
    board.until("已保存")
    assert rows(home, "SELECT need_change, next_step FROM follow_up ORDER BY occurred_at, id")[-1] == (
        "要大一号",
        "送两本",
    )
    assert rows(home, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process are Linux's")
def test_a_form_is_not_left_while_its_draft_cannot_be_kept(at_board):
    board = at_board(environment={"PYTHONDONTWRITEBYTECODE": "1"})
    form_with_text(board, "要大一号")
    board.settle()
    resource.prlimit(board.child.pid, resource.RLIMIT_FSIZE, (4096, NO_LIMIT))
    board.press("。", "escape")
    board.until("磁盘已满", "送图册。")
    board.settle()
    assert "草稿已保存" not in board.text
    resource.prlimit(board.child.pid, resource.RLIMIT_FSIZE, (NO_LIMIT, NO_LIMIT))
    board.press("escape")
    board.until("草稿已保存", "移阶")
    board.press("f3")
    board.until("送图册。")


def test_two_programs_save_in_turn_and_at_once_and_see_each_other(at_board, home):
    one, two = at_board(), at_board()
    moved = rows(home, "SELECT count(*) FROM outbox")[0][0]
    two.press("f9")
    two.until("快录")
    for number in range(4):
        one.press("shift+right", "ctrl+z")
        two.press(f"1390013900{number} 新客{number}", "enter")
    two.until("新客3", "Ctrl+Z")  # both are read by turns: a program whose terminal is full stands still
    one.until("Ctrl+Y", lambda _: rows(home, "SELECT count(*) FROM outbox")[0][0] == moved + 12)
    assert rows(home, "SELECT count(*) FROM customer WHERE name LIKE '新客%'") == [(4,)]
    two.press("escape")
    two.until("移阶")
    for terminal in (one, two):
        terminal.press("f5")
        terminal.until("已刷新")
    one.until(lambda me: me.lines[3] == two.lines[3])


def test_who_is_frozen_elsewhere_is_told_what_to_do_and_keeps_the_draft(at_board, home, facts):
    board = at_board()
    form_with_text(board, "冻结之前说的")
    frozen = command_line(
        home,
        "1001",
        "do",
        "set_person_status",
        "--json",
        json.dumps({"person_id": facts.person_id, "status": "frozen", "expected": "active"}),
    )
    assert frozen.returncode == 0, frozen.stderr
    said = rows(home, "SELECT count(*) FROM follow_up")
    board.press("f10")
    board.until("已停用", "联系店长", "冻结之前说的")
    board.press("escape")
    board.until("草稿已保存", "移阶")
    board.press("shift+right")
    board.until("已停用")
    board.press("f8")
    board.until("已停用", lambda me: "待办" not in me.lines[0] or "全部跟上了" not in me.text)
    assert rows(home, "SELECT count(*) FROM follow_up") == said
    ((kept,),) = rows(home, "SELECT answers FROM draft")
    assert json.loads(kept)["need_change"] == "冻结之前说的"
    board.press("ctrl+l")
    board.until("PIN", lambda me: "线索" not in me.text)


def test_the_list_of_the_overdue_has_as_many_lines_as_the_badge_says(at_board, home, facts):
    board = at_board()
    badge = int(re.search(r"逾(\d+)", board.lines[0])[1])
    listed = command_line(home, facts.number, "overdue", "--mine", "--json")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert len(json.loads(listed.stdout)) == badge > 0


@pytest.mark.skipif(os.name != "posix", reason="a pipeline of POSIX")
def test_a_list_piped_into_a_reader_of_one_line_ends_in_silence(home, facts):
    program = f"{sys.executable} -m crm_tui --home {home} --as {facts.number} --clock {NOW}"
    pipeline = f"{program} find 张 --csv | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", pipeline],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(),
        check=True,
    )
    header, ended = done.stdout.splitlines()
    assert header.startswith("id,")
    assert ended in {"0", str(128 + 13)}  # it had written all, or SIGPIPE ended it without a word
    assert done.stderr == ""
