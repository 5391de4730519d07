"""Looking whether a terminal and its data are sound."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from crm_tui.cli.hubs import connector
from crm_tui.cli.probe import LINE, measure_widths
from crm_tui.desk import wall_clock
from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.settings import SETTINGS, Home
from crm_tui.store.engine import check_integrity
from crm_tui.store.types import instant_of
from crm_tui.sync.joining import WRONG_CLOCK, Membership
from crm_tui.sync.machine import program_version
from crm_tui.sync.messages import HubError
from crm_tui.trouble import LOG
from crm_tui.widgets import drawing
from crm_tui.widgets.refusal import refusal, refused

GOOD, NOTE, BAD = "good", "note", "bad"
LEAST_COLUMNS, LEAST_LINES = 80, 24
LEAST_FREE = 200_000_000
OLDEST_BACKUP_DAYS = 7
_OWN_FILE, _OWN_FOLDER = 0o600, 0o700
_MICROSECONDS_A_DAY = 86_400_000_000


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``state`` is good, note (worth knowing) or bad."""

    name: str
    value: str
    state: str = GOOD


def examine(home: Home, *, fix: bool = False) -> list[Finding]:
    """Look at everything; with ``fix`` mend the permissions of files."""
    terminal = _terminal(home.read().border)
    return [
        *_program(),
        *terminal,
        *_home(home, fix=fix),
        *_data(home.database),
        *_hub(home),
        _backup_age(home),
    ]


def try_keys() -> list[Finding]:
    """Let the person press F1 to F12 and the keypad's Enter, and say which of them arrive."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return [Finding("f_keys", t("cli.doctor_no_terminal"), NOTE)]
    from crm_tui.cli.key_trial import KeyTrial, eaten, keypad_as

    arrived = KeyTrial().run() or frozenset()
    lost, keypad = eaten(arrived), keypad_as(arrived)
    said = t("cli.doctor_keys_lost", keys=" ".join(lost)) if lost else t("cli.doctor_keys_all")
    return [
        Finding("f_keys", said, NOTE if lost else GOOD),
        Finding("keypad", keypad or t("cli.doctor_keypad_lost"), GOOD if keypad else NOTE),
    ]


def _program() -> Iterator[Finding]:
    yield Finding("program", program_version())
    yield Finding("python", platform.python_version())
    yield Finding("textual", version("textual"))
    yield Finding("sqlite", sqlite3.sqlite_version)


def _terminal(border: str) -> Iterator[Finding]:
    columns, lines = shutil.get_terminal_size()
    big = columns >= LEAST_COLUMNS and lines >= LEAST_LINES
    yield Finding("size", f"{columns}x{lines}", GOOD if big else NOTE)
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    yield Finding("encoding", encoding, GOOD if encoding == "utf8" else BAD)
    yield _colours()
    widths = measure_widths()
    drawing.use(border)
    drawing.note_width(next((width for char, width, _ in widths if char == LINE), 0))
    if widths:
        good = all(width == wanted for _, width, wanted in widths)
        said = " ".join(f"{char}={width}" for char, width, _ in widths)
        yield Finding("widths", said, GOOD if good else NOTE)
    else:
        yield Finding("widths", t("cli.doctor_no_terminal"), NOTE)
    chosen = t(f"wizard.border.{border if border in drawing.BORDERS else drawing.BORDERS[0]}")
    drawn = t("wizard.drawn_lines" if drawing.line_art() else "wizard.drawn_ascii")
    yield Finding("border", f"{chosen}: {drawn}")
    yield Finding("ime", t("cli.doctor_ime"))


def _colours() -> Finding:
    """Say how many colours the terminal claims, and whether NO_COLOR turns them off."""
    if "NO_COLOR" in os.environ:
        return Finding("colour", t("cli.doctor_no_color"))
    kind, term = os.environ.get("COLORTERM", ""), os.environ.get("TERM", "")
    if kind in ("truecolor", "24bit") or term.endswith("-direct"):
        depth = 24
    else:
        depth = 8 if "256" in term else 0 if term in ("", "dumb", "unknown") else 4
    said = t("cli.doctor_bits", bits=depth, term=f"{term or '-'} {kind}".rstrip())
    return Finding("colour", said, GOOD if depth else NOTE)


def _home(home: Home, *, fix: bool) -> Iterator[Finding]:
    yield Finding("home", str(home.path))
    if not home.path.is_dir():
        return
    free = shutil.disk_usage(home.path).free
    yield Finding("free_disk", f"{free // 1_000_000} MB", GOOD if free >= LEAST_FREE else BAD)
    if os.name == "posix":
        open_to_others = [path for path in _files(home) if stat.S_IMODE(path.stat().st_mode) & 0o077]
        if fix:
            for path in open_to_others:
                path.chmod(_OWN_FOLDER if path.is_dir() else _OWN_FILE)
        names = ", ".join(path.name for path in open_to_others)
        state = GOOD if fix or not open_to_others else BAD
        yield Finding("permissions", names or "0600", state)


def _files(home: Home) -> list[Path]:
    database = home.database
    beside = [database.with_name(database.name + ending) for ending in ("", "-wal", "-shm")]
    log = home.path / LOG
    own = (home.path, home.path / SETTINGS, log, log.with_suffix(".old"), home.backups)
    return [path for path in (*own, *home.backups.glob("*"), *beside) if path.exists()]


def _data(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield Finding("data", t("cli.doctor_no_data"), NOTE)
        return
    try:
        wrong = check_integrity(path)
    except Refused as no:
        yield Finding("integrity", refused(no), BAD)
        return
    yield Finding("integrity", "; ".join(wrong) or "ok", BAD if wrong else GOOD)
    if not wrong:
        yield from _inside(path)


def _hub(home: Home) -> Iterator[Finding]:
    """Ask the hub of a terminal that has joined one whether it is there, and what time it has."""
    with contextlib.suppress(sqlite3.Error), _reading(home.database) as plain:
        facts = dict(plain.execute("SELECT name, value FROM meta").fetchall())
        if facts.get("hub_url"):
            member = Membership(facts["hub_url"], facts["device_id"], facts["hub_secret"])
            yield from _asked(member, home)


def _asked(member: Membership, home: Home) -> Iterator[Finding]:
    began = time.perf_counter()
    try:
        with contextlib.closing(connector(home)(member)) as hub:
            card = hub.card()
    except HubError as no:
        yield Finding("hub", refusal(no.code, no.details), NOTE)
        return
    except Refused as no:
        yield Finding("hub", refused(no), NOTE)
        return
    yield Finding("hub", f"{member.url} {round((time.perf_counter() - began) * 1000)} ms")
    skew = wall_clock() - instant_of(card.now)
    word = "right" if abs(skew) < WRONG_CLOCK else "fast" if skew > timedelta() else "slow"
    said = t(f"sync.clock.{word}", minutes=abs(skew) // timedelta(minutes=1))
    yield Finding("hub_clock", said, GOOD if word == "right" else BAD)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file that nobody is to change; raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as plain:
        yield plain


def _inside(path: Path) -> Iterator[Finding]:
    now = wall_clock().timestamp()
    with _reading(path) as plain:
        (journal,) = plain.execute("PRAGMA journal_mode").fetchone()
        (schema,) = plain.execute("PRAGMA user_version").fetchone()
        waiting, oldest, newest = plain.execute(
            "SELECT count(*) FILTER (WHERE state = 'pending'), min(at) FILTER (WHERE state = 'pending'),"
            " max(at) FROM outbox"
        ).fetchone()
    yield Finding("journal", str(journal), GOOD if journal == "wal" else NOTE)
    yield Finding("schema", str(schema))
    days = 0 if oldest is None else int(now * 1_000_000 - oldest) // _MICROSECONDS_A_DAY
    yield Finding("outbox", t("cli.doctor_outbox", count=waiting, days=max(0, days)))
    behind = newest is not None and now * 1_000_000 < newest
    said = t("cli.doctor_clock_behind") if behind else t("cli.doctor_clock")
    yield Finding("clock", said, BAD if behind else GOOD)


def _backup_age(home: Home) -> Finding:
    copies = list(home.backups.glob("*.db")) if home.backups.is_dir() else []
    if not copies:
        return Finding("backup", t("cli.doctor_no_backup"), NOTE)
    age = wall_clock().timestamp() - max(copy.stat().st_mtime for copy in copies)
    days = int(age // 86_400)
    return Finding("backup", t("cli.doctor_days", days=days), NOTE if days > OLDEST_BACKUP_DAYS else GOOD)
