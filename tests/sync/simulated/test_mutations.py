"""Known mistakes, put back one by one: each must be found, or the checks prove nothing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select

from crm_tui.commands.customers import AddContact, CreateCustomer, EditCustomer
from crm_tui.commands.deals import CreateDeal
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.desk import Desk
from crm_tui.domain.errors import Refused
from crm_tui.hub import changes, pull, push
from crm_tui.hub.books import HubBooks
from crm_tui.store import engine, outbox, replica
from crm_tui.store.engine import open_engine
from crm_tui.store.tables import customer, meta, sync_undo
from crm_tui.store.transaction import Transaction
from crm_tui.sync import client
from crm_tui.sync.messages import HubError, Say

Plot = Callable[[Any], None]
Write = Callable[[], AbstractContextManager[Transaction]]
LONG = 60.0
"""Seconds after which something that must happen is said not to have happened."""


def _plot_of_a_copy(world: Any) -> None:
    """A copied terminal on a machine of the same name does one thing, its original another."""
    one = world.terminal("Haitang")
    copy = world.clone(one, other_machine=False)
    world.give(one, CreateCustomer(name="first"))
    world.give(copy, CreateCustomer(name="second"))
    one.sync()
    copy.sync()


def _plot_of_a_move(world: Any) -> None:
    """A customer with a closed deal is given to another branch."""
    head = world.terminal("Haitang")
    world.terminal("Jingan")
    world.terminal("Xuhui")
    people = world.organisation.people
    (made,) = world.give(head, CreateCustomer(name="mover", phones=("13900001111",), owner_id=people["6001"]))
    mover = made.details["customer_id"]
    world.give(head, CreateDeal(customer_id=mover))
    for terminal in world.terminals * 2:
        terminal.sync()
    given = {"to_owner_id": people["6004"], "expected_owner_id": people["6001"], "reason": "other"}
    world.give(head, ReassignCustomer(customer_id=mover, **given))


def _plot_of_two(world: Any) -> None:
    """Two change the same customer while the answer to one is lost."""
    one, two = world.terminal("Haitang"), world.terminal("Haitang")
    (made,) = world.give(one, CreateCustomer(name="old"))
    one.sync()
    two.sync()
    mine = made.details["customer_id"]
    world.give(one, EditCustomer(customer_id=mine, name="mine"))
    world.give(two, EditCustomer(customer_id=mine, name="theirs"))
    world.give(two, world.organisation.office.spoken(mine))
    two.sync()
    one.sync()
    world.give(one, EditCustomer(customer_id=mine, note="again"))


def _plot_of_poison(world: Any) -> None:
    """A command that breaks after it has written stands before one that is sound."""
    one = world.terminal("Haitang")
    world.give(one, CreateCustomer(name="poison"), CreateCustomer(name="sound"))


def _plot_of_many_pages(world: Any) -> None:
    """A terminal reads several pages while another one goes on working."""
    one, two = world.terminal("Haitang"), world.terminal("Haitang")
    world.organisation.authority.page = 5
    world.give(two, *(CreateCustomer(name=f"c{place}") for place in range(6)))
    two.sync()
    world.give(one, CreateCustomer(name="mine"))
    one.sync()


def _plot_of_a_dying_program(world: Any) -> None:
    """A program ends in the middle of its rebase."""
    one, two = world.terminal("Haitang"), world.terminal("Haitang")
    world.give(two, CreateCustomer(name="theirs"))
    two.sync()
    begin, count = one.link._client._begin, [0]

    @contextmanager
    def dying() -> Iterator[Transaction]:
        with begin() as tx:
            yield tx
            if tx.changed & {"customer"} and not count[0]:
                count[0] += 1
                raise OSError

    one.link._client._begin = dying
    with pytest.raises(OSError):  # noqa: PT011 - the program's end has no words
        one.sync()


def _plot_of_a_hub_put_back(world: Any, *, by_hand: bool = False) -> None:
    """A hub is put back to a copy that is older than what it has answered, and told of it."""
    one = world.terminal("Haitang")
    world.terminal("Jingan")
    world.give(one, CreateCustomer(name="before the copy"))
    one.sync()
    world.save()
    world.give(one, CreateCustomer(name="after the copy"), CreateCustomer(name="and another"))
    one.sync()
    one.sync()
    assert one.waiting() == 0
    world.put_back(by_hand=by_hand)


def _plot_of_a_hub_copied_back(world: Any) -> None:
    """The same by hand: nobody tells the hub."""
    _plot_of_a_hub_put_back(world, by_hand=True)


PLOTS = (
    _plot_of_a_copy,
    _plot_of_a_move,
    _plot_of_two,
    _plot_of_many_pages,
    _plot_of_a_dying_program,
    _plot_of_a_hub_put_back,
    _plot_of_a_hub_copied_back,
)


@pytest.mark.parametrize("plot", PLOTS)
def test_without_the_mistake_every_plot_ends_well(new_world: Any, plot: Plot) -> None:
    world = new_world(1)
    plot(world)
    world.check()


def _found(world: Any, plot: Plot, said: str) -> None:
    """Fail unless the checks find that something is wrong, and say so in these words."""

    def played() -> None:
        plot(world)
        world.check()

    with pytest.raises(AssertionError, match=said):
        played()


def test_an_answer_by_the_count_alone_is_found(new_world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = push.take_one

    def by_count(portion: Any, sealed: Any, last: int) -> int:
        return last if sealed.seq <= last else right(portion, sealed, last)

    def mark(tx: Transaction, seq: int, _cmd_id: str, state: str, **answer: Any) -> bool:
        row_seq = seq + outbox.offset(tx)
        hit = tx.update_where(outbox.outbox, outbox.outbox.c.seq == row_seq, state=state, **answer)
        outbox.set_facts(tx, hub_done=str(max(row_seq, int(outbox.fact(tx, "hub_done", "0")))))
        return bool(hit)

    monkeypatch.setattr(push, "take_one", by_count)
    monkeypatch.setattr(outbox, "mark", mark)
    _found(new_world(1), _plot_of_a_copy, "commands were lost")


def test_a_cursor_that_is_moved_before_the_commit_is_found(
    new_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counter becomes visible first, as one taken from a sequence does; the entries come later."""
    world = new_world(1)
    late: list[Any] = []
    write = changes._write
    monkeypatch.setattr(changes, "_write", lambda _, entries, revs: late.append((entries, revs)))

    def plot(world: Any) -> None:
        one, two = world.terminal("Haitang"), world.terminal("Haitang")
        world.give(one, CreateCustomer(name="late"))
        one.sync()
        two.sync()
        with world.organisation.authority.books.write() as tx:
            for entries, revs in late:
                write(tx, entries, revs)

    _found(world, plot, "digests differ")


def test_a_cursor_outside_the_rebase_is_found(new_world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = client.SyncClient._take_over

    def first_the_cursor(self: Any, pulled: Any, account: Any) -> bool:
        with self._begin() as tx:
            replica.set_cursors(tx, pulled.answer.upto)
            outbox.set_facts(tx, hub_scope_hash=pulled.answer.scope_hash)
        told = msgspec.structs.replace
        request = told(pulled.request, cursors=pulled.answer.upto, scope_hash=pulled.answer.scope_hash)
        return right(self, client._Pulled(request, pulled.answer, pulled.pages), account)

    def plot(world: Any) -> None:
        one = world.terminal("Haitang")
        two = world.terminal("Haitang")
        world.give(two, CreateCustomer(name="theirs"))
        two.sync()
        monkeypatch.setattr(client.SyncClient, "_take_over", first_the_cursor)
        begin = one.link._client._begin

        @contextmanager
        def dying() -> Iterator[Transaction]:
            with begin() as tx:
                yield tx
                if "customer" in tx.changed:
                    raise OSError

        one.link._client._begin = dying
        with pytest.raises(OSError):  # noqa: PT011 - the program's end has no words
            one.sync()
        one.link._client._begin = begin
        monkeypatch.setattr(client.SyncClient, "_take_over", right)

    _found(new_world(1), plot, "digests differ")


def _forgotten_with_the_answer(tx: Transaction, seq: int, cmd_id: str, *_: Any, **__: Any) -> bool:
    row_seq = seq + outbox.offset(tx)
    outbox.set_facts(tx, hub_done=str(max(row_seq, int(outbox.fact(tx, "hub_done", "0")))))
    return bool(tx.delete_where(outbox.outbox, outbox.outbox.c.cmd_id == cmd_id))


def _forgotten_before_a_backup_has_them(tx: Transaction, _safe_seq: int, _older_than: Any) -> int:
    return tx.delete_where(outbox.outbox, outbox.outbox.c.state == "applied")


@pytest.mark.parametrize("plot", [_plot_of_a_hub_put_back, _plot_of_a_hub_copied_back])
@pytest.mark.parametrize(
    ("name", "mistake"),
    [("mark", _forgotten_with_the_answer), ("prune", _forgotten_before_a_backup_has_them)],
)
def test_an_archive_that_does_not_keep_what_was_answered_is_found(
    new_world: Any, monkeypatch: pytest.MonkeyPatch, plot: Plot, name: str, mistake: Callable[..., Any]
) -> None:
    """No archive: a hub that was put back never hears again of what it had answered since its copy."""
    monkeypatch.setattr(outbox, name, mistake)
    _found(new_world(1), plot, "commands were lost")


def test_a_missing_savepoint_is_found(new_world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = CreateCustomer.apply

    def breaking(self: CreateCustomer, tx: Transaction, context: Any) -> Any:
        made = right(self, tx, context)
        if self.name == "poison" and "hub" in str(tx.connection.engine.url):
            raise ZeroDivisionError
        return made

    monkeypatch.setattr(CreateCustomer, "apply", breaking)
    world = new_world(1)
    _plot_of_poison(world)
    world.heal()
    with world.organisation.authority.books.read() as tx:
        assert list(tx.scalars(select(customer.c.name))) == ["sound"]

    @contextmanager
    def none(_tx: Transaction) -> Iterator[None]:
        yield

    monkeypatch.setattr(Transaction, "savepoint", none)
    world = new_world(1)
    _plot_of_poison(world)
    world.faulty = False
    world.terminals[0].sync()
    with world.organisation.authority.books.read() as tx, pytest.raises(AssertionError):
        assert list(tx.scalars(select(customer.c.name))) == ["sound"]


def test_rows_that_leave_untold_are_found(new_world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = changes._of_table

    def never_gone(tx: Any, name: str, keys: Any, entries: Any) -> Any:
        moved = right(tx, name, keys, entries)
        for place in [place for place, live in entries.items() if not live]:
            del entries[place]
        return moved

    monkeypatch.setattr(changes, "_of_table", never_gone)
    _found(new_world(1), _plot_of_a_move, "digests differ")


def test_a_history_that_stays_behind_is_found(new_world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "hanging_on", lambda *_: {})
    _found(new_world(1), _plot_of_a_move, "the feed is wrong")


def _program_cut_off_between_pages(world: Any) -> None:
    """Another program of the home pushes while this one reads its pages, and nothing comes after them."""
    one, two = world.terminal("Haitang"), world.terminal("Haitang")
    world.organisation.authority.page = 5
    world.give(two, *(CreateCustomer(name=f"c{place}") for place in range(6)))
    two.sync()
    hub, rounds = one.link._client._hub, [0]

    class Between:
        def pull(self, request: Any) -> Any:
            if request.after is None:
                rounds[0] += 1
                if rounds[0] == 2:
                    raise HubError(Say.UNREACHABLE)
            elif not one.outbox():
                world.give(one, CreateCustomer(name="mine"))
                one.link._client._push(client._Round())
            return hub.pull(request)

        def __getattr__(self, name: str) -> Any:
            return getattr(hub, name)

    one.link._client._hub = Between()
    with suppress(HubError):
        one.sync()
    assert one.rows(customer, customer.c.name == "mine"), "what was answered is not there"
    one.link._client._hub = hub


def test_what_waits_is_there_between_the_pages_and_their_answers(new_world: Any) -> None:
    world = new_world(1)
    _program_cut_off_between_pages(world)
    world.check()


def _eager(self: Any, request: Any, spool: Any, _account: Any) -> Any:
    """Take over when the pages have come, though the hub has moved on meanwhile."""
    answer = self._hub.pull(request)
    while answer.more is not None:
        client.Spool(spool).keep(answer)
        told = msgspec.structs.replace
        asked = told(request, scope_hash=answer.scope_hash, upto=answer.upto, after=answer.more)
        answer = self._hub.pull(asked)
    return answer


def test_answers_before_the_rows_that_show_them_are_found(
    new_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = pull._answer

    def early(books: Any, tx: Any, request: Any, row: Any, page: Any) -> Any:
        answer = right(books, tx, request, row, page)
        return msgspec.structs.replace(
            answer, acks=[pull._ack(one) for one in pull._unknown(tx, row.device_id, request)]
        )

    monkeypatch.setattr(pull, "_answer", early)
    monkeypatch.setattr(client.SyncClient, "_gather", _eager)
    _found(new_world(1), _program_cut_off_between_pages, "what was answered is not there")


def test_a_replay_without_undo_is_found(new_world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(self: Any) -> None:
        self._tx.connection.execute(delete(sync_undo))

    monkeypatch.setattr(replica.Rebase, "_put_back", forget)

    def plot(world: Any) -> None:
        one, two = world.terminal("Jingan"), world.terminal("Haitang")
        (made,) = world.give(one, CreateCustomer(name="mine"), number="6001")
        one.sync()
        two.sync()
        mine = made.details["customer_id"]
        people = world.organisation.people
        given = {"to_owner_id": people["6002"], "expected_owner_id": people["6001"], "reason": "other"}
        world.give(two, ReassignCustomer(customer_id=mine, **given))
        two.sync()
        world.give(one, AddContact(customer_id=mine, name="nobody"), number="6001")

    _found(new_world(1), plot, "digests differ")


class _Meeting:
    """Lets the second of two programs begin to write when the first one has read, and not yet written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun, self._met = threading.Event(), threading.Event()

    def hold(self, first: Any, second: Any) -> None:
        """Let two programs meet when each of them writes next."""
        first.write, second.write = self._as_first(first.write), self._as_second(second.write)

    def run(self, first: Callable[[], Any], second: Callable[[], Any]) -> None:
        """Let both work at once; raise what one of them could not do."""
        with ThreadPoolExecutor(2) as programs:
            one = programs.submit(first)
            assert self._begun.wait(LONG), "the first program does not write"
            two = programs.submit(second)
            one.result(LONG)
            two.result(LONG)

    def _as_first(self, write: Write) -> Write:
        @contextmanager
        def writing() -> Iterator[Transaction]:
            with write() as tx:
                tx.rows(select(meta))
                self._begun.set()
                assert self._met.wait(LONG), "the second program does not come"
                yield tx

        return writing

    def _as_second(self, write: Write) -> Write:
        @contextmanager
        def writing() -> Iterator[Transaction]:
            if self._is_locked():  # the second program waits: the first one has to go on
                self._met.set()
            with write() as tx:
                tx.rows(select(meta))
                self._met.set()
                yield tx

        return writing

    def _is_locked(self) -> bool:
        with closing(sqlite3.connect(self._path, timeout=0, isolation_level=None)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False


def _plot_of_two_at_one_hub(world: Any, scheme: str) -> None:
    """Two programs push to one file at the same instant."""
    one, two = world.terminal("Haitang"), world.terminal("Haitang")
    authority = world.organisation.authority
    path = Path(authority.books.engine.url.database)
    other = HubBooks.open(f"{scheme}{path}", clock=authority.books.clock)
    two.hub._hub._opened = type(authority)(other, authority._new_id)
    world.give(one, CreateCustomer(name="one"))
    world.give(two, CreateCustomer(name="two"))
    meeting = _Meeting(path)
    with closing(other):
        meeting.hold(authority.books, other)
        meeting.run(one.sync, two.sync)
    two.hub._hub._opened = authority


def _plot_of_two_at_one_terminal(world: Any, _scheme: str) -> None:
    """Two programs of one home save at the same instant."""
    one = world.terminal("Haitang")
    books, actor = one.desk._books, world.organisation.people["1001"]
    meeting = _Meeting(books.path)
    with closing(Desk(open_engine(books.path), clock=books.watch.now, ids=books.ids)) as other:
        meeting.hold(books, other._books)
        meeting.run(
            lambda: one.desk._deeds.carry_out([CreateCustomer(name="one")], actor),
            lambda: other._deeds.carry_out([CreateCustomer(name="two")], actor),
        )
    world._note(one)


MEETINGS = pytest.mark.parametrize(
    ("plot", "scheme"),
    [
        (_plot_of_two_at_one_hub, "sqlite:///"),
        (_plot_of_two_at_one_hub, "file://"),
        (_plot_of_two_at_one_terminal, "sqlite:///"),
    ],
    ids=["served", "shared", "terminal"],
)


@MEETINGS
def test_two_that_write_at_once_take_turns(new_world: Any, plot: Callable[..., None], scheme: str) -> None:
    world = new_world(1, scheme=scheme)
    plot(world, scheme)
    world.check()
    assert {row["name"] for row in world.terminals[0].rows(customer)} == {"one", "two"}


@MEETINGS
def test_a_transaction_that_takes_its_lock_late_is_found(
    new_world: Any, monkeypatch: pytest.MonkeyPatch, plot: Callable[..., None], scheme: str
) -> None:
    """Deferred BEGIN: who reads first and then writes is turned away at once, instead of waiting.

    The mark that each transaction makes in the file goes too: it is a write, and takes the lock as well.
    """
    monkeypatch.setattr(
        engine, "_guarded_begin", lambda _path: lambda connection: connection.exec_driver_sql("BEGIN")
    )
    world = new_world(1, scheme=scheme)
    with pytest.raises((HubError, Refused), match=r"hub_retry|database_busy"):
        plot(world, scheme)
