"""Telling a terminal what changed: pages of rows beyond its cursors, and the answers to its commands.

Kept here: I6 (nothing is missed: the feed is read in one snapshot, up to a bound that the first page fixed),
I10 (a row that has left the terminal's spaces is told as gone), I2 (answers come only with the state that
shows their effects: with what is whole, one page in one snapshot).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, Table, func, select, tuple_

from crm_tui.hub.accounts import seats_at
from crm_tui.hub.books import NORMAL, RECOVERING, HubBooks, meta_value
from crm_tui.hub.keeping import BehindError, has_carried_out
from crm_tui.hub.push import known_of
from crm_tui.hub.spaces import as_shown
from crm_tui.hub.tables import command_alias, command_log, device, feed, review, space_rev
from crm_tui.store.prepared import say
from crm_tui.store.replicated import (
    REPLICATED,
    column_names,
    has_key,
    key_columns,
    plain,
    replicated,
    settled,
)
from crm_tui.store.tables import org_unit
from crm_tui.store.transaction import Transaction
from crm_tui.sync.digests import fingerprint
from crm_tui.sync.messages import (
    WIDE,
    Ack,
    Digest,
    Gone,
    HubError,
    Place,
    PullAnswer,
    PullRequest,
    Say,
    TableRows,
)

_KEYS = 500
_ORDER = {table.name: place for place, table in enumerate(REPLICATED)}


def tell(books: HubBooks, device_id: str, request: PullRequest, page: int) -> PullAnswer:
    """Return one page of what changed for a device.

    Raises:
        HubError: AUTH, FROZEN, EPOCH, RECOVERING, RETRY. BehindError: this hub has lost what the
            terminal knows.
    """
    with books.read() as tx:
        row = tx.first(select(device).where(device.c.device_id == device_id))
        if row is None:
            raise HubError(Say.AUTH)
        if row.status == "frozen":
            raise HubError(Say.FROZEN)
        epoch = meta_value(tx, "epoch")
        if request.epoch != epoch:
            raise HubError(Say.EPOCH, epoch=epoch, last_seq=row.last_seq)
        if meta_value(tx, "mode", NORMAL) == RECOVERING:
            raise HubError(Say.RECOVERING)
        if request.first_pending > row.last_seq + 1 or not has_carried_out(tx, request.newest):
            raise BehindError
        scope = spaces_below(tx, row.unit_id)
        same = request.scope_hash == scope_hash(scope)
        cursors = request.cursors if same else {}
        upto = _bounds(revs_of(tx, scope), request.upto if same else None)
        _refuse_future(cursors, upto)
        entries = _entries(tx, cursors, upto, request.after if same else None, page + 1)
        more = len(entries) > page
        return _answer(books, tx, request, row, _Page(epoch, scope, upto, entries[:page], more, same))


@dataclass
class _Page:
    """The entries of the feed that one answer tells."""

    epoch: str
    scope: list[str]
    upto: dict[str, int]
    entries: Sequence[Row[Any]]
    more: bool
    same: bool


def _answer(books: HubBooks, tx: Transaction, request: PullRequest, row: Row[Any], page: _Page) -> PullAnswer:
    whole = page.same and request.after is None and not page.more
    last = page.entries[-1] if page.entries else None
    put, gone = _told(tx, page)
    decided = int(tx.scalar(select(func.max(review.c.answer_no))) or 0)
    return PullAnswer(
        epoch=page.epoch,
        scope=page.scope,
        scope_hash=scope_hash(page.scope),
        upto=page.upto,
        gone=gone,
        put=put,
        more=Place(space=last.space, rev=last.rev, table=last.tbl, key=last.key)
        if page.more and last is not None
        else None,
        acks=[_ack(one) for one in _unknown(tx, row.device_id, request)] if whole else [],
        seats=seats_at(tx, row.device_id) if whole else None,
        digests=digests(tx, page.scope, request.tables) if whole and request.digests else [],
        safe_until=int(meta_value(tx, "safe_until", "0")),
        safe_seq=row.safe_seq,
        decided=decided if whole else request.decided,
        newest=_newest(tx),
        hub_now=books.now,
    )


def _newest(tx: Transaction) -> str:
    order = (command_log.c.hub_at, command_log.c.device_id, command_log.c.seq)
    return tx.scalar(select(command_log.c.cmd_id).order_by(*(one.desc() for one in order)).limit(1)) or ""


def spaces_below(tx: Transaction, unit_id: str) -> list[str]:
    """Return the spaces of a device in a unit: the whole organisation's and those of the branches there."""
    units = {unit.id: unit for unit in tx.rows(select(org_unit))}
    if unit_id not in units:
        return [WIDE]
    found = {WIDE}
    up: str | None = unit_id
    while up is not None and units[up].kind == "team":  # a team works in its branch's space
        up = units[up].parent_id
    frontier = {up} if up else set()
    while frontier:
        found |= {one for one in frontier if units[one].kind == "branch"}
        frontier = {unit.id for unit in units.values() if unit.parent_id in frontier}
    return sorted(found)


def scope_hash(scope: Iterable[str]) -> str:
    """Return a short name for a set of spaces."""
    return hashlib.blake2b("\x1f".join(sorted(scope)).encode(), digest_size=8).hexdigest()


def digests(tx: Transaction, scope: Sequence[str], names: Sequence[str] = ()) -> list[Digest]:
    """Return what a terminal with these spaces should hold of every table, or of those that are named."""
    found = []
    for table in (one for one in REPLICATED if not names or one.name in names):
        rows, total = 0, 0
        keys = list(
            tx.scalars(
                select(feed.c.key)
                .where(feed.c.tbl == table.name, feed.c.space.in_(scope), feed.c.live)
                .distinct()
            )
        )
        for row in _rows(tx, table.name, keys, scope):
            rows += 1
            total += fingerprint(row)
        found.append(Digest(table=str(table.name), rows=rows, sum=total % 2**63))
    return found


def revs_of(tx: Transaction, scope: Sequence[str]) -> dict[str, int]:
    """Return how far each of these spaces is."""
    known = {row.space: row.rev for row in tx.rows(select(space_rev).where(space_rev.c.space.in_(scope)))}
    return {space: known.get(space, 0) for space in scope}


def _bounds(revs: Mapping[str, int], first: Mapping[str, int] | None) -> dict[str, int]:
    """Return how far to tell: as far as the first page said, never of a space that is not the device's."""
    return (
        dict(revs) if first is None else {space: min(first.get(space, 0), rev) for space, rev in revs.items()}
    )


def _refuse_future(cursors: Mapping[str, int], upto: Mapping[str, int]) -> None:
    """Refuse a cursor that this hub has never given; raises BehindError."""
    if any(rev > upto.get(space, rev) for space, rev in cursors.items()):
        raise BehindError


def _entries(
    tx: Transaction, cursors: Mapping[str, int], upto: Mapping[str, int], after: Place | None, limit: int
) -> list[Row[Any]]:
    """Return the entries of the feed beyond the cursors and after the last page, in order."""
    found: list[Row[Any]] = []
    for space in sorted(upto):
        if after is not None and space < after.space:
            continue
        place = after if after is not None and space == after.space else None
        question = _beyond(space, cursors.get(space, 0), upto[space], place)
        found += tx.rows(question.limit(limit - len(found)))
        if len(found) >= limit:
            break
    return found


def _beyond(space: str, cursor: int, upto: int, after: Place | None) -> Select[Any]:
    question = select(feed).where(feed.c.space == space, feed.c.rev > cursor, feed.c.rev <= upto)
    if cursor == 0:  # who begins has nothing that could be gone
        question = question.where(feed.c.live)
    if after is not None:
        place = (after.rev, after.table, after.key)
        question = question.where(tuple_(feed.c.rev, feed.c.tbl, feed.c.key) > tuple_(*place))
    return question.order_by(feed.c.rev, feed.c.tbl, feed.c.key)


def _told(tx: Transaction, page: _Page) -> tuple[list[TableRows], list[Gone]]:
    """Return the rows of a page as they are, and those that are gone from every space of the terminal."""
    live: dict[str, set[str]] = {}
    dead: dict[str, set[str]] = {}
    for entry in page.entries:
        (live if entry.live else dead).setdefault(entry.tbl, set()).add(entry.key)
    for name, keys in dead.items():
        live.setdefault(name, set()).update(_still_live(tx, name, sorted(keys), page.scope))
    put = [
        TableRows(table=name, columns=list(column_names(_known(name))), rows=rows)
        for name, keys in sorted(live.items(), key=lambda one: _ORDER[one[0]])
        if (rows := list(_rows(tx, name, sorted(keys), page.scope)))
    ]
    gone = [
        Gone(table=name, keys=sorted(lost))
        for name, keys in sorted(dead.items())
        if (lost := keys - live.get(name, set()))
    ]
    return put, gone


def _still_live(tx: Transaction, name: str, keys: list[str], scope: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(keys), _KEYS):
        yield from tx.scalars(
            select(feed.c.key).where(
                feed.c.tbl == name,
                feed.c.key.in_(keys[start : start + _KEYS]),
                feed.c.live,
                feed.c.space.in_(scope),
            )
        )


def _rows(tx: Transaction, name: str, keys: Sequence[str], scope: Sequence[str]) -> Iterator[Sequence[Any]]:
    """Yield the rows with these keys as they travel to a terminal with these spaces."""
    table = _known(name)
    for row in _stored(tx, table, keys):
        yield as_shown(table, row, scope)


def _stored(tx: Transaction, table: Table, keys: Sequence[str]) -> Iterator[Sequence[Any]]:
    """Yield the rows with these keys: SQLite's own are passed on untouched."""
    if tx.dialect == "sqlite" and len(key_columns(table)) == 1:
        yield from say(tx.connection, _as_stored(table), (json.dumps(keys),)).fetchall()
        return
    for start in range(0, len(keys), _KEYS):
        for row in tx.rows(plain(table).where(has_key(table, keys[start : start + _KEYS]))):
            yield settled(row)


@cache
def _as_stored(table: Table) -> str:
    names = ", ".join(f'"{name}"' for name in column_names(table))
    (key,) = key_columns(table)
    listed = "(SELECT value FROM json_each(?))"
    return f'SELECT {names} FROM "{table.name}" WHERE "{key}" IN {listed}'  # noqa: S608 - our own names


def _known(name: str) -> Table:
    table = replicated(name)
    assert table is not None, "the feed names only tables that are replicated"
    return table


def _unknown(tx: Transaction, device_id: str, request: PullRequest) -> list[Row[Any]]:
    """Return the log's entries with answers that a device does not know: the first ones, and changed ones.

    They are those to its own commands and to those that it sent as a copy. Who knows of no review, as after
    a restore, hears of those that are open: what was decided then may have to be decided once more.
    """
    told = (review.c.answer_no, review.c.answer, review.c.answer_code, review.c.answer_details)
    reviewed = review.c.cmd_id == command_log.c.cmd_id
    copied = command_log.join(command_alias, command_alias.c.cmd_id == command_log.c.cmd_id)
    found: dict[int, Row[Any]] = {}
    for source, where in ((command_log, command_log), (copied, command_alias)):
        asked = select(command_log, *told, where.c.seq.label("at")).where(where.c.device_id == device_id)
        fresh = asked.select_from(source.outerjoin(review, reviewed))
        changed = asked.select_from(source.join(review, reviewed))
        for question in (
            fresh.where(where.c.seq >= request.first_pending),
            changed.where(review.c.answer_no > request.decided),
            *((changed.where(review.c.decided_at.is_(None)),) if not request.decided else ()),
        ):
            found |= {row.at: row for row in tx.rows(question)}
    return list(found.values())


def _ack(row: Row[Any]) -> Ack:
    known = known_of(row)
    return Ack(
        seq=row.at,
        cmd_id=row.cmd_id,
        status=known.status,
        code=known.code,
        details=known.details,
        hub_at=known.hub_at,
    )
