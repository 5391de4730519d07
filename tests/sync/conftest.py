"""An organisation with a hub and terminals, all real: files, handlers, and whatever way lies between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import select

from crm_tui.commands import Command, Verdict
from crm_tui.desk import Desk
from crm_tui.desk.link import Link
from crm_tui.hub import accounts, founding
from crm_tui.hub.authority import Authority
from crm_tui.hub.books import HubBooks
from crm_tui.hub.server import Server
from crm_tui.hub.share import SharedHub
from crm_tui.hub.tables import command_log, device
from crm_tui.store import outbox as own_outbox
from crm_tui.store.backup import backup
from crm_tui.store.credentials import set_verifier
from crm_tui.store.engine import open_engine
from crm_tui.store.replicated import REPLICATED
from crm_tui.store.tables import outbox
from crm_tui.sync.client import Report
from crm_tui.sync.http import HttpHub
from crm_tui.sync.joining import become_member, refuse_used
from crm_tui.sync.messages import Hub, JoinRequest, LogInRequest


class Terminal:
    """One terminal of the organisation: its desk, its link, and what stands in its file."""

    def __init__(self, organisation: Organisation, name: str, desk: Desk, hub: Hub) -> None:
        self.organisation = organisation
        self.name = name
        self.desk = desk
        self.hub = hub
        self.link = Link(desk._books, hub, machine=name)

    def sync(self, **more: Any) -> Report:
        """Run one round with the hub."""
        return self.link.run(**more)

    def log_in(self, number: str) -> Terminal:
        """Let a person in: the hub says who it is, and keeps a seat."""
        person_id, pin = self.organisation.people[number], self.organisation.pin
        answer = self.hub.log_in(LogInRequest(person_id=person_id, pin=pin))
        with self.desk._books.write() as tx:
            set_verifier(tx, person_id, answer.verifier)
        self.desk.log_in(person_id, pin)
        return self

    def give(self, command: Command) -> dict[str, Any]:
        """Carry one command out that must be applied here; return its details."""
        (verdict,) = self.desk.carry_out(command)
        assert verdict.applied, f"{command!r} was refused: {verdict}"
        return dict(verdict.details)

    def verdict(self, command: Command) -> Verdict:
        """Carry one command out and return what became of it here."""
        (verdict,) = self.desk.carry_out(command)
        return verdict

    def outbox(self) -> list[Any]:
        """Return the commands of this terminal, in order."""
        with self.desk._books.read() as tx:
            return list(tx.rows(select(outbox).order_by(outbox.c.seq)))

    def waiting(self) -> int:
        """Return how many commands have no answer."""
        with self.desk._books.read() as tx:
            return len(own_outbox.pending(tx))

    def rows(self, table: Any, *where: Any) -> list[dict[str, Any]]:
        """Return rows of one table as dictionaries."""
        with self.desk._books.read() as tx:
            return [dict(row._mapping) for row in tx.rows(select(table).where(*where))]

    def everything(self) -> dict[str, list[str]]:
        """Return every row of the business that this terminal holds."""
        with self.desk._books.read() as tx:
            return {t.name: sorted(repr(tuple(row)) for row in tx.rows(select(t))) for t in REPLICATED}


class Organisation:
    """A hub made of the office's data, and the terminals that have joined it."""

    def __init__(
        self, authority: Authority, office: Any, folder: Path, reach: Callable[[str, str], Hub]
    ) -> None:
        self.authority = authority
        self.office = office
        self.clock = office.clock
        self.units: dict[str, str] = office.units
        self.people: dict[str, str] = office.people
        self.pin = office.pin
        self.terminals: dict[str, Terminal] = {}
        self._folder = folder
        self._reach = reach

    def terminal(self, name: str, unit: str = "Jingan", *, log_in: str = "", sync: bool = True) -> Terminal:
        """Let a new terminal join at a unit; ``log_in`` names who works there."""
        code = accounts.invite_terminal(self.authority.books, self.units[unit], name).code
        stranger = self._reach("", "")
        answer = stranger.join(JoinRequest(code=code, machine=name, protocol=1))
        stranger.close()
        engine = open_engine(self._folder / name / "crm.db")
        line = self.office.desk._writer
        desk = Desk(engine, clock=self.clock, ids=self.office.desk._books.ids, writer=line, reader=line)
        with desk._books.write() as tx:
            refuse_used(tx)
            become_member(tx, "hub", answer, name)
        made = Terminal(self, name, desk, self._reach(answer.device_id, answer.secret))
        self.terminals[name] = made
        if sync:
            made.sync()
        if log_in:
            made.log_in(log_in)
        return made

    def quiet(self, rounds: int = 3) -> None:
        """Let every terminal sync until nobody has anything new."""
        for _ in range(rounds):
            for terminal in self.terminals.values():
                terminal.sync()

    def everything(self) -> dict[str, list[str]]:
        """Return every row of the business at the hub."""
        with self.authority.books.read() as tx:
            return {t.name: sorted(repr(tuple(row)) for row in tx.rows(select(t))) for t in REPLICATED}

    def log(self) -> Sequence[Any]:
        """Return the hub's log of commands, by device and count."""
        with self.authority.books.read() as tx:
            return tx.rows(select(command_log).order_by(command_log.c.device_id, command_log.c.seq))

    def device(self, terminal: Terminal) -> Any:
        """Return what the hub knows of a terminal."""
        with self.authority.books.read() as tx:
            from crm_tui.store.outbox import fact

            with terminal.desk._books.read() as own:
                device_id = fact(own, "device_id")
            return tx.first(select(device).where(device.c.device_id == device_id))


@pytest.fixture
def hub_books(office: Any, tmp_path: Path, clock: Any) -> Iterator[HubBooks]:
    """The database of a hub made of the office's data."""
    backup(office.desk._books.path, tmp_path / "hub" / "hub.db")
    books = HubBooks.open(f"sqlite:///{tmp_path / 'hub' / 'hub.db'}", clock=clock)
    founding.found(books)
    yield books
    books.close()


@pytest.fixture
def authority(hub_books: HubBooks, ids: Callable[[], str]) -> Authority:
    """The hub."""
    return Authority(hub_books, ids)


@pytest.fixture
def hub_url(authority: Authority) -> Iterator[str]:
    """The URL of the hub, served over a real socket."""
    server = uvicorn.Server(
        uvicorn.Config(
            Server(authority).application(), host="127.0.0.1", port=0, log_level="warning", lifespan="on"
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive(), "the hub could not be started"
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(params=["share", "http"])
def organisation(
    request: pytest.FixtureRequest, authority: Authority, office: Any, tmp_path: Path
) -> Iterator[Organisation]:
    """A hub without terminals yet: reached in the same process, or over HTTP."""
    reach: Callable[[str, str], Hub]
    if request.param == "share":

        def reach(device_id: str, secret: str) -> Hub:
            return SharedHub(authority, device_id, secret)
    else:
        url = request.getfixturevalue("hub_url")

        def reach(device_id: str, secret: str) -> Hub:
            return HttpHub(url, device_id, secret)

    made = Organisation(authority, office, tmp_path, reach)
    yield made
    for terminal in made.terminals.values():
        terminal.hub.close()
        terminal.desk.close()
