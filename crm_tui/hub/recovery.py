"""Putting a hub back without losing what it had answered since: the commands come from the terminals again.

A hub that was put back keeps what arrives (``keeping``) and tells nothing, so that terminals go on working
offline. When every terminal it waits for has sent what it has, everything is carried out in the order in
which it was carried out first, and the hub says which commands had another end then (I1, I4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, func, select

from crm_tui.domain.errors import Refused
from crm_tui.hub.accounts import ACTIVE
from crm_tui.hub.books import NORMAL, RECOVERING, HubBooks, meta_value, set_meta
from crm_tui.hub.keeping import begin_recovery
from crm_tui.hub.push import (
    Known,
    Portion,
    begin_portion,
    close_portion,
    known_answers,
    next_instant,
    take_one,
    tell_changes,
)
from crm_tui.hub.tables import awaited, command_log, device, flip, recovery
from crm_tui.hub.together import take_turn
from crm_tui.store.scope import Viewer
from crm_tui.store.transaction import Transaction
from crm_tui.sync.messages import SealedCommand

_PORTION = 500
_SPEAKS = (device.c.status == ACTIVE, device.c.last_seen_at.is_not(None))
"""Of the terminals that a hub waits for those that can come: not frozen or replaced, and once heard of."""


@dataclass(frozen=True)
class Flip:
    """A command whose end is another one than before the hub was put back."""

    cmd_id: str
    kind: str
    actor_id: str
    before: str
    after: str
    code: str
    at: datetime


@dataclass(frozen=True)
class Recovery:
    """How far a recovery is: the names of the terminals still to come, and the commands kept so far."""

    recovering: bool
    waits_for: tuple[str, ...]
    kept: int
    flips: tuple[Flip, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def begin(books: HubBooks) -> None:
    """Begin to recover: after the database was put back by the means of the database itself.

    Raises:
        Refused: hub_recovering_already.
    """
    with books.write() as tx:
        if take_turn(tx, alone=True) == RECOVERING:
            raise Refused("hub_recovering_already")
        begin_recovery(tx)


def state(books: HubBooks) -> Recovery:
    """Return how far the recovery is, and which commands had another end before the last one."""
    with books.read() as tx:
        open_ones = (
            select(device.c.name)
            .join(awaited, awaited.c.device_id == device.c.device_id)
            .where(awaited.c.done_at.is_(None), *_SPEAKS)
            .order_by(device.c.name)
        )
        ended = (
            select(flip, command_log.c.kind, command_log.c.actor_id)
            .join(command_log, command_log.c.cmd_id == flip.c.cmd_id)
            .order_by(flip.c.at, flip.c.cmd_id)
        )
        recovering = meta_value(tx, "mode", NORMAL) == RECOVERING
        return Recovery(
            recovering=recovering,
            waits_for=tuple(tx.scalars(open_ones)) if recovering else (),
            kept=int(tx.scalar(select(func.count()).select_from(recovery)) or 0),
            flips=tuple(
                Flip(one.cmd_id, one.kind, one.actor_id, one.before, one.after, one.code, one.at)
                for one in tx.rows(ended)
            ),
        )


def has_sent_all(books: HubBooks, device_id: str) -> bool:
    """Note that a device has sent everything it has; carry all out where it was the last one.

    Returns:
        Whether the hub has recovered.
    """
    with books.write() as tx:
        if take_turn(tx, alone=True) != RECOVERING:
            return True
        mine = (awaited.c.device_id == device_id, awaited.c.done_at.is_(None))
        tx.update_where(awaited, *mine, done_at=books.clock())
        open_one = (
            select(awaited.c.device_id)
            .join(device, device.c.device_id == awaited.c.device_id)
            .where(awaited.c.done_at.is_(None), *_SPEAKS)
        )
        if tx.first(open_one) is not None:
            return False
        _carry_out(tx, books.now)
    return True


def finish(books: HubBooks) -> int:
    """Carry out what has arrived without waiting any longer; return how many commands.

    Who comes later still sends what it has: it is carried out when it comes.

    Raises:
        Refused: hub_not_recovering.
    """
    with books.write() as tx:
        if take_turn(tx, alone=True) != RECOVERING:
            raise Refused("hub_not_recovering")
        return _carry_out(tx, books.now)


def _carry_out(tx: Transaction, now: int) -> int:
    """Carry everything out in one transaction: a hub that dies meanwhile begins once more."""
    kept = tx.rows(select(recovery).order_by(recovery.c.device_id, recovery.c.seq))
    portions = _Portions(tx, kept)
    last = 0
    for hub_at, row in _in_order(kept):
        last = max(hub_at, last + 1) if last else next_instant(tx, hub_at)  # and after all in the log
        portions.take(row, last)
    portions.close(now)
    tx.delete_where(recovery)
    tx.delete_where(awaited)
    set_meta(tx, mode=NORMAL)
    return len(kept)


def _in_order(rows: Sequence[Row[Any]]) -> Iterator[tuple[int, Row[Any]]]:
    """Yield the commands as they were carried out first, and when; a device's own stay in its order (I13)."""
    latest: dict[str, int] = {}
    placed: list[tuple[int, str, int, Row[Any]]] = []
    for row in rows:
        latest[row.device_id] = max(latest.get(row.device_id, row.hub_at), row.hub_at)
        placed.append((latest[row.device_id], row.device_id, row.seq, row))
    for hub_at, _, _, row in sorted(placed, key=lambda one: one[:3]):
        yield hub_at, row


class _Portions:
    """The portions of all devices at once: what one of them was answered the others know."""

    def __init__(self, tx: Transaction, kept: Sequence[Row[Any]]) -> None:
        self._tx = tx
        self._known: dict[str, Known] = {}
        self._actors: dict[str, Viewer] = {}
        for ids in _parts([row.cmd_id for row in kept]):
            self._known |= known_answers(tx, ids)
        self._of: dict[str, Portion] = {}
        self._last: dict[str, int] = {}

    def take(self, row: Row[Any], hub_at: int) -> None:
        """Carry one command out at the instant at which it was carried out first."""
        portion = self._of.get(row.device_id) or self._begin(row)
        portion.hub_at, portion.address = hub_at, row.address
        sealed = msgspec.convert(row.sealed, SealedCommand)
        self._last[row.device_id] = take_one(portion, sealed, self._last[row.device_id])

    def close(self, now: int) -> None:
        """Write what has become of everything."""
        revs = tell_changes(self._tx)
        for device_id, portion in self._of.items():
            portion.hub_at = now
            row, last = portion.device, self._last[device_id]
            close_portion(portion, last, revs, skew=row.skew, app_version=row.app_version)

    def _begin(self, row: Row[Any]) -> Portion:
        found = self._tx.first(select(device).where(device.c.device_id == row.device_id))
        assert found is not None, "only devices that are known send anything"
        portion = begin_portion(self._tx, found, (), row.hub_at, row.address)
        portion.known, portion.actors = self._known, self._actors
        self._of[row.device_id] = portion
        self._last[row.device_id] = found.last_seq
        return portion


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _PORTION):
        yield ids[start : start + _PORTION]
