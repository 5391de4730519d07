"""Databases to measure on: the demonstration's rows, multiplied by SQL where a million is wanted.

The generator tells a story per customer, which takes a millisecond each. A base of its customers is
therefore copied with fresh ids and other telephone numbers: as many rows, index entries, clerks and
terms of the search index as a real chain of that size would have, within a minute.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from crm_tui.demo import PIN, generate, measured
from crm_tui.desk import Desk, wall_clock
from crm_tui.settings import Home, Settings
from crm_tui.store.credentials import hash_pin
from crm_tui.store.engine import open_engine
from crm_tui.store.tables import person

_SHOWN = ("customer", "contact_point", "deal")
"""What board, list and search read of all customers at once."""
_ANALYSED = ("customer", "deal", "stage_visit", "follow_up")
_COPIED_IDS = {"id", "customer_id", "deal_id", "root_id", "follow_up_id", "parent_id", "replaced_by"}
_PHONES = {"customer": ("phone",), "contact_point": ("value", "normal")}
_TAIL = 8
DIRECTOR = "1002"


@dataclass(frozen=True)
class Sizes:
    """How large the measured data is: a base of customers and how often each data set holds it."""

    base: tuple[int, int, int]
    board: int
    many: int
    analysed: tuple[int, int, int]
    analysed_times: int
    imported: tuple[int, int]


FULL = Sizes((20_000, 15_000, 20_000), 5, 50, (10_000, 10_000, 100_000), 10, (20_000, 100_000))
SMOKE = Sizes((2_000, 1_500, 2_000), 5, 50, (1_000, 1_000, 10_000), 10, (2_000, 10_000))


@dataclass(frozen=True)
class Data:
    """The homes of one run."""

    base: Home
    board: Home
    many: Home
    analysed: Home
    folder: Path


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the demonstration ends today, as the screens will see it


def prepare(folder: Path, sizes: Sizes) -> Data:
    """Make the homes of a run below ``folder``."""
    customers, _deals, _follow_ups = sizes.base
    base = _generated(folder / "base", sizes.base, clerks_for=customers * sizes.many)
    _choose_real_pin(base)
    board = _grown(base, folder / "board", sizes.board, _SHOWN)
    many = _grown(base, folder / "many", sizes.many, _SHOWN)
    seed = _generated(folder / "seed", sizes.analysed, clerks_for=sizes.analysed[0] * sizes.analysed_times)
    analysed = _grown(seed, folder / "analysed", sizes.analysed_times, _ANALYSED)
    return Data(base, board, many, analysed, folder)


def open_desk(home: Home, number: str = DIRECTOR) -> Desk:
    """Open a home with somebody logged in, by default the director, who sees everything."""
    desk = Desk(open_engine(home.database), clock=wall_clock)
    desk.log_in(
        desk.answer_anyone(lambda tx: tx.scalar(select(person.c.id).where(person.c.number == number))), PIN
    )
    return desk


def _generated(folder: Path, size: tuple[int, int, int], clerks_for: int) -> Home:
    folder.mkdir(parents=True)
    home = Home(folder)
    customers, deals, follow_ups = size
    people = measured(clerks_for, 0, 0)
    engine = open_engine(home.database)
    generate(engine, replace(people, customers=customers, deals=deals, follow_ups=follow_ups), now())
    engine.dispose()
    _settle(home)
    return home


def _choose_real_pin(home: Home) -> None:
    """Give the director a verifier of full strength: the demonstration's is a cheap one."""
    with closing(sqlite3.connect(home.database)) as plain, plain:
        plain.execute(
            "UPDATE credential SET verifier = ? WHERE person_id = (SELECT id FROM person WHERE number = ?)",
            (hash_pin(PIN), DIRECTOR),
        )


def _settle(home: Home) -> None:
    """Bring everything from the log into the file, so that the file alone can be copied."""
    with closing(sqlite3.connect(home.database)) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        plain.execute("PRAGMA journal_mode = DELETE")


def _grown(source: Home, folder: Path, times: int, tables: tuple[str, ...]) -> Home:
    """Return a home that holds the customers of ``source`` so many times."""
    folder.mkdir(parents=True)
    home = Home(folder)
    shutil.copyfile(source.database, home.database)
    home.database.chmod(0o600)
    home.write(Settings(last_number=DIRECTOR))  # the number is filled in, as on every day but the first
    with closing(sqlite3.connect(home.database, isolation_level=None)) as plain:
        plain.execute("PRAGMA journal_mode = OFF")
        plain.execute("PRAGMA synchronous = OFF")
        plain.execute("PRAGMA cache_size = -256000")
        plain.create_function("other_phone", 2, _other_phone, deterministic=True)
        plain.create_function("other_grams", 3, _other_grams, deterministic=True)
        plain.execute("CREATE TEMP TABLE copy (n INTEGER PRIMARY KEY)")
        plain.executemany("INSERT INTO copy VALUES (?)", [(n,) for n in range(1, times)])
        plain.execute("BEGIN")
        if tables is _SHOWN:
            _multiply_grams(plain)
        for table in tables:
            _multiply(plain, table)
        plain.execute("COMMIT")
    return home


def _multiply(plain: sqlite3.Connection, table: str) -> None:
    """Copy every row; the indexes are made anew behind it, sorted, which is far faster."""
    indexes = plain.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        (table,),
    ).fetchall()
    for name, _ in indexes:
        plain.execute(f"DROP INDEX {name}")
    columns = [row[1] for row in plain.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(_copied(table, column) for column in columns)
    plain.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} AS o CROSS JOIN copy AS c"
    )
    for _, sql in indexes:
        plain.execute(sql)


def _copied(table: str, column: str) -> str:
    if column in _COPIED_IDS:
        return _other_id(f"o.{column}")
    if column in _PHONES.get(table, ()):
        return f"other_phone(o.{column}, c.n)"
    return f"o.{column}"


def _other_id(old: str) -> str:
    """Return the SQL of a copy's id: beside the original in every index, of a version no command makes."""
    return f"substr({old}, 1, 12) || '8' || substr({old}, 14, 15) || printf('%04x', c.n)"


def _multiply_grams(plain: sqlite3.Connection) -> None:
    (last,) = plain.execute("SELECT max(no) FROM search_entry").fetchone()
    plain.execute(
        "INSERT INTO search_entry (customer_id, grams)"
        f" SELECT {_other_id('e.customer_id')}, other_grams(e.grams, p.phone, c.n)"
        " FROM search_entry AS e JOIN customer AS p ON p.id = e.customer_id CROSS JOIN copy AS c"
    )
    plain.execute(
        "INSERT INTO customer_gram (rowid, grams) SELECT no, grams FROM search_entry WHERE no > ?", (last,)
    )


def _other_phone(phone: str | None, n: int) -> str | None:
    """Return a number that differs in its last eight digits, the same for the same n."""
    digits = (phone or "")[-_TAIL:]
    if phone is None or not (len(digits) == _TAIL and digits.isdigit()):
        return phone
    return f"{phone[:-_TAIL]}{(int(digits) + n * 7_654_321) % 10**_TAIL:0{_TAIL}d}"


def _other_grams(grams: str, phone: str, n: int) -> str:
    """Return the terms of a copy: those of its own number in place of those of the original's."""
    old, new = _fours(phone), _fours(_other_phone(phone, n) or "")
    return " ".join([*(term for term in grams.split() if term not in old), *sorted(new)])


def _fours(phone: str) -> set[str]:
    digits = phone.lstrip("+")
    return {digits[at : at + 4] for at in range(len(digits) - 3)}
