"""The rows behind a figure: whoever sees a number may open what it was counted from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, func, null, select

from crm_tui.domain.errors import Refused
from crm_tui.metrics import ageing, care, forecast, funnel, leads, pipeline
from crm_tui.metrics.filters import Filters, customers_within, deals_within
from crm_tui.metrics.stages import path_of
from crm_tui.store.pipelines import stage_names
from crm_tui.store.tables import customer, deal, lead, person, stage_visit
from crm_tui.store.view import View

PAGE_ROWS: Final = 50


@dataclass(frozen=True)
class BehindRow:
    """One deal, customer or lead; ``amount`` in fen, ``day`` the date that made it count.

    ``stage`` is the name of a deal's stage, a lead's status or a customer's level.
    """

    id: str
    name: str
    customer_id: str | None
    owner: str
    stage: str
    amount: int | None
    day: date | None


@dataclass(frozen=True)
class Behind:
    """One page of what a figure was counted from, of ``total`` rows; ``kind`` is deal, customer or lead."""

    kind: str
    total: int
    rows: tuple[BehindRow, ...]


@dataclass(frozen=True)
class _Source:
    """Where the rows of a figure come from, and the date they are ordered by, newest first."""

    table: Table
    day: ColumnElement[Any]
    where: list[ColumnElement[bool]]


def rows_behind(
    view: View, figure: str, filters: Filters, *, offset: int = 0, limit: int = PAGE_ROWS
) -> Behind:
    """Return what a figure was counted from.

    ``figure`` is a metric's key or a report's column: ``won``, ``stage_contact``, ``reached_need``,
    ``dwell_need``, ``overdue``, ``mql``. The same filters must be given as for the figure.

    Raises:
        Refused: figure_unknown (name).
    """
    source = _source(view, figure, filters)
    total = view.tx.scalar(select(func.count()).select_from(source.table).where(*source.where))
    page = (
        _select(source)
        .order_by(source.day.desc().nulls_last(), source.table.c.id)
        .offset(offset)
        .limit(limit)
    )
    names = stage_names(view.tx)
    rows = tuple(
        BehindRow(
            row.id,
            row.name,
            row.customer_id,
            row.owner,
            names.get((row.pipeline_id, row.stage), row.stage),
            row.amount,
            row.day,
        )
        for row in view.tx.rows(page)
    )
    return Behind(source.table.name, total, rows)


def _select(source: _Source) -> Select[Any]:
    table = source.table
    of_deal = table is deal
    joined: FromClause = table.outerjoin(person, person.c.id == table.c.owner_id)
    return (
        select(
            table.c.id,
            (table.c.title if of_deal else table.c.name).label("name"),
            (table.c.id if table is customer else table.c.customer_id).label("customer_id"),
            func.coalesce(person.c.name, "").label("owner"),
            (table.c.stage if of_deal else table.c.status if table is lead else table.c.level).label("stage"),
            (table.c.amount if of_deal else null()).label("amount"),
            (table.c.pipeline_id if of_deal else null()).label("pipeline_id"),
            source.day.label("day"),
        )
        .select_from(joined)
        .where(*source.where)
    )


def _source(view: View, figure: str, filters: Filters) -> _Source:
    if figure in _FIGURES:
        return _FIGURES[figure](view, filters)
    for prefix, of_stage in _STAGE_FIGURES.items():
        if figure.startswith(prefix):
            return of_stage(view, filters, figure.removeprefix(prefix))
    raise Refused("figure_unknown", name=figure)


def _stand(filters: Filters, states: tuple[str, ...]) -> list[ColumnElement[bool]]:
    return [pipeline.state_on(filters.as_of).in_(states)] if states else []


def _closed(*states: str) -> Callable[[View, Filters], _Source]:
    """Return the deals of these states, chosen by the day of closing."""

    def source(view: View, filters: Filters) -> _Source:
        stands = _stand(filters, states)
        return _Source(deal, deal.c.closed_on, [*pipeline.closed_deals(view, filters), *stands])

    return source


def _created(*states: str) -> Callable[[View, Filters], _Source]:
    """Return the deals of these states that were opened in the days asked for, on the path of the funnel."""

    def source(view: View, filters: Filters) -> _Source:
        path = path_of(view, filters)
        stands = _stand(filters, states)
        mine = [*pipeline.created_deals(view, filters), deal.c.pipeline_id == path.pipeline_id]
        return _Source(deal, deal.c.created_on, mine + stands)

    return source


def _engaged(*states: str) -> Callable[[View, Filters], _Source]:
    """Return the deals of these states whose work began in the days asked for."""

    def source(view: View, filters: Filters) -> _Source:
        path = path_of(view, filters)
        stands = _stand(filters, states)
        mine = [*pipeline.engaged_deals(view, filters), deal.c.pipeline_id == path.pipeline_id]
        return _Source(deal, deal.c.engaged_on, mine + stands)

    return source


def _standing(*, aged: bool) -> Callable[[View, Filters], _Source]:
    def source(view: View, filters: Filters) -> _Source:
        as_of = filters.as_of or view.today
        old = [ageing.age(as_of) > ageing.PATIENCE_DAYS] if aged else []
        return _Source(deal, deal.c.engaged_on, [*ageing.standing_deals(view, filters, as_of), *old])

    return source


def _expected(
    *conditions: Callable[[View, Filters], ColumnElement[bool]],
) -> Callable[[View, Filters], _Source]:
    def source(view: View, filters: Filters) -> _Source:
        mine = [*forecast.expected_deals(view, filters), *(one(view, filters) for one in conditions)]
        return _Source(deal, deal.c.expected_close_on, mine)

    return source


def _late_now(view: View, filters: Filters) -> _Source:
    return _Source(deal, deal.c.expected_close_on, late_deals(view, filters))


def late_deals(view: View, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions on open deals whose expected day has passed by today, whichever day that was."""
    return [*deals_within(view, filters), deal.c.state == "open", deal.c.expected_close_on < view.today]


def _rotting(view: View, filters: Filters) -> _Source:
    return _Source(deal, deal.c.created_on, rotting_deals(view, filters))


def rotting_deals(view: View, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions on open deals that have stood in their stage for too long."""
    return [*deals_within(view, filters), deal.c.state == "open", deal.c.rots_at <= view.now]


def _cared(*conditions: Callable[[View], ColumnElement[bool]]) -> Callable[[View, Filters], _Source]:
    def source(view: View, filters: Filters) -> _Source:
        mine = [*customers_within(view, filters), *(one(view) for one in conditions)]
        return _Source(customer, customer.c.created_on, mine)

    return source


def _leads(*conditions: Callable[[], ColumnElement[bool]]) -> Callable[[View, Filters], _Source]:
    def source(view: View, filters: Filters) -> _Source:
        mine = [*leads.created_leads(view, filters), *(one() for one in conditions)]
        return _Source(lead, lead.c.created_on, mine)

    return source


def _backlog(view: View, filters: Filters) -> _Source:
    return _Source(lead, lead.c.created_on, leads.open_leads(view, filters, filters.as_of or view.today))


def _in_stage(view: View, filters: Filters, code: str) -> _Source:
    stands = and_(deal.c.state == "open", deal.c.stage == code)
    return _Source(deal, deal.c.created_on, [*pipeline.closed_deals(view, filters), stands])


def _standing_in(view: View, filters: Filters, code: str) -> _Source:
    """Return the deals that stand in a stage now, whenever they were opened."""
    path = path_of(view, filters)
    there = [deal.c.pipeline_id == path.pipeline_id, deal.c.state == "open", deal.c.stage == code]
    return _Source(deal, deal.c.created_on, [*deals_within(view, filters), *there])


def _reached(view: View, filters: Filters, code: str) -> _Source:
    path = path_of(view, filters)
    place = {one.code: one.place for one in path.stages}.get(code)
    if place is None:
        raise Refused("figure_unknown", name=f"reached_{code}")
    mine = [*pipeline.created_deals(view, filters), funnel.reached(path, place)]
    return _Source(deal, deal.c.created_on, mine)


def _dwelt(view: View, filters: Filters, code: str) -> _Source:
    """Return the deals opened in the days asked for that ever stood in a stage."""
    stood = select(stage_visit.c.id).where(
        stage_visit.c.deal_id == deal.c.id,
        stage_visit.c.stage == code,
        stage_visit.c.taken_back_at.is_(None),
    )
    return _Source(deal, deal.c.created_on, [*_created()(view, filters).where, stood.exists()])


_in_care = _cared(lambda _: care.is_in_care())
_decided = _closed("won", "lost")
_won = _closed("won")

_FIGURES: Final[Mapping[str, Callable[[View, Filters], _Source]]] = {
    "deals": _closed(),
    "won": _won,
    "lost": _closed("lost"),
    "win_rate": _decided,
    "won_amount": _won,
    "avg_won_deal": _won,
    "cycle_days_won_mean": _won,
    "cycle_days_won_median": _won,
    "open_amount": _closed("open"),
    "new_deals": _created(),
    "conversion": _created("won"),
    "still_open": _created("open"),
    "cohort": _engaged(),
    "won_share": _engaged("won"),
    "open_deals": _standing(aged=False),
    "aged_amount": _standing(aged=False),
    "age_median": _standing(aged=False),
    "overdue_more_than_7_days": _standing(aged=True),
    "forecast_deals": _expected(),
    "best": _expected(),
    "weighted": _expected(),
    "commit": _expected(lambda _view, _asked: forecast.is_committed()),
    "no_amount": _expected(lambda _view, _asked: deal.c.amount.is_(None)),
    "late": _expected(lambda view, asked: deal.c.expected_close_on < (asked.as_of or view.today)),
    "late_now": _late_now,
    "rotting": _rotting,
    "mql": _leads(),
    "closed": _leads(leads.converted),
    "closed_rate": _leads(leads.converted),
    "backlog": _backlog,
    "overdue": _cared(care.is_overdue),
    "in_care": _in_care,
    "compliance": _in_care,
    "neglected": _cared(lambda _: care.is_in_care(), lambda view: ~care.is_in_time(view)),
}
_STAGE_FIGURES: Final[Mapping[str, Callable[[View, Filters, str], _Source]]] = {
    "stage_": _in_stage,
    "standing_": _standing_in,
    "reached_": _reached,
    "rate_": _reached,
    "dwell_": _dwelt,
}
