"""The rows that travel between a hub and its terminals: which tables, under which keys, in which form.

On the way a row is what SQLite stores: instants as microseconds, days as ISO text, truth as 0 or 1, lists
and maps as JSON text. PostgreSQL's own forms are turned into these, so that both databases say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    Integer,
    Label,
    Row,
    Select,
    Table,
    Text,
    and_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.types import TypeDecorator

from crm_tui.store.tables import (
    contact,
    contact_plan,
    contact_point,
    customer,
    deal,
    follow_up,
    import_batch,
    import_row,
    lead,
    org_unit,
    ownership_event,
    person,
    pipeline,
    product,
    product_line,
    setting,
    stage,
    stage_evidence,
    stage_visit,
)

REPLICATED: tuple[Table, ...] = (
    org_unit,
    person,
    product_line,
    product,
    setting,
    pipeline,
    stage,
    customer,
    contact_point,
    contact,
    ownership_event,
    lead,
    deal,
    stage_visit,
    stage_evidence,
    follow_up,
    contact_plan,
    import_batch,
    import_row,
)
"""Every table of the business; a row stands behind those it refers to."""

_BETWEEN = "\x1f"  # stripped from everything a person types, so it parts the columns of a key


@cache
def replicated(name: str) -> Table | None:
    """Return a table of the business by its name, None for one this program does not know."""
    return next((table for table in REPLICATED if table.name == name), None)


@cache
def key_columns(table: Table) -> tuple[str, ...]:
    """Return the names of the columns that make a row's key."""
    return tuple(str(column.name) for column in table.primary_key.columns)


def key_text(values: Iterable[Any]) -> str:
    """Return the values of a key as one text."""
    return _BETWEEN.join(str(value) for value in values)


def key_values(table: Table, key: str) -> tuple[Any, ...]:
    """Return the values that :func:`key_text` has joined, each of its column's type."""
    columns = table.primary_key.columns
    parts = key.split(_BETWEEN) if len(columns) > 1 else [key]
    return tuple(
        int(part) if isinstance(column.type, Integer) else part
        for column, part in zip(columns, parts, strict=True)
    )


def has_key(table: Table, keys: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a row has one of these keys."""
    columns = list(table.primary_key.columns)
    values = [key_values(table, key) for key in keys]
    if len(columns) == 1:
        return columns[0].in_([value[0] for value in values])
    return or_(
        *(and_(*(column == part for column, part in zip(columns, value, strict=True))) for value in values)
    )


@cache
def column_names(table: Table) -> tuple[str, ...]:
    """Return the names of all columns, in the order in which a plain row has its values."""
    return tuple(str(column.name) for column in table.columns)


@cache
def plain(table: Table) -> Select[Any]:
    """Return the question for rows in the form in which they travel, but for what :func:`settled` does."""
    return select(*(_as_stored(column) for column in table.columns))


def settled(row: Row[Any]) -> list[Any]:
    """Return the values of a row of :func:`plain` as they travel: PostgreSQL's days and truths made plain."""
    return [_plain_value(value) for value in row]


def row_key(table: Table, values: Mapping[str, Any]) -> str:
    """Return the key of a row given by the names of its columns."""
    return key_text(values[name] for name in key_columns(table))


def _as_stored(column: ColumnElement[Any]) -> Label[Any]:
    """Return a column without its type's own reading of what is stored."""
    kind: Any = column.type
    if isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    elif isinstance(kind, Boolean):
        kind = Integer()
    elif isinstance(kind, Date):
        kind = Text()
    return type_coerce(column, kind).label(column.key)


def _plain_value(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, date):
        return value.isoformat()
    return value
