"""Opening the terminal's database file: checks before, migrations, and how a transaction begins.

Three things that destroy SQLite files are kept out here: a write-ahead log that belongs to another file
(each file has a number that every commit repeats), a file that was moved or replaced while it is open,
and a connection that is used on the other side of a fork.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from crm_tui.domain.errors import Refused
from crm_tui.store.file_checks import check_file, file_number, set_foreign_log_aside
from crm_tui.store.migrations import migrate

BUSY_MILLISECONDS = 5_000
_WRITES = "crm_writes"


WAL, DELETE = "WAL", "DELETE"
"""How SQLite keeps a commit whole: a log beside the file, or, on a network share, the old pages."""


def open_engine(path: Path, journal: str = WAL) -> Engine:
    """Open, check and migrate the database file at ``path``; a new file is made for its owner alone.

    Raises:
        Refused: database_damaged, database_unreadable, database_readonly, database_busy, disk_full,
            schema_newer; the file is left untouched. A transaction later raises database_moved where
            the file is no longer the one that was opened, database_forked in a forked process.
    """
    path = path.resolve()
    check_file(path)
    set_foreign_log_aside(path)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as plain:
            plain.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            _number_new_file(plain)
            migrate(plain)
            _choose_journal(plain, journal)
    except sqlite3.DatabaseError as error:
        raise storage_refusal(error, path) from error
    engine = create_engine(
        f"sqlite+pysqlite:///{path}", hide_parameters=True, connect_args={"check_same_thread": False}
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _guarded_begin(path))
    return engine


def for_writing(engine: Engine) -> Engine:
    """Return the engine whose transactions take the write lock as they begin.

    A transaction that begins by reading and then writes fails at once under another writer,
    whatever the busy timeout says; BEGIN IMMEDIATE waits its turn.
    """
    return engine.execution_options(**{_WRITES: True})


def check_integrity(path: Path) -> list[str]:
    """Return what SQLite finds wrong with the file: broken pages and broken references; empty is sound."""
    check_file(path, for_writing=False)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as plain:
            found = [row[0] for row in plain.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
            found += [f"{row[0]}: {row[2]}" for row in plain.execute("PRAGMA foreign_key_check")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return found


def storage_refusal(error: BaseException | None, path: Path | str = "") -> Refused:
    """Return what to tell a person about what SQLite could not do."""
    said = str(_first_failure(error))
    if "full" in said or "disk I/O" in said:
        return Refused("disk_full")
    if "locked" in said or "busy" in said:
        return Refused("database_busy")
    if "readonly" in said or "unable to open" in said:
        return Refused("database_readonly", path=str(path), why=said)
    return Refused("database_damaged", path=str(path), why=said)


def _first_failure(error: BaseException | None) -> BaseException | None:
    """Return what failed first: on a full disk SQLite ends the transaction, and its savepoints with it.

    The way back to a savepoint then fails too, and that second failure is the one that arrives here.
    """
    first = error
    while error is not None:
        first = error if isinstance(error, sqlite3.Error) else first
        error = error.__context__
    return first


def _choose_journal(plain: sqlite3.Connection, journal: str) -> None:
    """Set the journal, which stays with the file: only where it is another one, never under load."""
    if plain.execute("PRAGMA journal_mode").fetchone()[0].upper() != journal:
        plain.execute(f"PRAGMA journal_mode = {journal}")


def _number_new_file(plain: sqlite3.Connection) -> None:
    """Give a new file its number before its first log is begun, so that the log can be told from others."""
    (number,) = plain.execute("PRAGMA application_id").fetchone()
    if not number:
        plain.execute(f"PRAGMA application_id = {secrets.randbits(31) | 1}")


def _on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Set what every connection needs: an acknowledged save survives a power cut (FULL)."""
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _guarded_begin(path: Path) -> Callable[[Connection], None]:
    """Return how a transaction begins on the file that is at ``path`` now, in this process."""
    owner, number, opened = os.getpid(), file_number(path), _identity(path)

    def begin(connection: Connection) -> None:
        if os.getpid() != owner:
            raise Refused("database_forked", path=str(path))
        if _identity(path) != opened:
            raise Refused("database_moved", path=str(path))
        if not connection.get_execution_options().get(_WRITES):
            connection.exec_driver_sql("BEGIN")
            return
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.exec_driver_sql(f"PRAGMA application_id = {number}")  # the mark of this file in its log

    return begin


def _identity(path: Path) -> tuple[int, int] | None:
    """Return which file stands at ``path``, None where none does."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
