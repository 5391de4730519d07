"""How long deals stand in a stage: all standing visits of a deal to a stage together are one dwell.

A visit that goes on counts up to now and is marked censored: the dwell will still grow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Subquery,
    case,
    cast,
    func,
    literal,
    select,
    type_coerce,
)

from crm_tui.metrics.base import Definition, Unit
from crm_tui.metrics.stages import Path
from crm_tui.store.sql import unindexed
from crm_tui.store.tables import deal, stage_visit
from crm_tui.store.types import EPOCH
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


@dataclass(frozen=True)
class Dwell:
    """How long ``deals`` deals stood in one stage, in days; ``censored`` of them still stand there."""

    deals: int = 0
    median: Decimal | None = None
    p90: Decimal | None = None
    mean: Decimal | None = None
    censored: int = 0


def dwells(view: View, where: list[ColumnElement[bool]], path: Path, only: str = "") -> Mapping[str, Dwell]:
    """Return the dwell per open stage code, or of ``only`` one, of the deals that meet ``where``.

    The database counts by the hour, so that years of visits come back as a few thousand lines: the
    mean is exact, median and 90th percentile (nearest rank) are the mean of the hour they fall into.
    """
    codes = [only] if only else [one.code for one in path.open]
    each = _spent(view, [*where, deal.c.pipeline_id == path.pipeline_id], codes)
    hour = (each.c.minutes // 60).label("hour")
    statement = (
        select(
            each.c.stage,
            hour,
            func.count().label("deals"),
            func.sum(each.c.minutes).label("minutes"),
            func.sum(each.c.runs).label("runs"),
        )
        .group_by(each.c.stage, hour)
        .order_by(each.c.stage, hour)
    )
    hours: dict[str, list[_Hour]] = {code: [] for code in codes}
    for row in view.tx.rows(statement):
        hours[row.stage].append(_Hour(row.deals, int(row.minutes), int(row.runs)))
    return {code: _dwell(found) for code, found in hours.items()}


class _Hour(NamedTuple):
    """The deals whose dwell falls into one hour."""

    deals: int
    minutes: int
    runs: int


def _dwell(hours: Sequence[_Hour]) -> Dwell:
    """Put the hours of a stage, in order, together."""
    deals = sum(one.deals for one in hours)
    if not deals:
        return Dwell()
    low, high = _at(hours, (deals - 1) // 2), _at(hours, deals // 2)
    return Dwell(
        deals=deals,
        median=(low + high) / 2,
        p90=_at(hours, -(-deals * 9 // 10) - 1),
        mean=Decimal(sum(one.minutes for one in hours)) / deals / MINUTES_A_DAY,
        censored=sum(one.runs for one in hours),
    )


def _at(hours: Sequence[_Hour], place: int) -> Decimal:
    """Return the dwell in days at this place, from 0, of all in order."""
    for one in hours:
        place -= one.deals
        if place < 0:
            return Decimal(one.minutes) / one.deals / MINUTES_A_DAY
    raise IndexError(place)


def _spent(view: View, where: list[ColumnElement[bool]], codes: list[str]) -> Subquery:
    """Return the rounded minutes each deal has spent in each stage, and whether it stands there still."""
    until = func.coalesce(_number(stage_visit.c.left_at), literal(_microseconds(view.now), BigInteger))
    spent = cast(func.sum(until - _number(stage_visit.c.entered_at)), BigInteger)
    runs = func.max(case((stage_visit.c.left_at.is_(None), literal(1, Integer)), else_=0))
    return (
        select(
            stage_visit.c.stage,
            ((spent + _MICROSECONDS // 2) // _MICROSECONDS).label("minutes"),
            runs.label("runs"),
        )
        .select_from(deal.join(stage_visit, stage_visit.c.deal_id == deal.c.id))
        .where(*where, stage_visit.c.taken_back_at.is_(None))
        .where(_in_one_go(codes))
        .group_by(stage_visit.c.deal_id, stage_visit.c.stage)
        .subquery()
    )


def _in_one_go(codes: list[str]) -> ColumnElement[bool]:
    """Return the condition on the stages: one look into the index per deal, not one per stage of it."""
    return stage_visit.c.stage == codes[0] if len(codes) == 1 else unindexed(stage_visit.c.stage.in_(codes))


def slowest(found: Mapping[str, Dwell]) -> str | None:
    """Return the stage with the longest median, the earlier one of two equals; None where nothing stood."""
    known = {code: one.median for code, one in found.items() if one.median is not None}
    return max(known, key=lambda code: known[code] or Decimal(0)) if known else None


def _microseconds(at: datetime) -> int:
    """Return an instant as its column keeps it."""
    return (at - EPOCH) // timedelta(microseconds=1)


def _number(instant: ColumnElement[object]) -> ColumnElement[int]:
    """Return an instant as its microseconds, so that the difference of two is a plain number."""
    return type_coerce(instant, BigInteger)
