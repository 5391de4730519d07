"""Checked copies of a hub's database file, and putting one back; a server's database has means of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, create_engine, select
from sqlalchemy.exc import DBAPIError

from crm_tui.domain.errors import Refused
from crm_tui.hub.books import HubBooks, file_of, set_meta
from crm_tui.hub.keeping import begin_recovery
from crm_tui.hub.probe import of_hub
from crm_tui.hub.tables import device, invite, seat
from crm_tui.store.backup import backup, restore
from crm_tui.store.tables import credential
from crm_tui.store.transaction import Transaction

_ACCOUNTS = (device, seat, invite, credential)
_Accounts = dict[Table, list[dict[str, Any]]]


def back_up(books: HubBooks, url: str, target: Path) -> Path:
    """Copy the hub while it runs, check the copy, and let terminals prune what stands in it; return the copy.

    Raises:
        Refused: hub_backup_server for a server's database; as ``store.backup.backup`` does, with hub_damaged
            (why) for database_damaged.
    """
    began = books.now
    try:
        made = backup(_file(url), target)
    except Refused as no:
        raise of_hub(no) from no
    with closing(sqlite3.connect(f"{made.resolve().as_uri()}?mode=ro", uri=True)) as plain:
        known = plain.execute("SELECT device_id, last_seq FROM device").fetchall()
    with books.write() as tx:
        for device_id, last_seq in known:
            tx.update_where(device, device.c.device_id == device_id, safe_seq=last_seq)
        set_meta(tx, safe_until=str(began))
    return made


def put_back(saved: Path, url: str, clock: Callable[[], datetime]) -> Path | None:
    """Put a backup in the place of the hub's file and let the hub recover; return where the old one was kept.

    Who has joined, been let in or been shut out since is taken over from the old file where it can be read.

    Raises:
        Refused: hub_backup_server, backup_no_hub, backup_other_hub (path), hub_in_use; as
            ``store.backup.restore`` does. Nothing was changed.
    """
    path = _file(url)
    if saved.is_file():
        theirs, ours = _organisation(saved), _organisation(path)
        if not theirs:
            raise Refused("backup_no_hub", path=str(saved))
        if ours and ours != theirs:
            raise Refused("backup_other_hub", path=str(saved))
    try:
        aside = restore(saved, path)
    except Refused as no:
        raise Refused("hub_in_use") if no.code == "database_in_use" else no from no
    books = HubBooks.open(url, clock=clock)
    try:
        with books.write() as tx:
            if aside is not None:
                _take_over(tx, _accounts(aside))
            begin_recovery(tx)
    finally:
        books.close()
    return aside


def _file(url: str) -> Path:
    if url.startswith("postgresql"):
        raise Refused("hub_backup_server")
    return file_of(url)


def _organisation(path: Path) -> str:
    """Return the id of the organisation whose hub a file is; empty for none, or where it cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as plain:
            found = plain.execute("SELECT value FROM hub_meta WHERE name = 'organisation_id'").fetchone()
    except sqlite3.DatabaseError:
        return ""
    return str(found[0]) if found else ""


def _accounts(path: Path) -> _Accounts:
    """Return the accounts of a file that may be damaged: nothing where they cannot be read."""
    engine = create_engine(f"sqlite+pysqlite:///{path}", hide_parameters=True)
    try:
        with engine.connect() as connection:
            return {
                table: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in _ACCOUNTS
            }
    except DBAPIError:
        return {}
    finally:
        engine.dispose()


_CARRIED = ("status", "secret_hash", "unit_id", "name", "last_seen_at")


def _take_over(tx: Transaction, accounts: _Accounts) -> None:
    """Let the restored hub know the devices, seats and PINs of the file that it replaces.

    A device that is new begins its count anew: its commands all come again. One that the backup knows keeps
    the backup's count.
    """
    known = set(tx.scalars(select(device.c.device_id)))
    for table, rows in accounts.items():
        if table is not device:
            tx.delete_where(table)
            tx.insert_all(table, rows)
            continue
        for row in rows:
            if row["device_id"] in known:
                now = {name: row[name] for name in _CARRIED}
                tx.update_where(device, device.c.device_id == row["device_id"], **now)
            else:
                tx.insert(device, **(row | {"last_seq": 0, "last_hash": "", "safe_seq": -1}))
