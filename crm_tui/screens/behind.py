"""The rows behind a figure: what it was counted from, one line each, Enter opens the customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from crm_tui.i18n import knows, t
from crm_tui.queries.behind import BehindRow, rows_behind
from crm_tui.widgets import figures
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.rows import Anchor, Column, NotAsked, Row
from crm_tui.widgets.workplace import WorkScreen

if TYPE_CHECKING:
    from crm_tui.metrics.filters import Filters


class BehindScreen(WorkScreen):
    """A list that counts exactly what the figure counts."""

    SHOWS: ClassVar[frozenset[str]] = frozenset({"deal", "customer", "lead"})
    AUTO_FOCUS = "#rows"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, counter: Counter, figure: str, filters: Filters) -> None:
        super().__init__(counter)
        self._figure = figure.removeprefix("alert:")
        self._filters = filters
        self._customers: dict[str, str] = {}
        self._rows = VirtualList(_columns(), NotAsked(), empty=t("behind.empty"), id="rows")

    def compose_body(self) -> ComposeResult:
        """The list alone."""
        yield self._rows

    async def redraw(self) -> None:
        """Read the rows again."""
        if self._rows.source is self:
            await self._rows.reload()
        else:
            await self._rows.show(self)
        key = f"metric.{self._figure}"
        name = t(key) if knows(key) else self._figure.partition("_")[2]
        self.title = t("behind.title", figure=name, count=self._rows.count)
        self.set_hint(t("behind.hint"))

    async def count(self) -> int:
        """Return how many rows the figure has."""
        return int((await self._ask(0, 0)).total)

    async def page(self, offset: int, limit: int, near: Anchor | None) -> Sequence[Row]:
        """Return some of them, the latest first."""
        return [self._row(one) for one in (await self._ask(offset, limit)).rows]

    async def index_of(self, row_id: str) -> int | None:
        """Return nothing: the list is opened anew for each figure."""
        return None

    @property
    def customer_id(self) -> str | None:
        """The customer of the row under the cursor."""
        return self._customers.get(self._rows.cursor_id)

    @on(VirtualList.Opened)
    def _opened(self) -> None:
        if self.customer_id:
            self.post_message(Go("profile", customer_id=self.customer_id))
        else:
            self.say(t("board.no_customer"), "warn")

    async def _ask(self, offset: int, limit: int) -> Any:
        return await self.ask(rows_behind, self._figure, self._filters, offset=offset, limit=limit)

    def _row(self, one: BehindRow) -> Row:
        if one.customer_id:
            self._customers[one.id] = one.customer_id
        day = one.day.isoformat() if one.day else figures.NONE
        return Row(one.id, (one.name, one.owner, one.stage, figures.amount(one.amount), day))


def _columns() -> Sequence[Column]:
    return (
        Column("name", t("behind.column.name"), width=10, flex=2),
        Column("owner", t("behind.column.owner"), width=10),
        Column("stage", t("behind.column.stage"), width=12),
        Column("amount", t("behind.column.amount"), width=16, align="right"),
        Column("day", t("behind.column.day"), width=10),
    )
