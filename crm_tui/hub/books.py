"""The hub's database: opened, made ready, and how its transactions begin; SQLite or PostgreSQL."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, event, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from crm_tui.domain.errors import Refused
from crm_tui.hub import postgres
from crm_tui.hub.addresses import file_path
from crm_tui.hub.probe import hub_facts, of_hub
from crm_tui.hub.tables import hub_meta, hub_metadata
from crm_tui.hub.touched import preparation
from crm_tui.store.engine import DELETE, WAL, for_writing, open_engine, storage_refusal
from crm_tui.store.scope import forget_viewers, top_zone
from crm_tui.store.transaction import Transaction
from crm_tui.store.types import microseconds
from crm_tui.sync.messages import HubError, Say

Clock = Callable[[], datetime]

NORMAL, RECOVERING = "normal", "recovering"
SHARE = "file:"
_AGAIN = ("08", "40", "53", "55P03", "57P", "25006")
"""How PostgreSQL's codes begin for a transaction that may simply be tried again (its appendix A).

In order: a lost connection, a deadlock or a conflict, no room, a lock, a server that stops, a standby.
"""
_log = logging.getLogger(__name__)
_CAME_SECOND = "23505"
"""Somebody else has written the same key just now: what is read again will show it."""


class HubBooks:
    """Transactions on a hub's database; what it cannot do now becomes HubError RETRY.

    One that meets damage raises Refused hub_damaged (why).
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._reading = engine.execution_options(
            **({} if engine.dialect.name == "sqlite" else postgres.ONE_STATE)
        )
        self._writing = for_writing(engine)
        self._engine = engine
        self._turn: AbstractContextManager[object]
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        self.clock = clock
        self.shared = engine.dialect.name != "sqlite"
        """Whether other transactions may write at the same time."""

    @classmethod
    def open(cls, url: str, *, clock: Clock, organisation: str = "") -> HubBooks:
        """Open the database at ``sqlite:///path``, ``file:///path`` (a share) or ``postgresql+psycopg://…``.

        ``organisation`` is the id of the one that a PostgreSQL database has no rows of yet.

        Raises:
            Refused: as ``open_file`` does for a file, ``postgres.connected`` for a server; hub_db_unknown.
        """
        if url.startswith(postgres.SCHEME):
            return cls(_noting(postgres.connected(url, organisation)), clock)
        path = file_of(url)
        shared = url.startswith(SHARE) or (path.exists() and "share" in hub_facts(path))
        return cls(open_file(path, DELETE if shared else WAL), clock)

    @property
    def engine(self) -> Engine:
        """The engine below, for those who look after the database itself."""
        return self._engine

    @property
    def now(self) -> int:
        """The hub's clock in microseconds since 1970 UTC."""
        return microseconds(self.clock())

    def close(self) -> None:
        """Let the database go."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that reads one state of the rows."""
        with _asking_again(), self._reading.connect() as connection, connection.begin():
            yield Transaction(connection)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction that writes: all of it is kept, or nothing."""
        with self._turn, _asking_again(), self._writing.connect() as connection, connection.begin():
            tx = Transaction(connection)
            yield tx
            forget_viewers(tx)


def check_database(url: str) -> None:
    """Refuse what names no database for a hub; raises Refused hub_db_unknown."""
    if url.startswith(postgres.SCHEME):
        postgres.server_of(url)
    else:
        file_of(url)


def file_of(url: str) -> Path:
    """Return the file that a hub's URL names; raises Refused hub_db_unknown."""
    try:
        return Path(file_path(url))
    except Refused as no:
        raise Refused("hub_db_unknown", url=url) from no


def open_file(path: Path, journal: str = WAL) -> Engine:
    """Open a hub's SQLite file, made ready to note what changes.

    Raises:
        Refused: as ``open_engine`` does, with hub_damaged (why) for database_damaged.
    """
    try:
        engine = open_engine(path, journal)
    except Refused as no:
        raise of_hub(no) from no
    hub_metadata.create_all(engine)
    engine.dispose()  # connections from here on note what changes
    return _noting(engine)


def meta_value(tx: Transaction, name: str, default: str = "") -> str:
    """Return a fact about this hub."""
    found = tx.scalar(select(hub_meta.c.value).where(hub_meta.c.name == name))
    return default if found is None else str(found)


def set_meta(tx: Transaction, **facts: str) -> None:
    """Keep facts about this hub."""
    for name, value in facts.items():
        if not tx.update_where(hub_meta, hub_meta.c.name == name, value=value):
            tx.insert(hub_meta, name=name, value=value)


def wall_zone(books: HubBooks) -> ZoneInfo:
    """Return the time zone in which people of the organisation read the clock."""
    with books.read() as tx:
        return ZoneInfo(top_zone(tx))


def new_secret() -> str:
    """Return a secret that nobody guesses: 256 bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def _noting(engine: Engine) -> Engine:
    """Let every new connection note which rows it changes."""
    statements = tuple(preparation(engine.dialect.name))

    def on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    event.listen(engine, "connect", on_connect)
    return engine


@contextmanager
def _asking_again() -> Iterator[None]:
    """Turn what a second try may mend into RETRY."""
    try:
        yield
    except PoolTimeoutError as error:  # every connection is at work
        raise HubError(Say.RETRY) from error
    except DBAPIError as error:
        if _is_full(error):
            _log.error("the hub's disk is full")
            raise HubError(Say.DISK_FULL) from error
        if may_be_tried_again(error) or came_second(error):
            raise HubError(Say.RETRY) from error
        no = storage_refusal(error.orig)
        if no is None or no.code != "database_damaged":
            raise
        raise of_hub(no) from error


def _is_full(error: DBAPIError) -> bool:
    """Tell whether the disk of the database is full (SQLITE_FULL; PostgreSQL's 53100)."""
    return getattr(error.orig, "sqlstate", None) == "53100" or "is full" in str(error.orig)


def came_second(error: DBAPIError) -> bool:
    """Tell whether another transaction of a server has just written the same key."""
    return getattr(error.orig, "sqlstate", None) == _CAME_SECOND


def may_be_tried_again(error: DBAPIError) -> bool:
    """Tell whether the database could not do something now: busy, a deadlock, a full disk, a lost server."""
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_AGAIN)
    if type(error.orig).__module__.startswith("psycopg"):  # no server answered
        return isinstance(error, OperationalError)
    said = str(error.orig)
    return any(word in said for word in ("locked", "busy", "full", "disk I/O"))
