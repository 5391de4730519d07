"""What is done with many customers at once: reassign, postpone, tag; each as one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from crm_tui.domain.errors import Refused
from crm_tui.domain.moment import parse_moment
from crm_tui.i18n import t
from crm_tui.widgets import figures
from crm_tui.widgets.asked_rows import AskedRows
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.line_dialog import LineDialog
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.parked import Parked
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.refusal import refused
from crm_tui.widgets.rows import Column, NotAsked
from crm_tui.widgets.workplace import WorkScreen

if TYPE_CHECKING:
    from crm_tui.commands import Command
    from crm_tui.queries.customer_lines import CustomerLine

WITHOUT_ASKING = 10
"""So many are postponed or tagged at once without a question, because Ctrl+Z takes it back."""


class BatchScreen(WorkScreen):
    """A list of customers on which many can be chosen; a subclass asks and composes ``rows``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "reassign", "keys.reassign", show=False, tooltip="batch.reassign_tip"),
        Binding("ctrl+n", "postpone", "keys.later", show=False, tooltip="batch.postpone_tip"),
        Binding("ctrl+t", "tag", "keys.tag", show=False, tooltip="batch.tag_tip"),
    ]

    def __init__(self, counter: Counter, columns: Sequence[Column], empty: str) -> None:
        super().__init__(counter)
        self.rows = VirtualList(columns, NotAsked(), empty=empty, id="rows")
        self.source: AskedRows[Any, CustomerLine] | None = None

    async def show_customers(self, source: AskedRows[Any, CustomerLine]) -> None:
        """Show the answer to another question, or the same one again with the cursor on its customer."""
        if self.source is not None and self.source.question == source.question:
            await self.rows.reload()
            return
        before, self.source = self.source, source
        try:
            await self.rows.show(source)
        except Refused:
            self.source = before
            raise

    @property
    def customer_id(self) -> str | None:
        """The customer under the cursor."""
        return self.rows.cursor_id or None

    @on(VirtualList.SelectionChanged)
    def _selected(self, message: VirtualList.SelectionChanged) -> None:
        self.say_selected(t("batch.selected", count=message.count) if message.count else "")

    @work(group="batch", exclusive=True, exit_on_error=False)
    async def action_reassign(self) -> None:
        """Give the chosen customers to another person, with a reason."""
        from crm_tui.commands.ownership import REASONS, ReassignCustomer
        from crm_tui.queries.pickers import people

        chosen = await self._chosen()
        if not chosen:
            return
        everybody = await self.ask(people)
        rows = [
            PickRow(one.id, one.name, search=one.initials, note=f"{one.unit_name} {one.open_deals}")
            for one in everybody
        ]
        to = await self.app.push_screen_wait(Picker(t("batch.to_whom"), rows))
        if to is None:
            return
        name = next(one.name for one in everybody if one.id == to)
        preview = t("batch.reassign", count=len(chosen), name=name)
        reasons = [Choice(reason, t(f"reason.{reason}")) for reason in REASONS]
        reason = await self.app.push_screen_wait(Confirm(preview, reasons=reasons))
        if reason is None:
            return
        commands = [
            ReassignCustomer(
                customer_id=line.id, to_owner_id=to, expected_owner_id=line.owner_id, reason=reason
            )
            for line in chosen
            if line.owner_id != to
        ]
        await self._carry(commands, lambda count: t("batch.reassigned", count=count, name=name))

    @work(group="batch", exclusive=True, exit_on_error=False)
    async def action_postpone(self) -> None:
        """Set another day for the next contact of the chosen customers."""
        from crm_tui.commands.follow_ups import PostponeContact

        chosen = await self._chosen()
        if not chosen:
            return
        desk = self.counter.desk
        zone = desk.viewer.zone

        def read(typed: str) -> str:
            try:
                return f"-> {figures.moment(parse_moment(typed, desk.now(), zone), desk.now(), zone)}"
            except Refused as no:
                return refused(no)

        typed = await self.app.push_screen_wait(
            LineDialog(t("batch.until", count=len(chosen)), read, Parked(self.counter, "postpone"))
        )
        if not typed:
            return
        try:
            at = parse_moment(typed, desk.now(), zone)
        except Refused as no:
            self.say(refused(no), "error")
            return
        if not await self._agreed(len(chosen), "batch.postpone"):
            return
        commands = [PostponeContact(customer_id=line.id, next_at=at) for line in chosen]
        day = figures.moment(at, desk.now(), zone)
        await self._carry(commands, lambda count: t("batch.postponed", count=count, day=day))

    @work(group="batch", exclusive=True, exit_on_error=False)
    async def action_tag(self) -> None:
        """Add a tag to the chosen customers."""
        from crm_tui.commands.customers import EditCustomer

        chosen = await self._chosen()
        if not chosen:
            return
        tag = await self.app.push_screen_wait(
            LineDialog(t("batch.which_tag", count=len(chosen)), parked=Parked(self.counter, "tag"))
        )
        if not tag or not await self._agreed(len(chosen), "batch.tag"):
            return
        tag = tag.lstrip("#＃")
        commands = [
            EditCustomer(customer_id=line.id, tags=(*line.tags, tag))
            for line in chosen
            if tag not in line.tags
        ]
        await self._carry(commands, lambda count: t("batch.tagged", count=count, tag=tag))

    async def _chosen(self) -> Sequence[CustomerLine]:
        """Return the selected customers, else the one under the cursor; none, or a refusal, is said."""
        if self.source is None:
            return ()
        try:
            if self.rows.selected_count:
                chosen = await self.source.selected(self.rows.selection)
            else:
                chosen = [one for one in (self.source.seen.get(self.rows.cursor_id),) if one]
        except Refused as no:
            self.say(refused(no), "error")
            return ()
        if not chosen:
            self.say(t("work.choose_customer"), "warn")
        return chosen

    async def _agreed(self, count: int, key: str) -> bool:
        """Ask before a step on more than WITHOUT_ASKING customers."""
        if count <= WITHOUT_ASKING:
            return True
        return await self.app.push_screen_wait(Confirm(t(key, count=count))) is not None

    async def _carry(self, commands: Sequence[Command], said: Callable[[int], str]) -> None:
        """Carry the commands out as one step and say how many were applied."""
        if not commands:
            self.say(t("batch.nothing"))
            return
        verdicts = await self.act(*commands)
        applied = sum(verdict.applied for verdict in verdicts)
        if applied:
            self.rows.clear_selection()
            if applied == len(verdicts):
                self.say(said(applied), "good")
