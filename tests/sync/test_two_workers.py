"""Two workers of a hub on one database: whatever they do at once, one of them is first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select, text, update
from sqlalchemy.pool import NullPool

from crm_tui.commands.customers import ArchiveCustomer, CreateCustomer, EditCustomer
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.commands.people import CreatePerson, SetPersonStatus
from crm_tui.hub.authority import Authority
from crm_tui.hub.books import HubBooks
from crm_tui.hub.review import rerun
from crm_tui.hub.tables import command_log, identity_key
from crm_tui.store.tables import customer, outbox, person

PHONE = "13900009999"


class Workers:
    """Two workers of one hub, a terminal at each, and a way to let one be in the middle of its work."""

    def __init__(self, books: HubBooks, other_books: HubBooks, watch: Engine, one: Any, two: Any) -> None:
        self.other_books = other_books
        self.books = books
        self._watch = watch
        self.one = one
        self.two = two
        self._threads = ThreadPoolExecutor(2)

    def at_once(self) -> None:
        """Let the first terminal's commands be all but done when the second one's arrive."""
        with self.books.write() as tx:
            # The counters are moved last: here everybody waits who is all but done.
            tx.connection.execute(text("LOCK TABLE space_rev IN EXCLUSIVE MODE"))
            done: list[Future[Any]] = []
            for place, terminal in enumerate((self.one, self.two), start=1):
                done.append(self._threads.submit(terminal.sync))
                self._wait_for(place, done)
        for one in done:
            one.result(timeout=30)

    def cut(self, tx: Any) -> None:
        """End the server's side of a transaction's connection, as a server that dies does."""
        pid = {"pid": tx.scalar(text("SELECT pg_backend_pid()"))}
        with self._watch.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), pid)

    def close(self) -> None:
        self._threads.shutdown()

    def _wait_for(self, waiting: int, running: list[Future[Any]]) -> None:
        pause = threading.Event()
        question = text(
            "SELECT wait_event FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while not any(one.done() for one in running):
            with self._watch.connect() as connection:
                found = sorted(connection.scalars(question))
            if found == ["relation", "transactionid"][:waiting]:  # the second waits for a row of the first
                return
            pause.wait(0.01)
        raise AssertionError("a worker did not wait for the other one")


@pytest.fixture
def joined(office: Any, organise: Any, ids: Any) -> Callable[[HubBooks, Path, str], Any]:
    """Let a terminal join at a worker, somebody logged in."""
    return lambda books, folder, number: organise(Authority(books, ids), office, folder).terminal(
        "till", "Haitang", log_in=number
    )


@pytest.fixture
def workers(
    hub_books: HubBooks, hub_server: str, office: Any, tmp_path: Path, joined: Callable[..., Any]
) -> Iterator[Callable[..., Workers]]:
    """Two workers with a terminal each, somebody logged in at each."""
    other = HubBooks.open(hub_server, clock=office.clock)
    made: list[Any] = []

    def start(first: str, second: str) -> Workers:
        one = joined(hub_books, tmp_path / "left", first)
        two = joined(other, tmp_path / "right", second)
        watch = create_engine(hub_server, poolclass=NullPool)  # as the owner, who sees what others wait for
        made.extend([one.desk, two.desk, both := Workers(hub_books, other, watch, one, two)])
        return both

    yield start
    for one in made:
        one.close()
    other.close()


def only_on_postgres(test: Any) -> Any:
    return pytest.mark.postgres(pytest.mark.parametrize("hub_kind", ["postgresql"], indirect=True)(test))


def standing(terminal: Any) -> list[tuple[str, str]]:
    return [(row.state, row.code) for row in terminal.outbox()]


@only_on_postgres
def test_two_workers_cannot_both_make_a_customer_with_one_phone(workers: Any) -> None:
    both = workers("6001", "6002")
    both.one.give(CreateCustomer(name="先来", phones=(PHONE,)))
    both.two.give(CreateCustomer(name="后到", phones=(PHONE,)))
    both.at_once()
    assert standing(both.one) == [("applied", "")]
    assert standing(both.two) == [("flagged", "phone_taken")]
    with both.books.read() as tx:
        holders = tx.rows(
            select(customer.c.name).join(identity_key, identity_key.c.customer_id == customer.c.id)
        )
    assert [row.name for row in holders] == ["先来"]


@only_on_postgres
def test_of_two_who_give_a_customer_away_at_two_workers_one_is_refused(workers: Any, office: Any) -> None:
    both = workers("4001", "4001")
    made = both.one.give(CreateCustomer(name="李四", owner_id=office.people["6001"]))["customer_id"]
    both.one.sync()
    both.two.sync()
    for terminal, number in ((both.one, "6002"), (both.two, "6003")):
        terminal.give(
            ReassignCustomer(
                customer_id=made,
                to_owner_id=office.people[number],
                expected_owner_id=office.people["6001"],
                reason="leave",
            )
        )
    both.at_once()
    assert standing(both.one)[-1] == ("applied", "")
    assert standing(both.two) == [("rejected", "owner_changed")]
    with both.books.read() as tx:
        assert tx.scalar(select(customer.c.owner_id)) == office.people["6002"]


@only_on_postgres
def test_a_freezing_waits_for_what_the_frozen_person_has_under_way(workers: Any, office: Any) -> None:
    both = workers("6001", "1001")
    both.one.give(CreateCustomer(name="张三"))
    both.two.give(SetPersonStatus(person_id=office.people["6001"], status="frozen", expected="active"))
    both.at_once()
    assert standing(both.one) == [("applied", "")]
    assert standing(both.two) == [("applied", "")]
    with both.books.read() as tx:
        frozen = select(person.c.status).where(person.c.id == office.people["6001"])
        assert tx.scalar(frozen) == "frozen"
        assert list(tx.scalars(select(customer.c.name))) == ["张三"]


@pytest.mark.usefixtures("in_a_file")
def test_two_processes_on_one_file_take_turns(
    hub_books: HubBooks, office: Any, tmp_path: Path, joined: Callable[..., Any]
) -> None:
    other = HubBooks.open(f"sqlite:///{hub_books.engine.url.database}", clock=office.clock)
    terminals = [
        joined(books, tmp_path / number, number) for books, number in ((hub_books, "6001"), (other, "6002"))
    ]
    for terminal in terminals:
        for last in range(20):
            terminal.give(CreateCustomer(name=f"客{last}", phones=(f"139000080{last:02}",)))
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(terminal.sync) for terminal in terminals]:
            done.result(timeout=60)
    states = [state for terminal in terminals for state, _ in standing(terminal)]
    assert sorted(states) == ["applied"] * 20 + ["flagged"] * 20
    for terminal in terminals:
        terminal.desk.close()
    other.close()


def test_a_number_is_free_again_when_its_customer_gives_it_up(organisation: Any) -> None:
    till = organisation.terminal("till", log_in="4001")

    def keys() -> int:
        till.sync()
        with organisation.authority.books.read() as tx:
            return len(tx.rows(select(identity_key)))

    one = till.give(CreateCustomer(name="甲", phones=(PHONE, "13900008888"), wechat="jia"))["customer_id"]
    assert keys() == 3
    till.give(EditCustomer(customer_id=one, phones=("13900008888",)))
    assert keys() == 2
    two = till.give(CreateCustomer(name="乙", phones=(PHONE,)))["customer_id"]
    assert keys() == 3
    till.give(ArchiveCustomer(customer_id=one))
    assert keys() == 1
    till.give(EditCustomer(customer_id=two, phones=(PHONE, "13900008888")))
    assert keys() == 2
    assert {state for state, _ in standing(till)} == {"applied"}


@only_on_postgres
def test_two_workers_cannot_give_one_number_to_two_people(workers: Any, office: Any) -> None:
    both = workers("1001", "1001")
    for terminal, name in ((both.one, "甲"), (both.two, "乙")):
        terminal.give(CreatePerson(name=name, number="8001", role="clerk", unit_id=office.units["Jingan"]))
    both.at_once()
    assert standing(both.one) == [("applied", "")]
    assert standing(both.two) == [("rejected", "number_taken")]


@only_on_postgres
def test_two_workers_that_begin_together_carry_a_command_of_a_newer_program_out_once(
    workers: Any, ids: Any
) -> None:
    both = workers("6001", "6002")
    both.one.give(CreateCustomer(name="新版"))
    with both.one.desk._books.write() as tx:
        tx.update_where(outbox, outbox.c.seq == 1, kind="of_a_later_program")
    both.one.sync()
    with both.books.write() as tx:  # the program that knows it begins
        tx.connection.execute(update(command_log).values(kind=CreateCustomer.kind))
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda books: rerun(books, ids), (both.books, both.other_books)))
    assert sorted(done) == [0, 1]
    both.one.sync()
    assert standing(both.one) == [("applied", "")]


@only_on_postgres
def test_a_server_that_is_gone_in_the_middle_is_no_mistake_of_a_command(
    workers: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    both = workers("6001", "6002")
    for name in ("甲", "乙"):
        both.one.give(CreateCustomer(name=name))
    sound = CreateCustomer.apply
    cut: list[str] = []

    def apply(command: CreateCustomer, tx: Any, context: Any) -> Any:
        if tx.dialect == "postgresql" and not cut:
            cut.append(command.name)
            both.cut(tx)
        return sound(command, tx, context)

    monkeypatch.setattr(CreateCustomer, "apply", apply)
    both.one.sync()  # the hub begins anew on another connection
    assert cut == ["甲"]
    assert "could not be carried out" not in caplog.text
    assert standing(both.one) == [("applied", ""), ("applied", "")]
