"""Taking commands in: each is carried out by the very handler the terminal used, and its answer is kept.

Kept here: I1 (a command has one answer, by its id, for ever), I2 (rows, feed and answer are one
transaction), I11 (who is frozen changes nothing), I12 (a command that cannot be carried out holds nobody up),
I13 (the order is that of arrival, whatever clocks say).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Row, func, select
from sqlalchemy.exc import DBAPIError

from crm_tui.commands import Envelope, Verdict, by_kind, execute
from crm_tui.commands.base import SYSTEM, actor_of
from crm_tui.domain.errors import Refused
from crm_tui.hub.accounts import FROZEN
from crm_tui.hub.books import RECOVERING, HubBooks, came_second, may_be_tried_again, meta_value
from crm_tui.hub.chain import chain
from crm_tui.hub.changes import publish
from crm_tui.hub.identities import Key, claim
from crm_tui.hub.keeping import BehindError, has_carried_out, keep
from crm_tui.hub.tables import command_alias, command_log, device, flip, review, seat
from crm_tui.hub.together import hold_people, persistently, take_turn, work_alone
from crm_tui.hub.touched import take_touched
from crm_tui.store.scope import Viewer
from crm_tui.store.tables import org_unit, person
from crm_tui.store.transaction import Transaction
from crm_tui.store.types import instant_of, microseconds
from crm_tui.sync.messages import Ack, HubError, PushAnswer, PushRequest, Say, SealedCommand, Status
from crm_tui.trouble import places_of

TRANSACTION = 50
"""The most commands of one transaction."""
SLOW_CLOCK = timedelta(minutes=5)
"""A clock this far ahead of the hub's is put right: the command is dated by the hub."""
WILD_CLOCK = timedelta(hours=24)
"""A clock this far ahead is not believed at all: the command waits for somebody to look at it."""

_IN_EFFECT = frozenset({Status.APPLIED, Status.FLAGGED})
_LOOKED_AT = frozenset({Status.FLAGGED, Status.HELD, Status.QUARANTINED})
_POISON = frozenset({"command_unknown", "command_invalid", "command_failed"})
_KEPT_BACK = frozenset({"person_frozen", "person_unknown"})
_SHAPES_ACTORS = frozenset({person.name, org_unit.name})
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Known:
    """The answer that a command has had."""

    status: str
    code: str
    details: dict[str, Any]
    hub_at: int


@dataclass
class Portion:
    """What one transaction takes in from one device; ``known`` and ``actors`` may be those of others too."""

    tx: Transaction
    device: Row[Any]
    hub_at: int
    address: str
    known: dict[str, Known]
    by_seq: dict[int, str]
    actors: dict[str, Viewer] = field(default_factory=dict)
    seats: set[str] = field(default_factory=set)
    entries: list[dict[str, Any]] = field(default_factory=list)
    flips: list[dict[str, Any]] = field(default_factory=list)
    acks: list[Ack] = field(default_factory=list)
    again: bool = False
    """Whether the whole may be done again where another worker was faster."""


def take(books: HubBooks, device_id: str, request: PushRequest, address: str = "") -> PushAnswer:
    """Take in what a device hands over, in portions that are each one transaction.

    Raises:
        HubError: EPOCH, GAP (expected), FORKED, FROZEN, RETRY; portions before it are kept. BehindError: the
            terminal has had answers of which this hub knows nothing.
    """
    answer = PushAnswer(acks=[], hub_now=books.now)
    for start in range(0, len(request.commands), TRANSACTION):
        part = replace(request, commands=request.commands[start : start + TRANSACTION])
        told = persistently(books, partial(_take_portion, books, device_id, part, address))
        answer = PushAnswer(acks=answer.acks + told.acks, hub_now=books.now, kept=told.kept)
    return answer


def _take_portion(
    books: HubBooks, device_id: str, request: PushRequest, address: str, taken: set[Key] | None
) -> PushAnswer:
    with books.write() as tx:
        mode = take_turn(tx, alone=work_alone({one.kind for one in request.commands}))
        row = tx.first(select(device).where(device.c.device_id == device_id).with_for_update())
        if row is None:
            raise HubError(Say.AUTH)
        if request.epoch != (epoch := meta_value(tx, "epoch")):
            raise HubError(Say.EPOCH, epoch=epoch, last_seq=row.last_seq)
        if mode == RECOVERING:
            kept = keep(tx, row, request.commands, books.now, address)
            return PushAnswer(acks=[], hub_now=books.now, kept=kept)
        behind = request.answered > row.last_seq or not has_carried_out(tx, request.newest)
        if behind and row.status != FROZEN:  # whom nobody believes
            raise BehindError
        hold_people(tx, (one.actor_id for one in request.commands))
        portion = begin_portion(tx, row, request.commands, next_instant(tx, books.now), address)
        portion.again = taken is not None
        last = row.last_seq
        for sealed in request.commands:
            last = take_one(portion, sealed, last)
        revs = tell_changes(tx, taken)
        skew = request.now - portion.hub_at
        close_portion(portion, last, revs, skew=skew, app_version=request.app_version)
        return PushAnswer(acks=portion.acks, hub_now=books.now)


def next_instant(tx: Transaction, now: int) -> int:
    """Return the hub's time, later than that of every command before: its clock may have been put back.

    A clock that was days ahead is left behind nevertheless: nothing is ordered by it alone (I13).
    """
    newest = tx.scalar(select(func.max(command_log.c.hub_at)))
    last = microseconds(newest) if newest is not None else 0
    return last + 1 if 0 <= last - now < _us(WILD_CLOCK) else now


def known_answers(tx: Transaction, ids: Sequence[str]) -> dict[str, Known]:
    """Return the answers that these commands have had, as they are now."""
    asked = (
        select(command_log, review.c.answer_no, review.c.answer, review.c.answer_code)
        .add_columns(review.c.answer_details)
        .outerjoin(review, review.c.cmd_id == command_log.c.cmd_id)
        .where(command_log.c.cmd_id.in_(ids))
    )
    return {row.cmd_id: known_of(row) for row in tx.rows(asked)}


def known_of(row: Row[Any]) -> Known:
    """Return the answer that stands in the log, or that of a review which came after it."""
    if row.answer_no:
        return Known(row.answer, row.answer_code, row.answer_details, microseconds(row.hub_at))
    return Known(row.status, row.code, row.details, microseconds(row.hub_at))


def begin_portion(
    tx: Transaction, row: Row[Any], commands: Sequence[SealedCommand], hub_at: int, address: str
) -> Portion:
    """Read at once what is known of the commands of a portion."""
    seqs = [one.seq for one in commands]
    known = known_answers(tx, [one.cmd_id for one in commands])
    by_seq: dict[int, str] = {}
    for table in (command_log, command_alias):
        mine = select(table.c.seq, table.c.cmd_id).where(
            table.c.device_id == row.device_id, table.c.seq.in_(seqs)
        )
        by_seq |= {one.seq: one.cmd_id for one in tx.rows(mine)}
    seats = set(tx.scalars(select(seat.c.person_id).where(seat.c.device_id == row.device_id)))
    return Portion(tx, row, hub_at, address, known, by_seq, seats=seats)


def take_one(portion: Portion, sealed: SealedCommand, last: int) -> int:
    """Answer one command; return the last ``seq`` of the device after it."""
    if sealed.seq <= last:
        if portion.by_seq.get(sealed.seq) != sealed.cmd_id:
            raise HubError(Say.FORKED, seq=sealed.seq)
        portion.acks.append(_stored(portion, sealed))
        return last
    if sealed.seq > last + 1:
        raise HubError(Say.GAP, expected=last + 1)
    if sealed.cmd_id in portion.known:
        portion.tx.insert(
            command_alias, device_id=portion.device.device_id, seq=sealed.seq, cmd_id=sealed.cmd_id
        )
        portion.acks.append(_stored(portion, sealed))
    else:
        portion.acks.append(_decide(portion, sealed))
    portion.by_seq[sealed.seq] = sealed.cmd_id
    return sealed.seq


def _stored(portion: Portion, sealed: SealedCommand) -> Ack:
    """Return the answer that the command has had before."""
    found = portion.known[sealed.cmd_id]
    return Ack(
        seq=sealed.seq,
        cmd_id=sealed.cmd_id,
        status=found.status,
        code=found.code,
        details=found.details,
        hub_at=found.hub_at,
    )


def _decide(portion: Portion, sealed: SealedCommand) -> Ack:
    """Carry a new command out, or say why not, and note the answer for the log."""
    status, code, details = outcome_of(portion, sealed)
    _note(portion, sealed, status, code, details)
    portion.known[sealed.cmd_id] = Known(status, code, details, portion.hub_at)
    return Ack(
        seq=sealed.seq,
        cmd_id=sealed.cmd_id,
        status=status,
        code=code,
        details=details,
        hub_at=portion.hub_at,
    )


Answer = tuple[Status, str, dict[str, Any]]
"""A status, the refusal's code and its details."""


def outcome_of(portion: Portion, sealed: SealedCommand) -> Answer:
    """Carry a command out, strictly first; a fact that a rule refuses is carried out all the same."""
    if sealed.given_up:
        return Status.REJECTED, "given_up", {}
    if portion.device.status == FROZEN:
        return Status.HELD, "device_frozen", {}
    if sealed.actor_id == SYSTEM or sealed.actor_id not in portion.seats:
        return Status.HELD, "seat_missing", {}
    ahead = sealed.at - portion.hub_at
    if ahead > _us(WILD_CLOCK):
        return Status.HELD, "clock_ahead", {"hours": ahead // _us(timedelta(hours=1))}
    verdict = carried_out(portion, sealed, lenient=False)
    if verdict.applied:
        return Status.APPLIED, "", dict(verdict.details)
    return _status_of(portion, sealed, verdict.code), verdict.code, dict(verdict.details)


def _status_of(portion: Portion, sealed: SealedCommand, code: str) -> Status:
    """Return what becomes of a command that was refused strictly."""
    if code in _POISON:
        return Status.QUARANTINED
    if code in _KEPT_BACK:
        return Status.HELD
    if not by_kind()[sealed.kind].fact:
        return Status.REJECTED
    return Status.FLAGGED if carried_out(portion, sealed, lenient=True).applied else Status.HELD


def carried_out(portion: Portion, sealed: SealedCommand, *, lenient: bool) -> Verdict:
    """Carry a command out in a savepoint; one that breaks the program is an answer too."""
    tx = portion.tx
    envelope = Envelope(
        cmd_id=sealed.cmd_id,
        batch_id=sealed.batch_id,
        device_id=portion.device.device_id,
        actor_id=sealed.actor_id,
        at=instant_of(_dated(portion, sealed)),
        kind=sealed.kind,
        version=sealed.version,
        args=sealed.args,
    )
    try:
        with tx.savepoint():
            actor = _actor(portion, sealed.actor_id)
            verdict = execute(envelope, tx, actor, lenient=lenient)
    except Refused as no:
        return Verdict(no.code, no.details)
    except DBAPIError as error:
        if may_be_tried_again(error) or (portion.again and came_second(error)):
            raise
        return _failed(sealed, error)
    except Exception as error:  # noqa: BLE001 - a poison command must not hold up those behind it (I12)
        return _failed(sealed, error)
    if tx.changed & _SHAPES_ACTORS:
        portion.actors.clear()
    return verdict


def _failed(sealed: SealedCommand, error: Exception) -> Verdict:
    """Note that a command broke the program: where, never whose data it was about."""
    _log.error("command %s could not be carried out: %s", sealed.cmd_id, places_of(error))
    return Verdict("command_failed")


def _actor(portion: Portion, actor_id: str) -> Viewer:
    """Return who acts, looked up once in a portion while nothing about people changes."""
    if actor_id not in portion.actors:
        portion.actors[actor_id] = actor_of(portion.tx, actor_id)
    return portion.actors[actor_id]


def _dated(portion: Portion, sealed: SealedCommand) -> int:
    """Return when a command was given: by its terminal's clock, by the hub's where that runs ahead."""
    ahead = sealed.at - portion.hub_at
    return portion.hub_at if ahead > _us(SLOW_CLOCK) else sealed.at


def _note(
    portion: Portion, sealed: SealedCommand, status: Status, code: str, details: dict[str, Any]
) -> None:
    portion.entries.append(
        {
            "cmd_id": sealed.cmd_id,
            "device_id": portion.device.device_id,
            "seq": sealed.seq,
            "batch_id": sealed.batch_id,
            "actor_id": sealed.actor_id,
            "kind": sealed.kind,
            "version": sealed.version,
            "args": sealed.args,
            "client_at": instant_of(sealed.at),
            "hub_at": instant_of(portion.hub_at),
            "address": portion.address,
            "status": str(status),
            "code": code,
            "details": details,
            "supersedes": sealed.supersedes,
        }
    )
    if sealed.told and (sealed.told in _IN_EFFECT) != (status in _IN_EFFECT):
        portion.flips.append(
            {
                "cmd_id": sealed.cmd_id,
                "before": sealed.told,
                "after": str(status),
                "code": code,
                "at": instant_of(portion.hub_at),
            }
        )


def tell_changes(tx: Transaction, expected: set[Key] | None = None) -> dict[str, int]:
    """Write the feed of everything that this transaction has changed; return the new revisions by space.

    Raises:
        HubError: RETRY where a number that is not ``expected`` to be has just become another customer's.
    """
    touched = take_touched(tx.connection)
    taken = claim(tx, touched)
    if expected is not None and taken - expected:
        expected |= taken
        raise HubError(Say.RETRY)
    return publish(tx, touched) if touched else {}


def close_portion(
    portion: Portion, last: int, revs: Mapping[str, int], *, skew: int, app_version: str
) -> None:
    """Write the log, with the revisions that tell of the changes, and what is known of the device."""
    tx = portion.tx
    chained = list(chain(portion.device.last_hash, portion.entries))
    tx.insert_all(command_log, [{**entry, "revs": dict(revs)} for entry in chained])
    tx.insert_all(review, list(_to_review(portion)))
    tx.insert_all(flip, portion.flips)
    tx.update_where(
        device,
        device.c.device_id == portion.device.device_id,
        last_seq=last,
        last_hash=chained[-1]["hash"] if chained else portion.device.last_hash,
        last_seen_at=instant_of(portion.hub_at),
        skew=skew,
        app_version=app_version,
    )


def _to_review(portion: Portion) -> Iterator[dict[str, Any]]:
    for entry in portion.entries:
        if entry["status"] in _LOOKED_AT:
            yield {
                "cmd_id": entry["cmd_id"],
                "opened_at": entry["hub_at"],
                "status": entry["status"],
                "code": entry["code"],
                "decision": "",
                "decided_by": "",
                "answer_no": 0,
                "answer": "",
                "answer_code": "",
                "answer_details": {},
            }


def _us(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
