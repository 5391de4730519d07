"""The lists of a profile: what happened with the customer, and its deals; one of them is in front."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from crm_tui.i18n import t
from crm_tui.widgets import figures
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.entries import entry_lines
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.portrait import deal_state
from crm_tui.widgets.rows import Column, ListSource, NotAsked, Row
from crm_tui.widgets.text import safe_text
from crm_tui.widgets.timeline_rows import TimelineRows

if TYPE_CHECKING:
    from crm_tui.queries.profile import DealLine, Profile
    from crm_tui.queries.timeline import Entry

TABS: Final = ("timeline", "deals")


class History(Vertical):
    """Timeline and deals of one customer; ``tab`` is the one in front, ``channel`` filters the timeline."""

    DEFAULT_CSS = """
    History { width: 1fr; height: 100%; }
    History #more { height: 2; padding-left: 2; color: $text-muted; }
    """

    def __init__(self, counter: Counter, ask: Callable[..., Awaitable[Any]]) -> None:
        super().__init__(id="history")
        self._counter = counter
        self._ask = ask
        self._profile: Profile | None = None
        self._source: TimelineRows | None = None
        self.tab = TABS[0]
        self.channel = ""
        timeline = (Column("what", t("profile.timeline"), flex=1),)
        self.timeline = VirtualList(timeline, NotAsked(), empty=t("profile.empty"), id=TABS[0])
        self.deals = VirtualList(_columns(), NotAsked(), empty=t("profile.no_deals"), id=TABS[1])
        self.deals.display = False

    def compose(self) -> ComposeResult:
        """The two lists, and what else the entry under the cursor says."""
        yield self.timeline
        yield self.deals
        yield Static("", id="more", markup=False, classes="optional")

    async def show(self, profile: Profile) -> None:
        """Show a customer, or the same one again with the cursor on its entry."""
        source = self._source
        if source is None or (source.customer_id, source.channel) != (profile.id, self.channel):
            self._source = TimelineRows(self._counter, self._ask, profile.id, self.channel)
            await self.timeline.show(self._source)
        else:
            await self.timeline.reload()
        self._profile = profile
        self.deals.source = ListSource(_row(deal) for deal in profile.deals)
        await self.deals.reload()
        self._show_more(self.timeline.cursor_id)

    def turn(self) -> None:
        """Bring the other list to the front."""
        self.tab = TABS[1 - TABS.index(self.tab)]
        self.deals.display = self.tab == TABS[1]
        self.timeline.display = self.query_one("#more").display = self.tab == TABS[0]
        (self.deals if self.deals.display else self.timeline).focus()

    @property
    def deal(self) -> DealLine | None:
        """The deal under the cursor where the deals are in front, else the newest open one."""
        if self._profile is None:
            return None
        if self.tab == TABS[1]:
            return next((one for one in self._profile.deals if one.id == self.deals.cursor_id), None)
        return self._profile.gate.deal if self._profile.gate else None

    def entry(self, row_id: str) -> Entry | None:
        """Return the entry of a row that has been seen."""
        return self._source.seen.get(row_id) if self._source else None

    def words(self) -> str:
        """Return the names of the lists with their sizes, the one in front in brackets."""
        deals = len(self._profile.deals) if self._profile else 0
        shown = (
            t("profile.tab.timeline", count=self.timeline.count),
            t("profile.tab.deals", count=deals),
        )
        marked = [f"[{one}]" if tab == self.tab else one for tab, one in zip(TABS, shown, strict=True)]
        return " ".join([*marked, t(f"follow_up.channel.{self.channel}") if self.channel else ""]).rstrip()

    @on(VirtualList.CursorMoved, "#timeline")
    def _look(self, message: VirtualList.CursorMoved) -> None:
        self._show_more(message.row_id)

    def _show_more(self, row_id: str) -> None:
        desk = self._counter.desk
        entry = self.entry(row_id)
        lines = entry_lines(entry, desk.now(), desk.viewer.zone) if entry else []
        self.query_one("#more", Static).update(Text("\n").join(safe_text(line) for line in lines[1:]))


def _columns() -> Sequence[Column]:
    return (
        Column("title", t("profile.column.title"), width=10, flex=2),
        Column("product", t("profile.column.product"), width=8, flex=1, drop=2),
        Column("amount", t("profile.column.amount"), width=14, align="right"),
        Column("state", t("profile.column.state"), width=24),
        Column("close", t("profile.column.close"), width=10, drop=1),
    )


def _row(deal: DealLine) -> Row:
    cells = (
        deal.title,
        deal.product_name or deal.line_name or figures.NONE,
        figures.amount(deal.amount),
        deal_state(deal),
        deal.expected_close_on.isoformat() if deal.expected_close_on else figures.NONE,
    )
    return Row(deal.id, cells, "" if deal.state == "open" else "muted")
