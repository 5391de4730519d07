"""Whether a hub's database is what its log says: looked at from every side, nothing changed.

Looked at are the file itself, the chain of each device's log, the log against the devices' counts, the feed
against the rows, and (I4) the rows against what the log makes of an empty database. The last is possible only
where the log is whole from the founding on: a hub made of rows that no command made (a demonstration) says
``unknown``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from heapq import heappop, heappush
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import Row, func, select

from crm_tui.commands import Envelope, by_kind, execute
from crm_tui.commands.base import SYSTEM, actor_of
from crm_tui.domain.errors import Refused
from crm_tui.hub.books import HubBooks, meta_value
from crm_tui.hub.chain import chain_hash
from crm_tui.hub.copying import digests_of
from crm_tui.hub.push import SLOW_CLOCK
from crm_tui.hub.review import DECIDED, HUB
from crm_tui.hub.spaces import spaces_of
from crm_tui.hub.tables import command_alias, command_log, device, feed, space_rev
from crm_tui.store.engine import check_integrity, for_writing, open_engine
from crm_tui.store.replicated import REPLICATED, key_text, plain, settled
from crm_tui.store.scope import viewer_of
from crm_tui.store.transaction import Transaction
from crm_tui.sync.messages import Status

GOOD, BAD, UNKNOWN = "good", "bad", "unknown"
_FOUNDING = "found_organisation"
_SHOWN = 5
"""The most places that one finding names."""


@dataclass(frozen=True)
class Finding:
    """What one look has found: ``state`` is good, bad or unknown; ``wrong`` counts, ``where`` names some."""

    name: str
    state: str
    looked_at: int
    wrong: int = 0
    where: tuple[str, ...] = field(default=())

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def verify(books: HubBooks) -> tuple[Finding, ...]:
    """Look at a hub from every side, in one state of its rows."""
    found = [_file(books)]
    with books.read() as tx:
        found += [_chains(tx), _counts(tx), _feed(tx), _revs(tx), _replay(tx)]
    return tuple(found)


def digest(books: HubBooks) -> dict[str, str]:
    """Return a fingerprint of each table, to compare a hub with its backup or with another one."""
    with books.read() as tx:
        return digests_of(tx, REPLICATED)


def _finding(name: str, looked_at: int, wrong: Iterable[str]) -> Finding:
    places = list(wrong)
    return Finding(name, BAD if places else GOOD, looked_at, len(places), tuple(places[:_SHOWN]))


def _file(books: HubBooks) -> Finding:
    """Let SQLite look at its own file; a server's database is its administrator's."""
    path = books.engine.url.database
    if books.engine.dialect.name != "sqlite" or path is None:
        return Finding("file", UNKNOWN, 0)
    return _finding("file", 1, check_integrity(Path(path)))


def _chains(tx: Transaction) -> Finding:
    """Look whether each entry of the log seals the one before it, and who gave it knows the last one."""
    wrong: list[str] = []
    last: dict[str, str] = {}
    count = 0
    asked = select(command_log).order_by(command_log.c.device_id, command_log.c.seq)
    for row in tx.connection.execute(asked).mappings():
        count += 1
        before = last.get(row["device_id"], "")
        if row["prev_hash"] != before or row["hash"] != chain_hash(before, row):
            wrong.append(row["cmd_id"])
        last[row["device_id"]] = row["hash"]
    known = {one.device_id: one.last_hash for one in tx.rows(select(device.c.device_id, device.c.last_hash))}
    known[HUB] = meta_value(tx, "own_hash")
    wrong += [one for one, last_hash in known.items() if last_hash != last.get(one, "")]
    return _finding("chains", count, wrong)


def _counts(tx: Transaction) -> Finding:
    """Look whether every command up to a device's last one is in the log, its own or a copy's."""
    counted: dict[str, list[int]] = {}
    for table in (command_log, command_alias):
        for row in tx.rows(select(table.c.device_id, table.c.seq)):
            counted.setdefault(row.device_id, []).append(row.seq)
    devices = tx.rows(select(device.c.device_id, device.c.last_seq))
    wrong = [
        one.device_id
        for one in devices
        if sorted(counted.get(one.device_id, [])) != list(range(1, one.last_seq + 1))
    ]
    return _finding("counts", len(devices), wrong)


def _feed(tx: Transaction) -> Finding:
    """Look whether every row is told in exactly the spaces where it lives."""
    wrong: list[str] = []
    count = 0
    for table in REPLICATED:
        keys = set(_rows_of(tx, table))
        count += len(keys)
        live: dict[str, set[str]] = {}
        for row in tx.rows(select(feed.c.key, feed.c.space).where(feed.c.tbl == table.name, feed.c.live)):
            live.setdefault(row.key, set()).add(row.space)
        here = spaces_of(tx, table, keys)
        wrong += [
            f"{table.name} {key}"
            for key in sorted(keys | set(live))
            if live.get(key, set()) != set(here.get(key, ()))
        ]
    return _finding("feed", count, wrong)


def _revs(tx: Transaction) -> Finding:
    """Look whether no entry of the feed is beyond its space's counter: it would never be told."""
    counters = {row.space: row.rev for row in tx.rows(select(space_rev))}
    highest = tx.rows(select(feed.c.space, func.max(feed.c.rev).label("rev")).group_by(feed.c.space))
    return _finding(
        "revisions", len(counters), [one.space for one in highest if one.rev > counters.get(one.space, 0)]
    )


def _replay(tx: Transaction) -> Finding:
    """Let the log make an empty database what it should be, and compare (I4)."""
    entries = list(in_order(tx.rows(select(command_log))))
    if not any(one.kind == _FOUNDING for one in entries):
        return Finding("replay", UNKNOWN, len(entries))
    with tempfile.TemporaryDirectory(prefix="crm-tui-verify-") as folder:
        engine = open_engine(Path(folder) / "replay.db")
        try:
            with for_writing(engine).connect() as connection, connection.begin():
                again = Transaction(connection)
                failed = list(_carry_out(again, entries))
                differing = [
                    f"{table.name} {key}"
                    for table in REPLICATED
                    for key in _differing(_rows_of(tx, table), _rows_of(again, table))
                ]
        finally:
            engine.dispose()
    return _finding("replay", len(entries), [*failed, *differing])


def in_order(entries: Iterable[Row[Any]]) -> Iterator[Row[Any]]:
    """Yield the log as it was carried out: in each space by its revisions (I3), else by the hub's time (I13).

    The entries of one transaction, which share their revisions, are in the order of time, device and count.
    """
    together: dict[Any, list[Row[Any]]] = {}
    for one in sorted(entries, key=lambda row: (row.hub_at, row.device_id, row.seq)):
        together.setdefault(frozenset(one.revs.items()) or one.cmd_id, []).append(one)
    groups = list(together.values())
    after: list[list[int]] = [[] for _ in groups]
    waits = [0] * len(groups)
    for earlier, later in _neighbours(groups):
        after[earlier].append(later)
        waits[later] += 1
    ready = [at for at, many in enumerate(waits) if not many]  # ascending: a heap
    while ready:
        at = heappop(ready)
        yield from groups[at]
        for later in after[at]:
            waits[later] -= 1
            if not waits[later]:
                heappush(ready, later)


def _neighbours(groups: Sequence[Sequence[Row[Any]]]) -> Iterator[tuple[int, int]]:
    """Yield the places of two transactions of which one moved a space next after the other."""
    moves: dict[str, list[tuple[int, int]]] = {}
    for at, group in enumerate(groups):
        for space, rev in group[0].revs.items():
            moves.setdefault(space, []).append((rev, at))
    for of_space in moves.values():
        for (_, earlier), (_, later) in pairwise(sorted(of_space)):
            yield earlier, later


def _differing(one: Mapping[str, Sequence[Any]], other: Mapping[str, Sequence[Any]]) -> list[str]:
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def _carry_out(tx: Transaction, entries: Sequence[Row[Any]]) -> Iterator[str]:
    """Carry out what was in effect, in order; yield the ids of those that cannot be carried out."""
    by_id = {one.cmd_id: one for one in entries}
    for one in entries:
        if one.device_id == HUB:
            meant, by_person = by_id[one.args["cmd_id"]], one.kind == DECIDED
            changes = one.args.get("status") != Status.FLAGGED and one.args["answer"] in _IN_EFFECT
            lenient = (by_person and by_kind()[meant.kind].fact) or one.args["answer"] == Status.FLAGGED
        else:
            meant, by_person, changes = one, False, one.status in _IN_EFFECT
            lenient = one.status == Status.FLAGGED
        if changes and not _carried_out(tx, meant, lenient=lenient, though_frozen=by_person):
            yield one.cmd_id


def _carried_out(tx: Transaction, row: Row[Any], *, lenient: bool, though_frozen: bool) -> bool:
    """Carry one command out as the hub did; tell whether it could be."""
    at = row.hub_at if row.client_at - row.hub_at > SLOW_CLOCK else row.client_at
    envelope = Envelope(
        cmd_id=row.cmd_id,
        batch_id=row.batch_id,
        device_id=row.device_id,
        actor_id=row.actor_id,
        at=at,
        kind=row.kind,
        version=row.version,
        args=row.args,
    )
    try:
        if though_frozen and row.actor_id != SYSTEM:
            actor = viewer_of(tx, row.actor_id, though_frozen=True)
        else:
            actor = actor_of(tx, row.actor_id)
    except Refused:
        return False
    return execute(envelope, tx, actor, lenient=lenient).applied


def _rows_of(tx: Transaction, table: Any) -> dict[str, list[Any]]:
    """Return the rows of a table as they travel, by key."""
    places = [list(table.columns).index(column) for column in table.primary_key.columns]
    return {key_text(row[place] for place in places): row for row in map(settled, tx.rows(plain(table)))}


_IN_EFFECT = frozenset({str(Status.APPLIED), str(Status.FLAGGED)})
