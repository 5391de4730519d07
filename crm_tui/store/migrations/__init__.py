"""Numbered SQL that brings a file to the newest schema; ``PRAGMA user_version`` says where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from sqlite3 import Connection, complete_statement

from crm_tui.domain.errors import Refused


def scripts() -> list[tuple[int, str]]:
    """Return (number, SQL) of every migration, in order."""
    files = [entry for entry in resources.files(__name__).iterdir() if entry.name.endswith(".sql")]
    return sorted((int(entry.name[:4]), entry.read_text("utf-8")) for entry in files)


def newest() -> int:
    """Return the number of the newest migration: the schema this program works on."""
    return scripts()[-1][0]


def migrate(connection: Connection) -> int:
    """Bring the file up to date in one transaction; return how many migrations were applied.

    Whoever comes second finds the work done: the version is read again under the write lock. The
    connection's ``isolation_level`` is None.

    Raises:
        Refused: schema_newer, where a newer program has already changed the file.
    """
    known = scripts()
    if _version(connection) == known[-1][0]:
        return 0
    _refuse_newer(connection, known[-1][0])
    connection.execute("BEGIN IMMEDIATE")
    try:
        pending = [(number, sql) for number, sql in known if number > _version(connection)]
        for number, sql in pending:
            for statement in _statements(sql):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return len(pending)


def _version(connection: Connection) -> int:
    (at,) = connection.execute("PRAGMA user_version").fetchone()
    return int(at)


def _refuse_newer(connection: Connection, known: int) -> None:
    at = _version(connection)
    if at > known:
        raise Refused("schema_newer", found=at, known=known)


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script one by one, because executescript would commit between them."""
    gathered = ""
    for line in script.splitlines(keepends=True):
        gathered += line
        if complete_statement(gathered):
            yield gathered
            gathered = ""
