"""Eight terminals and a hub as real processes while things go wrong: the short form of `make faults`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TROUBLES = ("killed_terminals", "killed_hub", "bad_network", "cloned_terminal", "full_disk_at_terminal")


@pytest.mark.skipif(sys.platform == "win32", reason="forks and limits of POSIX")
def test_nothing_is_lost_or_doubled_by_kills_a_bad_network_a_clone_and_a_full_disk():
    trial = Path(__file__).with_name("trial")
    done = subprocess.run(
        [
            sys.executable,
            str(trial),
            "--seed",
            "11",
            "--pace",
            "0.8",
            "--commands",
            "40",
            "--only",
            *TROUBLES,
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WRONG" not in done.stdout
    assert all(name.replace("_", " ") in done.stdout for name in TROUBLES)
