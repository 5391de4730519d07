"""Leads: how many came in, how many of those became customers, how many were open on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from crm_tui.metrics.base import Definition, Unit, ratio
from crm_tui.metrics.dimensions import Dimension
from crm_tui.metrics.filters import Filters, in_days, leads_within
from crm_tui.store.tables import lead
from crm_tui.store.view import View

LEADS: Final = Definition("mql", Unit.COUNT, "count(lead created in the window)")
LEADS_CLOSED: Final = Definition("closed", Unit.COUNT, "count(lead created in the window and converted)")
LEAD_RATE: Final = Definition("closed_rate", Unit.RATIO, "closed / mql")
BACKLOG: Final = Definition("backlog", Unit.COUNT, "count(lead created and not converted by as_of)")
DEFINITIONS: Final = (LEADS, LEADS_CLOSED, LEAD_RATE, BACKLOG)


@dataclass
class LeadTally:
    """What a group of leads adds up to."""

    came: int = 0
    closed: int = 0

    @property
    def rate(self) -> Decimal | None:
        """The share that was converted, None of no leads."""
        return ratio(self.closed, self.came)


def knows(filters: Filters) -> bool:
    """Tell whether leads can be cut as asked: they have no product, line or pipeline yet."""
    return not (filters.line or filters.product or filters.pipeline)


def converted() -> ColumnElement[bool]:
    """Return the condition on leads that became customers."""
    return or_(lead.c.status == "converted", lead.c.converted_on.is_not(None))


def created_leads(view: View, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions on leads that came in within the days asked for."""
    return leads_within(view, filters) + in_days(lead.c.created_on, filters)


def tally_leads(view: View, filters: Filters, by: str | None) -> Mapping[str, LeadTally]:
    """Count the leads that came in within the days asked for, and those of them that were converted."""
    cut = Dimension(view, lead, by, lead.c.created_on)
    key = cut.key.label("key")
    closed = func.sum(case((converted(), 1), else_=0)).label("closed")
    statement = select(key, func.count().label("came"), closed).where(*created_leads(view, filters))
    found: dict[str, LeadTally] = {}
    for row in view.tx.rows(statement.group_by(key)):
        one = found.setdefault(cut.fold(row.key), LeadTally())
        one.came += row.came
        one.closed += int(row.closed)
    return found


def open_leads(view: View, filters: Filters, as_of: date) -> list[ColumnElement[bool]]:
    """Return the conditions on leads that were there and neither converted nor invalid on a day."""
    later = and_(lead.c.converted_on.is_not(None), lead.c.converted_on > as_of)
    never = and_(lead.c.converted_on.is_(None), lead.c.status != "converted")
    return [
        *created_leads(view, filters),
        lead.c.created_on <= as_of,
        lead.c.status != "invalid",
        or_(later, never),
    ]


def backlog(view: View, filters: Filters, as_of: date) -> Mapping[str, int]:
    """Count the leads that were open on a day, per group."""
    cut = Dimension(view, lead, filters.by, lead.c.created_on)
    key = cut.key.label("key")
    statement = select(key, func.count().label("number")).where(*open_leads(view, filters, as_of))
    found: dict[str, int] = {}
    for row in view.tx.rows(statement.group_by(key)):
        group = cut.fold(row.key)
        found[group] = found.get(group, 0) + row.number
    return found
