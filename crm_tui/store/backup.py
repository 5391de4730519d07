"""Copies of the database that are known to be good, and the way back from one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from crm_tui.domain.errors import Refused
from crm_tui.store.engine import check_integrity, storage_refusal
from crm_tui.store.file_checks import check_file


def backup(path: Path, target: Path) -> Path:
    """Copy the database while it may be in use, check the copy, and only then let it have its name.

    Raises:
        Refused: backup_exists, database_damaged, database_unreadable, disk_full.
    """
    if target.exists():
        raise Refused("backup_exists", path=str(target))
    check_file(path, for_writing=False)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = target.with_name(f"{target.name}.new")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        _copy(path, fresh)
        wrong = check_integrity(fresh)
        if wrong:
            raise Refused("database_damaged", path=str(path), why=wrong[0])
        fresh.rename(target)
    except sqlite3.DatabaseError as error:
        raise storage_refusal(error, path) from error
    finally:
        fresh.unlink(missing_ok=True)
    return target


def restore(saved: Path, path: Path) -> Path | None:
    """Put a backup in the database's place; return where the damaged file was kept, None: there was none.

    Nobody may have the database open.

    Raises:
        Refused: backup_missing, backup_damaged; nothing was changed.
    """
    if not saved.is_file():
        raise Refused("backup_missing", path=str(saved))
    try:
        wrong = check_integrity(saved)
    except Refused as no:
        raise Refused("backup_damaged", path=str(saved), why=str(no.details.get("why", ""))) from no
    if wrong:
        raise Refused("backup_damaged", path=str(saved), why=wrong[0])
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.restored")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_CREAT | os.O_WRONLY, 0o600))
    _copy(saved, fresh)
    aside = _set_aside(path)
    fresh.rename(path)
    return aside


def _copy(source: Path, target: Path) -> None:
    """Copy by SQLite's online backup, which reads through the log and does not stop a writer for long."""
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as here,
        closing(sqlite3.connect(target)) as there,
    ):
        here.backup(there, pages=1_000, sleep=0.01)
        there.execute("PRAGMA journal_mode = DELETE")


def _set_aside(path: Path) -> Path | None:
    """Move the file and its log to names that are free, together."""
    if not path.exists():
        return None
    number = 1
    while path.with_name(f"{path.name}.damaged-{number}").exists():
        number += 1
    aside = path.with_name(f"{path.name}.damaged-{number}")
    for ending in ("-wal", "-shm"):
        part = path.with_name(f"{path.name}{ending}")
        if part.exists():
            part.rename(aside.with_name(f"{aside.name}{ending}"))
    path.rename(aside)
    return aside
