"""The panel: the figures of a window beside those before it, each with its definition and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.metrics import definition
from crm_tui.metrics.base import Unit
from crm_tui.metrics.filters import Filters
from crm_tui.queries.panel import FunnelStep, PanelAnswer, Tile, panel
from crm_tui.widgets import figures
from crm_tui.widgets.chart import Bar, bar_cells, bars, sparkline
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.drawing import separator
from crm_tui.widgets.figure_grid import Figure, FigureGrid
from crm_tui.widgets.filter_dialog import FilterDialog
from crm_tui.widgets.keys import twins
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.refusal import refused
from crm_tui.widgets.rows import RowTone
from crm_tui.widgets.text import safe_text
from crm_tui.widgets.words_window import WordsWindow
from crm_tui.widgets.workplace import WorkScreen

if TYPE_CHECKING:
    from crm_tui.store.view import View

TILE_CELLS = 39
NAME_CELLS = 12
COUNT_CELLS = 7
BAR_CELLS = 22
DWELL_CELLS = 10
STANDING_CELLS = 18
PANE_CELLS = 30
REFRESH_SECONDS = 60
"""The panel reads itself again this often: its figures are never older than five minutes."""


class PanelScreen(WorkScreen):
    """Tiles, funnel and alerts; Enter opens the rows behind a figure, ``?`` says how it is counted."""

    SHOWS: ClassVar[frozenset[str]] = frozenset({"deal", "stage_visit", "lead", "customer", "follow_up"})
    AUTO_FOCUS = "#figures"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f4", "filter", "keys.filter", tooltip="panel.filter_tip"),
        Binding(twins("slash"), "filter", "keys.filter", show=False),
        Binding(twins("question_mark"), "explain", "panel.explain", show=False),
        Binding("f6", "explain", "panel.explain_key", tooltip="panel.explain"),
    ]

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        self._asked: dict[str, str] = {"period": "this_month"}
        self._answer: PanelAnswer | None = None
        self._grid = FigureGrid(id="figures")

    def compose_body(self) -> ComposeResult:
        """The figures, and from 110 columns on the ranking and the weeks."""
        with Horizontal():
            yield self._grid
            yield Static("", classes="side-pane", id="ranking", markup=False)

    def on_mount(self) -> None:
        """Draw, and read again every minute."""
        super().on_mount()
        self.set_interval(REFRESH_SECONDS, self._draw)

    async def redraw(self) -> None:
        """Read the figures again; the old ones stay until the new ones are there."""
        answer = await self.ask(_panel, self._asked)
        self._answer = answer
        desk = self.counter.desk
        self.title = t("panel.title", filters=self._filter_words(answer))
        at = figures.clock_time(answer.as_of, desk.viewer.zone)
        waiting = t("panel.unsynced", count=answer.unsynced) if answer.unsynced else ""
        self.set_hint(t("panel.as_of", at=at) + waiting)
        self._grid.show(
            [*_tile_lines(answer.tiles), (), *_funnel_lines(answer.funnel), (), *_alert_lines(answer)]
        )
        self.query_one("#ranking", Static).update(_ranking(answer))

    @on(FigureGrid.Moved)
    def _forget_message(self) -> None:
        self.say("")

    @on(FigureGrid.Opened)
    def _open(self, message: FigureGrid.Opened) -> None:
        if self._answer is not None:
            self.post_message(Go("behind", figure=message.key, filters=self._answer.filters))

    def action_explain(self) -> None:
        """Say how the figure under the cursor is counted."""
        key = _metric_of(self._grid.key)
        if key:
            found = definition(key)
            self.app.push_screen(WordsWindow(t(found.name_key), [t(found.text_key), "", found.formula]))

    @work(group="filter", exit_on_error=False)
    async def action_filter(self) -> None:
        """Choose time, region, branch, team, person and product line."""
        chosen = await self.app.push_screen_wait(FilterDialog(self._asked))
        if chosen is None:
            return
        before, self._asked = self._asked, chosen
        try:
            await self.redraw()
        except Refused as no:
            self._asked = before
            self.say(refused(no), "error")

    def _filter_words(self, answer: PanelAnswer) -> str:
        last = answer.window.end - timedelta(days=1)
        period = self._asked.get("period", "")
        days = t(f"panel.period.{period}") if period else f"{answer.window.start} .. {last}"
        return separator().join(
            [days, *(value for name, value in self._asked.items() if name != "period" and value)]
        )


def _panel(view: View, asked: dict[str, str]) -> PanelAnswer:
    """Read the filters and the panel within one transaction."""
    return panel(view, Filters.parse(view, asked))


def _metric_of(key: str) -> str:
    """Return the metric a place on the grid shows."""
    for prefix, metric in (("reached_", "reached"), ("dwell_", "dwell_median"), ("standing_", "stage_count")):
        if key.startswith(prefix):
            return metric
    return {"rotting": "late", "late_now": "late"}.get(key, key)


def _tile_lines(tiles: Sequence[Tile]) -> list[Sequence[Figure]]:
    cells = [
        Figure(
            f"{t(f'metric.{one.key}')}  {_value(one)} {_change(one)}", TILE_CELLS, one.key, _tile_tone(one)
        )
        for one in tiles
    ]
    return [cells[at : at + 2] for at in range(0, len(cells), 2)]


def _value(tile: Tile) -> str:
    value = tile.comparison.value
    if value is None:
        return t("figures.undefined")
    if tile.unit is Unit.MONEY:
        return figures.amount_short(int(value))
    if tile.unit is Unit.RATIO:
        return figures.percent(float(value))
    return str(value)


def _change(tile: Tile) -> str:
    """Return the change against the window before: percent, for ratios points."""
    change = tile.comparison.change
    if change is None:
        return ""
    return t("panel.points" if tile.comparison.in_points else "panel.percent", change=f"{change:+}")


def _tile_tone(tile: Tile) -> RowTone:
    return "warn" if tile.key == "overdue" and tile.comparison.value else ""


def _funnel_lines(steps: Sequence[FunnelStep]) -> list[Sequence[Figure]]:
    most = max((step.reached for step in steps), default=0)
    head = (
        Figure(t("panel.funnel"), NAME_CELLS + COUNT_CELLS + BAR_CELLS + 6, tone="muted"),
        Figure(t("panel.dwell"), DWELL_CELLS, tone="muted"),
        Figure(t("panel.standing"), STANDING_CELLS, tone="muted"),
    )
    lines: list[Sequence[Figure]] = [head]
    for step in steps:
        bar = "#" * bar_cells(step.reached, most, BAR_CELLS - 2)
        rate = "" if step.rate is None else f"{step.rate * Decimal(100):.0f}%"
        slow = t("panel.slowest") if step.slowest else ""
        lines.append(
            (
                Figure(step.name, NAME_CELLS),
                Figure(str(step.reached), COUNT_CELLS, f"reached_{step.code}"),
                Figure(bar, BAR_CELLS),
                Figure(rate, 6),
                Figure(_days(step.dwell_days), DWELL_CELLS, f"dwell_{step.code}", "warn" if slow else ""),
                Figure(
                    f"{step.standing} {figures.amount_short(step.open_amount)}", 12, f"standing_{step.code}"
                ),
                Figure(slow, 10, tone="warn"),
            )
        )
    return lines


def _days(value: Decimal | None) -> str:
    return figures.days(None if value is None else float(value))


def _alert_lines(answer: PanelAnswer) -> list[Sequence[Figure]]:
    if not answer.alerts:
        return [(Figure(t("panel.no_alerts"), 60, tone="muted"),)]
    return [
        (Figure(f"! {t(f'metric.alert.{one.code}', **one.details)}", 78, f"alert:{one.figure}", "warn"),)
        for one in answer.alerts
    ]


def _ranking(answer: PanelAnswer) -> Text:
    items = [
        Bar(f"{one.rank} {one.name}", one.won_amount, figures.amount_short(one.won_amount))
        for one in answer.ranking
    ]
    weeks = [amount for _, amount in answer.weeks]
    lines = [
        safe_text(t("panel.ranking")),
        *bars(items, PANE_CELLS),
        Text(""),
        safe_text(t("panel.weeks", count=len(weeks))),
        sparkline([float(week) for week in weeks], PANE_CELLS),
        safe_text(" ".join(figures.amount_short(week) for week in weeks[-4:])),
    ]
    return Text("\n").join(lines)
