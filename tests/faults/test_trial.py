"""Eight terminals and a hub as real processes while things go wrong: the short form of `make faults`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ANYWHERE = ("killed_terminals", "cloned_terminal", "full_disk_at_terminal", "moved_terminal")
SERVED = (*ANYWHERE, "killed_hub", "bad_network", "restored_hub")
ON_A_SERVER = ("killed_terminals", "killed_postgresql")


@pytest.mark.skipif(sys.platform == "win32", reason="forks and limits of POSIX")
@pytest.mark.parametrize(
    ("database", "troubles", "pace", "commands"),
    [
        pytest.param("sqlite", SERVED, 0.8, 40, id="served"),
        pytest.param("file", ANYWHERE, 0.4, 40, id="shared"),
        pytest.param("postgresql", ON_A_SERVER, 0.8, 24, id="postgresql", marks=pytest.mark.postgres),
    ],
)
def test_eight_terminals_lose_and_double_nothing_whatever_happens(database, troubles, pace, commands):
    words = ["--database", database, "--seed", "11", "--pace", str(pace), "--commands", str(commands)]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("trial")), *words, "--only", *troubles],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WRONG" not in done.stdout
    assert all(name.replace("_", " ") in done.stdout for name in troubles)
