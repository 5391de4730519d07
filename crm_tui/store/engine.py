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
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from crm_tui.domain.errors import Refused
from crm_tui.store.file_checks import check_file, file_number, set_foreign_log_aside
from crm_tui.store.migrations import migrate

BUSY_MILLISECONDS = 5_000
_WRITES = "crm_writes"

_PRIMARY = 0xFF
"""The bits of a result code of SQLite that say the kind of failure; those above say where in it."""
_UNDECODABLE = "Could not decode to UTF-8"
"""How Python's own words for a text of broken bytes begin, which have no code: we only write UTF-8."""
_REFUSED_AS: Final = {
    sqlite3.SQLITE_CORRUPT: "database_damaged",
    sqlite3.SQLITE_NOTADB: "database_damaged",
    sqlite3.SQLITE_IOERR_CORRUPTFS: "database_damaged",
    sqlite3.SQLITE_IOERR_DATA: "database_damaged",
    sqlite3.SQLITE_IOERR_READ: "database_unreadable",
    sqlite3.SQLITE_IOERR_SHORT_READ: "database_unreadable",
    sqlite3.SQLITE_IOERR_LOCK: "database_busy",
    sqlite3.SQLITE_IOERR_RDLOCK: "database_busy",
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_IOERR: "disk_full",
    sqlite3.SQLITE_BUSY: "database_busy",
    sqlite3.SQLITE_LOCKED: "database_busy",
    sqlite3.SQLITE_PROTOCOL: "database_busy",
    sqlite3.SQLITE_READONLY: "database_readonly",
    sqlite3.SQLITE_CANTOPEN: "database_readonly",
    sqlite3.SQLITE_PERM: "database_readonly",
}
"""Result codes of SQLite, the narrower ones too, as the refusal that a person is told."""


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
        no = storage_refusal(error, path)
        if no is None:
            raise
        raise no from error
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
    """Return what SQLite finds wrong with the file: broken pages and broken references; empty is sound.

    A terminal of a hub has a part of the rows, and references lead out of it: a lead's to the customer it
    became, whom another branch has now. What is missing there is found by comparing digests with the hub.
    """
    check_file(path, for_writing=False)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as plain:
            found = [row[0] for row in plain.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
            if not _is_part_of_a_hub(plain):
                found += [f"{row[0]}: {row[2]}" for row in plain.execute("PRAGMA foreign_key_check")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return found


def _is_part_of_a_hub(plain: sqlite3.Connection) -> bool:
    has_facts = plain.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
    return bool(has_facts and plain.execute("SELECT 1 FROM meta WHERE name = 'hub_url'").fetchone())


def storage_refusal(error: BaseException | None, path: Path | str = "") -> Refused | None:
    """Return what to tell a person about what the storage could not do.

    None: it is not the storage's doing, but a mistake of the program, and stays an error.
    """
    first = _first_failure(error)
    result = getattr(first, "sqlite_errorcode", sqlite3.SQLITE_OK)
    code = _REFUSED_AS.get(result) or _REFUSED_AS.get(result & _PRIMARY)
    if code is None and _UNDECODABLE in str(first):
        code = "database_damaged"
    if code in {None, "disk_full", "database_busy"}:
        return Refused(code) if code else None
    return Refused(str(code), path=str(path), why=str(first))


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
