"""A simulated organisation: one seed decides who does what where, which answers are lost, who is cloned.

Everything is real but the way between a terminal and its hub, which loses, doubles and cuts off; a seed
that fails is told, and fails again. ``World.check`` is what must hold when the faults have healed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import random  # noqa: TID251 - a simulation is made of seeded chance
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, event, select

from crm_tui.commands import Command
from crm_tui.desk import Desk
from crm_tui.desk.link import Link
from crm_tui.domain.errors import Refused
from crm_tui.hub import backups, founding
from crm_tui.hub.authority import Authority
from crm_tui.hub.books import HubBooks
from crm_tui.hub.opening import on_server
from crm_tui.hub.share import SharedHub
from crm_tui.hub.tables import device, seat
from crm_tui.store import tables as t
from crm_tui.store.backup import backup
from crm_tui.store.engine import open_engine
from crm_tui.store.outbox import fact
from crm_tui.store.transaction import Transaction
from crm_tui.sync.messages import HubError, PullAnswer, PullRequest, PushAnswer, PushRequest, Say


def _beside(name: str) -> Any:
    """Return the module that lies beside this file."""
    spec = importlib.util.spec_from_file_location(f"simulated_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    made = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


deeds_of, checks = _beside("deeds"), _beside("checks")

SPEAKERS = (*("1001",) * 14, *("2001",) * 4, "3001", "3002", "4001", "4002", "4003", "6001", "6004", "6005")
"""Who acts, most often somebody who may do everything: a command that is refused at once proves little."""


class CutOffError(Exception):
    """A program that dies in the middle of a rebase."""


class SmallPages(Authority):
    """A hub whose pages are so small that every pull has several."""

    page = 60


class Faulty:
    """A way to the hub on which requests and answers are lost, doubled and cut in the middle."""

    def __init__(self, hub: SharedHub, world: World) -> None:
        self._hub = hub
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hub, name)

    def push(self, request: PushRequest) -> PushAnswer:
        """Hand over all, a part, or nothing, once or twice, and perhaps never hear of it."""
        luck = self._world.luck()
        if luck < 0.1:
            raise HubError(Say.UNREACHABLE)
        if luck < 0.2:
            part = request.commands[: self._world.rng.randint(1, len(request.commands))]
            self._hub.push(msgspec.structs.replace(request, commands=part))
            raise HubError(Say.UNREACHABLE)
        answer = self._hub.push(request)
        if luck < 0.4:
            assert self._hub.push(request).acks == answer.acks
        if luck < 0.6:
            raise HubError(Say.UNREACHABLE)
        return answer

    def pull(self, request: PullRequest) -> PullAnswer:
        """Let others be at work between two pages, and lose some."""
        if request.after is not None and self._world.luck() < 0.2:
            self._world.meanwhile(self)
        answer = self._hub.pull(request)
        if self._world.luck() < 0.15:
            raise HubError(Say.UNREACHABLE)
        return answer


class World:
    """An organisation, its terminals, and the faults between them."""

    def __init__(self, seed: int, organisation: Any, make_terminal: Callable[..., Any]) -> None:
        self.rng = random.Random(seed)
        self.organisation = organisation
        self.terminals: list[Any] = []
        self.faulty = False
        self.given: set[str] = set()
        self._make = make_terminal
        self._busy = False

    def luck(self) -> float:
        """Return a number below 1 while there are faults, 1 when they have healed."""
        return self.rng.random() if self.faulty else 1.0

    def terminal(self, unit: str, *, skew: timedelta = timedelta()) -> Any:
        """Let a terminal join at which everybody may work."""
        organisation = self.organisation
        clock, organisation.clock = organisation.clock, lambda: clock.now + skew
        made = organisation.terminal(f"t{len(self.terminals)}", unit, sync=False)
        organisation.clock = clock
        device_id = organisation.device(made).device_id
        with organisation.authority.books.write() as tx:
            tx.insert_all(
                seat,
                [
                    {"device_id": device_id, "person_id": one, "since": clock.now}
                    for one in organisation.people.values()
                ],
            )
        self._join(made)
        made.sync()
        return made

    def _join(self, made: Any) -> None:
        """Put the faults between a terminal and its hub, and into its rebase."""
        made.hub = Faulty(made.hub, self)
        client, cutting = made.link._client, self._cutting(made.link._client._begin)
        for part in (client, client._identity):
            part._hub, part._begin = made.hub, cutting
        _careless(made.desk._books._reading)
        self.terminals.append(made)

    def _cutting(self, begin: Callable[[], AbstractContextManager[Transaction]]) -> Callable[[], Any]:
        @contextmanager
        def cut() -> Iterator[Transaction]:
            with begin() as tx:
                yield tx
                if self.luck() < 0.03:
                    raise CutOffError

        return cut

    def give(self, terminal: Any, *commands: Command, number: str = "1001") -> list[Any]:
        """Carry commands out at a terminal in somebody's name; return the verdicts."""
        actor = self.organisation.people[number]
        with_them = list(terminal.desk._deeds.carry_out(commands, actor))
        self._note(terminal)
        return with_them

    def act(self, terminal: Any) -> None:
        """Let somebody do something at a terminal; what is refused is refused."""
        number = self.rng.choice(SPEAKERS)
        actor, deeds = self.organisation.people[number], terminal.desk._deeds
        luck = self.rng.random()
        try:
            if luck < 0.06:
                deeds.undo(actor)
            elif luck < 0.09:
                deeds.redo(actor)
            else:
                self._some_deeds(terminal, actor)
        except (Refused, deeds_of.NothingThereError):
            return
        self._note(terminal)

    def _some_deeds(self, terminal: Any, actor: str) -> None:
        """Carry a few commands out in one transaction; an import goes in steps of its own."""
        deeds = terminal.desk._deeds
        with terminal.desk._books.read() as tx:
            bench = deeds_of.Bench(self.rng, tx, terminal.desk.now())
            made = [deeds_of.deed(bench) for _ in range(self.rng.randint(1, 6))]
        deeds.carry_out([one for (one, *more) in made if not more], actor)
        for first, *more in made:
            (verdict,) = deeds.carry_out([first], actor) if more else (None,)
            if verdict is not None and verdict.applied:
                batch = verdict.details["batch_id"]
                deeds.carry_out([one.model_copy(update={"batch_id": batch}) for one in more], actor)

    def _note(self, terminal: Any) -> None:
        """Remember which commands were carried out at all."""
        with terminal.desk._books.read() as tx:
            self.given.update(tx.scalars(select(t.outbox.c.cmd_id).order_by(t.outbox.c.seq.desc()).limit(30)))

    def sync(self, terminal: Any) -> None:
        """Run a round that may break off anywhere."""
        try:
            terminal.sync()
        except (HubError, CutOffError):
            if not self.faulty:
                raise

    def meanwhile(self, way: Faulty) -> None:
        """Let another terminal work and sync while this one reads its pages."""
        others = [one for one in self.terminals if one.hub is not way]
        if self._busy or not others:
            return
        self._busy = True
        other = self.rng.choice(others)
        for _ in range(3):
            self.act(other)
        self.sync(other)
        if self.rng.random() < 0.2:
            self.move_device(self.rng.choice(self.terminals))
        self._busy = False

    def move_device(self, terminal: Any) -> None:
        """Let a terminal stand in another unit from now on."""
        unit = self.organisation.units[self.rng.choice(("Haitang", "East", "Jingan", "Xuhui", "Tianhe"))]
        device_id = self.organisation.device(terminal).device_id
        with self.organisation.authority.books.write() as tx:
            tx.update_where(device, device.c.device_id == device_id, unit_id=unit)

    def clone(self, terminal: Any, *, other_machine: bool) -> Any:
        """Copy a terminal's file: on another machine, or on one that calls itself the same."""
        name = f"t{len(self.terminals)}"
        made = self._make(
            terminal, name, terminal.link._client._identity._machine if not other_machine else name
        )
        self._join(made)
        return made

    def restart_hub(self) -> None:
        """Close the hub and open it again."""
        books, url = self.organisation.authority.books, self._url()
        books.close()
        self._open_hub(url, books.clock)

    def save(self) -> None:
        """Keep a copy of the hub, as a nightly backup does."""
        path = self._saved()
        path.unlink(missing_ok=True)
        backups.back_up(self.organisation.authority.books, self._url(), path)

    def put_back(self, *, by_hand: bool) -> None:
        """Put the last copy of the hub in its place, if there is one; terminals bring what it lacks."""
        if self._saved().exists():
            authority, url = self.organisation.authority, self._url()
            clock = authority.books.clock
            authority.books.close()
            if by_hand:
                shutil.copyfile(self._saved(), authority.books.engine.url.database)
            else:
                backups.put_back(self._saved(), url, clock)
            self._open_hub(url, clock)

    def _saved(self) -> Path:
        return Path(self.organisation._folder) / "saved.db"

    def _url(self) -> str:
        return f"sqlite:///{self.organisation.authority.books.engine.url.database}"

    def _open_hub(self, url: str, clock: Any) -> None:
        self.organisation.authority.books = HubBooks.open(url, clock=clock)
        _careless(self.organisation.authority.books.engine)

    def live(self, steps: int, *, clones: int = 2) -> None:
        """Let the organisation work, sync and suffer for some steps."""
        self.faulty = True
        for _ in range(steps):
            terminal = self.rng.choice(self.terminals)
            luck = self.rng.random()
            self.organisation.clock.move(seconds=self.rng.randint(1, 900))
            if luck < 0.08:
                self.sync(terminal)
            elif luck < 0.09:
                self.move_device(terminal)
            elif luck < 0.095:
                self.restart_hub()
            elif luck < 0.105:
                self.save()
            elif luck < 0.11:
                self.put_back(by_hand=self.rng.random() < 0.5)
            elif luck < 0.115 and clones:
                clones -= 1
                self.clone(terminal, other_machine=self.rng.random() < 0.5)
            else:
                self.act(terminal)

    def heal(self) -> None:
        """End the faults and let everybody sync until all is told; every queue must drain (liveness)."""
        self.faulty = False
        for terminal in self.terminals * 2:
            with contextlib.suppress(HubError):  # a hub that was put back waits for the last of them
                terminal.sync()
        for terminal in self.terminals * 2:
            terminal.sync()
        for terminal in self.terminals:
            assert not terminal.sync(digests=True).mended, f"{terminal.name}: digests differ"
            assert terminal.waiting() == 0, f"{terminal.name}: commands wait for ever"

    def check(self) -> None:
        """Fail where an invariant does not hold now that everything is quiet."""
        self.heal()
        with self.organisation.authority.books.read() as tx:
            rows, places = checks.hub_rows(tx), checks.places_of(tx)
            checks.check_feed(tx, places)
            for terminal in self.terminals:
                checks.check_terminal(tx, terminal, rows, places, self.organisation.device(terminal))
            checks.check_log(tx, self.given)
            checks.check_counts(tx)
            checks.check_owners(tx)
            checks.check_identities(tx)
            checks.check_fold(tx, self.organisation._folder / "fold", rows)


def _careless(engine: Engine) -> None:
    """Do without the wait for the disk: nobody pulls the plug here."""
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    engine.dispose()


def _copier(organisation: Any) -> Callable[[Any, str, str], Any]:
    """Return what makes a terminal of the copied file of another one."""

    def copy(original: Any, name: str, machine: str) -> Any:
        path = backup(original.desk._books.path, organisation._folder / name / "crm.db")
        engine, line = open_engine(path), original.desk._writer
        desk = Desk(engine, clock=organisation.clock, ids=original.desk._books.ids, writer=line, reader=line)
        with desk._books.read() as tx:
            known, secret = fact(tx, "device_id"), fact(tx, "hub_secret")
        made = type(original)(organisation, name, desk, SharedHub(organisation.authority, known, secret))
        made.link = Link(desk._books, made.hub, machine=machine)
        return made

    return copy


@pytest.fixture
def deeds() -> Any:
    """What somebody at a terminal may do next."""
    return deeds_of


@pytest.fixture
def new_world(
    office: Any, tmp_path: Path, clock: Any, ids: Callable[[], str], organise: Callable[..., Any]
) -> Iterator[Callable[..., World]]:
    """Make worlds of a seed and the units of their terminals, each on files of its own."""
    template = backup(office.desk._books.path, tmp_path / "template.db")
    made: list[World] = []

    def make(seed: int, *units: str, scheme: str = "sqlite:///") -> World:
        folder = tmp_path / f"world{len(made)}"
        for place in ("hub", "fold"):
            (folder / place).mkdir(parents=True)
            shutil.copyfile(template, folder / place / "hub.db")
        books = HubBooks.open(f"{scheme}{folder / 'hub' / 'hub.db'}", clock=clock)
        _careless(books.engine)
        founding.found(books)
        organisation = organise(SmallPages(books, ids), office, folder)
        world = World(seed, organisation, _copier(organisation))
        made.append(world)
        for unit in units:
            world.terminal(unit, skew=timedelta(minutes=world.rng.choice((0, 0, -30, 4, 9))))
        return world

    yield make
    for world in made:
        for terminal in world.terminals:
            terminal.desk.close()
        world.organisation.authority.close()


@pytest.fixture
def new_world_on_a_server(
    office: Any, hub_server: str, tmp_path: Path, ids: Callable[[], str], organise: Callable[..., Any]
) -> Iterator[Callable[[int], World]]:
    """Make the one world of a seed whose hub is on PostgreSQL: it is not closed, saved or put back."""
    made: list[World] = []

    def make(seed: int) -> World:
        backup(office.desk._books.path, tmp_path / "fold" / "hub.db")
        books = on_server(office.desk._books._reading, hub_server, office.clock)
        organisation = organise(SmallPages(books, ids), office, tmp_path)
        made.append(World(seed, organisation, _copier(organisation)))
        return made[-1]

    yield make
    for world in made:
        for terminal in world.terminals:
            terminal.desk.close()
        world.organisation.authority.close()
