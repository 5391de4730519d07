"""The commands of a terminal on their way: sealed for the hub, carried out anew, their answers noted."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from sqlalchemy import Row

from crm_tui.commands import Envelope, execute
from crm_tui.store import outbox
from crm_tui.store.transaction import Transaction
from crm_tui.store.types import instant_of, microseconds
from crm_tui.sync.messages import PUSH_BYTES, Ack, SealedCommand, Status
from crm_tui.trouble import places_of

_log = logging.getLogger(__name__)


def mark(tx: Transaction, ack: Ack) -> None:
    """Note the hub's answer to a command."""
    outbox.mark(
        tx,
        ack.seq,
        ack.cmd_id,
        ack.status,
        code=ack.code,
        details=ack.details,
        hub_at=instant_of(ack.hub_at),
    )


def replay(tx: Transaction) -> None:
    """Carry the waiting commands out anew; one that is refused now stays, and says so."""
    for row in outbox.pending(tx):
        envelope = Envelope(
            cmd_id=row.cmd_id,
            batch_id=row.batch_id,
            device_id=row.device_id,
            actor_id=row.actor_id,
            at=row.at,
            kind=row.kind,
            version=row.version,
            args=row.args,
        )
        code, details = _carried_out(envelope, tx)
        if code != row.code:
            outbox.doubt(tx, row.seq, code, details)


def _carried_out(envelope: Envelope, tx: Transaction) -> tuple[str, dict[str, Any] | None]:
    """Carry a command out; return why not, an empty code where it was."""
    try:
        with tx.savepoint():
            verdict = execute(envelope, tx)
    except Exception as error:  # noqa: BLE001 - one that breaks must not keep the others from the hub (I12)
        _log.error("command %s could not be carried out again: %s", envelope.cmd_id, places_of(error))
        return "command_failed", None
    return ("", None) if verdict.applied else (verdict.code, dict(verdict.details))


def sealed(row: Row[Any], less: int) -> SealedCommand:
    """Return a command as it travels; ``less`` is taken from the row's count to get the device's."""
    return SealedCommand(
        seq=row.seq - less,
        cmd_id=row.cmd_id,
        batch_id=row.batch_id,
        actor_id=row.actor_id,
        kind=row.kind,
        version=row.version,
        args=row.args,
        at=microseconds(row.at),
        supersedes=row.supersedes,
        hub_at=microseconds(row.hub_at) if row.hub_at is not None else 0,
        told=row.told,
        given_up=bool(row.settled) and row.told == Status.REJECTED,
    )


def fitting(commands: list[SealedCommand]) -> list[SealedCommand]:
    """Return the first commands that one request may carry: at least one."""
    size = 0
    for count, command in enumerate(commands):
        size += len(msgspec.json.encode(command))
        if count and size > PUSH_BYTES:
            return commands[:count]
    return commands
