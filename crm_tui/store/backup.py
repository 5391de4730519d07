"""Copies of the database that are known to be good, and the way back from one."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from crm_tui.domain.errors import Refused
from crm_tui.store.engine import check_integrity, storage_refusal
from crm_tui.store.file_checks import check_file, set_foreign_log_aside

_BESIDE = ("-wal", "-shm")


def backup(path: Path, target: Path) -> Path:
    """Copy the database while it may be in use, check the copy, and only then let it have its name.

    Raises:
        Refused: backup_exists, backup_unwritable, database_damaged, database_unreadable, disk_full.
    """
    check_file(path, for_writing=False)
    with new_backup(target, str(path)) as fresh:
        _copy(path, fresh)
    return target


@contextmanager
def new_backup(target: Path, source: str) -> Iterator[Path]:
    """Let an empty file be filled, check it, and only then let it have its name; ``source`` is what it is of.

    Raises:
        Refused: as ``backup`` does.
    """
    if target.exists():
        raise Refused("backup_exists", path=str(target))
    with _fresh(target, "new") as fresh:
        yield fresh
        wrong = check_integrity(fresh)
        if wrong:
            raise Refused("database_damaged", path=source, why=wrong[0])
        fresh.rename(target)


def restore(saved: Path, path: Path) -> Path | None:
    """Put a backup in the database's place; return where what stood there was kept, None: nothing did.

    There is a database at ``path`` at every moment, the old one or the restored one.

    Raises:
        Refused: backup_missing, backup_damaged, backup_foreign, backup_unwritable, database_in_use,
            disk_full; nothing was changed.
    """
    if not saved.is_file():
        raise Refused("backup_missing", path=str(saved))
    path = path.resolve()
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
        aside = _keep_aside(path)
        fresh.replace(path)
    return aside


@contextmanager
def _fresh(target: Path, ending: str) -> Iterator[Path]:
    """Make an empty file beside ``target`` for its owner alone; it goes again unless it was renamed."""
    fresh = target.with_name(f"{target.name}.{ending}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in (fresh, fresh.with_name(f"{fresh.name}-journal")):  # by somebody who was killed
            left.unlink(missing_ok=True)
        os.close(os.open(fresh, os.O_CREAT | os.O_WRONLY, 0o600))
        try:
            yield fresh
        finally:
            fresh.unlink(missing_ok=True)
    except (sqlite3.DatabaseError, DBAPIError) as error:
        no = storage_refusal(error.orig if isinstance(error, DBAPIError) else error, target)
        if no is None:
            raise
        raise no from error
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


def _keep_aside(path: Path) -> Path | None:
    """Give the file that is to be replaced a second name that is free and says what it is."""
    if not path.exists():
        return None
    aside = free_name(path, "replaced" if _fold(path) else "damaged")
    try:
        aside.hardlink_to(path)
    except OSError:  # a disk without links: a copy is as good, only slower
        _plain_copy(path, aside)
    for ending in _BESIDE:
        part = path.with_name(f"{path.name}{ending}")
        if part.exists():
            part.replace(aside.with_name(f"{aside.name}{ending}"))
    return aside


def _fold(path: Path) -> bool:
    """Play the log of a sound file into it, and tell whether it is sound; a damaged one is left alone.

    Raises:
        Refused: database_in_use: whoever has opened the file holds a lock on it until it is closed.
    """
    try:
        if check_integrity(path):
            return False
    except Refused:
        return False
    set_foreign_log_aside(path)
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as plain:
            plain.execute("PRAGMA locking_mode = EXCLUSIVE")
            (journal,) = plain.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        raise Refused("database_in_use", path=str(path)) from error
    if journal != "delete":
        raise Refused("database_in_use", path=str(path))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)  # what looking at a log leaves behind
    return True


def free_name(path: Path, word: str) -> Path:
    """Return a name beside ``path`` that is free and says by ``word`` what has it."""
    number = 1
    while (aside := path.with_name(f"{path.name}.{word}-{number}")).exists():
        number += 1
    return aside


def _plain_copy(path: Path, target: Path) -> None:
    with _fresh(target, "new") as fresh:
        shutil.copyfile(path, fresh)
        fresh.rename(target)
