"""What open deals should bring: the amount weighted by the stage's probability, by expected month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import ColumnElement, case, func, select

from crm_tui.metrics.base import Definition, Unit
from crm_tui.metrics.dimensions import Dimension
from crm_tui.metrics.filters import Filters, deals_within, in_days
from crm_tui.store.tables import deal, pipeline, stage
from crm_tui.store.view import View

COMMIT_PERCENT: Final = 75
FORECAST_DEALS: Final = Definition("forecast_deals", Unit.COUNT, "count(open deal)")
BEST: Final = Definition("best", Unit.MONEY, "sum(amount of open deals)")
WEIGHTED: Final = Definition("weighted", Unit.MONEY, "sum(amount * probability of the stage)")
COMMIT: Final = Definition("commit", Unit.MONEY, "sum(amount where probability >= 75 %)")
LATE: Final = Definition("late", Unit.COUNT, "count(open deal where expected_close_on < as_of)")
NO_AMOUNT: Final = Definition("no_amount", Unit.COUNT, "count(open deal without an amount)")
DEFINITIONS: Final = (FORECAST_DEALS, BEST, WEIGHTED, COMMIT, LATE, NO_AMOUNT)


@dataclass
class Forecast:
    """The open deals of a group; amounts in fen, ``weighted`` exact to the hundredth of a fen."""

    deals: int = 0
    best: int = 0
    weighted: Decimal = Decimal(0)
    commit: int = 0
    late: int = 0
    no_amount: int = 0


def expected_deals(view: View, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions on open deals that are expected to close within the days asked for."""
    return [
        *deals_within(view, filters),
        deal.c.state == "open",
        *in_days(deal.c.expected_close_on, filters),
    ]


def is_committed() -> ColumnElement[bool]:
    """Return the condition on deals in a stage with a high probability; the same rule as ``commit``."""
    sure = (
        select(stage.c.code)
        .join(pipeline, (pipeline.c.id == stage.c.pipeline_id) & (pipeline.c.version == stage.c.version))
        .where(stage.c.pipeline_id == deal.c.pipeline_id, stage.c.code == deal.c.stage)
        .where(stage.c.probability >= COMMIT_PERCENT)
    )
    return sure.exists()


def forecast(view: View, filters: Filters, as_of: date) -> Mapping[str, Forecast]:
    """Return what the open deals should bring, per group, by expected month where none is asked for."""
    cut = Dimension(view, deal, filters.by or "month", deal.c.expected_close_on)
    by_month = cut.by == "month"  # grouped by day, as the index has them, and added up afterwards
    key = deal.c.expected_close_on if by_month else cut.key
    columns = (key.label("key"), deal.c.pipeline_id, deal.c.stage)
    late = func.sum(case((deal.c.expected_close_on < as_of, 1), else_=0)).label("late")
    statement = select(
        *columns,
        func.count().label("number"),
        func.count(deal.c.amount).label("known"),
        func.coalesce(func.sum(deal.c.amount), 0).label("amount"),
        late,
    ).where(*expected_deals(view, filters))
    chances = _chances(view)
    found: defaultdict[str, Forecast] = defaultdict(Forecast)
    for row in view.tx.rows(statement.group_by(*columns)):
        group = f"{row.key:%Y-%m}" if by_month and row.key else row.key
        one = found[cut.fold(group)]
        percent, amount = chances.get((row.pipeline_id, row.stage), 0), int(row.amount)
        one.deals += row.number
        one.best += amount
        one.weighted += Decimal(amount * percent) / 100
        one.commit += amount if percent >= COMMIT_PERCENT else 0
        one.late += int(row.late)
        one.no_amount += row.number - row.known
    return found


def _chances(view: View) -> Mapping[tuple[str, str], int]:
    """Return the probability in percent of every stage in force, by pipeline and code."""
    rows = view.tx.rows(
        select(stage.c.pipeline_id, stage.c.code, stage.c.probability).join(
            pipeline, (pipeline.c.id == stage.c.pipeline_id) & (pipeline.c.version == stage.c.version)
        )
    )
    return {(row.pipeline_id, row.code): row.probability for row in rows}
