"""What somebody else has changed since the actor looked is not overwritten unseen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Final

from pydantic import Field
from sqlalchemy import Row

from crm_tui.commands.base import Prose
from crm_tui.domain.errors import Refused
from crm_tui.domain.money import format_money
from crm_tui.store.tables import org_unit, person, product, product_line
from crm_tui.store.transaction import Transaction

Seen = Annotated[Mapping[str, Prose | int | None], Field(max_length=20)]
"""What the actor saw in fields, by their names: text, whole numbers, ids, days in ISO; nothing is None."""


_NAMED: Final = {"unit_id": org_unit, "manager_id": person, "product_id": product, "line_id": product_line}
"""Where the row is whose name stands for an id."""


def refuse_overtaken(
    expected: Mapping[str, object],
    stands: Callable[[str], object],
    meant: Mapping[str, object],
    words: Callable[[str, object], str],
) -> None:
    """Let a field pass that ``stands`` as the actor saw it, or as it is ``meant`` to be already.

    ``words`` says what stands in a field, for the refusal.

    Raises:
        Refused: field_changed (field, now).
    """
    for name in sorted(set(meant) & set(expected)):
        now = stands(name)
        if now not in {expected[name], meant[name]}:
            raise Refused("field_changed", field=name, now=words(name, now))


def refuse_row_overtaken(
    tx: Transaction, expected: Mapping[str, object], row: Row[Any], values: Mapping[str, object]
) -> None:
    """Do the same for the columns of a ``row`` that are about to hold ``values``; an empty text is nothing.

    Raises:
        Refused: field_changed (field, now).
    """
    refuse_overtaken(
        {name: value or None if isinstance(value, str) else value for name, value in expected.items()},
        lambda name: _plain(getattr(row, name)),
        {name: _plain(value) for name, value in values.items()},
        lambda name, now: _words(tx, name, now),
    )


def seen_of(values: Mapping[str, object]) -> dict[str, Any]:
    """Return values as who has just written them saw them: what the way back expects to find."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    """Return a column's value as ``Seen`` has it."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) or None if isinstance(value, str) else value


def _words(tx: Transaction, name: str, value: Any) -> str:
    """Return what stands in a column as a person reads it: names for ids, amounts in yuan; codes stay."""
    if value is None:
        return ""
    if name in _NAMED:
        named = tx.get(_NAMED[name], value)
        return str(named.name) if named is not None else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_money(value) if isinstance(value, int) else str(value)
