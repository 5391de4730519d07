"""One transaction on the rows, a note of which kinds of rows it changed, and what it need not ask twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Executable, Row, Table, delete, update
from sqlalchemy.exc import DBAPIError

from crm_tui.store.prepared import Ready, adding, changing, held_row_of, row_of, say

T = TypeVar("T")


class Transaction:
    """What commands and queries work on; ``changed`` holds the names of the tables written to."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.changed: set[str] = set()
        self._kept: dict[Hashable, Any] = {}
        self._rests_on: defaultdict[str, set[Hashable]] = defaultdict(set)

    @property
    def dialect(self) -> str:
        """The database's name as SQLAlchemy calls it: sqlite or postgresql."""
        return self.connection.dialect.name

    def keep(self, key: Hashable, ask: Callable[[], T], *tables: Table) -> T:
        """Return what ``ask`` answers, from memory while this transaction writes none of ``tables``."""
        if key not in self._kept:
            self._kept[key] = ask()
            for table in tables:
                self._rests_on[table.name].add(key)
        answer: T = self._kept[key]
        return answer

    def insert(self, table: Table, **values: Any) -> None:
        """Add one row."""
        adding(self.connection.dialect, table, tuple(values)).run(self.connection, values)
        self._note(table)

    def insert_all(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows that all name the same columns, in any order."""
        if rows:
            adding(self.connection.dialect, table, tuple(rows[0])).run_all(self.connection, rows)
            self._note(table)

    def update(self, table: Table, row_id: str, **values: Any) -> int:
        """Change the row with this ``id``; return how many rows were hit: 0 or 1."""
        if any(isinstance(value, ColumnElement) for value in values.values()):  # column + 1
            return self.update_where(table, table.c.id == row_id, **values)
        given = {"the_id": row_id} | {f"new_{name}": value for name, value in values.items()}
        hit = changing(self.connection.dialect, table, tuple(values)).run(self.connection, given)
        self._note(table)
        return hit

    def update_where(self, table: Table, *where: ColumnElement[bool], **values: Any) -> int:
        """Change every row that meets ``where``; return how many were hit, which decides races."""
        hit = self.connection.execute(update(table).where(*where).values(**values)).rowcount
        self._note(table)
        return hit

    def update_all(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Change many rows by one prepared statement; all name ``id`` and the same other columns."""
        if not rows:
            return
        names = tuple(name for name in rows[0] if name != "id")
        values = [{"the_id": row["id"]} | {f"new_{name}": row[name] for name in names} for row in rows]
        changing(self.connection.dialect, table, names).run_all(self.connection, values)
        self._note(table)

    def change(self, table: Table, change: Ready, values: Mapping[str, Any]) -> int:
        """Run a change of ``table`` that is ready; return how many rows were hit."""
        hit = change.on(self.connection.dialect).run(self.connection, values)
        self._note(table)
        return hit

    def change_all(self, table: Table, change: Ready, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run a change of ``table`` that is ready for each of many values."""
        change.on(self.connection.dialect).run_all(self.connection, rows)
        self._note(table)

    def delete_where(self, table: Table, *where: ColumnElement[bool]) -> int:
        """Remove rows; only for what belongs to this terminal or to an import that is taken back."""
        hit = self.connection.execute(delete(table).where(*where)).rowcount
        self._note(table)
        return hit

    def get(self, table: Table, row_id: str) -> Row[Any] | None:
        """Return the row with this ``id`` or None, whoever asks: the caller checks the scope."""
        return row_of(table).on(self.connection.dialect).first(self.connection, {"the_id": row_id})

    def hold(self, table: Table, row_id: str) -> Row[Any] | None:
        """Return what ``get`` does; on PostgreSQL nobody else changes the row until this transaction ends."""
        ready = held_row_of(table) if self.dialect == "postgresql" else row_of(table)
        return ready.on(self.connection.dialect).first(self.connection, {"the_id": row_id})

    def rows(
        self, statement: Executable | Ready, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """Return all rows of a question."""
        if isinstance(statement, Ready):
            return statement.on(self.connection.dialect).rows(self.connection, values or {})
        return self.connection.execute(statement, values).all()

    def first(
        self, statement: Executable | Ready, values: Mapping[str, Any] | None = None
    ) -> Row[Any] | None:
        """Return the first row of a question or None."""
        if isinstance(statement, Ready):
            return statement.on(self.connection.dialect).first(self.connection, values or {})
        return self.connection.execute(statement, values).first()

    def scalar(self, statement: Executable | Ready, values: Mapping[str, Any] | None = None) -> Any:
        """Return the first column of the first row, None where there is none."""
        found = self.first(statement, values)
        return None if found is None else found[0]

    def scalars(self, statement: Executable) -> Iterable[Any]:
        """Return the first column of every row."""
        return self.connection.execute(statement).scalars().all()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Keep or undo what happens inside as one piece, within this transaction."""
        before = set(self.changed)
        say(self.connection, "SAVEPOINT piece")
        try:
            yield
        except BaseException as error:
            # A database that failed may have undone the whole transaction by itself.
            with suppress(DBAPIError) if isinstance(error, DBAPIError) else nullcontext():
                say(self.connection, "ROLLBACK TO SAVEPOINT piece")
                say(self.connection, "RELEASE SAVEPOINT piece")
            self.changed = before
            self._kept.clear()
            raise
        say(self.connection, "RELEASE SAVEPOINT piece")

    def _note(self, table: Table) -> None:
        """Note that a table was written to: what was answered from it is forgotten."""
        self.changed.add(table.name)
        for key in self._rests_on.pop(table.name, ()):
            self._kept.pop(key, None)
