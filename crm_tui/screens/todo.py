"""What is to be done: overdue, today, coming, never contacted, escalated; one key to each, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.queries.customer_lines import CustomerLine
from crm_tui.queries.pickers import people
from crm_tui.queries.todo import (
    TABS,
    PersonLoad,
    TodoCounts,
    TodoLine,
    by_person,
    todo_counts,
    todo_page,
)
from crm_tui.queries.todo import why as why_due
from crm_tui.widgets import figures
from crm_tui.widgets.asked_rows import Ask, AskedRows
from crm_tui.widgets.batch import BatchScreen
from crm_tui.widgets.chart import Bar, bars
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import Words
from crm_tui.widgets.fields import SearchField
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.rows import Column, Row
from crm_tui.widgets.searching import Searching
from crm_tui.widgets.text import safe_text
from crm_tui.widgets.why import ESCALATED, why_words

PANE_CELLS = 30


class TodoRows(AskedRows[TodoLine, CustomerLine]):
    """The customers of one tab that match what was typed, what is due longest first."""

    def __init__(self, counter: Counter, ask: Ask, tab: str, owner_id: str, typed: str) -> None:
        super().__init__(counter, ask, (tab, owner_id, typed))
        self._tab = tab
        self._limits = {"owner_id": owner_id, "typed": typed}

    async def part(self, offset: int, limit: int) -> Any:
        """Return some of them."""
        return await self._ask(todo_page, self._tab, offset=offset, limit=limit, **self._limits)

    def subject(self, line: TodoLine) -> CustomerLine:
        """Return the customer that something is to be done for."""
        return line.customer

    def row(self, line: TodoLine) -> Row:
        """Return a customer with what is due, since when and why."""
        desk = self._counter.desk
        now, zone = desk.now(), desk.viewer.zone
        one = line.customer
        cells = (
            one.name,
            one.stage_name or figures.NONE,
            figures.day(one.due_at, now, zone, due=True) if one.due_at else "",
            t(f"todo.reason.{one.due_reason}") if one.due_reason else "",
            figures.ago(one.last_follow_up_at, now, zone),
            one.next_step or figures.NONE,
            one.owner_name,
        )
        late = one.due_at is not None and one.due_at <= now
        return Row(one.id, cells, "alarm" if line.escalation >= len(ESCALATED) else "warn" if late else "")


class TodoScreen(BatchScreen, Searching):
    """The list a clerk clears every day; Left and Right change the tab, the right pane explains the row."""

    SHOWS: ClassVar[frozenset[str]] = frozenset({"customer", "deal", "follow_up", "contact_plan", "setting"})
    AUTO_FOCUS = "#rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f4", "filter", "keys.filter", tooltip="todo.filter_tip"),
        Binding("f6", "reassign", "keys.reassign", tooltip="batch.reassign_tip"),
        Binding("f7", "postpone", "keys.later", tooltip="batch.postpone_tip"),
        Binding("left", "tab(-1)", "todo.previous_tab", show=False),
        Binding("right,tab", "tab(1)", "todo.next_tab", show=False),
    ]

    def __init__(self, counter: Counter, tab: str = TABS[0]) -> None:
        super().__init__(counter, _columns(), t("todo.empty"))
        self._tab = tab
        self._owner: PickRow | None = None
        self.typed = SearchField(id="typed", select_on_focus=False)
        self._hits = Words(id="hits")

    def compose_body(self) -> ComposeResult:
        """The tabs, the line to type into, the list, at the right why the row is here and how all stand."""
        yield Static("", id="tabs", markup=False)
        with Horizontal(id="search"):
            yield Words(t("customers.find"), id="find")
            yield self.typed
            yield Words("] ")
            yield self._hits
        with Horizontal():
            yield self.rows
            yield Static("", classes="side-pane", id="why", markup=False)

    async def redraw(self) -> None:
        """Count the tabs and read the list again."""
        owner, typed = self._owner.value if self._owner else "", self.typed.value.strip()
        counts = await self.ask(todo_counts, owner_id=owner, typed=typed)
        self.query_one("#tabs", Static).update(self._tabs(counts))
        self.title = t("todo.title", whose=self._owner.label if self._owner else t("board.all"))
        await self.show_customers(TodoRows(self.counter, self.ask, self._tab, owner, typed))
        self._hits.say(t("customers.hits", count=self.rows.count))
        await self._show_why(self.rows.cursor_id)

    def escape_steps(self) -> Sequence[Callable[[], bool]]:
        """Esc clears the selection, then what was typed, then the filter."""
        return (self.rows.clear_selection, self._close_search, self._clear_filter)

    @on(Input.Changed, "#typed")
    @work(group="draw", exclusive=True, exit_on_error=False)
    async def _search(self) -> None:
        """Narrow the tabs by what stands there now."""
        if self.source is not None:
            await self.redraw()

    @on(Input.Submitted, "#typed")
    def _open_found(self) -> None:
        self.rows.action_open()

    def action_to_search(self) -> None:
        """Show the line to type into, and go there."""
        self.query_one("#search").add_class("-open")
        super().action_to_search()

    def _close_search(self) -> bool:
        """Put the line away with what was typed into it."""
        search = self.query_one("#search")
        if not search.has_class("-open"):
            return False
        search.remove_class("-open")
        self.rows.focus()
        self.clear_typed()
        return True

    @on(VirtualList.CursorMoved)
    def _look(self, message: VirtualList.CursorMoved) -> None:
        self._explain(message.row_id)

    @on(VirtualList.Opened)
    def _opened(self, message: VirtualList.Opened) -> None:
        self.post_message(Go("profile", customer_id=message.row_id))

    def action_tab(self, by: int) -> None:
        """Show the next (1) or the previous (-1) tab."""
        self._tab = TABS[(TABS.index(self._tab) + by) % len(TABS)]
        self._draw()

    @work(group="filter", exit_on_error=False)
    async def action_filter(self) -> None:
        """Show what one person has to do, or everybody."""
        rows = [PickRow("", t("board.all"))]
        rows += [PickRow(one.id, one.name, one.initials, one.unit_name) for one in await self.ask(people)]
        picked = await self.app.push_screen_wait(Picker(t("todo.pick_owner"), rows))
        if picked is not None:
            self._owner = next((row for row in rows if row.value == picked and picked), None)
            self._draw()

    @work(group="why", exclusive=True, exit_on_error=False)
    async def _explain(self, customer_id: str) -> None:
        await self._show_why(customer_id)

    async def _show_why(self, customer_id: str) -> None:
        """Explain the row on the message line and in the right pane."""
        try:
            answer = await self.ask(why_due, customer_id) if customer_id else None
        except Refused:
            answer = None  # it left the list between the key and the answer
        desk = self.counter.desk
        words = why_words(answer, desk.now(), desk.viewer.zone) if answer else []
        self.set_hint(" ".join(words) if words else t("todo.hint"))
        pane = self.query_one("#why", Static)
        if pane.display:
            loads = await self.ask(by_person)
            pane.update(Text("\n").join([*map(safe_text, words), Text(""), *_loads(loads)]))

    def _clear_filter(self) -> bool:
        if self._owner is None:
            return False
        self._owner = None
        self._draw()
        return True

    def _tabs(self, counts: TodoCounts) -> Text:
        names = [f"{t(f'todo.tab.{tab}')} {getattr(counts, tab)}" for tab in TABS]
        marked = [f"[{n}]" if tab == self._tab else f" {n} " for tab, n in zip(TABS, names, strict=True)]
        return safe_text(" " + " ".join(marked))


def _columns() -> Sequence[Column]:
    return (
        Column("name", t("todo.column.name"), width=8, flex=2),
        Column("stage", t("todo.column.stage"), width=10, drop=3),
        Column("due", t("todo.column.due"), width=9),
        Column("reason", t("todo.column.reason"), width=10, drop=2),
        Column("last", t("todo.column.last"), width=8, drop=1),
        Column("next", t("todo.column.next"), width=8, flex=2, drop=4),
        Column("owner", t("todo.column.owner"), width=8),
    )


def _loads(loads: Sequence[PersonLoad]) -> Sequence[Text]:
    """Return how everybody stands: overdue of owned, as bars."""
    items = [Bar(one.name, one.overdue, f"{one.overdue}/{one.owned}") for one in loads[:12]]
    return [safe_text(t("todo.by_person")), *bars(items, PANE_CELLS)]
