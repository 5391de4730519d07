"""A program in a real terminal, timed from the outside."""

from __future__ import annotations

import codecs
import os
import re
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pexpect

from benchmarks.floors import READY
from benchmarks.measuring import MS

ROWS, COLUMNS = 24, 80
_CONTROL = re.compile(r"\x1b\[[0-9;?<>=]*\$?[a-zA-Z]|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]|\x1b[=>]")
_QUIET_SECONDS = 0.03
_PATIENCE_SECONDS = 60.0


class Terminal:
    """One program in a pseudo-terminal of 80 by 24, in Chinese."""

    def __init__(self, *command: str, home: Path | None = None) -> None:
        environment = {**os.environ, "TERM": "xterm-256color", "CRM_LANG": "zh_CN", "PYTHONUTF8": "1"}
        if home is not None:
            environment["CRM_TUI_HOME"] = str(home)
        self._text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.started = time.perf_counter()
        self._child = pexpect.spawn(
            command[0], list(command[1:]), dimensions=(ROWS, COLUMNS), env=environment, timeout=None
        )
        self._child.delaybeforesend = None

    @classmethod
    def bare(cls) -> Terminal:
        """Start the floor."""
        return cls(sys.executable, "-m", "benchmarks.floors")

    @classmethod
    def program(cls, home: Path) -> Terminal:
        """Start the program on a home, as a person does."""
        return cls(str(Path(sys.executable).with_name("crm-tui")), home=home)

    def until(self, *words: str) -> float:
        """Read until all words have come; return the instant of the last one (perf_counter, seconds)."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not all(word in self._text for word in words):
            if time.monotonic() > end or (not self._read(1.0, keep=True) and not self._child.isalive()):
                raise TimeoutError(f"{words} did not come, but: {self._text[-2000:]}")
        return time.perf_counter()

    def settle(self, seconds: float = _QUIET_SECONDS) -> None:
        """Read until nothing comes for a while (a blinking cursor never stops), and forget it."""
        end = time.monotonic() + 3 * seconds
        while self._read(seconds, keep=False) and time.monotonic() < end:
            pass
        self._text = ""

    def send(self, keys: str) -> float:
        """Type; return the instant."""
        at = time.perf_counter()
        os.write(self._child.child_fd, keys.encode())
        return at

    def key(self, key: str) -> float:
        """Type one key; return the milliseconds until the first byte of the repaint."""
        self.settle()
        sent = self.send(key)
        if not self._read(_PATIENCE_SECONDS, keep=False):
            raise TimeoutError(f"{key!r} had no effect")
        return (time.perf_counter() - sent) * MS

    def timed_until(self, keys: str, *words: str) -> float:
        """Type; return the milliseconds until all words have come."""
        self.settle()
        sent = self.send(keys)
        return (self.until(*words) - sent) * MS

    @property
    def resident(self) -> float:
        """Resident memory of the program in MB."""
        lines = Path(f"/proc/{self._child.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def close(self) -> None:
        self._child.close(force=True)

    def _read(self, seconds: float, *, keep: bool) -> bool:
        ready, _, _ = select.select([self._child.child_fd], [], [], seconds)
        if not ready:
            return False
        try:
            fresh = os.read(self._child.child_fd, 1 << 18)
        except OSError:
            return False
        if keep:
            self._text = _CONTROL.sub("", self._text + self._decoder.decode(fresh))
        return True


def first_paint(start: Callable[[], Terminal], *words: str) -> float:
    """Return the milliseconds from the start of a program to these words on its screen."""
    terminal = start()
    try:
        return (terminal.until(*words) - terminal.started) * MS
    finally:
        terminal.close()


def bare_start() -> float:
    """Return the milliseconds from the start of the floor to its last row."""
    return first_paint(Terminal.bare, READY)
