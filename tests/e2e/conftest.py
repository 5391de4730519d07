"""The real program in a real terminal: a pty on one side, pyte on the other, no fixed sleeps between."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pexpect
import pyte
import pytest
from pyte import modes

from crm_tui import i18n
from crm_tui.demo import DemoFacts, open_demo
from crm_tui.settings import Home

NOW = datetime(2026, 1, 8, 2, 42, tzinfo=UTC)
"""Thursday 10:42 in Shanghai: when every demonstration ends and every program's clock starts."""
PATIENCE = 45.0
"""Seconds that a condition may take on a busy machine; only a failing test waits so long."""
LOOK = 0.05
"""Seconds between two looks at what the program does."""
IDLE_LOOKS = 4
"""Looks in a row that must find the program asleep and silent before it is taken to have answered."""

KEYS = {
    **{f"f{n}": key for n, key in zip(range(1, 5), ("\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS"), strict=True)},
    **{
        f"f{n}": f"\x1b[{code}~"
        for n, code in zip(range(5, 13), (15, 17, 18, 19, 20, 21, 23, 24), strict=True)
    },
    "enter": "\r",
    "keypad enter": "\x1bOM",
    "tab": "\t",
    "escape": "\x1b",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "shift+right": "\x1b[1;2C",
    "shift+left": "\x1b[1;2D",
    "shift+down": "\x1b[1;2B",
    "space": " ",
    **{f"ctrl+{letter}": chr(ord(letter) - ord("a") + 1) for letter in "abcdefghijklmnopqrstuvwxyz"},
}
"""What a terminal sends for a key."""


class _Picture(pyte.HistoryScreen):
    """A screen that remembers what scrolled away, and each title the program asked for."""

    def __init__(self, columns: int, lines: int) -> None:
        self.titles: list[str] = []
        super().__init__(columns, lines, history=1000)

    def set_title(self, param: str) -> None:
        """Remember the title."""
        self.titles.append(param)


class Terminal:
    """One started program; every wait is for a condition on the picture."""

    def __init__(
        self, home: Path, size: tuple[int, int], environment: dict[str, str], arguments: tuple[str, ...]
    ) -> None:
        self.home = home
        self.picture = _Picture(*size)
        self.written = b""
        self._stream = pyte.ByteStream(self.picture)
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "crm_tui", "--home", str(home), "--clock", NOW.isoformat(), *arguments],
            dimensions=(size[1], size[0]),
            env=environment,
            timeout=PATIENCE,
        )
        self.child.delaybeforesend = None
        self.modes_at_start = termios.tcgetattr(self.child.child_fd)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, line by line."""
        rows, width = self.picture.buffer, self.picture.columns
        return ["".join(rows[y][x].data for x in range(width)).rstrip() for y in range(self.picture.lines)]

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(self.lines)

    @property
    def message(self) -> str:
        """The line above the key bar."""
        return self.lines[-2].strip()

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and line of the terminal's own cursor, from 0: where an input method opens."""
        return self.picture.cursor.x, self.picture.cursor.y

    @property
    def scrolled_away(self) -> str:
        """What stood on lines that left the screen at the top."""
        rows = self.picture.history.top
        return "\n".join("".join(row[x].data for x in range(self.picture.columns)) for row in rows)

    def column_of(self, words: str) -> int:
        """Return the cell in which ``words`` begin on the first line that has them."""
        for line in self.picture.buffer.values():
            cells = [line[x].data for x in range(self.picture.columns)]
            for x in range(len(cells)):
                if "".join(cells[x:]).startswith(words):
                    return x
        raise AssertionError(f"{words!r} is not on the screen:\n{self.text}")

    def line_of(self, words: str) -> int:
        """Return the number of the first line that has ``words``, from 0."""
        for number, line in enumerate(self.lines):
            if words in line:
                return number
        raise AssertionError(f"{words!r} is not on the screen:\n{self.text}")

    def press(self, *keys: str) -> None:
        """Press keys by name, all at once the way a burst arrives; what is no name is typed as it stands."""
        self.child.send("".join(KEYS.get(key, key) for key in keys))

    def until(self, *wanted: str | Callable[[Terminal], bool], seconds: float = PATIENCE) -> str:
        """Wait until the screen shows all words and fulfils all conditions; return the screen."""
        end = time.monotonic() + seconds
        while not all(one in self.text if isinstance(one, str) else one(self) for one in wanted):
            assert time.monotonic() < end, f"waited for {wanted!r} in vain:\n{self.text}"
            if not self.read(LOOK) and not self.child.isalive():
                raise AssertionError(f"the program ended before {wanted!r}:\n{self.text}")
        return self.text

    def gone(self, *unwanted: str) -> str:
        """Wait until none of the words stands on the screen any more."""
        return self.until(lambda me: not any(one in me.text for one in unwanted))

    def settle(self) -> str:
        """Wait until the program has nothing more to do or to draw; return the screen.

        Silence alone says little where other programs hold the processor: no thread may be at work either.
        """
        end, idle = time.monotonic() + PATIENCE, 0
        while idle < IDLE_LOOKS and time.monotonic() < end:
            busy = self.read(LOOK) or self._works()
            idle = 0 if busy else idle + 1
        return self.text

    def _works(self) -> bool:
        """Tell whether a thread of the program runs, waits for its turn or for the disk (Linux only)."""
        for state in Path(f"/proc/{self.child.pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):  # the thread has ended meanwhile
                if state.read_text("utf-8").rpartition(")")[2].split()[0] in "RD":
                    return True
        return False

    def ended(self) -> int | None:
        """Wait until the program has ended; return its exit code, or None where a signal ended it."""
        while self.child.isalive():
            self.read(LOOK)
        while self.read(LOOK):
            pass
        return self.child.exitstatus

    def read(self, seconds: float) -> bool:
        """Draw what the program writes within the time; tell whether there was anything."""
        try:
            data = self.child.read_nonblocking(65536, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        self.written += data
        self._stream.feed(data)
        return True

    def resize(self, columns: int, lines: int) -> None:
        """Make the window another size."""
        self.picture.resize(lines, columns)
        self.child.setwinsize(lines, columns)

    def kill(self, how: int = signal.SIGKILL) -> None:
        """Send the program a signal."""
        os.kill(self.child.pid, how)

    def log_in(self, number: str, pin: str = "1234") -> None:
        """Log in and wait for the board."""
        self.until(number if number in self.text else "PIN")
        self.press("ctrl+s")  # wakes nothing: only what follows counts
        self.press("up", "ctrl+u", number, "enter", pin, "enter")
        self.until("^P", lambda me: "1/" in me.text)

    @property
    def trouble(self) -> str:
        """What the program noted about errors nobody foresaw."""
        log = self.home / "trouble.log"
        return log.read_text("utf-8") if log.exists() else ""


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoFacts]:
    """A demonstration in Chinese, made once per worker; nobody works on it."""
    folder = tmp_path_factory.mktemp("demo")
    i18n.use("zh_CN")
    facts = open_demo(Home(folder), "small", lambda: NOW)
    i18n.use("en")
    return folder, facts


@pytest.fixture
def home(demo: tuple[Path, DemoFacts], tmp_path: Path) -> Path:
    """A copy of the demonstration for one test."""
    return Path(shutil.copytree(demo[0], tmp_path / "shop"))


@pytest.fixture
def facts(demo: tuple[Path, DemoFacts]) -> DemoFacts:
    """Whom to log in as."""
    return demo[1]


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Terminal]]:
    """Return the way to start the program; behind the test, nothing may have gone wrong unforeseen."""
    started: list[Terminal] = []

    def opener(
        *arguments: str,
        size: tuple[int, int] = (80, 24),
        language: str = "zh_CN",
        environment: dict[str, str] | None = None,
        at: Path = home,
    ) -> Terminal:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "HOME", "TMPDIR", "PYTHONPATH")
        }
        terminal = Terminal(
            at,
            size,
            {
                **kept,
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "LANG": "C.UTF-8",
                "CRM_LANG": language,
                "TEXTUAL_ANIMATIONS": "none",
                "PYTHONUTF8": "1",
                **(environment or {}),
            },
            arguments,
        )
        started.append(terminal)
        return terminal

    yield opener
    for terminal in started:
        with contextlib.suppress(ProcessLookupError):
            terminal.kill()
        terminal.child.close(force=True)
    for terminal in started:
        assert not terminal.trouble, f"trouble was noted:\n{terminal.trouble}"
        assert "Traceback" not in terminal.text


@pytest.fixture
def at_board(start: Callable[..., Terminal], facts: DemoFacts) -> Callable[..., Terminal]:
    """Return the way to start the program and log the clerk in."""

    def opener(number: str = facts.number, **how: object) -> Terminal:
        terminal = start(**how)
        terminal.log_in(number)
        return terminal

    return opener


@pytest.fixture
def restored() -> Callable[[Terminal], None]:
    """Return the check that a program which has ended left the terminal as it found it."""

    def check(terminal: Terminal) -> None:
        assert termios.tcgetattr(terminal.child.child_fd) == terminal.modes_at_start
        assert modes.DECTCEM in terminal.picture.mode
        for mode in (b"1000", b"1003", b"1006", b"1049", b"2004"):
            last_on, last_off = (terminal.written.rfind(b"\x1b[?" + mode + end) for end in (b"h", b"l"))
            assert last_off >= last_on, f"mode {mode!r} was left on"

    return check


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a test in a real terminal a second try: on two busy cores a screen may come too late once."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))
