"""What all table modules share: constraint names and the way from a model to its Core table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Table
from sqlmodel import Field, SQLModel

from crm_tui.store.types import Instant, JsonText

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def core(model: type[SQLModel]) -> Table:
    """Return the Core table of a model: statements are written on it."""
    table = model.__table__  # type: ignore[attr-defined]  # SQLModel adds it while the class is built
    assert isinstance(table, Table)
    return table


def instant(**more: Any) -> Any:
    """Return a column for an aware UTC datetime."""
    return Field(sa_type=Instant, **more)


def json_text(**more: Any) -> Any:
    """Return a column for a list or a map kept as JSON text."""
    return Field(sa_type=JsonText, **more)


def later_reference(target: str, **more: Any) -> Any:
    """Return a foreign key column that is checked at the commit: rows of one table may come in any order."""
    return Field(sa_column_args=(ForeignKey(target, deferrable=True, initially="DEFERRED"),), **more)


def reference(target: str, **more: Any) -> Any:
    """Return a foreign key column to ``table.column``."""
    return Field(foreign_key=target, **more)
