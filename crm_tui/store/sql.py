"""What SQLite and PostgreSQL write differently, under one name each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, Table, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType


def alive(table: Table) -> ColumnElement[bool]:
    """Return the condition that a row is not archived, in a form that no index can serve.

    ``archived_at IS NULL`` is an equality to SQLite's planner, which then walks an index that begins
    with it for almost every row there is and fetches each, instead of looking up the ids asked for.
    """
    return unindexed(table.c.archived_at.is_(None))


def unindexed(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition in a form that no index can serve, where another index covers the question."""
    return case((condition, 1), else_=0) == 1


def one_of(
    column: ColumnElement[Any], ids: Sequence[str] | Sequence[int], dialect: str
) -> ColumnElement[bool]:
    """Return the condition that a column is one of many ids, for SQLite as one value instead of a thousand.

    A thousand parameters cost SQLAlchemy and the parser more than the look-ups themselves.
    """
    if dialect != "sqlite":
        return column.in_(ids)
    listed = func.json_each(json.dumps(list(ids))).table_valued("value")
    return column.in_(select(listed.c.value))


class days_between(FunctionElement[int]):  # noqa: N801 - SQL functions are written in lower case
    """Whole days from the first date to the second, negative where it lies before."""

    name = "days_between"
    type = Integer()
    inherit_cache = True


class month_of(FunctionElement[str]):  # noqa: N801 - SQL functions are written in lower case
    """The month of a date as text: ``2026-01``; a null stays null."""

    name = "month_of"
    type = String()
    inherit_cache = True


def _arguments(element: FunctionElement[Any], compiler: SQLCompiler, **more: Any) -> list[str]:
    return [str(compiler.process(clause, **more)) for clause in element.clauses]


@compiles(days_between)
def _days_between(element: days_between, compiler: SQLCompiler, **more: Any) -> str:
    start, end = _arguments(element, compiler, **more)
    return f"({end} - {start})"


@compiles(days_between, "sqlite")
def _days_between_sqlite(element: days_between, compiler: SQLCompiler, **more: Any) -> str:
    start, end = _arguments(element, compiler, **more)
    return f"CAST(julianday({end}) - julianday({start}) AS INTEGER)"


@compiles(month_of)
def _month_of(element: month_of, compiler: SQLCompiler, **more: Any) -> str:
    (day,) = _arguments(element, compiler, **more)
    return f"to_char({day}, 'YYYY-MM')"


@compiles(month_of, "sqlite")
def _month_of_sqlite(element: month_of, compiler: SQLCompiler, **more: Any) -> str:
    (day,) = _arguments(element, compiler, **more)
    return f"substr({day}, 1, 7)"


class is_listed(FunctionElement[Any]):  # noqa: N801 - SQL functions are written in lower case
    """Whether a text is among those of a JSON array: any number of them is one value, one statement."""

    name = "is_listed"
    type = NullType()  # SQLAlchemy compares a Boolean with 1, and then no index serves it
    inherit_cache = True


@compiles(is_listed)
def _is_listed(element: is_listed, compiler: SQLCompiler, **more: Any) -> str:
    column, listed = _arguments(element, compiler, **more)
    return f"({column} IN (SELECT jsonb_array_elements_text(CAST({listed} AS jsonb))))"


@compiles(is_listed, "sqlite")
def _is_listed_sqlite(element: is_listed, compiler: SQLCompiler, **more: Any) -> str:
    column, listed = _arguments(element, compiler, **more)
    return f"({column} IN (SELECT value FROM json_each({listed})))"  # noqa: S608 - our own columns
