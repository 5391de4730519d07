"""What somebody should look at: commands that were flagged, held or could not be carried out, and decisions.

The log never changes. A decision is an entry of its own in it, chained like every other (``HUB`` is the
device); the command's answer as it is now stands in the table ``review``, from which its terminal learns it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select

from crm_tui.commands import by_kind
from crm_tui.commands.base import SYSTEM
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.hub.books import HubBooks, set_meta
from crm_tui.hub.chain import chain
from crm_tui.hub.push import (
    Answer,
    Portion,
    begin_portion,
    carried_out,
    next_instant,
    outcome_of,
    tell_changes,
)
from crm_tui.hub.tables import command_log, device, review
from crm_tui.hub.together import take_turn
from crm_tui.store import credentials
from crm_tui.store.outbox import DISCARDED_THERE
from crm_tui.store.scope import Viewer, viewer_of
from crm_tui.store.tables import person
from crm_tui.store.transaction import Transaction
from crm_tui.store.types import instant_of, microseconds
from crm_tui.sync.messages import SealedCommand, Status

HUB = "hub"
"""The device of what the hub itself writes into the log."""
DECIDED, RERUN = "hub_review", "hub_rerun"
"""The kinds of those entries: a person's decision, and a newer program that could carry a command out."""
ACCEPT, DISCARD = "accept", "discard"


@dataclass(frozen=True)
class Case:
    """A command that waits for a decision; ``code`` says why."""

    cmd_id: str
    kind: str
    author: str
    device: str
    at: datetime
    status: str
    code: str
    details: Mapping[str, Any]
    args: Mapping[str, Any]

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def cases(books: HubBooks) -> tuple[Case, ...]:
    """Return the commands that wait for a decision, those of the longest standing first."""
    asked = (
        select(command_log, review.c.status.label("now"), review.c.code.label("why"), review.c.answer_no)
        .add_columns(review.c.answer_details, person.c.name.label("author"), device.c.name.label("till"))
        .join(review, review.c.cmd_id == command_log.c.cmd_id)
        .outerjoin(person, person.c.id == command_log.c.actor_id)
        .outerjoin(device, device.c.device_id == command_log.c.device_id)
        .where(review.c.decided_at.is_(None))
        .order_by(review.c.opened_at, command_log.c.cmd_id)
    )
    with books.read() as tx:
        return tuple(
            Case(
                cmd_id=row.cmd_id,
                kind=row.kind,
                author=row.author or row.actor_id,
                device=row.till or row.device_id,
                at=row.client_at,
                status=row.now,
                code=row.why,
                details=row.answer_details if row.answer_no else row.details,
                args=row.args,
            )
            for row in tx.rows(asked)
        )


def who_decides(books: HubBooks, word: str) -> tuple[str, str]:
    """Return id and name of the person with this number, name or id; raises Refused person_unknown."""
    with books.read() as tx:
        found = tx.rows(
            select(person.c.id, person.c.name).where(
                (person.c.number == word) | (person.c.name == word) | (person.c.id == word)
            )
        )
    if len(found) != 1:
        raise Refused("person_unknown")
    return found[0].id, found[0].name


def prove(books: HubBooks, person_id: str, pin: str) -> None:
    """Check the PIN of who decides, counting the try; raises Refused pin_unset, pin_wrong, pin_locked."""
    with books.write() as tx:
        no = credentials.check_pin(tx, person_id, pin, books.clock())
        left = credentials.tries_left(tx, person_id)
        until = credentials.locked_until(tx, person_id, books.clock())
    if no is not None:
        minutes = -(-(until - books.clock()) // timedelta(minutes=1)) if until else 0
        raise Refused(no, left=left, minutes=minutes)


def accept(books: HubBooks, viewer_id: str, cmd_id: str, new_id: Callable[[], str]) -> None:
    """Let a flagged command stand, or carry a held one out in its author's name.

    A fact is taken in as what has happened (decision 0007); what somebody only wished is done by the rules.

    Raises:
        Refused: as for :func:`discard`, review_own, and whatever keeps the command from being carried out.
    """
    with books.write() as tx:
        viewer, row = _case(tx, viewer_id, cmd_id)
        if row.actor_id == viewer.person_id:
            raise Refused("review_own")
        if row.now == Status.FLAGGED:
            answer: Answer = (Status.APPLIED, "", row.details)
        else:
            answer = (Status.APPLIED, "", _carry_out(tx, row))
        _decide(tx, row, viewer.person_id, ACCEPT, answer, now=books.now, new_id=new_id)


def discard(books: HubBooks, viewer_id: str, cmd_id: str, new_id: Callable[[], str]) -> None:
    """Refuse a held command for good; its author's terminal says so.

    Raises:
        Refused: review_unknown, review_decided, review_stands (it was applied), not_allowed (right),
            person_frozen.
    """
    with books.write() as tx:
        viewer, row = _case(tx, viewer_id, cmd_id)
        if row.now == Status.FLAGGED:
            raise Refused("review_stands")
        answer: Answer = (Status.REJECTED, DISCARDED_THERE, {"by": viewer.name})
        _decide(tx, row, viewer.person_id, DISCARD, answer, now=books.now, new_id=new_id)


def rerun(books: HubBooks, new_id: Callable[[], str]) -> int:
    """Carry out what an older hub could not and this one can; return how many commands have a new answer."""
    with books.read() as tx:
        if not _quarantined(tx):
            return 0
    answered = 0
    with books.write() as tx:
        take_turn(tx, alone=True)  # of several workers that begin together one finds them
        for row in _quarantined(tx):
            status, code, details = outcome_of(_portion(tx, row), _sealed(row))
            if (str(status), code) == (row.now, row.why):
                continue
            answered += 1
            opened = status in {Status.FLAGGED, Status.HELD, Status.QUARANTINED}
            args = {"cmd_id": row.cmd_id, "answer": str(status)}
            at = _log(tx, _Entry(new_id(), RERUN, SYSTEM, args), books.now)
            _answer(tx, row.cmd_id, (status, code, details))
            now: dict[str, Any] = {"status": str(status), "code": code}
            if not opened:
                now |= {"decision": RERUN, "decided_by": SYSTEM, "decided_at": at}
            tx.update_where(review, review.c.cmd_id == row.cmd_id, **now)
    return answered


def _quarantined(tx: Transaction) -> list[Row[Any]]:
    """Return what could not be carried out so far, of the kinds and versions that this program knows."""
    asked = (
        select(command_log, review.c.status.label("now"), review.c.code.label("why"))
        .join(review, review.c.cmd_id == command_log.c.cmd_id)
        .where(
            review.c.decided_at.is_(None),
            review.c.status == str(Status.QUARANTINED),
            command_log.c.kind.in_(sorted(by_kind())),
        )
        .order_by(command_log.c.hub_at, command_log.c.device_id, command_log.c.seq)
    )
    return [row for row in tx.rows(asked) if row.version <= by_kind()[row.kind].version]


def _case(tx: Transaction, viewer_id: str, cmd_id: str) -> tuple[Viewer, Row[Any]]:
    """Return who decides and about what, if this person may."""
    take_turn(tx, alone=True)
    viewer = viewer_of(tx, viewer_id)
    tx.first(select(review.c.cmd_id).where(review.c.cmd_id == cmd_id).with_for_update())
    row = tx.first(
        select(command_log, review.c.status.label("now"), review.c.decided_at)
        .join(review, review.c.cmd_id == command_log.c.cmd_id)
        .where(command_log.c.cmd_id == cmd_id)
    )
    if row is None:
        raise Refused("review_unknown")
    mine = select(person.c.id).where(person.c.id == row.actor_id, viewer.scope.people_where())
    if not viewer.may(Right.REASSIGN) or not (viewer.scope.everything or tx.first(mine)):
        raise Refused("not_allowed", right=Right.REASSIGN)
    if row.decided_at is not None:
        raise Refused("review_decided")
    return viewer, row


def _carry_out(tx: Transaction, row: Row[Any]) -> dict[str, Any]:
    """Carry a held command out though its author is frozen; return its details (I11)."""
    portion = _portion(tx, row)
    if row.actor_id != SYSTEM:
        portion.actors[row.actor_id] = viewer_of(tx, row.actor_id, though_frozen=True)
    verdict = carried_out(portion, _sealed(row), lenient=by_kind()[row.kind].fact)
    if not verdict.applied:
        raise Refused(verdict.code, **verdict.details)
    return dict(verdict.details)


def _decide(
    tx: Transaction,
    row: Row[Any],
    viewer_id: str,
    decision: str,
    answer: Answer,
    *,
    now: int,
    new_id: Callable[[], str],
) -> None:
    args = {"cmd_id": row.cmd_id, "decision": decision, "status": row.now, "answer": str(answer[0])}
    at = _log(tx, _Entry(new_id(), DECIDED, viewer_id, args), now)
    _answer(tx, row.cmd_id, answer)
    decided = {"decision": decision, "decided_by": viewer_id, "decided_at": at}
    tx.update_where(review, review.c.cmd_id == row.cmd_id, **decided)


def _answer(tx: Transaction, cmd_id: str, answer: Answer) -> None:
    """Let the command have another answer than the log's, with a number by which its terminal hears of it."""
    newest = int(tx.scalar(select(func.max(review.c.answer_no))) or 0)
    status, code, details = answer
    now = {"answer": str(status), "answer_code": code, "answer_details": details}
    tx.update_where(review, review.c.cmd_id == cmd_id, answer_no=newest + 1, **now)


@dataclass(frozen=True)
class _Entry:
    """What the hub itself writes into the log."""

    cmd_id: str
    kind: str
    actor_id: str
    args: dict[str, Any]


def _log(tx: Transaction, own: _Entry, now: int) -> datetime:
    """Write an entry of the hub's own into the log, and the feed of what was changed; return its instant."""
    at = instant_of(next_instant(tx, now))
    last = tx.first(
        select(command_log.c.seq, command_log.c.hash)
        .where(command_log.c.device_id == HUB)
        .order_by(command_log.c.seq.desc())
        .limit(1)
    )
    revs = tell_changes(tx)
    entry = {
        "cmd_id": own.cmd_id,
        "device_id": HUB,
        "seq": last.seq + 1 if last is not None else 1,
        "batch_id": own.cmd_id,
        "actor_id": own.actor_id,
        "kind": own.kind,
        "version": 1,
        "args": own.args,
        "client_at": at,
        "hub_at": at,
        "address": "",
        "status": str(Status.APPLIED),
        "code": "",
        "details": {},
        "supersedes": "",
        "revs": revs,
    }
    (sealed,) = chain(last.hash if last is not None else "", [entry])
    tx.insert_all(command_log, [sealed])
    set_meta(tx, own_hash=sealed["hash"])
    return at


def _portion(tx: Transaction, row: Row[Any]) -> Portion:
    found = tx.first(select(device).where(device.c.device_id == row.device_id))
    assert found is not None, "a command comes from a device"
    return begin_portion(tx, found, (), microseconds(row.hub_at), row.address)


def _sealed(row: Row[Any]) -> SealedCommand:
    """Return a command of the log as it came."""
    return SealedCommand(
        seq=row.seq,
        cmd_id=row.cmd_id,
        batch_id=row.batch_id,
        actor_id=row.actor_id,
        kind=row.kind,
        version=row.version,
        args=row.args,
        at=microseconds(row.client_at),
        supersedes=row.supersedes,
    )
