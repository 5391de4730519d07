"""An organisation with a hub and terminals, all real: files, handlers, and whatever way lies between them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import create_engine, select
from sqlalchemy.pool import NullPool

from crm_tui.commands import Command, Verdict
from crm_tui.desk import Desk
from crm_tui.desk.link import Link
from crm_tui.hub import accounts, founding, postgres
from crm_tui.hub.authority import Authority
from crm_tui.hub.books import HubBooks
from crm_tui.hub.copying import CARRIED
from crm_tui.hub.opening import make_hub, on_server
from crm_tui.hub.server import Server
from crm_tui.hub.share import SharedHub
from crm_tui.hub.tables import HUB_TABLES, command_log, device
from crm_tui.store import outbox as own_outbox
from crm_tui.store.backup import backup
from crm_tui.store.credentials import set_verifier
from crm_tui.store.engine import open_engine
from crm_tui.store.replicated import REPLICATED
from crm_tui.store.tables import outbox
from crm_tui.sync.client import Report
from crm_tui.sync.http import HttpHub
from crm_tui.sync.hub import Hub
from crm_tui.sync.joining import become_member, membership, refuse_used
from crm_tui.sync.messages import JoinRequest, LogInRequest


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


_POSTGRES = pytest.mark.postgres


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let every test run on each database of a hub, and by each way to it.

    The way knows nothing of the database: each of them meets one, but for tests that are about a file.
    """
    chosen = {mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")}
    if "hub_kind" not in metafunc.fixturenames or "hub_kind" in chosen:
        return
    in_a_file = "in_a_file" in metafunc.fixturenames
    if "way" in metafunc.fixturenames:
        far = ("http", "sqlite") if in_a_file else pytest.param("http", "postgresql", marks=_POSTGRES)
        metafunc.parametrize(("way", "hub_kind"), [("share", "sqlite"), far], indirect=True)
    else:
        more = [] if in_a_file else [pytest.param("postgresql", marks=_POSTGRES)]
        metafunc.parametrize("hub_kind", ["sqlite", *more], indirect=True)


@pytest.fixture
def in_a_file() -> None:
    """Asked for by tests that are about the hub's SQLite file: they do not run on PostgreSQL."""


@pytest.fixture
def way(request: pytest.FixtureRequest) -> str:
    """How terminals reach the hub: share (in the same process) or http."""
    return str(request.param)


@pytest.fixture
def hub_kind(request: pytest.FixtureRequest) -> str:
    """What the hub's database is: sqlite or postgresql."""
    return str(request.param)


@pytest.fixture(scope="session")
def hub_database(postgres_server: str) -> str:
    """The URL of the worker's PostgreSQL database with a hub's tables; making it takes half a second."""
    name = "hub_" + os.environ.get("PYTEST_XDIST_WORKER", "only")
    url = postgres_server.replace("/postgres?", f"/{name}?", 1)
    _administer(postgres_server, f"CREATE DATABASE {name}")
    postgres.migrate(url)
    _administer(postgres_server, f"GRANT TEMPORARY ON DATABASE {name} TO {postgres.ROLE}")
    return url


@pytest.fixture
def hub_server(hub_database: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with a hub's tables and nothing in them."""
    yield hub_database
    _administer(
        hub_database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "SET session_replication_role = replica",  # the references need no looking after: all rows go
        *(f'DELETE FROM "{table.name}"' for table in (*CARRIED, *HUB_TABLES)),
        "DELETE FROM organisation",
    )


@pytest.fixture
def copy_database(postgres_server: str) -> Callable[[str, str], None]:
    """Copy one PostgreSQL database over another, whoever is connected to them."""

    def copy(source: str, target: str) -> None:
        _administer(
            postgres_server,
            f"DROP DATABASE IF EXISTS {target} WITH (FORCE)",
            f"ALTER DATABASE {source} WITH ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'",
            f"CREATE DATABASE {target} TEMPLATE {source}",
            f"ALTER DATABASE {source} WITH ALLOW_CONNECTIONS true",
            f"GRANT TEMPORARY ON DATABASE {target} TO {postgres.ROLE}",
        )

    return copy


@pytest.fixture
def drop_database(postgres_server: str) -> Callable[[str], None]:
    """Remove a PostgreSQL database, whoever is connected to it."""
    return lambda name: _administer(postgres_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _administer(url: str, *statements: str) -> None:
    admin = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.fixture
def hub_books(
    request: pytest.FixtureRequest, office: Any, tmp_path: Path, clock: Any, hub_kind: str
) -> Iterator[HubBooks]:
    """The database of a hub made of the office's data."""
    if hub_kind == "postgresql":
        source = office.desk._books._reading
        books = on_server(source, request.getfixturevalue("hub_server"), clock)
    else:
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


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """The folder that terminals share."""
    (tmp_path / "share").mkdir()
    return tmp_path / "share"


@pytest.fixture
def url(office: Any, share: Path, clock: Any) -> str:
    """The address of a hub made of the office's data on the share; the office is its first terminal."""
    at = (share / "hub.db").as_uri()
    make_hub(office.desk._books.path, at, at, clock=clock)
    return at


@pytest.fixture
def hub_place(request: pytest.FixtureRequest, hub_kind: str, tmp_path: Path) -> str:
    """Where the hub's database is, as the verbs are told."""
    if hub_kind == "postgresql":
        return str(request.getfixturevalue("hub_server"))
    return f"sqlite:///{tmp_path / 'hub' / 'hub.db'}"


@pytest.fixture
def older_hub(
    authority: Authority, office: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[..., HttpHub]:
    """Join a hub that does not know some paths yet, over HTTP; its caller closes the way there."""

    def made(*unknown: str) -> HttpHub:
        whole = Server.application

        def older(server: Server, prefix: str = "") -> Any:
            application = whole(server, prefix)
            known = [one for one in application.router.routes if getattr(one, "path", "") not in unknown]
            application.router.routes = known
            return application

        monkeypatch.setattr(Server, "application", older)
        hub = HttpHub(request.getfixturevalue("hub_url"))
        code = accounts.invite_terminal(authority.books, office.units["Jingan"], "till").code
        answer = hub.join(JoinRequest(code=code, machine="m", protocol=1))
        hub.speak_as(answer.device_id, answer.secret)
        return hub

    return made


@pytest.fixture
def organise() -> Callable[[Authority, Any, Path], Organisation]:
    """Make organisations whose terminals reach the hub in the same process."""
    return lambda authority, office, folder: Organisation(
        authority, office, folder, lambda device_id, secret: SharedHub(authority, device_id, secret)
    )


@pytest.fixture
def organisation(
    request: pytest.FixtureRequest, authority: Authority, office: Any, tmp_path: Path, way: str
) -> Iterator[Organisation]:
    """A hub without terminals yet: reached in the same process, or over HTTP."""
    reach: Callable[[str, str], Hub]
    if way == "share":

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


@pytest.fixture
def clone(organisation: Any, tmp_path: Path, ids: Callable[[], str]) -> Callable[..., Any]:
    """Copy a terminal's home; ``machine`` names where the copy runs, by default the original's."""

    def copied(original: Any, name: str, machine: str = "") -> Any:
        target = tmp_path / name / "crm.db"
        backup(original.desk._books.path, target)
        line = organisation.office.desk._writer
        desk = Desk(open_engine(target), clock=organisation.clock, ids=ids, writer=line, reader=line)
        with desk._books.read() as tx:
            member = membership(tx)
        assert member is not None
        made = type(original)(organisation, name, desk, _reached(organisation, original, member))
        made.link = Link(desk._books, made.hub, machine=machine or original.name)
        desk.log_in(original.desk.viewer.person_id, organisation.pin)
        organisation.terminals[name] = made
        return made

    return copied


def _reached(organisation: Any, original: Any, member: Any) -> Any:
    if isinstance(original.hub, SharedHub):
        return SharedHub(organisation.authority, member.device_id, member.secret)
    return type(original.hub)(original.hub._url, member.device_id, member.secret)
