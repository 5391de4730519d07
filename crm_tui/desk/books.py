"""The books of a counter: its database file, its clock, its ids and who this terminal is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DatabaseError, OperationalError
from uuid_utils import uuid7

from crm_tui.desk.watch import Clock, Watch
from crm_tui.store.engine import for_writing, storage_refusal
from crm_tui.store.outbox import fact, set_facts
from crm_tui.store.scope import forget_viewers
from crm_tui.store.tables import outbox
from crm_tui.store.transaction import Transaction

DEVICE = "device_id"
"""The fact that says who this terminal is."""
_LOOKED_AT = 1000
"""How many of the last commands tell what the clock has been: a clock set wrong is not one for long."""


def wall_clock() -> datetime:
    """Return the present instant, aware UTC: the one place that reads the clock."""
    return datetime.now(UTC)  # noqa: TID251 - the desk is where time comes in


def new_id() -> str:
    """Return a fresh UUIDv7 as 32 hex digits."""
    return uuid7().hex


class Books:
    """Transactions on one database file; what the storage cannot do becomes a refusal."""

    def __init__(self, engine: Engine, clock: Clock, ids: Callable[[], str]) -> None:
        self._reading = engine
        self._writing = for_writing(engine)
        self.ids = ids
        self._name_device()
        self.watch = Watch(clock, self._newest())

    @property
    def path(self) -> Path:
        """The database file."""
        return Path(str(self._reading.url.database))

    def close(self) -> None:
        """Let the file go."""
        self._reading.dispose()

    def now(self) -> datetime:
        """Return the clock's instant, aware UTC."""
        return self.watch.now()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that reads one state of the rows, whoever writes meanwhile."""
        with _refusing(self.path), self._reading.connect() as connection, connection.begin():
            yield Transaction(connection)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open the one transaction that writes; what cannot be written is refused whole."""
        with _refusing(self.path), self._writing.connect() as connection, connection.begin():
            tx = Transaction(connection)
            yield tx
            forget_viewers(tx)

    @contextmanager
    def rebase(self) -> Iterator[Transaction]:
        """Open a writing transaction in which a row may refer to one that this terminal must not have."""
        with _refusing(self.path), self._writing.connect() as connection:
            _check_references(connection, "OFF")
            try:
                with connection.begin():
                    tx = Transaction(connection)
                    yield tx
                    forget_viewers(tx)
            finally:
                _check_references(connection, "ON")

    def _newest(self) -> datetime | None:
        """Return the newest instant among the last commands of this terminal, in whatever order."""
        last = select(outbox.c.at).order_by(outbox.c.seq.desc()).limit(_LOOKED_AT).subquery()
        with self.read() as tx:
            newest: datetime | None = tx.scalar(select(func.max(last.c.at)))
        return newest

    def _name_device(self) -> None:
        """Give this terminal an id of its own at the first opening; a hub may give it another one later."""
        with self.write() as tx:
            if not fact(tx, DEVICE):
                set_facts(tx, **{DEVICE: self.ids()})


def _check_references(connection: Connection, switch: str) -> None:
    """Switch the check of references, which SQLite does only between two transactions."""
    raw = connection.connection.driver_connection
    assert raw is not None, "the connection is checked out"
    raw.execute(f"PRAGMA foreign_keys = {switch}")


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn what the storage could not do into a refusal; a mistake of the program stays an error."""
    try:
        yield
    except DatabaseError as error:
        no = storage_refusal(error.orig, path) if type(error) in {DatabaseError, OperationalError} else None
        if no is None:
            raise
        raise no from error
