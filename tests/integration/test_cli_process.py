"""The program as a process of its own: exit codes, pipes, and no trace of Python."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

LANGUAGE_AND_PIN = {"CRM_LANG": "en", "CRM_TUI_PIN": "2468", "PYTHONIOENCODING": "utf-8"}


def run(home: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crm_tui", "--home", str(home), *words],
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | LANGUAGE_AND_PIN,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="session")
def founded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded home with an administrator 1001, made once for each worker."""
    folder = tmp_path_factory.mktemp("process") / "home"
    made = run(folder, "init", "--company", "Haitang", "--admin", "Ada", "--json")
    assert made.returncode == 0, made.stderr
    assert "branch_id" in json.loads(made.stdout)
    return folder


@pytest.fixture
def home(founded_home: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(founded_home, tmp_path / "home"))


def test_lines_go_in_by_one_pipe_and_come_out_by_another(home: Path) -> None:
    taken = run(home, "--as", "1001", "q", "-", typed="13800138000 张三\n13911112222 李四\n")
    assert taken.returncode == 0, taken.stderr
    assert [json.loads(line)["code"] for line in taken.stdout.splitlines()] == ["applied", "applied"]
    found = run(home, "--as", "1001", "find", "张", "--json")
    assert [one["name"] for one in json.loads(found.stdout)] == ["张三"]
    assert found.stderr == ""
    none = run(home, "--as", "1001", "find", "nobody", "--json", "--fail-empty")
    assert (none.returncode, json.loads(none.stdout)) == (1, [])
    unclear = run(home, "--as", "1001", "find")
    assert (unclear.returncode, unclear.stdout) == (2, "")
    stranger = run(home, "--as", "nobody", "find", "x")
    assert (stranger.returncode, stranger.stdout) == (2, "")
    assert "Traceback" not in stranger.stderr


@pytest.mark.skipif(os.name != "posix", reason="closed pipes are told by a signal on POSIX only")
def test_a_reader_that_goes_away_gets_no_traceback(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "crm_tui", "--home", str(home), "do", "--list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | LANGUAGE_AND_PIN,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        writer.stdout.close()
        assert writer.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device that is always full is Linux's")
def test_a_full_disk_behind_the_output_is_said_in_one_line(home: Path) -> None:
    words = ["--home", str(home), "--as", "1001", "report", "summary", "--json"]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "crm_tui", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | LANGUAGE_AND_PIN,
            timeout=60,
            check=False,
        )
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)


def test_restore_refuses_while_another_process_has_the_data_open(home: Path) -> None:
    saved = run(home, "backup").stdout.strip()
    with subprocess.Popen(
        [sys.executable, "-m", "crm_tui", "--home", str(home), "--as", "1001", "q", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | LANGUAGE_AND_PIN | {"PYTHONUNBUFFERED": "1"},
    ) as counter:
        assert counter.stdin is not None
        assert counter.stdout is not None
        counter.stdin.write("13800138000 张三\n")
        counter.stdin.flush()
        counter.stdin.write("13911112222 李四\n")
        counter.stdin.flush()
        assert json.loads(counter.stdout.readline())["code"] == "applied"
        no = run(home, "restore", saved)
        assert (no.returncode, no.stdout) == (5, "")
        assert "crm-tui everywhere" in no.stderr
        assert {path.name for path in home.glob("crm.db*")} == {"crm.db", "crm.db-wal", "crm.db-shm"}
        assert json.loads(counter.stdout.readline())["code"] == "applied"
        counter.stdin.close()
    kept = run(home, "restore", saved)
    assert kept.returncode == 0, kept.stderr
    assert json.loads(run(home, "--as", "1001", "find", "张", "--json").stdout) == []
    rescued = (home / "crm.db.replaced-1.outbox-1.jsonl").read_text("utf-8")
    assert "张三" in rescued
    assert "李四" in rescued


def test_what_nobody_foresaw_is_one_sentence_and_a_note_without_values(home: Path) -> None:
    with closing(sqlite3.connect(home / "crm.db")) as plain:
        plain.execute("CREATE TRIGGER no BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'never'); END")
    ended = run(home, "--as", "1001", "q", "13800138000 张三")
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1)
    assert str(home / "trouble.log") in ended.stderr
    noted = (home / "trouble.log").read_text("utf-8")
    assert "IntegrityError" in noted
    assert "张三" not in noted
