"""Copies of the database that are known to be good, and the way back from one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from crm_tui.domain.errors import Refused
from crm_tui.store.engine import check_integrity, storage_refusal
from crm_tui.store.file_checks import check_file


def backup(path: Path, target: Path) -> Path:
    """Copy the database while it may be in use, check the copy, and only then let it have its name.

    Raises:
        Refused: backup_exists, backup_unwritable, database_damaged, database_unreadable, disk_full.
    """
    if target.exists():
        raise Refused("backup_exists", path=str(target))
    check_file(path, for_writing=False)
    with _fresh(target, "new") as fresh:
        _copy(path, fresh)
        wrong = check_integrity(fresh)
        if wrong:
            raise Refused("database_damaged", path=str(path), why=wrong[0])
        fresh.rename(target)
    return target


def restore(saved: Path, path: Path) -> Path | None:
    """Put a backup in the database's place; return where the damaged file was kept, None: there was none.

    Nobody may have the database open.

    Raises:
        Refused: backup_missing, backup_damaged, backup_foreign, backup_unwritable, disk_full; nothing was
            changed.
    """
    if not saved.is_file():
        raise Refused("backup_missing", path=str(saved))
    try:
        wrong = check_integrity(saved)
    except Refused as no:
        raise Refused("backup_damaged", path=str(saved), why=str(no.details.get("why", ""))) from no
    if wrong:
        raise Refused("backup_damaged", path=str(saved), why=wrong[0])
    with _fresh(path, "restored") as fresh:
        _copy(saved, fresh)
        if not _is_ours(fresh):
            raise Refused("backup_foreign", path=str(saved))
        aside = _set_aside(path)
        fresh.rename(path)
    return aside


@contextmanager
def _fresh(target: Path, ending: str) -> Iterator[Path]:
    """Make an empty file beside ``target`` for its owner alone; it goes again unless it was renamed."""
    fresh = target.with_name(f"{target.name}.{ending}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.unlink(missing_ok=True)
        os.close(os.open(fresh, os.O_CREAT | os.O_WRONLY, 0o600))
        try:
            yield fresh
        finally:
            fresh.unlink(missing_ok=True)
    except sqlite3.DatabaseError as error:
        raise storage_refusal(error, target) from error
    except OSError as error:
        raise Refused("backup_unwritable", path=str(target), why=error.strerror or "") from error


def _is_ours(path: Path) -> bool:
    """Tell whether a sound database is one of this program's: migrated, and with an organisation's tables."""
    with closing(sqlite3.connect(path)) as plain:
        (version,) = plain.execute("PRAGMA user_version").fetchone()
        named = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('org_unit', 'outbox')"
        (tables,) = plain.execute(named).fetchone()
    return bool(version and tables == 2)


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
