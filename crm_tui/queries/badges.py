"""The counts at the right end of every title."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from crm_tui.domain.overdue import OverdueRules
from crm_tui.queries.todo import tab_condition
from crm_tui.store.tables import customer
from crm_tui.store.view import View


@dataclass(frozen=True)
class BadgeCounts:
    """How many customers are overdue, and how many become due in the rest of today."""

    overdue: int
    today: int


def badges(view: View) -> BadgeCounts:
    """Count what the viewer has to do now: the lengths of the tabs of the same names, by index alone."""
    mine = select(func.count()).select_from(customer).where(view.scope.where(customer))
    overdue, today = (
        int(view.tx.scalar(mine.where(tab_condition(view, tab, OverdueRules()))))
        for tab in ("overdue", "today")
    )
    return BadgeCounts(overdue=overdue, today=today)
