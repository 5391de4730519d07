"""Opening the terminal's database file: checks before, migrations, and how a transaction begins."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from crm_tui.domain.errors import Refused
from crm_tui.store.migrations import migrate

_MAGIC = b"SQLite format 3\x00"
BUSY_MILLISECONDS = 5_000
_WRITES = "crm_writes"


def open_engine(path: Path) -> Engine:
    """Open, check and migrate the database file at ``path``; a new file is made for its owner alone.

    Raises:
        Refused: database_damaged, database_unreadable, database_readonly, schema_newer; the file is
            left untouched.
    """
    path = path.resolve()
    _check_file(path)
    try:
        with sqlite3.connect(path, isolation_level=None) as plain:
            _set_up(plain)
            migrate(plain)
        plain.close()
    except sqlite3.OperationalError as error:
        raise Refused("database_readonly", path=str(path), why=str(error)) from error
    except sqlite3.DatabaseError as error:
        raise Refused("database_damaged", path=str(path), why=str(error)) from error
    engine = create_engine(
        f"sqlite+pysqlite:///{path}", hide_parameters=True, connect_args={"check_same_thread": False}
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def for_writing(engine: Engine) -> Engine:
    """Return the engine whose transactions take the write lock as they begin.

    A transaction that begins by reading and then writes fails at once under another writer,
    whatever the busy timeout says; BEGIN IMMEDIATE waits its turn.
    """
    return engine.execution_options(**{_WRITES: True})


def check_integrity(path: Path) -> list[str]:
    """Return what SQLite finds wrong with the file: broken pages and broken references; empty is sound."""
    _check_file(path)
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as plain:
            found = [row[0] for row in plain.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
            found += [f"{row[0]}: {row[2]}" for row in plain.execute("PRAGMA foreign_key_check")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return found


def _check_file(path: Path) -> None:
    """Refuse a file that is not ours before SQLite could touch it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        return
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_MAGIC))
    except OSError as error:
        raise Refused("database_unreadable", path=str(path), why=error.strerror or "") from error
    if head and head != _MAGIC:
        raise Refused("database_damaged", path=str(path), why="not a database")
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise Refused("database_readonly", path=str(path), why="no right to write")


def _set_up(connection: sqlite3.Connection | DBAPIConnection) -> None:
    """Set what every connection needs: an acknowledged save survives a power cut (FULL)."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    _set_up(connection)


def _on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
