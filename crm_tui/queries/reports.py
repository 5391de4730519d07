"""The standard reports: one function each from a view and filters to a table of figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, TypeVar

from crm_tui.domain.errors import Refused
from crm_tui.metrics import ageing as ages
from crm_tui.metrics import dwell as dwelling
from crm_tui.metrics import forecast as forecasts
from crm_tui.metrics import funnel as funnels_of
from crm_tui.metrics import leads
from crm_tui.metrics import pipeline as deals
from crm_tui.metrics.base import Definition, Unit
from crm_tui.metrics.dimensions import ALL, Dimension, stage_places
from crm_tui.metrics.filters import BLANK, Filters
from crm_tui.metrics.stages import PathStage, open_names, path_of
from crm_tui.queries.report import Column, Report, Row, Value, answer
from crm_tui.store.tables import deal, lead
from crm_tui.store.view import View

T = TypeVar("T")


def report(view: View, name: str, filters: Filters) -> Report:
    """Answer the report of this name.

    Raises:
        Refused: report_unknown (name, known), filter_by_not_here (by), filter_not_here (name).
    """
    if name not in REPORTS:
        raise Refused("report_unknown", name=name, known=", ".join(REPORTS))
    return REPORTS[name](view, filters)


def summary(view: View, filters: Filters) -> Report:
    """Return deals by stage, won, lost, win rate, amounts and cycle; days choose by the day of closing."""
    cut = Dimension(view, deal, filters.by, deal.c.closed_on)
    found = deals.tally(view, deals.closed_deals(view, filters), cut, filters.as_of)
    stages = open_names(view, filters)
    columns = [
        *_group_column(filters.by),
        _column(deals.DEALS),
        *(Column(f"stage_{code}", Unit.COUNT, deals.STAGE_COUNT.key, name) for code, name in stages.items()),
        *map(_column, _SUMMARY),
    ]

    def values(one: deals.DealTally) -> tuple[Value, ...]:
        return (
            one.deals,
            *(one.stages[code] for code in stages),
            one.won,
            one.lost,
            one.win_rate,
            one.won_amount,
            one.avg_won_deal,
            one.cycle_days.mean,
            one.cycle_days.median,
            one.open_amount,
        )

    lines = _lines(view, cut, found, values, deals.DealTally())
    return answer("summary", filters, filters.as_of or view.today, columns, lines)


_SUMMARY: Final = (
    deals.WON,
    deals.LOST,
    deals.WIN_RATE,
    deals.WON_AMOUNT,
    deals.AVG_WON_DEAL,
    deals.CYCLE_MEAN,
    deals.CYCLE_MEDIAN,
    deals.OPEN_AMOUNT,
)


def funnel(view: View, filters: Filters) -> Report:
    """Return how leads became customers, and how far the deals opened in the days asked for came."""
    path = path_of(view, filters)
    cut = Dimension(view, deal, filters.by, deal.c.created_on)
    came = leads.tally_leads(view, filters, filters.by) if leads.knows(filters) else None
    found = funnels_of.funnels(view, deals.created_deals(view, filters), cut, path, filters.as_of)
    columns = [
        *_group_column(filters.by),
        *map(_column, (leads.LEADS, leads.LEADS_CLOSED, leads.LEAD_RATE, deals.DEALS)),
        *(column for one in path.stages[1:] for column in _reached_columns(one)),
        *map(_column, (funnels_of.CONVERSION, funnels_of.STILL_OPEN)),
    ]

    def values(group: str) -> tuple[Value, ...]:
        one = found.get(group, funnels_of.Funnel())
        steps: list[Value] = []
        for step in path.stages[1:]:
            steps += [one.reached(step.place), one.rate(step.place)]
        return (*_lead_values(came, group), one.deals, *steps, one.conversion, one.still_open)

    groups = {group: group for group in [*found, *(came or {})]}
    lines = _lines(view, cut, groups, values, ALL)
    return answer("funnel", filters, filters.as_of or view.today, columns, lines)


def dwell(view: View, filters: Filters) -> Report:
    """Return how long the deals opened in the days asked for stood in each stage."""
    _only_by(filters, "stage")
    path = path_of(view, filters)
    found = dwelling.dwells(view, deals.created_deals(view, filters), path)
    columns = [
        Column("stage", Unit.TEXT),
        Column("name", Unit.TEXT),
        Column("deals", Unit.COUNT, deals.DEALS.key),
        *map(_column, dwelling.DEFINITIONS),
        Column("slowest", Unit.COUNT),
    ]
    last = dwelling.slowest(found)
    rows = []
    for step in path.open:
        one = found[step.code]
        figures = (one.deals, one.median, one.p90, one.mean, one.censored, int(step.code == last))
        rows.append(Row(step.code, (step.code, step.name, *figures)))
    return answer("dwell", filters, view.today, columns, rows)


def ageing(view: View, filters: Filters) -> Report:
    """Return how many deals stood open on a day, and how many of them for too long."""
    as_of = filters.as_of or view.today
    found = ages.ageing(view, filters, as_of)

    def values(one: ages.AgeTally) -> tuple[Value, ...]:
        return one.ages.count, one.overdue, one.amount, one.ages.median

    columns = [*_group_column(filters.by), *map(_column, ages.DEFINITIONS)]
    cut = Dimension(view, deal, filters.by, deal.c.engaged_on)
    return answer("ageing", filters, as_of, columns, _lines(view, cut, found, values, ages.AgeTally()))


def backlog(view: View, filters: Filters) -> Report:
    """Return how many leads were open on a day."""
    if not leads.knows(filters):
        raise Refused("filter_not_here", name=_first_product_filter(filters))
    as_of = filters.as_of or view.today
    found = leads.backlog(view, filters, as_of)
    columns = [*_group_column(filters.by), Column("open", Unit.COUNT, leads.BACKLOG.key)]
    cut = Dimension(view, lead, filters.by, lead.c.created_on)
    return answer("backlog", filters, as_of, columns, _lines(view, cut, found, lambda one: (one,), 0))


def top(view: View, filters: Filters) -> Report:
    """Return who or what won most: by person unless asked otherwise; equals share a rank."""
    by = filters.by or "person"
    cut = Dimension(view, deal, by, deal.c.closed_on)
    won = [*deals.closed_deals(view, filters), deals.state_on(filters.as_of) == "won"]
    found = deals.tally(view, won, cut, filters.as_of)
    order = sorted(found.items(), key=lambda item: (-item[1].won_amount, -item[1].won, item[0]))
    shown = order[: filters.limit]
    names = cut.labels(group for group, _ in shown)
    rows, rank = [], 0
    for at, (group, one) in enumerate(shown):
        if at == 0 or one.won_amount != shown[at - 1][1].won_amount:
            rank = at + 1
        rows.append(Row(group, (rank, names[group], one.won_amount, one.won)))
    columns = [
        Column("rank", Unit.COUNT),
        Column(by, Unit.TEXT),
        _column(deals.WON_AMOUNT),
        _column(deals.WON),
    ]
    return answer("top", replace(filters, by=by), filters.as_of or view.today, columns, rows)


def cohort(view: View, filters: Filters) -> Report:
    """Return what became of the deals by the month in which work on them began."""
    by = filters.by or "month"
    path = path_of(view, filters)
    cut = Dimension(view, deal, by, deal.c.engaged_on)
    found = funnels_of.funnels(view, deals.engaged_deals(view, filters), cut, path, filters.as_of)
    columns = [
        Column(by, Unit.TEXT),
        Column("cohort", Unit.COUNT, deals.DEALS.key),
        Column("open", Unit.COUNT, deals.STAGE_COUNT.key),
        _column(deals.WON),
        _column(deals.LOST),
        Column("won_share", Unit.RATIO, funnels_of.CONVERSION.key),
        *(_reached_columns(one)[0] for one in path.stages[1:]),
    ]

    def values(one: funnels_of.Funnel) -> tuple[Value, ...]:
        reached = (one.reached(step.place) for step in path.stages[1:])
        return one.deals, one.open, one.won, one.lost, one.conversion, *reached

    lines = _lines(view, cut, found, values, funnels_of.Funnel())
    return answer("cohort", replace(filters, by=by), filters.as_of or view.today, columns, lines)


def forecast(view: View, filters: Filters) -> Report:
    """Return what the open deals should bring, by expected month unless asked otherwise."""
    as_of, by = filters.as_of or view.today, filters.by or "month"
    found = forecasts.forecast(view, filters, as_of)

    def values(one: forecasts.Forecast) -> tuple[Value, ...]:
        return one.deals, one.best, one.weighted, one.commit, one.late, one.no_amount

    columns = [Column(by, Unit.TEXT), *map(_column, forecasts.DEFINITIONS)]
    cut = Dimension(view, deal, by, deal.c.expected_close_on)
    lines = _lines(view, cut, found, values, forecasts.Forecast())
    return answer("forecast", replace(filters, by=by), as_of, columns, lines)


REPORTS: Final[Mapping[str, Callable[[View, Filters], Report]]] = MappingProxyType(
    {
        "summary": summary,
        "funnel": funnel,
        "dwell": dwell,
        "ageing": ageing,
        "backlog": backlog,
        "top": top,
        "cohort": cohort,
        "forecast": forecast,
    }
)
"""Every report by its name, in the order of MODELS."""


def _column(one: Definition) -> Column:
    return Column(one.key, one.unit, one.key)


def _group_column(by: str | None) -> list[Column]:
    return [] if by is None else [Column(by, Unit.TEXT)]


def _reached_columns(step: PathStage) -> tuple[Column, Column]:
    """Return the columns of how many came to a stage, and which share of those who came to the one before."""
    return (
        Column(f"reached_{step.code}", Unit.COUNT, funnels_of.REACHED.key, step.name),
        Column(f"rate_{step.code}", Unit.RATIO, funnels_of.STAGE_RATE.key, step.name),
    )


def _lines(
    view: View, cut: Dimension, found: Mapping[str, T], values: Callable[[T], tuple[Value, ...]], nothing: T
) -> list[Row]:
    """Return a line per group in a fixed order; ungrouped, the one line there always is."""
    if cut.by is None:
        return [Row(ALL, values(found.get(ALL, nothing)))]
    names = cut.labels(found)
    return [Row(group, (names[group], *values(found[group]))) for group in _ordered(view, cut, names)]


def _ordered(view: View, cut: Dimension, names: Mapping[str, str]) -> Iterable[str]:
    """Return groups by stage, by month or by name; the one without a value comes last."""
    places = stage_places(view) if cut.by == "stage" else {}
    return sorted(names, key=lambda group: (group == BLANK, places.get(group, 0), names[group], group))


def _lead_values(came: Mapping[str, leads.LeadTally] | None, group: str) -> tuple[Value, ...]:
    if came is None:
        return None, None, None
    one = came.get(group, leads.LeadTally())
    return one.came, one.closed, one.rate


def _only_by(filters: Filters, by: str) -> None:
    if filters.by not in {None, by}:
        raise Refused("filter_by_not_here", by=filters.by)


def _first_product_filter(filters: Filters) -> str:
    return next(name for name in ("line", "product", "pipeline") if getattr(filters, name) is not None)
