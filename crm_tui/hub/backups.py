"""Checked copies of a hub, each one file, and putting one back: as a hub's file or onto a server."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, create_engine, select
from sqlalchemy.exc import DBAPIError

from crm_tui.domain.errors import Refused
from crm_tui.hub import postgres
from crm_tui.hub.books import SHARE, HubBooks, file_of, meta_value, open_file, set_meta
from crm_tui.hub.copying import (
    WHOLE,
    Progress,
    copy_rows,
    digests_of,
    enter_organisation,
    in_silence,
    remove_rows,
)
from crm_tui.hub.keeping import begin_recovery
from crm_tui.hub.probe import hub_facts, of_hub
from crm_tui.hub.tables import device, hub_meta, hub_metadata, invite, seat
from crm_tui.hub.together import take_turn
from crm_tui.store.backup import backup, free_name, new_backup, restore
from crm_tui.store.engine import DELETE, for_writing, open_engine
from crm_tui.store.tables import credential
from crm_tui.store.transaction import Transaction

_ACCOUNTS = (device, seat, invite, credential)
_Accounts = dict[Table, list[dict[str, Any]]]


def back_up(books: HubBooks, url: str, target: Path, progress: Progress = in_silence) -> Path:
    """Copy the hub while it runs, check the copy, and let terminals prune what stands in it; return the copy.

    Of a server the copy is a file as a hub on SQLite has it, of one state of the rows; ``progress`` is told
    how many of them it has so far.

    Raises:
        Refused: as ``store.backup.backup`` does, with hub_damaged (why) for database_damaged; backup_differs
            (path, why) where a copy differs from what it was made of.
    """
    began = books.now
    try:
        if url.startswith(postgres.SCHEME):
            with books.read() as tx:
                _write_file(tx, target, progress)
        else:
            backup(file_of(url), target)
    except Refused as no:
        raise of_hub(no) from no
    with closing(sqlite3.connect(f"{target.resolve().as_uri()}?mode=ro", uri=True)) as plain:
        known = plain.execute("SELECT device_id, last_seq FROM device").fetchall()
    with books.write() as tx:
        take_turn(tx, alone=False)
        for device_id, last_seq in known:
            tx.update_where(device, device.c.device_id == device_id, safe_seq=last_seq)
        set_meta(tx, safe_until=str(began))
    return target


def put_back(
    saved: Path, url: str, clock: Callable[[], datetime], progress: Progress = in_silence
) -> Path | None:
    """Put a backup in the place of the hub's rows, and let it recover; return where the old ones are kept.

    Who has joined, been let in or been shut out since is taken over from the old ones where they can be read.
    The old file stays beside the hub's; the old rows of a server are saved beside the backup first.

    Raises:
        Refused: backup_no_hub, backup_other_hub (path), hub_in_use, hub_organisations; as
            ``store.backup.restore``, ``back_up`` and ``postgres.migrate`` do. Nothing was changed.
        HubError: RETRY, DISK_FULL of a server; nothing was changed.
    """
    on_server = url.startswith(postgres.SCHEME)
    ours = postgres.organisation_of(url) if on_server else _organisation(file_of(url))
    if saved.is_file():
        theirs = _organisation(saved)
        if not theirs:
            raise Refused("backup_no_hub", path=str(saved))
        if ours and ours != theirs:
            raise Refused("backup_other_hub", path=str(saved))
    if on_server:
        return _put_on_server(saved, url, clock, progress)
    try:
        aside = restore(saved, file_of(url))
    except Refused as no:
        raise Refused("hub_in_use") if no.code == "database_in_use" else no from no
    with closing(HubBooks.open(url, clock=clock)) as books, books.write() as tx:
        _note_share(tx, on_share=url.startswith(SHARE) or (aside is not None and _is_shared(aside)))
        _begin_anew(tx, aside)
    return aside


def _is_shared(path: Path) -> bool:
    """Tell whether a file was a hub that terminals opened themselves; one that cannot be read is none."""
    try:
        return "share" in hub_facts(path)
    except Refused:
        return False


def _note_share(tx: Transaction, *, on_share: bool) -> None:
    """Let a hub know whether its file is one that terminals open: a backup may come from the other kind."""
    tx.delete_where(hub_meta, hub_meta.c.name == "share")
    if on_share:
        set_meta(tx, share="1")


def _write_file(tx: Transaction, target: Path, progress: Progress) -> None:
    """Write everything that a transaction sees into a new file, and compare."""
    with new_backup(target, meta_value(tx, "organisation")) as fresh:
        engine = open_engine(fresh, DELETE)
        try:
            hub_metadata.create_all(engine)
            with for_writing(engine).begin() as connection:
                copy_rows(tx, Transaction(connection), WHOLE, progress)
            with engine.connect() as connection:
                _compare(tx, Transaction(connection), target)
        finally:
            engine.dispose()


def _put_on_server(saved: Path, url: str, clock: Callable[[], datetime], progress: Progress) -> Path | None:
    """Put a backup, brought to this program's form in a file of its own, in the place of a server's rows."""
    with tempfile.TemporaryDirectory(prefix="crm-tui-restore-") as folder:
        path = Path(folder) / "hub.db"
        restore(saved, path)
        org = _organisation(path)
        if postgres.in_use(url, org):
            raise Refused("hub_in_use")
        postgres.migrate(url)
        engine = open_file(path)
        try:
            with (
                engine.connect() as connection,
                closing(HubBooks.open(url, clock=clock, organisation=org)) as books,
                books.write() as tx,
            ):
                return _replace_rows(Transaction(connection), tx, saved, books.now, progress)
        finally:
            engine.dispose()


def _replace_rows(
    source: Transaction, tx: Transaction, saved: Path, now: int, progress: Progress
) -> Path | None:
    """Put the rows of a file in the place of those there; return the file in which these are kept."""
    take_turn(tx, alone=True)
    aside = None
    org, name = meta_value(source, "organisation_id"), meta_value(source, "organisation")
    if not enter_organisation(tx, org=org, name=name, now=now):
        aside = free_name(saved, "replaced")
        _write_file(tx, aside, progress)
        remove_rows(tx, WHOLE)
    copy_rows(source, tx, WHOLE, progress)
    _compare(source, tx, saved)
    _note_share(tx, on_share=False)
    _begin_anew(tx, aside)
    return aside


def _compare(source: Transaction, copy: Transaction, path: Path) -> None:
    """Look whether a copy has the very rows of what it was made of; raises Refused backup_differs."""
    expected, found = digests_of(source, WHOLE), digests_of(copy, WHOLE)
    differing = [name for name in expected if found[name] != expected[name]]
    if differing:
        raise Refused("backup_differs", path=str(path), why=", ".join(differing))


def _begin_anew(tx: Transaction, aside: Path | None) -> None:
    """Let a hub whose rows were put back know who is known since, and recover."""
    if aside is not None:
        _take_over(tx, _accounts(aside))
    begin_recovery(tx)


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
