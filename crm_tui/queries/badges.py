"""The counts at the right end of every title."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from crm_tui.domain.calendar import day_window
from crm_tui.store.tables import customer
from crm_tui.store.view import View


@dataclass(frozen=True)
class BadgeCounts:
    """How many customers are overdue, and how many become due in the rest of today."""

    overdue: int
    today: int


def badges(view: View) -> BadgeCounts:
    """Count what the viewer has to do now."""
    _, end = day_window(view.today, view.viewer.zone)
    mine = select(func.count()).select_from(customer).where(view.scope.where(customer))
    alive = customer.c.archived_at.is_(None)
    overdue = view.tx.scalar(mine.where(alive, customer.c.due_at <= view.now))
    today = view.tx.scalar(mine.where(alive, customer.c.due_at > view.now, customer.c.due_at < end))
    return BadgeCounts(overdue=overdue, today=today)
