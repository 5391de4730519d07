"""The customers: found as one types by name, pinyin, number or tag; filtered, chosen, worked on together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from crm_tui.i18n import t
from crm_tui.queries.customer_lines import CustomerLine
from crm_tui.queries.customers import NO_FILTER, CustomerFilter, customers_page
from crm_tui.queries.finding import who_has_phone, whole_phone
from crm_tui.widgets import figures
from crm_tui.widgets.asked_rows import Ask, AskedRows
from crm_tui.widgets.batch import BatchScreen
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import Words
from crm_tui.widgets.fields import SearchField
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.rows import PAGE_ROWS, Column, Row
from crm_tui.widgets.searching import Searching

FILTERS: dict[str, CustomerFilter] = {
    "all": NO_FILTER,
    "overdue": CustomerFilter(overdue_only=True),
    "never": CustomerFilter(never_contacted=True),
    "level_a": CustomerFilter(level="A"),
    "level_ab": CustomerFilter(level="AB"),
    "firms": CustomerFilter(kind="firm"),
    "unassigned": CustomerFilter(unassigned=True),
}


class FoundRows(AskedRows[CustomerLine, CustomerLine]):
    """The customers that match what was typed and the filter."""

    def __init__(self, counter: Counter, ask: Ask, typed: str, filters: CustomerFilter) -> None:
        super().__init__(counter, ask, (typed, filters))
        self._typed = typed
        self._filters = filters
        self._first_page: Any = None
        self.exact = True

    async def count(self) -> int:
        """Return how many match; the first of them come with the same answer, for the page asked next."""
        self._first_page = await self._asked(0, PAGE_ROWS)
        self.exact = bool(self._first_page.exact)
        return int(self._first_page.count)

    async def part(self, offset: int, limit: int) -> Any:
        """Return some of them."""
        first, self._first_page = self._first_page, None
        if first is not None and (offset, limit) == (0, PAGE_ROWS):
            return first
        return await self._asked(offset, limit)

    async def _asked(self, offset: int, limit: int) -> Any:
        return await self._ask(
            customers_page, typed=self._typed, filters=self._filters, offset=offset, limit=limit
        )

    def subject(self, line: CustomerLine) -> CustomerLine:
        """Return the line itself."""
        return line

    def row(self, line: CustomerLine) -> Row:
        """Return a customer with its phone, stage, days and owner."""
        desk = self._counter.desk
        now, zone = desk.now(), desk.viewer.zone
        late = line.due_at is not None and line.due_at <= now
        cells = (
            line.name,
            figures.phone(line.phone),
            line.level,
            line.stage_name or figures.NONE,
            figures.amount_short(line.amount),
            figures.ago(line.last_follow_up_at, now, zone),
            figures.day(line.due_at, now, zone, due=True),
            line.owner_name,
            line.source,
            line.next_step,
        )
        return Row(line.id, cells, "warn" if late else "")


class CustomersScreen(BatchScreen, Searching):
    """One line to type into and the list it finds; Enter opens, an unknown number becomes a customer."""

    SHOWS: ClassVar[frozenset[str]] = frozenset({"customer", "deal", "contact_point", "follow_up"})
    AUTO_FOCUS = "#typed"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f4", "filter", "keys.filter", tooltip="customers.filter_tip"),
        Binding("f6", "reassign", "keys.reassign", tooltip="batch.reassign_tip"),
        Binding("f7", "new", "keys.new", tooltip="board.new_tip"),
    ]

    def __init__(self, counter: Counter, typed: str = "") -> None:
        super().__init__(counter, _columns(), t("customers.empty"))
        self._filter = "all"
        self.typed = SearchField(typed, id="typed", select_on_focus=False)
        self._hits = Words(id="hits")

    def compose_body(self) -> ComposeResult:
        """The line to type into with the number of hits, and the list."""
        with Horizontal(id="search"):
            yield Words(t("customers.find"), id="find")
            yield self.typed
            yield Words("] ")
            yield self._hits
        yield self.rows

    async def redraw(self) -> None:
        """Search again; the cursor stays on its customer."""
        typed, filters = self.typed.value.strip(), FILTERS[self._filter]
        await self.show_customers(FoundRows(self.counter, self.ask, typed, filters))
        more = isinstance(self.source, FoundRows) and not self.source.exact
        self._hits.say(t("customers.more_hits" if more else "customers.hits", count=self.rows.count))
        self.title = t("customers.title", filter=t(f"customers.filter.{self._filter}"))
        self.set_hint(t("customers.new_hint" if typed and not self.rows.count else "customers.hint"))

    def escape_steps(self) -> Sequence[Callable[[], bool]]:
        """Esc clears the selection, then the filter, then what was typed."""
        return (self.rows.clear_selection, self._clear_filter, self.clear_typed)

    @on(Input.Changed, "#typed")
    @work(group="draw", exclusive=True, exit_on_error=False)
    async def _search(self) -> None:
        """Search by what stands there now; the badges do not change by typing and are not asked for."""
        if self.source is not None:
            await self.redraw()

    @on(Input.Submitted, "#typed")
    @work(group="open", exclusive=True, exit_on_error=False)
    async def _open_found(self) -> None:
        """Open the only match, or the row under the cursor; offer to take an unknown number in."""
        typed = self.typed.value.strip()
        number = whole_phone(typed)
        if number:
            hit = await self.ask(who_has_phone, typed)
            if hit is None:
                self.post_message(Go("customer_form", phone=typed))
            elif hit.visible:
                self._open(hit.customer_id)
            else:
                self.say(t("customers.somebody_else", owner=hit.owner_name or figures.NONE), "warn")
            return
        await self.redraw()
        if self.rows.cursor_id:
            self._open(self.rows.cursor_id)
        elif typed:
            self.post_message(Go("customer_form", name=typed))

    @on(VirtualList.Opened)
    def _opened(self, message: VirtualList.Opened) -> None:
        self._open(message.row_id)

    def action_find(self, typed: str = "") -> None:
        """Search here: what was typed on the list goes into the line."""
        self.type_in(typed)

    def action_new(self) -> None:
        """Take in a new customer, with what was typed."""
        typed = self.typed.value.strip()
        values = {"phone" if whole_phone(typed) else "name": typed} if typed and not self.rows.count else {}
        self.post_message(Go("customer_form", **values))

    @work(group="filter", exit_on_error=False)
    async def action_filter(self) -> None:
        """Narrow the list."""
        rows = [PickRow(name, t(f"customers.filter.{name}")) for name in FILTERS]
        picked = await self.app.push_screen_wait(Picker(t("customers.pick_filter"), rows))
        if picked is not None:
            self._filter = picked
            self._draw()

    def _open(self, customer_id: str) -> None:
        siblings = tuple(self.source.seen) if self.source else ()
        self.post_message(Go("profile", customer_id=customer_id, siblings=siblings))

    def _clear_filter(self) -> bool:
        if self._filter == "all":
            return False
        self._filter = "all"
        self._draw()
        return True


def _columns() -> Sequence[Column]:
    return (
        Column("name", t("customers.column.name"), width=8, flex=2),
        Column("phone", t("customers.column.phone"), width=13),
        Column("level", t("customers.column.level"), width=2),
        Column("stage", t("customers.column.stage"), width=10, drop=3),
        Column("amount", t("customers.column.amount"), width=7, align="right", drop=4),
        Column("last", t("customers.column.last"), width=8, drop=5),
        Column("due", t("customers.column.due"), width=9, drop=1),
        Column("owner", t("customers.column.owner"), width=8, drop=2),
        Column("source", t("customers.column.source"), width=8, drop=8),
        Column("next", t("customers.column.next"), width=12, flex=1, drop=9),
    )
