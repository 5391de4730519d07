"""How far deals came: of those opened in a window, how many reached each stage.

A stage counts as reached when the deal ever stood in it or further on (a skipped stage is reached), in
any of its cycles; going back and forth changes nothing, for deals are counted and not moves. Won is
reached only by a deal that is won now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import ColumnElement, Integer, and_, case, func, literal, or_, select

from crm_tui.metrics.base import Definition, Unit, ratio
from crm_tui.metrics.dimensions import Dimension
from crm_tui.metrics.pipeline import state_on
from crm_tui.metrics.stages import Path
from crm_tui.store.tables import deal, stage_visit
from crm_tui.store.view import View

REACHED: Final = Definition("reached", Unit.COUNT, "count(distinct deal where highest stage >= s)")
STAGE_RATE: Final = Definition("stage_rate", Unit.RATIO, "reached(s) / reached(s - 1)")
STILL_OPEN: Final = Definition("still_open", Unit.RATIO, "open / deals of the cohort")
CONVERSION: Final = Definition("conversion", Unit.RATIO, "won / deals of the cohort")
DEFINITIONS: Final = (REACHED, STAGE_RATE, STILL_OPEN, CONVERSION)


@dataclass
class Funnel:
    """How many deals of a cohort reached each place of a path, the first being place 1."""

    highest: dict[int, int] = field(default_factory=dict)
    won: int = 0
    lost: int = 0
    open: int = 0

    @property
    def deals(self) -> int:
        """How many deals the cohort has."""
        return self.won + self.lost + self.open

    @property
    def conversion(self) -> Decimal | None:
        """The share of the cohort that is won by now, None of an empty cohort."""
        return ratio(self.won, self.deals)

    @property
    def still_open(self) -> Decimal | None:
        """The share of the cohort that is not decided yet, None of an empty cohort."""
        return ratio(self.open, self.deals)

    def reached(self, place: int) -> int:
        """Return how many deals came as far as this place."""
        return sum(count for highest, count in self.highest.items() if highest >= place)

    def rate(self, place: int) -> Decimal | None:
        """Return which share of those who reached the place before came here; None for the first."""
        return ratio(self.reached(place), self.reached(place - 1)) if place > 1 else None

    def add(self, highest: int, state: str, count: int) -> None:
        """Add deals that came equally far and stand alike now."""
        self.highest[highest] = self.highest.get(highest, 0) + count
        setattr(self, state, getattr(self, state) + count)


def funnels(
    view: View, where: list[ColumnElement[bool]], by: Dimension, path: Path, as_of: date | None = None
) -> Mapping[str, Funnel]:
    """Return how far the deals of this pipeline that meet ``where`` came, per group.

    With ``as_of`` a deal that was closed later counts as open.
    """
    visited = (
        select(func.max(_place(stage_visit.c.stage, path)))
        .where(stage_visit.c.deal_id == deal.c.id, stage_visit.c.taken_back_at.is_(None))
        .scalar_subquery()
    )
    each = (
        select(
            by.key.label("key"),
            state_on(as_of).label("state"),
            deal.c.stage,
            deal.c.lost_from,
            case((_is_settled(path, as_of), literal(len(path.open), Integer)), else_=visited).label(
                "visited"
            ),
        )
        .where(*where, deal.c.pipeline_id == path.pipeline_id)
        .offset(0)  # keeps the databases from folding it into the grouping, which would look twice per deal
        .subquery()
    )
    columns = (each.c.key, each.c.state, each.c.stage, each.c.lost_from, each.c.visited)
    places = {one.code: one.place for one in path.open}
    found: dict[str, Funnel] = {}
    for row in view.tx.rows(select(*columns, func.count().label("number")).group_by(*columns)):
        stood = (row.visited or 1, places.get(row.stage, 1), places.get(row.lost_from, 1))
        highest = len(path.stages) if row.state == "won" else max(stood)
        found.setdefault(by.fold(row.key), Funnel()).add(highest, row.state, row.number)
    return found


def _is_settled(path: Path, as_of: date | None) -> ColumnElement[bool]:
    """Return the condition on deals whose visits need no look: they came to the last stage, or won."""
    last = path.open[-1].code
    return or_(state_on(as_of) == "won", deal.c.stage == last, deal.c.lost_from == last)


def reached(path: Path, place: int) -> ColumnElement[bool]:
    """Return the condition on deals that came as far as this place; the same rule as :func:`funnels`."""
    if place == 1:
        return deal.c.pipeline_id == path.pipeline_id
    if place == len(path.stages):
        return and_(deal.c.pipeline_id == path.pipeline_id, deal.c.state == "won")
    there = [one.code for one in path.open if one.place >= place]
    visit = select(stage_visit.c.id).where(
        stage_visit.c.deal_id == deal.c.id,
        stage_visit.c.taken_back_at.is_(None),
        stage_visit.c.stage.in_([*there, path.stages[-1].code]),
    )
    stands = or_(deal.c.state == "won", deal.c.stage.in_(there), deal.c.lost_from.in_(there), visit.exists())
    return and_(deal.c.pipeline_id == path.pipeline_id, stands)


def _place(code: ColumnElement[str], path: Path) -> ColumnElement[int]:
    """Return the place of an open stage; whoever was won once had come to the last open one."""
    last = len(path.open)
    places = {one.code: min(one.place, last) for one in path.stages}
    return case(places, value=code, else_=literal(1, Integer))
