"""Making a hub: of the data of a terminal that has worked alone so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from crm_tui.domain.errors import Refused
from crm_tui.hub.accounts import enrol
from crm_tui.hub.books import NORMAL, HubBooks, meta_value, new_secret, set_meta
from crm_tui.hub.chain import chain
from crm_tui.hub.changes import publish
from crm_tui.hub.identities import claim
from crm_tui.hub.tables import command_log, device, seat
from crm_tui.hub.touched import take_touched
from crm_tui.store.replicated import REPLICATED, key_text
from crm_tui.store.tables import credential, edit_lease, org_unit, outbox
from crm_tui.store.transaction import Transaction
from crm_tui.sync.messages import JoinAnswer

_PORTION = 1_000


def found(books: HubBooks) -> str:
    """Let the rows that are in the database be the first revision of every space; return the epoch.

    Raises:
        Refused: hub_founded, hub_empty.
    """
    with books.write() as tx:
        return found_in(tx)


def found_in(tx: Transaction) -> str:
    """Do what ``found`` does in a transaction that has begun already."""
    if meta_value(tx, "epoch"):
        raise Refused("hub_founded")
    top = tx.first(select(org_unit).where(org_unit.c.parent_id.is_(None)))
    if top is None:
        raise Refused("hub_empty")
    epoch = new_secret()[:12]
    set_meta(tx, organisation=top.name, organisation_id=top.id, epoch=epoch, mode=NORMAL)
    set_meta(tx, key=new_secret(), safe_until="0")
    tx.delete_where(edit_lease)  # of programs that ask the hub from now on
    take_touched(tx.connection)
    everything = {table.name: set(_keys(tx, table)) for table in REPLICATED}
    claim(tx, everything)
    publish(tx, everything)
    return epoch


def adopt(books: HubBooks, *, device_id: str, machine: str, unit_id: str, name: str) -> JoinAnswer:
    """Make the terminal whose data this was the hub's first device, with its commands as answered.

    What is in the outbox has been applied by this terminal alone: it becomes the beginning of the log.
    """
    now = books.clock()
    with books.write() as tx:
        answer = enrol(
            tx, now, device_id=device_id, unit_id=unit_id, name=name, machine=machine, app_version=""
        )
        last_hash, last_seq = "", 0
        for rows in _outbox(tx):
            entries = list(chain(last_hash, [_entry(row, device_id, now) for row in rows]))
            tx.insert_all(command_log, entries)
            last_hash, last_seq = entries[-1]["hash"], entries[-1]["seq"]
        tx.update_where(device, device.c.device_id == device_id, last_seq=last_seq, last_hash=last_hash)
        people = list(tx.scalars(select(credential.c.person_id)))
        tx.insert_all(seat, [{"device_id": device_id, "person_id": one, "since": now} for one in people])
        tx.delete_where(outbox)
    return answer


def _keys(tx: Transaction, table: Any) -> Iterator[str]:
    for row in tx.rows(select(*table.primary_key.columns)):
        yield key_text(row)


def _outbox(tx: Transaction) -> Iterator[Sequence[Any]]:
    last = 0
    while rows := tx.rows(select(outbox).where(outbox.c.seq > last).order_by(outbox.c.seq).limit(_PORTION)):
        yield rows
        last = rows[-1].seq


def _entry(row: Any, device_id: str, now: datetime) -> dict[str, Any]:
    return {
        "cmd_id": row.cmd_id,
        "device_id": device_id,
        "seq": row.seq,
        "batch_id": row.batch_id,
        "actor_id": row.actor_id,
        "kind": row.kind,
        "version": row.version,
        "args": row.args,
        "client_at": row.at,
        "hub_at": now,
        "address": "",
        "status": "applied",
        "code": "",
        "details": {},
        "supersedes": "",
        "revs": {},
    }
