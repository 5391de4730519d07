"""How long deals stand in a stage: all standing visits of a deal to a stage together are one dwell.

A visit that goes on counts up to now and is marked censored: the dwell will still grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Integer, case, cast, func, literal, select, type_coerce

from crm_tui.metrics.base import Definition, Histogram, Unit
from crm_tui.metrics.stages import Path
from crm_tui.store.tables import deal, stage_visit
from crm_tui.store.types import Instant
from crm_tui.store.view import View

DWELL_MEDIAN: Final = Definition("dwell_median", Unit.DAYS, "median over deals of sum(left_at - entered_at)")
DWELL_P90: Final = Definition(
    "dwell_p90", Unit.DAYS, "90th percentile over deals of sum(left_at - entered_at)"
)
DWELL_MEAN: Final = Definition("dwell_mean", Unit.DAYS, "mean over deals of sum(left_at - entered_at)")
CENSORED: Final = Definition("censored", Unit.COUNT, "count(deal still standing in s)")
DEFINITIONS: Final = (DWELL_MEDIAN, DWELL_P90, DWELL_MEAN, CENSORED)

MINUTES_A_DAY: Final = 24 * 60
_MICROSECONDS: Final = 60 * 10**6


@dataclass
class Dwell:
    """How long deals stood in one stage, in whole minutes; ``censored`` of them still stand there."""

    minutes: Histogram = field(default_factory=Histogram)
    censored: int = 0

    @property
    def median(self) -> Decimal | None:
        """The median in days, None where no deal stood here."""
        return _days(self.minutes.median)

    @property
    def p90(self) -> Decimal | None:
        """What nine of ten deals do not exceed, in days."""
        return _days(self.minutes.p90)

    @property
    def mean(self) -> Decimal | None:
        """The average in days."""
        return _days(self.minutes.mean)


def dwells(view: View, where: list[ColumnElement[bool]], path: Path) -> Mapping[str, Dwell]:
    """Return the dwell per open stage code of the deals of this pipeline that meet ``where``."""
    until = func.coalesce(_number(stage_visit.c.left_at), _number(literal(view.now, Instant)))
    spent = cast(func.sum(until - _number(stage_visit.c.entered_at)), BigInteger)
    runs = func.max(case((stage_visit.c.left_at.is_(None), literal(1, Integer)), else_=0))
    each = (
        select(stage_visit.c.stage, (spent // _MICROSECONDS).label("minutes"), runs.label("runs"))
        .select_from(deal.join(stage_visit, stage_visit.c.deal_id == deal.c.id))
        .where(*where, deal.c.pipeline_id == path.pipeline_id, stage_visit.c.taken_back_at.is_(None))
        .group_by(stage_visit.c.deal_id, stage_visit.c.stage)
        .subquery()
    )
    groups = (each.c.stage, each.c.minutes)
    statement = select(*groups, func.count().label("number"), func.sum(each.c.runs).label("runs"))
    found = {one.code: Dwell() for one in path.open}
    for row in view.tx.rows(statement.group_by(*groups)):
        if row.stage in found:
            found[row.stage].minutes.add(row.minutes, row.number)
            found[row.stage].censored += int(row.runs)
    return found


def slowest(found: Mapping[str, Dwell]) -> str | None:
    """Return the stage with the longest median, the earlier one of two equals; None where nothing stood."""
    known = {code: one.median for code, one in found.items() if one.median is not None}
    return max(known, key=lambda code: known[code] or Decimal(0)) if known else None


def _number(instant: ColumnElement[object]) -> ColumnElement[int]:
    """Return an instant as its microseconds, so that the difference of two is a plain number."""
    return type_coerce(instant, BigInteger)


def _days(minutes: Decimal | None) -> Decimal | None:
    return None if minutes is None else minutes / MINUTES_A_DAY
