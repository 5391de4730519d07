"""How old open deals are: on any day, the past ones included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, Date, func, literal, or_, select

from crm_tui.metrics.base import Definition, Histogram, Unit
from crm_tui.metrics.dimensions import Dimension
from crm_tui.metrics.filters import Filters, deals_within, in_days
from crm_tui.store.sql import days_between
from crm_tui.store.tables import deal
from crm_tui.store.view import View

PATIENCE_DAYS: Final = 7
OPEN_DEALS: Final = Definition(
    "open_deals", Unit.COUNT, "count(deal where engaged_on <= as_of and not closed by as_of)"
)
AGED_DEALS: Final = Definition(
    "overdue_more_than_7_days", Unit.COUNT, "count(open deal where as_of - engaged_on > 7)"
)
AGED_AMOUNT: Final = Definition("aged_amount", Unit.MONEY, "sum(amount of open deals)")
AGE_MEDIAN: Final = Definition("age_median", Unit.DAYS, "median(as_of - engaged_on of open deals)")
DEFINITIONS: Final = (OPEN_DEALS, AGED_DEALS, AGED_AMOUNT, AGE_MEDIAN)


@dataclass
class AgeTally:
    """The open deals of a group: their ages in days, their worth in fen."""

    ages: Histogram = field(default_factory=Histogram)
    overdue: int = 0
    amount: int = 0


def standing_deals(view: View, filters: Filters, as_of: date) -> list[ColumnElement[bool]]:
    """Return the conditions on deals that were engaged and not closed on a day."""
    not_closed = or_(deal.c.closed_on.is_(None), deal.c.closed_on > as_of)
    return [*_engaged(view, filters, as_of), not_closed]


def _engaged(view: View, filters: Filters, as_of: date) -> list[ColumnElement[bool]]:
    """Return the conditions on deals that were engaged by a day."""
    engaged = deal.c.engaged_on
    return [*deals_within(view, filters), engaged <= as_of, *in_days(engaged, filters)]


def age(as_of: date) -> ColumnElement[int]:
    """Return the days since a deal was engaged."""
    return days_between(deal.c.engaged_on, literal(as_of, Date))


def ageing(view: View, filters: Filters, as_of: date) -> Mapping[str, AgeTally]:
    """Return how old the deals were that stood open on a day, per group."""
    cut = Dimension(view, deal, filters.by, deal.c.engaged_on)
    key, day = cut.key.label("key"), deal.c.engaged_on
    amount = func.coalesce(func.sum(deal.c.amount), 0).label("amount")
    statement = select(key, day, func.count().label("number"), amount).group_by(*cut.grouped, day)
    found: defaultdict[str, AgeTally] = defaultdict(AgeTally)
    for still_open in (deal.c.closed_on.is_(None), deal.c.closed_on > as_of):  # each a part of the index
        for row in view.tx.rows(statement.where(*_engaged(view, filters, as_of), still_open)):
            one, days = found[cut.fold(row.key)], (as_of - row.engaged_on).days
            one.ages.add(days, row.number)
            one.overdue += row.number if days > PATIENCE_DAYS else 0
            one.amount += int(row.amount)
    return found
