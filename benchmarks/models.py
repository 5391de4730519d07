"""The standard analyses beside the same figures by SQL written by hand, and the panel."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta

from benchmarks.data import Data, open_desk
from benchmarks.measuring import Result, in_turn, median, timed
from crm_tui.desk import Desk
from crm_tui.metrics.filters import Filters
from crm_tui.queries.panel import panel
from crm_tui.queries.report import Report
from crm_tui.queries.reports import report
from crm_tui.store.view import View

_BY_HAND = {
    "summary": (
        (
            "SELECT state, stage, count(*), sum(amount) FROM deal INDEXED BY ix_deal_outcome"
            " WHERE archived_at IS NULL GROUP BY state, stage"
        ),
        (
            "SELECT julianday(closed_on) - julianday(engaged_on) AS days, count(*) FROM deal"
            " INDEXED BY ix_deal_outcome"
            " WHERE archived_at IS NULL AND state = 'won' AND closed_on IS NOT NULL GROUP BY days"
        ),
    ),
    "funnel": (
        (
            "SELECT state, stage, lost_from, visited, count(*) FROM (SELECT state, stage, lost_from, (SELECT"
            " max(CASE stage WHEN 'lead' THEN 1 WHEN 'contact' THEN 2 WHEN 'need' THEN 3 WHEN"
            " 'proposal' THEN 4"
            " WHEN 'negotiation' THEN 5 WHEN 'won' THEN 5 ELSE 1 END) FROM stage_visit AS v"
            " WHERE v.deal_id = d.id AND v.taken_back_at IS NULL) AS visited FROM deal AS d"
            " WHERE archived_at IS NULL LIMIT -1 OFFSET 0) GROUP BY state, stage, lost_from, visited"
        ),
    ),
    "dwell": (
        (
            "SELECT stage, spent / 3600000000 AS hour, count(*), sum(spent) FROM (SELECT v.stage,"
            " sum(coalesce(v.left_at, 1800000000000000) - v.entered_at) AS spent FROM stage_visit AS v"
            " INDEXED BY ix_stage_visit_dwell JOIN deal AS d ON d.id = v.deal_id AND d.archived_at IS NULL"
            " WHERE v.taken_back_at IS NULL AND v.stage NOT IN ('won', 'lost') GROUP BY v.deal_id, v.stage)"
            " GROUP BY stage, hour"
        ),
    ),
    "ageing": (
        (
            "SELECT julianday('now') - julianday(engaged_on) AS days, count(*), sum(amount) FROM deal"
            " INDEXED BY ix_deal_outcome WHERE archived_at IS NULL AND engaged_on IS NOT NULL AND"
            " closed_on IS NULL"
            " GROUP BY CAST(days AS INTEGER)"
        ),
    ),
    "forecast": (
        (
            "SELECT stage, strftime('%Y-%m', expected_close_on) AS month, count(*), sum(amount) FROM deal"
            " WHERE archived_at IS NULL AND state = 'open' GROUP BY stage, month"
        ),
    ),
}


def models(data: Data, times: int) -> Iterator[Result]:
    """Each analysis over everything there is, then the panel of this month and of a year."""
    desk = open_desk(data.analysed)
    with closing(sqlite3.connect(data.analysed.database)) as plain:
        for name, statements in _BY_HAND.items():
            ours, floor = in_turn(times, _reported(desk, name), _by_hand(plain, statements))
            yield Result(f"report {name}", "SQL by hand, covering index", median(ours), median(floor), 1.3)
    today = desk.answer(_today)
    year = Filters(from_on=today - timedelta(days=364), to_on=today)
    for text, filters in (
        ("panel of 8 figures, this month", Filters()),
        ("panel of 8 figures, a year", year),
    ):
        (ours,) = in_turn(times, _panelled(desk, filters))
        yield Result(text, "-", median(ours), None, 300)
    desk.close()


def _today(view: View) -> date:
    return view.today


def _reported(desk: Desk, name: str) -> Callable[[], float]:
    def ask() -> Report:
        return desk.answer(report, name, Filters())

    return lambda: timed(ask)


def _panelled(desk: Desk, filters: Filters) -> Callable[[], float]:
    return lambda: timed(lambda: desk.answer(panel, filters))


def _by_hand(plain: sqlite3.Connection, statements: tuple[str, ...]) -> Callable[[], float]:
    return lambda: timed(lambda: [plain.execute(statement).fetchall() for statement in statements])
