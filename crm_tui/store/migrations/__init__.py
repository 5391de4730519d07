"""Numbered SQL that brings a file to the newest schema; ``PRAGMA user_version`` says where it stands."""

from __future__ import annotations

from importlib import resources
from sqlite3 import Connection

from crm_tui.domain.errors import Refused


def scripts() -> list[tuple[int, str]]:
    """Return (number, SQL) of every migration, in order."""
    files = [entry for entry in resources.files(__name__).iterdir() if entry.name.endswith(".sql")]
    return sorted((int(entry.name[:4]), entry.read_text("utf-8")) for entry in files)


def newest() -> int:
    """Return the number of the newest migration: the schema this program works on."""
    return scripts()[-1][0]


def migrate(connection: Connection) -> int:
    """Bring the file up to date, each migration in one transaction; return how many were applied.

    Raises:
        Refused: schema_newer, where a newer program has already changed the file.
    """
    (at,) = connection.execute("PRAGMA user_version").fetchone()
    if at > newest():
        raise Refused("schema_newer", found=at, known=newest())
    pending = [(number, sql) for number, sql in scripts() if number > at]
    for number, sql in pending:
        connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")
    return len(pending)
