"""Deals counted by stage, won, lost, and what winning took: amounts in fen, cycles in days.

A win belongs to the day of the stage change that won the deal (``closed_on``), whatever was saved later.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import ColumnElement, case, func, or_, select

from crm_tui.metrics.base import Definition, Histogram, Unit, ratio
from crm_tui.metrics.dimensions import Dimension
from crm_tui.metrics.filters import Filters, deals_within, in_days
from crm_tui.store.sql import days_between, unindexed
from crm_tui.store.tables import deal, stage_visit
from crm_tui.store.view import View

DEALS: Final = Definition("deals", Unit.COUNT, "count(distinct deal)")
STAGE_COUNT: Final = Definition("stage_count", Unit.COUNT, "count(deal where state = open and stage = s)")
WON: Final = Definition("won", Unit.COUNT, "count(deal where state = won)")
LOST: Final = Definition("lost", Unit.COUNT, "count(deal where state = lost)")
WIN_RATE: Final = Definition("win_rate", Unit.RATIO, "won / (won + lost)")
WON_AMOUNT: Final = Definition("won_amount", Unit.MONEY, "sum(amount where state = won)")
AVG_WON_DEAL: Final = Definition("avg_won_deal", Unit.MONEY, "won_amount / won")
OPEN_AMOUNT: Final = Definition("open_amount", Unit.MONEY, "sum(amount where state = open)")
CYCLE_MEAN: Final = Definition("cycle_days_won_mean", Unit.DAYS, "mean(closed_on - engaged_on of won deals)")
CYCLE_MEDIAN: Final = Definition(
    "cycle_days_won_median", Unit.DAYS, "median(closed_on - engaged_on of won deals)"
)
NEW_DEALS: Final = Definition("new_deals", Unit.COUNT, "count(deal created in the window)")
DEFINITIONS: Final = (
    DEALS,
    NEW_DEALS,
    STAGE_COUNT,
    WON,
    LOST,
    WIN_RATE,
    WON_AMOUNT,
    AVG_WON_DEAL,
    OPEN_AMOUNT,
    CYCLE_MEAN,
    CYCLE_MEDIAN,
)


@dataclass
class DealTally:
    """What a group of deals adds up to; ``stages`` counts the open ones by stage code."""

    stages: Counter[str] = field(default_factory=Counter)
    won: int = 0
    lost: int = 0
    won_amount: int = 0
    open_amount: int = 0
    cycle_days: Histogram = field(default_factory=Histogram)

    @property
    def deals(self) -> int:
        """How many deals there are, open and closed."""
        return self.stages.total() + self.won + self.lost

    @property
    def win_rate(self) -> Decimal | None:
        """Won of all that were decided, None where nothing was."""
        return ratio(self.won, self.won + self.lost)

    @property
    def avg_won_deal(self) -> Decimal | None:
        """What a won deal brought on average in fen, None where none was won."""
        return ratio(self.won_amount, self.won)

    def add(self, *, stage: str, state: str, count: int, amount: int) -> None:
        """Add deals that stand in the same stage."""
        if state == "won":
            self.won += count
            self.won_amount += amount
        elif state == "lost":
            self.lost += count
        else:
            self.stages[stage] += count
            self.open_amount += amount


def tally(
    view: View, where: list[ColumnElement[bool]], by: Dimension, as_of: date | None = None
) -> Mapping[str, DealTally]:
    """Count the deals that meet ``where``, per group, as they stood on a day where one is given."""
    found = counted(view, where, by, as_of)
    days = days_between(deal.c.engaged_on, deal.c.closed_on).label("days")
    cycles = select(by.key.label("key"), days, func.count().label("number"))
    won = (unindexed(state_on(as_of) == "won"), deal.c.engaged_on.is_not(None), deal.c.closed_on.is_not(None))
    for row in view.tx.rows(cycles.where(*where, *won).group_by(*by.grouped, days)):
        found[by.fold(row.key)].cycle_days.add(row.days, row.number)
    return found


def counted(
    view: View, where: list[ColumnElement[bool]], by: Dimension, as_of: date | None = None
) -> Mapping[str, DealTally]:
    """Do what :func:`tally` does, without the days that winning took."""
    found: defaultdict[str, DealTally] = defaultdict(DealTally)
    stood = (_stage_on(as_of).label("stood_in"), state_on(as_of).label("standing"))
    amount = func.coalesce(func.sum(deal.c.amount), 0).label("amount")
    statement = select(by.key.label("key"), *stood, func.count().label("number"), amount)
    # Named twice, a column would no longer be in the order of the index.
    grouped = stood if as_of is None and by.key is deal.c.stage else (*by.grouped, *stood)
    for row in view.tx.rows(statement.where(*where).group_by(*grouped)):
        found[by.fold(row.key)].add(
            stage=row.stood_in, state=row.standing, count=row.number, amount=int(row.amount)
        )
    return found


def state_on(as_of: date | None) -> ColumnElement[str]:
    """Return a deal's state on a day: what was closed later was open then; None: as it is now."""
    return deal.c.state if as_of is None else case((deal.c.closed_on > as_of, "open"), else_=deal.c.state)


def _stage_on(as_of: date | None) -> ColumnElement[str]:
    """Return a deal's stage on a day, for one closed later the stage it was closed from."""
    if as_of is None:
        return deal.c.stage
    before = (
        select(stage_visit.c.from_stage)
        .where(stage_visit.c.deal_id == deal.c.id, stage_visit.c.taken_back_at.is_(None))
        .order_by(stage_visit.c.entered_at.desc(), stage_visit.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return case((deal.c.closed_on > as_of, func.coalesce(before, "")), else_=deal.c.stage)


def known_by(as_of: date | None) -> list[ColumnElement[bool]]:
    """Return the conditions on deals that were there on a day; None: all that are there now."""
    if as_of is None:
        return []
    return [or_(*(day <= as_of for day in (deal.c.created_on, deal.c.engaged_on, deal.c.closed_on)))]


def closed_deals(view: View, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions on deals whose day of closing lies within the days asked for.

    Where days are asked for, an open deal is not among them: it has no such day.
    """
    return deals_within(view, filters) + in_days(deal.c.closed_on, filters) + known_by(filters.as_of)


def created_deals(view: View, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions on deals that were opened within the days asked for."""
    return deals_within(view, filters) + in_days(deal.c.created_on, filters) + known_by(filters.as_of)


def engaged_deals(view: View, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions on deals whose work began within the days asked for."""
    began = [deal.c.engaged_on.is_not(None), *in_days(deal.c.engaged_on, filters)]
    return deals_within(view, filters) + began + known_by(filters.as_of)


def won_by_day(view: View, filters: Filters) -> Mapping[date, int]:
    """Return the won amount in fen by business date."""
    day = deal.c.closed_on
    statement = select(day, func.sum(deal.c.amount).label("amount")).where(
        *closed_deals(view, filters), deal.c.state == "won"
    )
    return {row.closed_on: int(row.amount or 0) for row in view.tx.rows(statement.group_by(day))}
