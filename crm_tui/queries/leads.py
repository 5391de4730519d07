"""The leads of the scope: found by name, number or source, by how they stand, the newest first.

``leads_page(view, ...)`` answers a page, ``lead_line(view, lead_id)`` one lead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, or_, select

from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import initials
from crm_tui.domain.text import fold_width
from crm_tui.store.sql import one_of
from crm_tui.store.tables import customer, lead, org_unit, person
from crm_tui.store.view import View

STATUSES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "open": ("new", "following"),
        "new": ("new",),
        "following": ("following",),
        "converted": ("converted",),
        "invalid": ("invalid",),
        "all": ("new", "following", "converted", "invalid"),
    }
)
"""What can be asked for, and which statuses it means."""


@dataclass(frozen=True)
class LeadLine:
    """One lead; ``phone`` is E.164 or empty, ``extra`` what else its table said, by column."""

    id: str
    name: str
    phone: str
    source: str
    status: str
    created_on: date
    converted_on: date | None
    owner_id: str | None
    owner_name: str
    branch_name: str
    customer_id: str | None
    customer_name: str
    extra: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LeadPage:
    """How many leads there are, and some of them."""

    count: int
    lines: tuple[LeadLine, ...]


def leads_page(
    view: View, *, typed: str = "", status: str = "open", offset: int = 0, limit: int = 50
) -> LeadPage:
    """Return one page of the leads of a status in STATUSES, the newest first."""
    limits = [view.scope.where(lead), lead.c.status.in_(STATUSES[status]), *_typed(view, typed)]
    count = int(view.tx.scalar(select(func.count()).select_from(lead).where(*limits)))
    if not limit:
        return LeadPage(count, ())
    order = (lead.c.created_on.desc(), lead.c.id)
    rows = view.tx.rows(_lines().where(*limits).order_by(*order).offset(offset).limit(limit))
    return LeadPage(count, tuple(map(_line, rows)))


def lead_line(view: View, lead_id: str) -> LeadLine:
    """Return one lead; raises Refused lead_unknown, outside the scope as well."""
    row = view.tx.first(_lines().where(lead.c.id == lead_id, view.scope.where(lead)))
    if row is None:
        raise Refused("lead_unknown")
    return _line(row)


def _typed(view: View, typed: str) -> list[ColumnElement[bool]]:
    """Return the condition that a lead matches what was typed: name, initials, source, or digits."""
    words = fold_width(typed).strip().casefold()
    if not words:
        return []
    found = [func.lower(column).contains(words, autoescape=True) for column in (lead.c.name, lead.c.source)]
    if words.isascii() and words.isalpha():
        found.append(one_of(lead.c.name, _names_spelled(view, words), view.tx.dialect))
    digits = "".join(sign for sign in words if sign not in " -+")
    if digits.isdigit():
        found.append(lead.c.phone.contains(digits, autoescape=True))
    return [or_(*found)]


def _names_spelled(view: View, letters: str) -> list[str]:
    """Return the names of leads in the scope whose pinyin initials begin with the letters."""
    names = view.tx.scalars(select(lead.c.name).where(view.scope.where(lead)).distinct())
    return [name for name in names if any(one.startswith(letters) for one in _spelled(name))]


@lru_cache(maxsize=65_536)  # asked for again at every key
def _spelled(name: str) -> tuple[str, ...]:
    return tuple(initials(name))


def _lines() -> Select[Any]:
    return (
        select(
            lead,
            person.c.name.label("owner_name"),
            org_unit.c.name.label("branch_name"),
            customer.c.name.label("customer_name"),
        )
        .join(org_unit, org_unit.c.id == lead.c.branch_id)
        .outerjoin(person, person.c.id == lead.c.owner_id)
        .outerjoin(customer, customer.c.id == lead.c.customer_id)
    )


def _line(row: Row[Any]) -> LeadLine:
    return LeadLine(
        id=row.id,
        name=row.name,
        phone=row.phone,
        source=row.source,
        status=row.status,
        created_on=row.created_on,
        converted_on=row.converted_on,
        owner_id=row.owner_id,
        owner_name=row.owner_name or "",
        branch_name=row.branch_name,
        customer_id=row.customer_id,
        customer_name=row.customer_name or "",
        extra=tuple((str(key), str(value)) for key, value in row.extra.items()),
    )
