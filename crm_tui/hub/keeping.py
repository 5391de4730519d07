"""A hub that was put back keeps what terminals send again, until all of it can be carried out in order.

Kept here: I1 (what has had an answer is not lost though the database is an older one).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, func, select

from crm_tui.hub.accounts import ACTIVE
from crm_tui.hub.books import NORMAL, RECOVERING, HubBooks, meta_value, new_secret, set_meta
from crm_tui.hub.tables import awaited, command_alias, command_log, device, recovery
from crm_tui.hub.together import take_turn
from crm_tui.store.transaction import Transaction
from crm_tui.store.types import instant_of
from crm_tui.sync.messages import HubError, Say, SealedCommand

AWAITED_FOR = timedelta(days=35)
"""A terminal that was not seen for so long before the backup is not waited for; it may come later."""
_log = logging.getLogger(__name__)


class BehindError(HubError):
    """A terminal knows more of this hub than the hub itself: its database was put back by hand."""

    def __init__(self) -> None:
        super().__init__(Say.RECOVERING)


def has_carried_out(tx: Transaction, cmd_id: str) -> bool:
    """Tell whether this hub knows a command of whose effects it once told a terminal.

    Revisions alone do not say it: a hub that was put back counts on from an older number, and others may have
    brought it beyond the number that the terminal knows.
    """
    known = select(command_log.c.cmd_id).where(command_log.c.cmd_id == cmd_id)
    return not cmd_id or tx.first(known) is not None


def begin_recovery(tx: Transaction) -> None:
    """Let terminals send again what this database lost: a new epoch, and a list of whom to wait for."""
    seen_at = device.c.last_seen_at  # none: it never heard what it is called, and never speaks
    newest = tx.scalar(select(func.max(seen_at)))
    tx.delete_where(awaited)
    tx.delete_where(recovery)  # left of a recovery that was itself put back: all of it comes again
    if newest is not None:
        since = newest - AWAITED_FOR
        ids = tx.scalars(select(device.c.device_id).where(device.c.status == ACTIVE, seen_at >= since))
        tx.insert_all(awaited, [{"device_id": one} for one in ids])
    set_meta(tx, epoch=new_secret()[:12], mode=RECOVERING)


def recover_from(books: HubBooks, device_id: str, epoch: str) -> HubError:
    """Begin to recover because a device has shown that this database was put back; return what to tell it.

    ``epoch`` is the one of which the device spoke: another terminal may have been faster.
    """
    with books.write() as tx:
        mode = take_turn(tx, alone=True)
        if meta_value(tx, "epoch") == epoch and mode == NORMAL:
            _log.info("device %s has answers that this hub does not know: recovering", device_id)
            begin_recovery(tx)
        last = tx.scalar(select(device.c.last_seq).where(device.c.device_id == device_id))
        return HubError(Say.EPOCH, epoch=meta_value(tx, "epoch"), last_seq=int(last or 0))


def keep(tx: Transaction, row: Row[Any], commands: Sequence[SealedCommand], now: int, address: str) -> int:
    """Keep the commands of a device beside the log; return its last one there is.

    Raises:
        HubError: FORKED, GAP (expected).
    """
    kept = tx.scalar(select(func.max(recovery.c.seq)).where(recovery.c.device_id == row.device_id))
    last = max(int(row.last_seq), int(kept or 0))
    known = _known(tx, row.device_id, [one.seq for one in commands])
    fresh: list[dict[str, Any]] = []
    for sealed in commands:
        if sealed.seq <= last:
            if known.get(sealed.seq) != sealed.cmd_id:
                raise HubError(Say.FORKED, seq=sealed.seq)
            continue
        if sealed.seq > last + 1:
            raise HubError(Say.GAP, expected=last + 1)
        last = sealed.seq
        known[sealed.seq] = sealed.cmd_id
        fresh.append(_entry(row.device_id, sealed, now, address))
    tx.insert_all(recovery, fresh)
    tx.update_where(device, device.c.device_id == row.device_id, last_seen_at=instant_of(now))
    return last


def _known(tx: Transaction, device_id: str, seqs: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for table in (command_log, command_alias, recovery):
        mine = select(table.c.seq, table.c.cmd_id).where(
            table.c.device_id == device_id, table.c.seq.in_(seqs)
        )
        found |= {one.seq: one.cmd_id for one in tx.rows(mine)}
    return found


def _entry(device_id: str, sealed: SealedCommand, now: int, address: str) -> dict[str, Any]:
    """Return what is kept; a command never stands later than now, and a new one stands now."""
    return {
        "device_id": device_id,
        "seq": sealed.seq,
        "cmd_id": sealed.cmd_id,
        "hub_at": min(sealed.hub_at or now, now),
        "sealed": msgspec.to_builtins(sealed),
        "address": address,
    }
