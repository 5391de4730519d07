"""Known mistakes of a hub with several writers, put back where they bite: on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, select, text, update
from sqlalchemy.pool import NullPool

from crm_tui.commands.customers import CreateCustomer
from crm_tui.hub import changes, pull, push
from crm_tui.hub.tables import feed, space_rev
from crm_tui.store.tables import customer
from crm_tui.store.transaction import Transaction

pytestmark = pytest.mark.postgres
LONG = 60.0
"""Seconds after which something that must happen is said not to have happened."""
Place = tuple[str, str]
"""A device, and what it is about to do."""


class Stage:
    """Terminals at work at one hub at the same time, each stopped where the plot wants it.

    A terminal that waits for another one in the database is one that has to wait: nobody waits for it.
    """

    def __init__(self, world: Any, watch: Engine) -> None:
        self.world = world
        self._watch = watch
        self._threads = ThreadPoolExecutor(2)
        self._gates: dict[Place, threading.Event] = {}
        self._at: set[Place] = set()

    def begin(self, terminal: Any, deed: str) -> Future[Any]:
        """Let a terminal run a round until it is about to do a deed, has to wait, or is done."""
        place = (self._name(terminal), deed)
        self._gates[place] = threading.Event()
        running = self._threads.submit(terminal.sync)
        self._until(lambda: place in self._at or running.done() or self._waiting() > 0)
        return running

    def is_about_to(self, terminal: Any, deed: str) -> bool:
        """Tell whether a terminal stands before a deed."""
        return (self._name(terminal), deed) in self._at

    def go_on(self, terminal: Any, deed: str, running: Future[Any]) -> None:
        """Let a terminal do its deed, and all that comes after it."""
        self._gates[self._name(terminal), deed].set()
        running.result(LONG)

    def stop(self, device_id: str, deed: str) -> None:
        """Be about to do a deed: wait where the plot wants it."""
        gate = self._gates.get((device_id, deed))
        if gate is not None and not gate.is_set():
            self._at.add((device_id, deed))
            assert gate.wait(LONG), "nobody opens the gate"

    def close(self) -> None:
        for gate in self._gates.values():
            gate.set()
        self._threads.shutdown()

    def until_there(self, terminal: Any, deed: str, running: Future[Any]) -> None:
        """Wait until a terminal that had to wait stands before its deed."""
        self._until(lambda: self.is_about_to(terminal, deed) or running.done())

    def _name(self, terminal: Any) -> str:
        return str(self.world.organisation.device(terminal).device_id)

    def _waiting(self) -> int:
        """Return how many transactions of this hub wait for a lock."""
        question = text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        with self._watch.connect() as connection:
            return int(connection.scalar(question) or 0)

    def _until(self, true: Callable[[], bool]) -> None:
        pause = threading.Event()
        while not true():
            pause.wait(0.01)


@pytest.fixture
def stage(
    new_world_on_a_server: Callable[[int], Any], hub_server: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """A hub on PostgreSQL whose writers can be stopped in their work and before their commit."""
    watch = create_engine(hub_server, poolclass=NullPool)  # as the owner, who sees what others wait for
    made = Stage(new_world_on_a_server(1), watch)
    decide, close_portion = push._decide, push.close_portion

    def closing(portion: Any, *told: Any, **more: Any) -> None:
        close_portion(portion, *told, **more)
        made.stop(portion.device.device_id, "commit")

    def deciding(portion: Any, sealed: Any) -> Any:
        answer = decide(portion, sealed)
        made.stop(portion.device.device_id, "go on working")
        return answer

    monkeypatch.setattr(push, "close_portion", closing)
    monkeypatch.setattr(push, "_decide", deciding)
    yield made
    made.close()


def _plot_of_two_commits(stage: Stage) -> None:
    """Two write at once, and a third one reads between their commits, whichever of them is the first."""
    world = stage.world
    one, two, reader = (world.terminal("Haitang") for _ in range(3))
    world.give(reader, CreateCustomer(name="before"))
    reader.sync()
    world.give(one, CreateCustomer(name="one"))
    world.give(two, CreateCustomer(name="two"))
    first = stage.begin(one, "commit")
    second = stage.begin(two, "commit")
    order = [(one, first), (two, second)]
    if stage.is_about_to(two, "commit"):  # it was not held up: it is the first
        order.reverse()
    for terminal, running in order:
        stage.until_there(terminal, "commit", running)
        stage.go_on(terminal, "commit", running)
        reader.sync()
    world.check()
    assert {row["name"] for row in reader.rows(customer)} == {"before", "one", "two"}


def _plot_of_a_long_work(stage: Stage) -> None:
    """Somebody is in the middle of long work, and somebody else comes with something short."""
    world = stage.world
    one, two = (world.terminal("Haitang") for _ in range(2))
    world.give(one, CreateCustomer(name="one"))
    world.give(two, CreateCustomer(name="two"))
    first = stage.begin(one, "go on working")
    assert stage.is_about_to(one, "go on working")
    second = stage.begin(two, "stop nowhere")
    held_up = not second.done()
    stage.go_on(one, "go on working", first)
    second.result(LONG)
    assert not held_up, "who has only begun holds others up"
    world.check()


Plot = Callable[[Stage], None]


@pytest.mark.parametrize("plot", [_plot_of_two_commits, _plot_of_a_long_work])
def test_without_the_mistake_every_plot_ends_well(stage: Stage, plot: Plot) -> None:
    plot(stage)


def _of_a_sequence(tx: Transaction, _space: str) -> int:
    return int(tx.scalar(text("SELECT nextval('feed_cursor')")))


def _moved_at_once(tx: Transaction, space: str) -> int:
    with tx.connection.engine.begin() as own:
        return _next_rev(Transaction(own), space)


def _read_first_and_locked_late(tx: Transaction, space: str) -> int:
    known = tx.scalar(select(space_rev.c.rev).where(space_rev.c.space == space))
    if known is None:
        return _next_rev(tx, space)
    tx.connection.execute(update(space_rev).where(space_rev.c.space == space).values(rev=known + 1))
    return int(known) + 1


_next_rev = changes._next_rev


@pytest.mark.parametrize("mistake", [_moved_at_once, _read_first_and_locked_late])
def test_a_counter_that_does_not_follow_the_commits_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, mistake: Callable[[Transaction, str], int]
) -> None:
    """A reader between two commits has seen the number of what it has not seen."""
    monkeypatch.setattr(changes, "_next_rev", mistake)
    with pytest.raises(AssertionError, match="digests differ"):
        _plot_of_two_commits(stage)


@pytest.fixture
def sequence(stage: Stage) -> Iterator[None]:
    """A sequence in the hub's database that goes on from the counters."""
    with stage._watch.begin() as owner:
        owner.execute(text("CREATE SEQUENCE feed_cursor START 1000"))
        owner.execute(text("GRANT USAGE ON SEQUENCE feed_cursor TO PUBLIC"))
    yield
    stage.close()  # who is stopped holds the sequence
    with stage._watch.begin() as owner:
        owner.execute(text("DROP SEQUENCE feed_cursor"))


@pytest.mark.usefixtures("sequence")
def test_a_sequence_as_cursor_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever commits later may have the smaller number: readers are beyond it by then."""

    def newest(tx: Transaction, scope: Any) -> dict[str, int]:
        asked = select(feed.c.space, func.max(feed.c.rev).label("rev")).group_by(feed.c.space)
        known = {row.space: row.rev for row in tx.rows(asked)}
        return {space: known.get(space, 0) for space in scope}

    monkeypatch.setattr(changes, "_next_rev", _of_a_sequence)
    monkeypatch.setattr(pull, "revs_of", newest)
    with pytest.raises(AssertionError, match="digests differ"):
        _plot_of_two_commits(stage)


def test_a_counter_that_is_taken_first_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counter's row is locked before the work: only one can be at work at a time."""
    right = push.hold_people

    def first_the_counters(tx: Transaction, ids: Any) -> None:
        tx.rows(select(space_rev).order_by(space_rev.c.space).with_for_update())
        right(tx, ids)

    monkeypatch.setattr(push, "hold_people", first_the_counters)
    with pytest.raises(AssertionError, match="holds others up"):
        _plot_of_a_long_work(stage)
