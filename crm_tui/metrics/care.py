"""Whether customers are looked after: who is overdue, and who was spoken to in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from crm_tui.metrics.base import Definition, Unit, ratio
from crm_tui.metrics.filters import Filters, customers_within
from crm_tui.store.contact_rules import overdue_rules
from crm_tui.store.tables import customer
from crm_tui.store.view import View

OVERDUE: Final = Definition("overdue", Unit.COUNT, "count(customer where due_at <= now)")
IN_CARE: Final = Definition("in_care", Unit.COUNT, "count(customer with an owner and open work)")
COMPLIANCE: Final = Definition(
    "compliance",
    Unit.RATIO,
    "count(customer in care with an effective follow-up within the days of the level) / in_care",
)
DEFINITIONS: Final = (OVERDUE, IN_CARE, COMPLIANCE)


@dataclass(frozen=True)
class Care:
    """How the customers stand now: overdue, in care, and spoken to in time."""

    overdue: int
    in_care: int
    in_time: int

    @property
    def compliance(self) -> Decimal | None:
        """The share of customers in care who were spoken to in time, None where none is in care."""
        return ratio(self.in_time, self.in_care)


def care(view: View, filters: Filters) -> Care:
    """Return how the customers of this part of the organisation stand now."""
    row = view.tx.first(
        select(
            _number(is_overdue(view)), _number(is_in_care()), _number(and_(is_in_care(), is_in_time(view)))
        ).where(*customers_within(view, filters))
    )
    assert row is not None
    return Care(*(int(number or 0) for number in row))


def is_overdue(view: View) -> ColumnElement[bool]:
    """Return the condition on customers who wait longer than the rules allow."""
    return and_(customer.c.due_at.is_not(None), customer.c.due_at <= view.now)


def is_in_care() -> ColumnElement[bool]:
    """Return the condition on customers somebody owns and works with: only those ever become due."""
    return and_(customer.c.owner_id.is_not(None), customer.c.due_at.is_not(None))


def is_in_time(view: View) -> ColumnElement[bool]:
    """Return the condition on customers whose last effective follow-up is as fresh as their level asks."""
    by_days: dict[int, list[str]] = {}
    for level, days in overdue_rules(view.tx).days.items():
        by_days.setdefault(days, []).append(level)
    fresh = [
        and_(customer.c.level.in_(levels), customer.c.last_effective_at >= view.now - timedelta(days=days))
        for days, levels in by_days.items()
    ]
    return and_(customer.c.last_effective_at.is_not(None), or_(*fresh))


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
