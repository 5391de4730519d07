"""A terminal and its hub over HTTP: a pull, the first joining, a rebase, and how long news takes."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from benchmarks.data import Data, now
from benchmarks.hub import (
    Hub,
    clients,
    commands,
    commands_on_postgres,
    follow_ups,
    make_hub,
    open_books,
    request_of,
)
from benchmarks.hub_server import RAW_PAGE, served
from benchmarks.joined import Joined
from benchmarks.live import live
from benchmarks.measuring import Result, in_turn, median, timed
from crm_tui.commands.follow_ups import LogFollowUp
from crm_tui.desk import Desk, wall_clock
from crm_tui.desk.link import Link
from crm_tui.hub.push import take
from crm_tui.store.engine import open_engine
from crm_tui.store.replica import cursors
from crm_tui.store.replicated import REPLICATED
from crm_tui.sync import wire
from crm_tui.sync.http import HttpHub
from crm_tui.sync.messages import (
    PROTOCOL,
    PullAnswer,
    PullRequest,
    PushAnswer,
    PushRequest,
    TableRows,
)

_ROUNDS = 5


def pulling(hub: Hub, url: str, most: int) -> Iterator[Result]:
    """A terminal's first pages against the same number of the same tables' rows as bare JSON."""
    device = hub.devices[0]
    way = HttpHub(url, device.device_id, device.secret)
    counted = _count(_pages(way, hub.epoch, most))
    way.card()
    ours, floor = in_turn(
        3,
        lambda: timed(lambda: _count(_pages(way, hub.epoch, most))),
        lambda: timed(lambda: _raw(url, counted)),
    )
    way.close()
    rows = sum(counted.values())
    yield Result(
        f"pull of {rows:,} rows over HTTP",
        "json of sqlite3's rows, same socket",
        median(ours),
        median(floor),
        1.5,
    )


def _pages(way: HttpHub, epoch: str, most: int) -> Iterator[PullAnswer]:
    request = PullRequest(epoch=epoch, protocol=PROTOCOL, scope_hash="", cursors={}, first_pending=1)
    told = 0
    while True:
        answer = way.pull(request)
        yield answer
        told += sum(len(rows.rows) for rows in answer.put)
        if answer.more is None or told >= most:
            return
        request = PullRequest(
            epoch=epoch,
            protocol=PROTOCOL,
            scope_hash=answer.scope_hash,
            cursors={},
            first_pending=1,
            upto=answer.upto,
            after=answer.more,
        )


def _count(pages: Iterator[PullAnswer]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for page in pages:
        for rows in page.put:
            counted[rows.table] = counted.get(rows.table, 0) + len(rows.rows)
    return counted


def _raw(url: str, counted: Mapping[str, int]) -> tuple[dict[str, list[list[Any]]], int]:
    """Fetch so many rows of each table, a page after another; return them and their bytes."""
    found, size = {}, 0
    with httpx.Client(base_url=url, timeout=60) as client:
        for table, many in counted.items():
            rows: list[list[Any]] = []
            while len(rows) < many:
                asked = {"table": table, "after": rows[-1][0] if rows else 0}
                body = client.get("/raw", params={**asked, "limit": min(RAW_PAGE, many - len(rows))}).content
                size += len(body)
                rows += json.loads(body)
            found[table] = rows
    return found, size


def joining(hub: Hub, url: str, folder: Path) -> Iterator[Result]:
    """The first round of a new terminal: time and bytes against bare JSON put into the same tables."""
    device = hub.devices[1]
    joined = Joined(folder / "joined", url, device)
    took = timed(joined.link.run)
    joined.close()
    way = HttpHub(url, device.device_id, device.secret)
    pages = list(_pages(way, hub.epoch, 10**9))
    way.close()
    travelled = sum(len(wire.pack(wire.write(page), wire.ZSTD)[0]) for page in pages)
    counted = _count(iter(pages))
    del pages
    Desk(open_engine(folder / "plain.db"), clock=wall_clock).close()
    size = 0

    def by_hand() -> None:
        nonlocal size
        rows, size = _raw(url, counted)
        with closing(sqlite3.connect(folder / "plain.db", isolation_level=None)) as plain:
            plain.execute("BEGIN")
            for table, kept in rows.items():
                marks = ", ".join("?" * (len(kept[0]) - 1))
                plain.executemany(f"INSERT INTO {table} VALUES ({marks})", [row[1:] for row in kept])
            plain.execute("COMMIT")

    floor = timed(by_hand)
    name = f"first joining, {counted['customer']:,} customers, {sum(counted.values()):,} rows"
    yield Result(name, "bare JSON into the same tables", took / 1_000, floor / 1_000, None, "s")
    yield Result("its bytes on the way", "bare JSON", travelled / 1e6, size / 1e6, None, "MB")


@dataclass
class _Repeating:
    """A hub that takes every push without an answer and tells the same page again and again."""

    page: PullAnswer

    def speak_as(self, device_id: str, secret: str) -> None:
        """Any device is told the same."""

    def push(self, request: PushRequest) -> PushAnswer:
        return PushAnswer(acks=[], hub_now=request.now)

    def pull(self, _request: PullRequest) -> PullAnswer:
        return self.page

    def close(self) -> None:
        """Nothing is held."""


def rebasing(hub: Hub, url: str, folder: Path, rows: int, pending: int) -> Iterator[Result]:
    """Rows of others taken over while commands wait, against bare upserts of these rows."""
    joined = Joined(folder / "rebased", url, hub.devices[2])
    joined.link.run()
    with joined.desk._books.read() as tx:  # noqa: SLF001 - what the client itself asks with
        known = cursors(tx)
    page = _news(hub, joined, known, rows)
    customer_id, owner_id = hub.work[-1]
    joined.log_in(owner_id)
    mine = [one for one, owner in hub.work if owner == owner_id] or [customer_id]
    for number in range(pending):
        joined.desk.carry_out(_said(mine[number % len(mine)], number))
    plain_file = folder / "upserts.db"
    shutil.copyfile(_at_rest(joined.file), plain_file)
    repeating: Any = _Repeating(page)
    link = Link(joined.desk._books, repeating, machine="rebased")  # noqa: SLF001 - the same books, another hub
    with closing(sqlite3.connect(plain_file, isolation_level=None)) as plain:
        for table in REPLICATED:
            for deed in ("insert", "update", "delete"):
                plain.execute(f"DROP TRIGGER IF EXISTS undo_{table.name}_{deed}")
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            plain.execute(f"PRAGMA {pragma}")
        ours, floor = in_turn(
            _ROUNDS, lambda: timed(link.run), lambda: timed(lambda: _upserts(plain, page.put))
        )
    joined.close()
    many = sum(len(told.rows) for told in page.put)
    yield Result(
        f"rebase of {many:,} rows, {pending} pending",
        "the same upserts, sqlite3",
        median(ours),
        median(floor),
        3,
    )


def _news(hub: Hub, joined: Joined, known: dict[str, int], rows: int) -> PullAnswer:
    """Let another terminal do so much that the page of news has about so many rows; return the page."""
    books = open_books(hub.file)
    take(books, hub.devices[3].device_id, request_of(hub, list(follow_ups(hub, 0, rows // 4))))
    books.close()
    from crm_tui.store.outbox import fact

    with joined.desk._books.read() as tx:  # noqa: SLF001 - what the client itself asks with
        scope_hash = fact(tx, "hub_scope_hash")
    return joined.way.pull(
        PullRequest(epoch=hub.epoch, protocol=PROTOCOL, scope_hash=scope_hash, cursors=known, first_pending=1)
    )


def _said(customer_id: str, number: int) -> LogFollowUp:
    return LogFollowUp(
        customer_id=customer_id,
        channel="phone",
        result="reached",
        need_change=f"想要大一点的餐桌 {number}",
        objections=("price",),
        next_step="周五带图纸到店",
        next_at=now() + timedelta(days=2),
    )


def _at_rest(file: Path) -> Path:
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def _upserts(plain: sqlite3.Connection, put: Sequence[TableRows]) -> None:
    plain.execute("BEGIN IMMEDIATE")
    for told in put:
        names = ", ".join(f'"{name}"' for name in told.columns)
        changes = ", ".join(f'"{name}" = excluded."{name}"' for name in told.columns if name != "id")
        marks = ", ".join("?" * len(told.columns))
        text = f"INSERT INTO {told.table} ({names}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {changes}"
        plain.executemany(text, told.rows)
    plain.execute("COMMIT")


def hub_and_terminals(data: Data, *, smoke: bool) -> Iterator[Result]:
    """Everything that has to do with a hub: first its own work, then what travels."""
    hub = make_hub(data.folder / "hub", data.base)
    yield from commands(hub, 50 if smoke else 400)
    yield from commands_on_postgres(data.base, data.folder, 50 if smoke else 200)
    with served(hub.file) as url:
        yield from clients(hub, url, 16 if smoke else 128)
    large = make_hub(data.folder / "large-hub", data.board)
    with served(large.file) as url:
        yield from pulling(large, url, 10_000 if smoke else 100_000)
        yield from live(large, url, data.folder, 5 if smoke else 30)
        yield from rebasing(large, url, data.folder, 1_000, 500)
        yield from joining(large, url, data.folder)
