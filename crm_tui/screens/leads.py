"""The leads: found as one types, given to somebody, judged, and turned into customers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.queries.leads import STATUSES, LeadLine, leads_page
from crm_tui.widgets import figures
from crm_tui.widgets.asked_rows import Ask, AskedRows
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import Words
from crm_tui.widgets.fields import SearchField
from crm_tui.widgets.lead_batch import WorksOnLeads
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.rows import Column, NotAsked, Row, RowTone
from crm_tui.widgets.searching import Searching
from crm_tui.widgets.text import safe_text

_TONES: Final[dict[str, RowTone]] = {"new": "", "following": "", "converted": "good", "invalid": "muted"}


class LeadRows(AskedRows[LeadLine, LeadLine]):
    """The leads of one status that match what was typed, the newest first."""

    def __init__(self, counter: Counter, ask: Ask, typed: str, status: str) -> None:
        super().__init__(counter, ask, (typed, status))
        self._typed = typed
        self._status = status

    async def part(self, offset: int, limit: int) -> Any:
        """Return some of them."""
        return await self._ask(leads_page, typed=self._typed, status=self._status, offset=offset, limit=limit)

    def subject(self, line: LeadLine) -> LeadLine:
        """Return the line itself."""
        return line

    def row(self, line: LeadLine) -> Row:
        """Return a lead with its number, where it came from, and whose it is."""
        desk = self._counter.desk
        cells = (
            line.name,
            figures.phone(line.phone),
            t(f"leads.status.{line.status}"),
            line.source,
            figures.day(line.created_on, desk.now(), desk.viewer.zone),
            line.owner_name or figures.NONE,
            line.customer_name or " ".join(value for _, value in line.extra),
        )
        return Row(line.id, cells, _TONES[line.status])


class LeadsScreen(WorksOnLeads, Searching):
    """One line to type into and the leads it finds; Enter makes a customer of one, or opens its customer."""

    SHOWS: ClassVar[frozenset[str]] = frozenset({"lead", "customer", "person"})
    AUTO_FOCUS = "#typed"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f4", "filter", "keys.filter", tooltip="leads.filter_tip"),
        Binding("f7", "convert", "leads.convert_key", tooltip="leads.convert_tip"),
    ]

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        self._status = "open"
        self._source: LeadRows | None = None
        self.typed = SearchField(id="typed", select_on_focus=False)
        self._hits = Words(id="hits")
        self.rows = VirtualList(_columns(), NotAsked(), empty=t("leads.empty"), id="rows")

    def compose_body(self) -> ComposeResult:
        """The line to type into with the number of hits, the list, at the right what is known."""
        with Horizontal(id="search"):
            yield Words(t("customers.find"), id="find")
            yield self.typed
            yield Words("] ")
            yield self._hits
        with Horizontal():
            yield self.rows
            yield Static("", classes="side-pane", id="lead", markup=False)

    async def redraw(self) -> None:
        """Search again; the cursor stays on its lead."""
        source = LeadRows(self.counter, self.ask, self.typed.value.strip(), self._status)
        if self._source is not None and self._source.question == source.question:
            await self.rows.reload()
        else:
            before, self._source = self._source, source
            try:
                await self.rows.show(source)
            except Refused:
                self._source = before
                raise
        self._hits.say(t("customers.hits", count=self.rows.count))
        self.title = t("leads.title", filter=t(f"leads.filter.{self._status}"))
        self._show_lead()

    def escape_steps(self) -> Sequence[Callable[[], bool]]:
        """Esc clears the selection, then the filter, then what was typed."""
        return (self.rows.clear_selection, self._clear_filter, self.clear_typed)

    @property
    def customer_id(self) -> str | None:
        """The customer that the lead under the cursor has become."""
        line = self.lead
        return line.customer_id if line else None

    @property
    def lead(self) -> LeadLine | None:
        """The lead under the cursor."""
        return self._source.seen.get(self.rows.cursor_id) if self._source else None

    @on(Input.Changed, "#typed")
    @work(group="draw", exclusive=True, exit_on_error=False)
    async def _search(self) -> None:
        if self._source is not None:
            await self.redraw()

    @on(Input.Submitted, "#typed")
    @on(VirtualList.Opened)
    def action_convert(self) -> None:
        """Make a customer of the lead under the cursor; a converted one shows its customer."""
        line = self.lead
        if line is None:
            self.say(t("leads.nothing"), "warn")
        elif line.customer_id:
            self.post_message(Go("profile", customer_id=line.customer_id))
        else:
            self.post_message(Go("lead_form", lead_id=line.id))

    @on(VirtualList.CursorMoved)
    def _moved(self) -> None:
        self._show_lead()

    @on(VirtualList.SelectionChanged)
    def _selected(self, message: VirtualList.SelectionChanged) -> None:
        self.say_selected(t("leads.selected", count=message.count) if message.count else "")

    def action_find(self, typed: str = "") -> None:
        """Search here: what was typed on the list goes into the line."""
        self.type_in(typed)

    @work(group="filter", exit_on_error=False)
    async def action_filter(self) -> None:
        """Choose which leads are shown."""
        rows = [PickRow(one, t(f"leads.filter.{one}")) for one in STATUSES]
        picked = await self.app.push_screen_wait(Picker(t("leads.pick_filter"), rows))
        if picked is not None:
            self._status = picked
            self._draw()

    async def chosen_leads(self) -> Sequence[LeadLine]:
        """Return the selected leads, else the one under the cursor."""
        if self._source is not None and self.rows.selected_count:
            return await self._source.selected(self.rows.selection)
        return (self.lead,) if self.lead else ()

    def leads_done(self) -> None:
        """Select nothing any more."""
        self.rows.clear_selection()

    def _show_lead(self) -> None:
        """Say what is known of the lead under the cursor, on the message line and in the right pane."""
        line = self.lead
        desk = self.counter.desk
        words = _known(line, desk.now(), desk.viewer.zone) if line else []
        self.set_hint(" ".join(words[3:]) or t("leads.hint"))
        self.query_one("#lead", Static).update(Text("\n").join(safe_text(one) for one in words))

    def _clear_filter(self) -> bool:
        if self._status == "open":
            return False
        self._status = "open"
        self._draw()
        return True


def _columns() -> Sequence[Column]:
    return (
        Column("name", t("customers.column.name"), width=8, flex=2),
        Column("phone", t("customers.column.phone"), width=13),
        Column("status", t("leads.column.status"), width=9),
        Column("source", t("customers.column.source"), width=8, flex=1, drop=3),
        Column("created", t("leads.column.created"), width=10, drop=2),
        Column("owner", t("customers.column.owner"), width=8, drop=1),
        Column("more", t("leads.column.more"), width=10, flex=2, drop=4),
    )


def _known(line: LeadLine, now: datetime, zone: str) -> list[str]:
    """Return a lead in words: who, how, since when; then what its table said beside."""
    owner = line.owner_name or figures.NONE
    words = [
        f"{line.name} {figures.phone(line.phone)}".rstrip(),
        t("leads.came", day=figures.day(line.created_on, now, zone), source=line.source or figures.NONE),
        t("leads.belongs", owner=owner, branch=line.branch_name),
    ]
    if line.customer_id:
        words.append(t("leads.became", name=line.customer_name))
    notes = {"note": t("leads.note")}
    return words + [f"{notes.get(key, key)}: {value}" for key, value in line.extra]
