"""What is to be done: overdue, today, coming, never contacted, escalated; one key to each, and why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

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
from crm_tui.widgets.batch import MOST, BatchScreen
from crm_tui.widgets.chart import Bar, bars
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.rows import Anchor, Column, ListSource, Row, Selection
from crm_tui.widgets.text import safe_text
from crm_tui.widgets.why import ESCALATED, why_words

PANE_CELLS = 30


class TodoRows:
    """The customers of one tab, page by page."""

    def __init__(self, counter: Counter, ask: Callable[..., Awaitable[Any]], tab: str, owner_id: str) -> None:
        self._counter = counter
        self._ask = ask
        self.tab = tab
        self.owner_id = owner_id
        self.seen: dict[str, CustomerLine] = {}

    async def count(self) -> int:
        """Return how many customers the tab has."""
        return int((await self._ask(todo_page, self.tab, owner_id=self.owner_id, limit=0)).count)

    async def page(self, offset: int, limit: int, near: Anchor | None) -> Sequence[Row]:
        """Return some of them, what is due longest first."""
        answer = await self._ask(todo_page, self.tab, owner_id=self.owner_id, offset=offset, limit=limit)
        self.seen.update({line.customer.id: line.customer for line in answer.lines})
        return [self._row(line) for line in answer.lines]

    async def index_of(self, row_id: str) -> int | None:
        """Return where a customer stands among the first MOST, None beyond or when it is done."""
        answer = await self._ask(todo_page, self.tab, owner_id=self.owner_id, limit=MOST)
        ids = [line.customer.id for line in answer.lines]
        return ids.index(row_id) if row_id in ids else None

    async def selected(self, selection: Selection) -> Sequence[CustomerLine]:
        """Return the selected customers, at most MOST."""
        answer = await self._ask(todo_page, self.tab, owner_id=self.owner_id, limit=MOST)
        return [line.customer for line in answer.lines if line.customer.id in selection]

    def _row(self, line: TodoLine) -> Row:
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


class TodoScreen(BatchScreen):
    """The list a clerk clears every day; Left and Right change the tab, the right pane explains the row."""

    CSS_PATH = "todo.tcss"
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
        super().__init__(counter)
        self._tab = tab
        self._owner: PickRow | None = None
        self._source: TodoRows | None = None
        self._rows = VirtualList(_columns(), ListSource(), empty=t("todo.empty"), id="rows")

    def compose_body(self) -> ComposeResult:
        """The tabs, the list, and at the right why the row is here and how everybody stands."""
        yield Static("", id="tabs", markup=False)
        with Horizontal():
            yield self._rows
            yield Static("", classes="side-pane", id="why", markup=False)

    async def redraw(self) -> None:
        """Count the tabs and read the list again."""
        owner = self._owner.value if self._owner else ""
        counts = await self.ask(todo_counts, owner_id=owner)
        self.query_one("#tabs", Static).update(self._tabs(counts))
        self.title = t("todo.title", whose=self._owner.label if self._owner else t("board.all"))
        if self._source is None or (self._source.tab, self._source.owner_id) != (self._tab, owner):
            self._source = TodoRows(self.counter, self.ask, self._tab, owner)
            await self._rows.show(self._source)
        else:
            await self._rows.reload()
        await self._show_why(self._rows.cursor_id)

    @property
    def customer_id(self) -> str | None:
        """The customer under the cursor."""
        return self._rows.cursor_id or None

    async def chosen_customers(self) -> Sequence[CustomerLine]:
        """Return the selected customers, else the one under the cursor."""
        if self._source is None:
            return ()
        if self._rows.selected_count:
            return await self._source.selected(self._rows.selection)
        one = self._source.seen.get(self._rows.cursor_id)
        return (one,) if one else ()

    def batch_done(self) -> None:
        """Select nothing any more."""
        self._rows.clear_selection()

    def escape_steps(self) -> Sequence[Callable[[], bool]]:
        """Esc clears the selection, then the filter."""
        return (self._rows.clear_selection, self._clear_filter)

    @on(VirtualList.CursorMoved)
    def _look(self, message: VirtualList.CursorMoved) -> None:
        self._explain(message.row_id)

    @on(VirtualList.Opened)
    def _opened(self, message: VirtualList.Opened) -> None:
        self.post_message(Go("profile", customer_id=message.row_id))

    @on(VirtualList.SelectionChanged)
    def _selected(self, message: VirtualList.SelectionChanged) -> None:
        self.say_selected(t("batch.selected", count=message.count) if message.count else "")

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
            await self.redraw()

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
