"""Statements made ready once: their text and what turns their values, so that running one costs the driver.

To build a statement takes SQLAlchemy longer than SQLite needs to run it, and so does finding it among
those compiled before. What every command runs is therefore compiled once for each kind of database.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Insert,
    Row,
    Select,
    Table,
    TextClause,
    Update,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Dialect, IteratorResult, Result
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.sql.selectable import TextualSelect
from sqlalchemy.types import TypeEngine

Statement = Select[Any] | TextualSelect | TextClause | Insert | Update
Values = Mapping[str, Any]
Turn = Callable[[Any], Any]


class Prepared:
    """One statement for one kind of database.

    All of it must be known beforehand: an ``IN`` over a list of any length is not.
    """

    def __init__(self, statement: Statement, dialect: Dialect, names: Sequence[str] = ()) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=names or None)
        self._text = str(compiled)
        self._fixed: dict[str, Any] = {}
        self._turns: dict[str, Turn | None] = {}
        for name, parameter in compiled.binds.items():
            turn = _inward(parameter.type, dialect)
            if parameter.required:
                self._turns[name] = turn
            else:
                self._turns[name] = None
                self._fixed[name] = turn(parameter.value) if turn else parameter.value
        order = compiled.positiontup or ()
        self._in_order = _getter(order) if order else None
        turns = ((place, self._turns[name]) for place, name in enumerate(order))
        self._inward = [(place, turn) for place, turn in turns if turn is not None]
        columns = list(statement.selected_columns) if isinstance(statement, Select | TextualSelect) else []
        self._shape = SimpleResultMetaData([str(column.key) for column in columns])
        outward = ((place, _outward(column.type, dialect)) for place, column in enumerate(columns))
        self._outward = [(place, turn) for place, turn in outward if turn is not None]

    def run(self, connection: Connection, values: Values) -> int:
        """Run the statement once; return how many rows it hit."""
        return say(connection, self._text, self._given(values)).rowcount

    def run_all(self, connection: Connection, rows: Iterable[Values]) -> None:
        """Run the statement for each of many rows."""
        given = list(map(self._given, rows))
        _run(connection, self._text, lambda cursor: cursor.executemany(self._text, given))

    def rows(self, connection: Connection, values: Values) -> Sequence[Row[Any]]:
        """Return the rows of a question."""
        found = say(connection, self._text, self._given(values)).fetchall()
        return self._answer(map(self._turned, found)).all()

    def first(self, connection: Connection, values: Values) -> Row[Any] | None:
        """Return the first row of a question or None."""
        found = say(connection, self._text, self._given(values)).fetchone()
        return None if found is None else self._answer(iter((self._turned(found),))).one()

    def _answer(self, found: Iterator[Any]) -> Result[Any]:
        answer: Result[Any] = IteratorResult(self._shape, found)
        return answer

    def _given(self, values: Values) -> Any:
        """Return the values as the driver takes them: in their order, or by name."""
        given = {**self._fixed, **values}
        if self._in_order is None:
            return {name: turn(given[name]) if turn else given[name] for name, turn in self._turns.items()}
        cells = list(self._in_order(given))
        for place, turn in self._inward:
            cells[place] = turn(cells[place])
        return cells

    def _turned(self, row: Any) -> Any:
        if not self._outward:
            return row
        cells = list(row)
        for place, turn in self._outward:
            cells[place] = turn(cells[place])
        return cells


class Ready:
    """A statement that is run over and over, for any kind of database."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement

    def on(self, dialect: Dialect) -> Prepared:
        """Return the statement for a kind of database."""
        return _kept(dialect, (self,), lambda: Prepared(self._statement, dialect))


def row_of(table: Table) -> Ready:
    """Return the question for the row with the id ``the_id``."""
    if table not in _ROWS:
        _ROWS[table] = Ready(select(table).where(table.c.id == bindparam("the_id")))
    return _ROWS[table]


def held_row_of(table: Table) -> Ready:
    """Return the question that also holds the row with the id ``the_id`` until the transaction ends.

    Rows may go on to refer to it. SQLite has one writer and nothing to hold.
    """
    if table not in _HELD:
        question = select(table).where(table.c.id == bindparam("the_id"))
        _HELD[table] = Ready(question.with_for_update(key_share=True))
    return _HELD[table]


def adding(dialect: Dialect, table: Table, names: tuple[str, ...]) -> Prepared:
    """Return what adds rows of these columns; the others get the values the table has for them."""

    def build() -> Prepared:
        defaults = {column.name: _default(column) for column in table.c if column.name not in names}
        given = {name: value for name, value in defaults.items() if value is not None}
        return Prepared(insert(table).inline().values(given), dialect, names)

    return _kept(dialect, (table, names), build)


def changing(dialect: Dialect, table: Table, names: tuple[str, ...]) -> Prepared:
    """Return what changes these columns to ``new_<name>`` in the row with the id ``the_id``."""

    def build() -> Prepared:
        new = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        return Prepared(update(table).where(table.c.id == bindparam("the_id")).values(new), dialect)

    return _kept(dialect, (table, "change", names), build)


_PREPARED: dict[Hashable, Prepared] = {}
_ROWS: dict[Table, Ready] = {}
_HELD: dict[Table, Ready] = {}


def _kept(dialect: Dialect, what: tuple[Hashable, ...], build: Callable[[], Prepared]) -> Prepared:
    key = (dialect.name, *what)
    if key not in _PREPARED:
        _PREPARED[key] = build()
    return _PREPARED[key]


def say(connection: Connection, text: str, values: Any = ()) -> DBAPICursor:
    """Give the driver one statement as it is; what it raises comes out as SQLAlchemy words it."""
    return _run(connection, text, lambda cursor: cursor.execute(text, values))


def _run(connection: Connection, text: str, work: Callable[[DBAPICursor], Any]) -> DBAPICursor:
    if not connection.in_transaction():
        connection.begin()
    try:
        cursor = connection.connection.cursor()
        work(cursor)
    except connection.dialect.loaded_dbapi.Error as error:
        driver = connection.dialect.loaded_dbapi.Error
        raise DBAPIError.instance(text, None, error, driver, hide_parameters=True) from error
    return cursor


def _getter(order: Sequence[str]) -> Callable[[Values], Any]:
    """Return what takes the values in their order; ``itemgetter`` gives one alone without a tuple."""
    return itemgetter(*order) if len(order) > 1 else lambda given: (given[order[0]],)


def _inward(kind: TypeEngine[Any], dialect: Dialect) -> Turn | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _outward(kind: TypeEngine[Any], dialect: Dialect) -> Turn | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _default(column: Column[Any]) -> Any:
    return column.default.arg if isinstance(column.default, ScalarElementColumnDefault) else None
