"""Making a hub's database and opening one; what a terminal's file has to do with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, select
from sqlalchemy.exc import DBAPIError

from crm_tui.domain.errors import Refused
from crm_tui.hub import founding, postgres
from crm_tui.hub.authority import Authority
from crm_tui.hub.books import SHARE, HubBooks, file_of, meta_value, set_meta
from crm_tui.hub.copying import FOUNDING, Progress, copy_rows, enter_organisation, in_silence
from crm_tui.hub.probe import check_locks, hub_facts
from crm_tui.hub.pull import scope_hash, spaces_below
from crm_tui.hub.review import rerun
from crm_tui.hub.tables import space_rev
from crm_tui.store import outbox
from crm_tui.store.backup import backup
from crm_tui.store.engine import for_writing, open_engine, storage_refusal
from crm_tui.store.outbox import fact, set_facts
from crm_tui.store.replica import set_cursors
from crm_tui.store.tables import org_unit
from crm_tui.store.transaction import Transaction
from crm_tui.sync.joining import become_member
from crm_tui.sync.machine import program_version, this_machine
from crm_tui.sync.messages import HubError, JoinAnswer


@dataclass(frozen=True)
class Made:
    """A hub that was made: the organisation's name and the rows it begins with."""

    organisation: str
    rows: int


@dataclass(frozen=True)
class _First:
    """What the first member is given: who it is, where its spaces stand, and the rows of the hub."""

    answer: JoinAnswer
    cursors: dict[str, int]
    rows: int


def open_hub(url: str, *, clock: Callable[[], datetime], new_id: Callable[[], str]) -> Authority:
    """Open a hub's database.

    Raises:
        Refused: hub_missing where there is none; as ``HubBooks.open`` does.
    """
    if url.startswith(postgres.SCHEME):
        if not postgres.look(url).organisations:
            raise Refused("hub_missing", url=postgres.shown(url))
        postgres.migrate(url)
    else:
        path = file_of(url)
        if not path.exists() or not hub_facts(path).get("epoch"):
            raise Refused("hub_missing", url=url)
    books = HubBooks.open(url, clock=clock)
    with books.read() as tx:
        founded, tried_by = bool(meta_value(tx, "epoch")), meta_value(tx, "tried_by")
    if not founded:
        books.close()
        raise Refused("hub_missing", url=postgres.shown(url))
    if tried_by != program_version():
        rerun(books, new_id)
        with books.write() as tx:
            set_meta(tx, tried_by=program_version())
    return Authority(books, new_id)


def open_share(url: str, *, clock: Callable[[], datetime], new_id: Callable[[], str]) -> Authority:
    """Open a hub's database on a share, once its locks were tried.

    Raises:
        Refused: as ``open_hub`` and ``check_locks`` do.
    """
    if not file_of(url).exists():
        raise Refused("hub_missing", url=url)
    check_locks(file_of(url).parent)
    return open_hub(url, clock=clock, new_id=new_id)


def make_hub(
    source: Path,
    database: str,
    url: str,
    *,
    clock: Callable[[], datetime],
    progress: Progress = in_silence,
) -> Made:
    """Make a hub of a terminal's data, and the terminal its first member, reaching it at ``url``.

    ``progress`` is told how many rows a server has been given so far: it may take minutes.

    Raises:
        Refused: hub_exists, home_joined (url), hub_empty; as ``backup``, ``HubBooks.open`` and
            ``postgres.migrate`` do. The terminal is changed last: until then it works alone as before.
        HubError: RETRY, DISK_FULL of a server.
    """
    engine = open_engine(source)
    try:
        device_id = _lone_device(engine)
        if database.startswith(postgres.SCHEME):
            with closing(on_server(engine, database, clock, progress)) as books:
                first = _first_member(books, device_id, url)
        else:
            with _new_file(source, database, url, clock) as books:
                first = _first_member(books, device_id, url)
        with for_writing(engine).connect() as connection, connection.begin():
            own = Transaction(connection)
            become_member(own, url, first.answer, this_machine())
            outbox.settle_all(own)
            set_facts(own, hub_scope_hash=scope_hash(first.cursors))
            set_cursors(own, first.cursors)
        return Made(first.answer.organisation, first.rows)
    except DBAPIError as error:
        no = _refusal(error, source)
        if no is None:
            raise
        raise no from error
    finally:
        engine.dispose()


def _first_member(books: HubBooks, device_id: str, url: str) -> _First:
    """Make the terminal whose data the hub has the first one, at the top of the organisation."""
    with books.write() as tx:
        set_meta(tx, url=url, **({"share": "1"} if url.startswith(SHARE) else {}))
        top = tx.first(select(org_unit).where(org_unit.c.parent_id.is_(None)))
        assert top is not None, "an organisation has a top"
    answer = founding.adopt(books, device_id=device_id, machine=this_machine(), unit_id=top.id, name=top.name)
    with books.read() as tx:
        known = {row.space: row.rev for row in tx.rows(select(space_rev))}
        return _First(
            answer,
            {space: known.get(space, 0) for space in spaces_below(tx, top.id)},
            int(tx.connection.exec_driver_sql("SELECT count(*) FROM feed").scalar() or 0),
        )


def _lone_device(engine: Engine) -> str:
    """Return the id of a terminal that has data and no hub yet; one that was never opened gets its first.

    Raises:
        Refused: home_joined, hub_empty.
    """
    with engine.connect() as connection:
        own = Transaction(connection)
        if fact(own, "hub_url"):
            raise Refused("home_joined", url=fact(own, "hub_url"))
        if own.first(select(org_unit.c.id)) is None:
            raise Refused("hub_empty")
        return fact(own, "device_id") or secrets.token_hex(16)


@contextmanager
def _new_file(source: Path, database: str, url: str, clock: Callable[[], datetime]) -> Iterator[HubBooks]:
    """Make the hub's file of a copy of the terminal's; it goes again unless all is done that uses it."""
    target = file_of(database)
    if target.exists():
        raise Refused("hub_exists", url=database)
    _try_share(url, target)
    backup(source, target)
    try:
        with closing(HubBooks.open(database, clock=clock)) as books:
            founding.found(books)
            yield books
    except BaseException as error:
        for ending in ("", "-wal", "-shm", "-journal"):
            target.with_name(target.name + ending).unlink(missing_ok=True)
        no = _refusal(error, target)
        if no is None:
            raise
        raise no from error


def _refusal(error: BaseException, path: Path) -> Refused | None:
    """Return what the storage of a file could not do, None where it is something else that went wrong."""
    cause = error.__cause__ if isinstance(error, HubError) else error
    return storage_refusal(cause.orig, path) if isinstance(cause, DBAPIError) else None


def on_server(
    source: Engine, database: str, clock: Callable[[], datetime], progress: Progress = in_silence
) -> HubBooks:
    """Make the hub's tables on a server, and a new organisation there of the terminal's rows."""
    postgres.migrate(database)
    with source.connect() as connection:
        own = Transaction(connection)
        top = own.first(select(org_unit).where(org_unit.c.parent_id.is_(None)))
        assert top is not None, "an organisation has a top"
        books = HubBooks.open(database, clock=clock, organisation=top.id)
        try:
            with books.write() as tx:
                _enter(tx, top, books.now, database)
                copy_rows(own, tx, FOUNDING, progress)
                founding.found_in(tx)
        except BaseException:
            books.close()
            raise
    return books


def _enter(tx: Transaction, top: Row[Any], now: int, database: str) -> None:
    """Enter an organisation by the unit at its top; raises Refused hub_exists (url)."""
    if not enter_organisation(tx, org=top.id, name=top.name, now=now):
        raise Refused("hub_exists", url=postgres.shown(database))


def _try_share(url: str, target: Path) -> None:
    """Try the locks of a share before a hub is made there; raises as ``check_locks`` does."""
    if url.startswith(SHARE):
        target.parent.mkdir(parents=True, exist_ok=True)
        check_locks(target.parent)
