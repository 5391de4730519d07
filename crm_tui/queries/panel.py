"""The panel: what a manager sees first, each figure beside the one of the window before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select

from crm_tui.domain.calendar import WEEK, Window, period, previous_window
from crm_tui.metrics import leads
from crm_tui.metrics.base import Comparison, Unit, compare
from crm_tui.metrics.care import Care, care
from crm_tui.metrics.dimensions import ALL, Dimension
from crm_tui.metrics.dwell import Dwell, dwells, slowest
from crm_tui.metrics.filters import Filters, deals_within
from crm_tui.metrics.funnel import Funnel, funnels
from crm_tui.metrics.pipeline import DealTally, closed_deals, counted, created_deals, won_by_day
from crm_tui.metrics.stages import Path, path_of
from crm_tui.queries.behind import late_deals, rotting_deals
from crm_tui.store.outbox import waiting
from crm_tui.store.tables import deal
from crm_tui.store.view import View

RANKED: Final = 10
WEEKS: Final = 8
_WORSE_POINTS: Final = Decimal(-5)
_SLOWER_DAYS: Final = Decimal(1)


@dataclass(frozen=True)
class Tile:
    """One figure; ``key`` is the metric's, for its name, its definition and the rows behind it."""

    key: str
    unit: Unit
    comparison: Comparison


@dataclass(frozen=True)
class FunnelStep:
    """One stage of the cohort funnel; shares from 0 to 1, days as decimals, ``open_amount`` in fen.

    ``standing`` and ``open_amount`` are the open deals there now, whenever they were opened. The rows
    behind are ``reached_<code>``, ``dwell_<code>`` and ``standing_<code>``.
    """

    code: str
    name: str
    reached: int
    rate: Decimal | None
    dwell_days: Decimal | None
    censored: int
    slowest: bool
    standing: int
    open_amount: int


@dataclass(frozen=True)
class Ranked:
    """One line of the ranking by won amount (fen); equals share a rank."""

    rank: int
    person_id: str
    name: str
    won_amount: int
    won: int


@dataclass(frozen=True)
class Alert:
    """Something to look at: ``metric.alert.<code>`` with ``details``; ``figure`` opens the rows behind it."""

    code: str
    figure: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class PanelAnswer:
    """Everything on the panel; ``weeks`` are the won amounts in fen of eight weeks up to the window's end.

    ``unsynced`` commands of this terminal are in these figures and not yet in others'.

    ``filters`` are those asked for with the window filled in: give them back to open a figure.
    """

    as_of: datetime
    unsynced: int
    filters: Filters
    window: Window
    previous: Window
    tiles: tuple[Tile, ...]
    funnel: tuple[FunnelStep, ...]
    ranking: tuple[Ranked, ...]
    weeks: tuple[tuple[date, int], ...]
    alerts: tuple[Alert, ...]

    def tile(self, key: str) -> Tile:
        """Return the tile of a figure; raises KeyError where the panel has none."""
        return {one.key: one for one in self.tiles}[key]


@dataclass(frozen=True)
class _Figures:
    """What one window holds."""

    leads: int | None
    cohort: Funnel
    closed: DealTally
    by_person: Mapping[str, DealTally]


def panel(view: View, filters: Filters) -> PanelAnswer:
    """Return the panel for the days asked for, this month where none are."""
    window = panel_window(view, filters)
    asked, before = filters.within(window), previous_window(window)
    path = path_of(view, filters)
    by_person = Dimension(view, deal, "person", deal.c.closed_on)
    now = _figures(view, asked, path, by_person)
    then = _figures(view, filters.within(before), path, by_person)
    dwell = dwells(view, created_deals(view, asked), path)
    looked_after = care(view, filters)
    slower = _slower(view, filters.within(before), path, dwell)
    return PanelAnswer(
        as_of=view.now,
        unsynced=waiting(view.tx),
        filters=asked,
        window=window,
        previous=before,
        tiles=_tiles(now, then, looked_after),
        funnel=_funnel(view, filters, path, (now.cohort, dwell)),
        ranking=_ranking(by_person, now.by_person),
        weeks=_weeks(view, filters, window.end - timedelta(days=1)),
        alerts=(*slower, *_alerts(view, filters, (now.closed, then.closed), looked_after)),
    )


def panel_window(view: View, filters: Filters) -> Window:
    """Return the days a panel covers; a missing first day is the month's, a missing last day is today."""
    if filters.from_on is None and filters.to_on is None:
        return period("this_month", view.today)
    last = filters.to_on or max(view.today, filters.from_on or view.today)
    return Window(filters.from_on or last.replace(day=1), last + timedelta(days=1))


def _figures(view: View, filters: Filters, path: Path, by_person: Dimension) -> _Figures:
    whole = Dimension(view, deal, None, deal.c.created_on)
    opened = created_deals(view, filters)
    people = counted(view, closed_deals(view, filters), by_person)
    came = leads.tally_leads(view, filters, None) if leads.knows(filters) else None
    return _Figures(
        leads=None if came is None else came.get(ALL, leads.LeadTally()).came,
        cohort=funnels(view, opened, whole, path).get(ALL, Funnel()),
        closed=_sum(people),
        by_person=people,
    )


def _sum(parts: Mapping[str, DealTally]) -> DealTally:
    """Add up what was won and lost."""
    whole = DealTally()
    for one in parts.values():
        whole.won += one.won
        whole.lost += one.lost
        whole.won_amount += one.won_amount
    return whole


def _tiles(now: _Figures, then: _Figures, looked_after: Care) -> tuple[Tile, ...]:
    pairs: tuple[tuple[str, Unit, Decimal | int | None, Decimal | int | None], ...] = (
        ("mql", Unit.COUNT, now.leads, then.leads),
        ("new_deals", Unit.COUNT, now.cohort.deals, then.cohort.deals),
        ("won_amount", Unit.MONEY, now.closed.won_amount, then.closed.won_amount),
        ("conversion", Unit.RATIO, now.cohort.conversion, then.cohort.conversion),
        ("win_rate", Unit.RATIO, now.closed.win_rate, then.closed.win_rate),
        ("avg_won_deal", Unit.MONEY, now.closed.avg_won_deal, then.closed.avg_won_deal),
    )
    compared = tuple(Tile(key, unit, compare(unit, value, former)) for key, unit, value, former in pairs)
    # How customers stood at the end of the window before is not kept: these two stand alone.
    compliance = compare(Unit.RATIO, looked_after.compliance, None, known=False)
    overdue = compare(Unit.COUNT, looked_after.overdue, None, known=False)
    return (*compared, Tile("compliance", Unit.RATIO, compliance), Tile("overdue", Unit.COUNT, overdue))


def _funnel(
    view: View, filters: Filters, path: Path, now: tuple[Funnel, Mapping[str, Dwell]]
) -> tuple[FunnelStep, ...]:
    cohort, dwell_of = now
    here = [*deals_within(view, filters), deal.c.state == "open", deal.c.pipeline_id == path.pipeline_id]
    standing = counted(view, here, Dimension(view, deal, "stage", deal.c.created_on))
    last = slowest(dwell_of)
    steps = []
    for one in path.stages:
        dwell, there = dwell_of.get(one.code, Dwell()), standing.get(one.code, DealTally())
        steps.append(
            FunnelStep(
                code=one.code,
                name=one.name,
                reached=cohort.reached(one.place),
                rate=cohort.rate(one.place),
                dwell_days=dwell.median,
                censored=dwell.censored,
                slowest=one.code == last,
                standing=there.deals,
                open_amount=there.open_amount,
            )
        )
    return tuple(steps)


def _ranking(by_person: Dimension, people: Mapping[str, DealTally]) -> tuple[Ranked, ...]:
    sellers = {one: found for one, found in people.items() if found.won}
    order = sorted(sellers, key=lambda one: (-people[one].won_amount, -people[one].won, one))
    names = by_person.labels(order[:RANKED])
    amounts = [people[one].won_amount for one in order]
    return tuple(
        Ranked(
            amounts.index(people[one].won_amount) + 1,
            one,
            names[one],
            people[one].won_amount,
            people[one].won,
        )
        for one in order[:RANKED]
    )


def _weeks(view: View, filters: Filters, last: date) -> tuple[tuple[date, int], ...]:
    """Return the won amount of the eight weeks (from Monday) up to the one ``last`` is in."""
    monday = last - timedelta(days=last.weekday())
    starts = [monday - WEEK * back for back in range(WEEKS - 1, -1, -1)]
    days = won_by_day(view, replace(filters, from_on=starts[0], to_on=monday + WEEK - timedelta(days=1)))
    sums = dict.fromkeys(starts, 0)
    for day, amount in days.items():
        sums[day - timedelta(days=day.weekday())] += amount
    return tuple(sums.items())


def _slower(view: View, before: Filters, path: Path, dwell: Mapping[str, Dwell]) -> tuple[Alert, ...]:
    """Warn when the slowest stage has become slower by a day or more than in the window before."""
    code = slowest(dwell)
    if code is None:
        return ()
    then = dwells(view, created_deals(view, before), path, only=code)
    days, former = dwell[code].median, then[code].median
    if days is None or former is None or days - former < _SLOWER_DAYS:
        return ()
    name = next(one.name for one in path.stages if one.code == code)
    details = {"stage": name, "days": _tenths(days), "more": _tenths(days - former)}
    return (Alert("slowest", f"dwell_{code}", details),)


def _alerts(
    view: View, filters: Filters, closed: tuple[DealTally, DealTally], looked_after: Care
) -> tuple[Alert, ...]:
    found: list[Alert] = []
    now, then = closed
    rate = compare(Unit.RATIO, now.win_rate, then.win_rate)
    if rate.change is not None and rate.change <= _WORSE_POINTS and isinstance(rate.value, Decimal):
        details = {"points": -rate.change, "percent": _tenths(rate.value * 100)}
        found.append(Alert("win_rate", "win_rate", details))
    counts = {
        "overdue": looked_after.overdue,
        "rotting": _count(view, rotting_deals(view, filters)),
        "late_now": _count(view, late_deals(view, filters)),
    }
    found += [Alert(key, key, {"count": count}) for key, count in counts.items() if count]
    return tuple(found)


def _count(view: View, where: list[ColumnElement[bool]]) -> int:
    return int(view.tx.scalar(select(func.count()).select_from(deal).where(*where)))


def _tenths(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"))
