"""One transaction on the rows, and a note of which kinds of rows it changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Insert,
    Row,
    Select,
    Table,
    Update,
    bindparam,
    delete,
    insert,
    select,
    update,
)


class Transaction:
    """What commands and queries work on; ``changed`` holds the names of the tables written to."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.changed: set[str] = set()

    @property
    def dialect(self) -> str:
        """The database's name as SQLAlchemy calls it: sqlite or postgresql."""
        return self.connection.dialect.name

    def insert(self, table: Table, **values: Any) -> None:
        """Add one row."""
        self.connection.execute(_insert(table), values)
        self.changed.add(table.name)

    def insert_all(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows that all name the same columns."""
        if rows:
            self.connection.execute(_insert(table), rows)
            self.changed.add(table.name)

    def update(self, table: Table, row_id: str, **values: Any) -> int:
        """Change the row with this ``id``; return how many rows were hit: 0 or 1."""
        if any(isinstance(value, ColumnElement) for value in values.values()):  # column + 1
            return self.update_where(table, table.c.id == row_id, **values)
        given = {"the_id": row_id} | {f"new_{name}": value for name, value in values.items()}
        hit = self.connection.execute(_update(table, tuple(values)), given).rowcount
        self.changed.add(table.name)
        return hit

    def update_where(self, table: Table, *where: ColumnElement[bool], **values: Any) -> int:
        """Change every row that meets ``where``; return how many were hit, which decides races."""
        hit = self.connection.execute(update(table).where(*where).values(**values)).rowcount
        self.changed.add(table.name)
        return hit

    def update_all(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Change many rows by one prepared statement; all name ``id`` and the same other columns."""
        if not rows:
            return
        names = tuple(name for name in rows[0] if name != "id")
        values = [{"the_id": row["id"]} | {f"new_{name}": row[name] for name in names} for row in rows]
        self.connection.execute(_update(table, names), values)
        self.changed.add(table.name)

    def delete_where(self, table: Table, *where: ColumnElement[bool]) -> int:
        """Remove rows; only for what belongs to this terminal or to an import that is taken back."""
        hit = self.connection.execute(delete(table).where(*where)).rowcount
        self.changed.add(table.name)
        return hit

    def get(self, table: Table, row_id: str) -> Row[Any] | None:
        """Return the row with this ``id`` or None, whoever asks: the caller checks the scope."""
        return self.first(_get(table), {"the_id": row_id})

    def rows(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Return all rows of a question."""
        return self.connection.execute(statement, values).all()

    def first(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """Return the first row of a question or None."""
        return self.connection.execute(statement, values).first()

    def scalar(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Any:
        """Return the first column of the first row, None where there is none."""
        return self.connection.execute(statement, values).scalar()

    def scalars(self, statement: Executable) -> Iterable[Any]:
        """Return the first column of every row."""
        return self.connection.execute(statement).scalars().all()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Keep or undo what happens inside as one piece, within this transaction."""
        before = set(self.changed)
        try:
            with self.connection.begin_nested():
                yield
        except BaseException:
            self.changed = before
            raise


# Building a statement costs more than SQLite needs to run it: those of every save are built once.


@cache
def _get(table: Table) -> Select[Any]:
    return select(table).where(table.c.id == bindparam("the_id"))


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


@cache
def _update(table: Table, names: tuple[str, ...]) -> Update:
    return (
        update(table)
        .where(table.c.id == bindparam("the_id"))
        .values({name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names})
    )
