"""Somebody at a terminal, as a process of its own: works, syncs in the background, and can be killed.

Starting Python takes long, so one process imports the program and forks a terminal for each order it reads,
before any database is open. What a terminal has saved it writes to a journal that reaches the disk before
the next command: only that counts as acknowledged.
"""

from __future__ import annotations

import contextlib
import json
import os
import random  # noqa: TID251 - what a clerk does is drawn from a seed
import resource
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from office import PIN
from sqlalchemy import select

from crm_tui.cli.hubs import connector, reach
from crm_tui.commands import Command
from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.commands.deals import CreateDeal
from crm_tui.commands.follow_ups import LogFollowUp
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.commands.people import CreateUnit
from crm_tui.desk import Desk, wall_clock
from crm_tui.desk.joining import join_hub
from crm_tui.desk.link import Link
from crm_tui.domain.errors import Refused
from crm_tui.settings import Home
from crm_tui.store import outbox as own_outbox
from crm_tui.store.credentials import set_verifier
from crm_tui.store.engine import open_engine
from crm_tui.store.outbox import set_facts
from crm_tui.store.tables import customer, org_unit, outbox, person
from crm_tui.sync import client as sync_client
from crm_tui.sync.joining import membership
from crm_tui.sync.messages import HubError, LogInRequest, PushAnswer, PushRequest

SAID_NO, NOT_SOUND = 3, 7


@dataclass
class Order:
    """What a terminal process is asked to be."""

    mode: str
    home: str
    name: str = ""
    person: str = ""
    seed: int = 0
    pace: float = 0.1
    skew: float = 0.0
    protocol: int = 1
    url: str = ""
    code: str = ""

    @property
    def file(self) -> Path:
        return Path(self.home) / "crm.db"


class Journal:
    """What was acknowledged, one line each, on the disk before it counts."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        kept = os.read(self._file, 1 << 30)
        self._end = kept.rfind(b"\n") + 1
        os.ftruncate(self._file, self._end)
        self.lines = kept.count(b"\n")

    def note(self, line: str) -> None:
        """Write a line; on a full disk none of it stays, and the command does not count."""
        told = f"{line}\n".encode()
        try:
            if os.pwrite(self._file, told, self._end) == len(told):
                os.fsync(self._file)
                self._end += len(told)
                self.lines += 1
                return
        except OSError:
            pass
        os.ftruncate(self._file, self._end)


class Clerk:
    """A terminal at work."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._drawn = random.Random(order.seed)
        sync_client.PROTOCOL = order.protocol
        ahead = timedelta(seconds=order.skew)
        self._desk = Desk(open_engine(order.file), clock=lambda: wall_clock() + ahead)
        with self._desk._books.read() as tx:
            member = membership(tx)
        assert member is not None
        hub = connector(Home(Path(order.home)))(member)
        self._slowest = 0.0
        self._push, hub.push = hub.push, self._timed
        self._link = Link(self._desk._books, hub, machine=order.name)
        self._desk._deeds.listeners.append(self._link.heed)
        self._stop = Path(order.home).parent / "stop"

    def work(self) -> None:
        """Give commands until told to stop, then wait until the hub has answered everything."""
        journal = Journal(Path(self._order.home) / "journal")
        self._desk.log_in(self._order.person, PIN)
        self._link.start()
        while not self._stop.exists():
            with contextlib.suppress(Refused):  # a full disk: nothing was changed, nothing counts
                self._one(journal)
            time.sleep(self._order.pace * self._drawn.uniform(0.3, 1.7))
        while self._waiting():
            self._link.want()
            time.sleep(0.3)
        (Path(self._order.home) / "slowest").write_text(f"{self._slowest * 1000:.0f}")

    def _timed(self, request: PushRequest) -> PushAnswer:
        """Hand commands over and note how long the hub, or the lock of its file, let this terminal wait."""
        began = time.monotonic()
        answer = self._push(request)
        self._slowest = max(self._slowest, time.monotonic() - began)
        return answer

    def settle(self) -> None:
        """Run rounds that compare what both sides hold; a difference is a mistake."""
        for _ in range(2):
            if self._link.run(digests=True).mended:
                sys.stderr.write(f"{self._order.name}: what it held was not what the hub has\n")
                os._exit(NOT_SOUND)

    def _waiting(self) -> int:
        with self._desk._books.read() as tx:
            return len(own_outbox.pending(tx))

    def _one(self, journal: Journal) -> None:
        command, mark = self._command(f"{self._order.name}/{journal.lines}/{self._drawn.getrandbits(24):x}")
        if command is None:
            return
        (verdict,) = self._desk.carry_out(command)
        if not verdict.applied:
            return
        with self._desk._books.read() as tx:
            last = tx.scalar(select(outbox.c.cmd_id).order_by(outbox.c.seq.desc()).limit(1))
        journal.note(f"{last} {command.kind} {mark}")

    def _command(self, mark: str) -> tuple[Command | None, str]:
        """Draw something to do; ``mark`` will be found in what it makes, if it makes something."""
        with self._desk._books.read() as tx:
            known = tx.rows(select(customer.c.id, customer.c.owner_id).order_by(customer.c.id))
            people = sorted(tx.scalars(select(person.c.id)))
            region = tx.first(select(org_unit).where(org_unit.c.kind == "region"))
        drawn, chance = self._drawn, self._drawn.random()
        if chance < 0.25 or not known:
            phones = (f"139000000{drawn.randrange(100):02}",) if drawn.random() < 0.2 else ()
            return CreateCustomer(name=mark, phones=phones), mark
        one = drawn.choice(known)
        if chance < 0.6:
            return self._follow_up(one.id, mark), mark
        if chance < 0.75:
            return EditCustomer(customer_id=one.id, address=mark), "-"
        if chance < 0.87:
            return CreateDeal(customer_id=one.id, title=mark, amount=drawn.randrange(1, 10**7)), mark
        if chance < 0.99 or region is None:
            return (
                ReassignCustomer(
                    customer_id=one.id,
                    to_owner_id=drawn.choice(people),
                    expected_owner_id=one.owner_id,
                    reason="leave",
                ),
                "-",
            )
        return CreateUnit(unit_kind="branch", name=mark, parent_id=region.id), mark

    def _follow_up(self, customer_id: str, mark: str) -> LogFollowUp:
        return LogFollowUp(
            customer_id=customer_id,
            channel="phone",
            result="reached",
            need_change="none",
            objections=("none",),
            next_step=mark,
            next_at=self._desk.now() + timedelta(days=self._drawn.randrange(1, 30)),
        )


def join(order: Order) -> None:
    """Become a terminal of the hub, and let the person who works here in."""
    if order.code:
        hub = reach(order.url)
        join_hub(order.file, hub, order.url, order.code)
        hub.close()
    desk = Desk(open_engine(order.file))
    with desk._books.write() as tx:
        set_facts(tx, hub_machine=order.name)
        member = membership(tx)
    assert member is not None
    hub = connector(Home(Path(order.home)))(member)
    link = Link(desk._books, hub, machine=order.name)
    link.run()
    answer = hub.log_in(LogInRequest(person_id=order.person, pin=PIN))
    with desk._books.write() as tx:
        set_verifier(tx, order.person, answer.verifier)
    link.run()


def live(order: Order) -> None:
    """Be one terminal process from the fork to the end."""
    if order.mode == "join":
        join(order)
        return
    clerk = Clerk(order)
    if order.mode == "work":
        clerk.work()
    else:
        clerk.settle()


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def _reap(_signal: int, _frame: Any) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            say("exit", ended[0], os.waitstatus_to_exitcode(ended[1]))


def _orders() -> Iterator[Order]:
    for line in sys.stdin:
        yield Order(**json.loads(line))


def main() -> None:
    """Fork a terminal for each order on stdin; say on stdout who begins and who has ended."""
    signal.signal(signal.SIGCHLD, _reap)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for order in _orders():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            code = 1
            try:
                live(order)
                code = 0
            except (HubError, Refused) as no:
                sys.stderr.write(f"{order.name} {order.mode}: {no} {dict(no.details)}\n")
                code = SAID_NO
            except BaseException:  # noqa: BLE001 - the fork must not return into the loop above
                sys.excepthook(*sys.exc_info())
            finally:
                sys.stderr.flush()
                os._exit(code)
        say("start", child, order.name)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


main()
