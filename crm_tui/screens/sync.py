"""Sync: how this terminal stands with its hub, and what became of its commands; refusals come first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from crm_tui.commands import by_kind
from crm_tui.desk.link import LINK
from crm_tui.domain.errors import Refused
from crm_tui.domain.follow_up import DRAFT_FORM
from crm_tui.i18n import t
from crm_tui.queries.outbox import (
    DRAFT,
    EVERYTHING,
    LOOK_AT,
    NOT_APPLIED,
    REFUSED,
    WAITING,
    CommandLine,
    drafts_kept,
    lost_drafts,
    open_commands,
    reached,
    sync_lines,
    this_device,
)
from crm_tui.widgets import figures
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.form_window import FormWindow
from crm_tui.widgets.hub_window import HubWindow
from crm_tui.widgets.kept_command import (
    Kept,
    corrected,
    correction,
    kept_text,
    result_words,
    typed_lines,
)
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.refusal import refusal, refused
from crm_tui.widgets.rows import Column, ListSource, Row, RowTone
from crm_tui.widgets.standing import met_words
from crm_tui.widgets.sync_head import Facts, SyncFoot, SyncHead
from crm_tui.widgets.words_window import WordsWindow
from crm_tui.widgets.workplace import STANDING_SECONDS, WorkScreen

if TYPE_CHECKING:
    from crm_tui.desk import Desk
    from crm_tui.desk.link import Link
    from crm_tui.store.view import View
    from crm_tui.widgets.command_form import Answers

_TONES: Final[dict[str, RowTone]] = {
    "rejected": "alarm",
    "held": "warn",
    "quarantined": "warn",
    "flagged": "warn",
    "draft": "warn",
    "discarded": "muted",
    "superseded": "muted",
}
_REJECTED: Final = "rejected"


@dataclass(frozen=True)
class _Shown:
    """What the screen shows, read in one go."""

    facts: Facts
    lines: tuple[CommandLine, ...]


class SyncScreen(WorkScreen):
    """The way to the hub above, the last commands below; Enter says why and shows all that was typed."""

    SHOWS: ClassVar[frozenset[str]] = frozenset({LINK, "outbox"})
    AUTO_FOCUS = "#rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f4", "filter", "keys.filter", tooltip="sync.filter_tip"),
        Binding("f6,c", "correct", "sync.correct_key", tooltip="sync.correct_tip"),
        Binding("f7,r", "again", "sync.again_key", tooltip="sync.again_tip"),
        Binding("f8,d", "devices", "sync.devices_key", tooltip="sync.devices_tip"),
        Binding("delete,x", "discard", "sync.discard_key", show=False, tooltip="sync.discard_tip"),
    ]

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        self._shown: _Shown | None = None
        self._which = EVERYTHING
        self._head, self._foot = SyncHead(), SyncFoot()
        self._rows = VirtualList(_columns(), ListSource(), empty=t("sync.empty"), selects=False, id="rows")

    def compose_body(self) -> ComposeResult:
        """How it stands, then the commands, then what can be done without the hub."""
        yield self._head
        yield self._rows
        yield self._foot

    def on_mount(self) -> None:
        """Let the time without the hub go on."""
        if self.counter.desk.link is not None:
            self.set_interval(STANDING_SECONDS, self._show_head)

    async def redraw(self) -> None:
        """Read everything again; the cursor stays on its command."""
        link, which = self.counter.desk.link, self._which
        filtered = which != EVERYTHING
        words = t(f"sync.filter.{which}")
        self.title = t("sync.title_filtered", which=words) if filtered else t("sync.title")
        self._rows.empty = t("sync.empty_filtered" if filtered else "sync.empty")
        before = self._shown
        self._shown = await self.ask(lambda view: _shown(view, link, which))
        now, zone = self.counter.desk.now(), self.counter.desk.viewer.zone
        rows = ListSource([_row(one, now, zone) for one in self._shown.lines])
        await self._rows.show(rows, to=self._rows.cursor_id)
        clear = not any(one.state in (*LOOK_AT, DRAFT) for one in self._shown.lines)
        if link is not None:
            hint = "sync.hint_filtered" if filtered else "sync.hint_clear" if clear else "sync.hint"
            self.set_hint(t(hint))
        if before is None or before.facts.stands_at != self._shown.facts.stands_at:
            self._head.forget(self._shown.facts)
            self._measure()
        self._show_head()

    def escape_steps(self) -> Sequence[Callable[[], bool]]:
        """Esc shows all the commands again, before it leads back."""
        return (self._clear_filter,)

    @property
    def line(self) -> CommandLine | None:
        """The command under the cursor."""
        lines = self._shown.lines if self._shown else ()
        return next((one for one in lines if one.cmd_id == self._rows.cursor_id), None)

    @property
    def customer_id(self) -> str | None:
        """The customer of the command under the cursor, who is here."""
        return self.line.customer_id if self.line and self.line.is_here else None

    def action_refresh_now(self) -> None:
        """Meet the hub, and measure how far away it is."""
        super().action_refresh_now()
        self._measure()

    @on(VirtualList.Opened)
    def _open(self) -> None:
        """Say why, and show everything that was typed."""
        line = self.line
        if line is None:
            return
        said = [t("sync.detail_whom", whom=line.subject or figures.NONE)]
        said += [t("sync.detail_result", result=result_words(line)), "", t("sync.typed")]
        said += typed_lines(line, self._at)
        title = t("sync.detail_title", what=t(f"command.{line.kind}"), at=self._at(line.at))
        self.app.push_screen(WordsWindow(title, said))

    @work(group="do", exit_on_error=False)
    async def action_correct(self) -> None:
        """Open what was typed again: the right form, a form of its fields, or a note about the customer."""
        line = self._to_deal_with(*REFUSED, DRAFT)
        if line is None:
            return
        specs, values = correction(line)
        if line.kind == "log_follow_up" and line.customer_id:
            self._to_form(line, Kept(line.cmd_id, line.args) if line.state in REFUSED else None)
        elif specs and line.state == _REJECTED and (line.is_here or "customer_id" not in line.args):
            title = t("sync.correct_title", what=t(f"command.{line.kind}"))
            window = FormWindow(
                self.counter,
                line.cmd_id,
                title,
                specs,
                lambda typed: _resend(self.counter.desk, line, typed),
                values=values,
            )
            if await self.app.push_screen_wait(window):
                self.say(t("sync.corrected"), "good")
        elif line.customer_id:
            self._to_form(line, Kept(line.cmd_id, {}, kept_text(line, self._at)))
        else:
            self.say(t("sync.no_form"), "warn")

    def _to_form(self, line: CommandLine, kept: Kept | None) -> None:
        """Open the form of a follow-up, also about a customer who is gone from here."""
        deal_id = line.args.get("deal_id") if kept is not None and kept.given else None
        gone = "" if line.is_here else line.subject or figures.NONE
        self.post_message(
            Go("follow_up", customer_id=line.customer_id, deal_id=deal_id, kept=kept, gone=gone)
        )

    @work(group="do", exit_on_error=False)
    async def action_again(self) -> None:
        """Give the command again as it is."""
        line = self._to_deal_with(*REFUSED)
        if line is None:
            return
        desk = self.counter.desk
        try:
            verdict = await desk.write(lambda: desk.inbox.again(line.cmd_id))
        except Refused as no:
            self.say(refused(no), "warn")
            return
        if verdict.applied:
            self.say(t("sync.again_done"), "good")
        else:
            self.say(refusal(verdict.code, verdict.details), "error")

    @work(group="do", exit_on_error=False)
    async def action_discard(self) -> None:
        """Take the command off the list, after asking once; a draft is thrown away."""
        line = self._to_deal_with(*LOOK_AT, DRAFT)
        if line is None:
            return
        how = "draft" if line.state == DRAFT else "discard" if line.state in REFUSED else "seen"
        if await self.app.push_screen_wait(Confirm(t(f"sync.{how}_ask"))) is None:
            return
        desk = self.counter.desk
        try:
            if line.state == DRAFT:
                await desk.write(lambda: desk.drawer.drop(DRAFT_FORM, line.cmd_id))
                await self.redraw()
            else:
                await desk.write(lambda: desk.inbox.discard(line.cmd_id))
        except Refused as no:
            self.say(refused(no), "warn")
            return
        self.say(t(f"sync.{how}_done"), "good")

    @work(group="filter", exit_on_error=False)
    async def action_filter(self) -> None:
        """Choose which commands are shown."""
        rows = [PickRow(one, t(f"sync.filter.{one}")) for one in (EVERYTHING, WAITING, NOT_APPLIED)]
        picked = await self.app.push_screen_wait(Picker(t("sync.pick_filter"), rows))
        if picked is not None:
            self._which = picked
            self._draw()

    @work(group="devices", exclusive=True, exit_on_error=False)
    async def action_devices(self) -> None:
        """Show the hub and every terminal it has, to who may manage people."""
        desk = self.counter.desk
        self.say(t("sync.devices.asking"))
        try:
            answer = await desk.outlook.devices()
            await self._head.ask(desk)
        except Refused as no:
            self.say(refused(no), "warn")
            return
        self.say("")
        if self.is_active and self._shown is not None:
            said = self._head.hub_lines(self._shown.facts)
            self.app.push_screen(HubWindow(said, answer, desk.now(), desk.viewer.zone))

    @work(group="measure", exclusive=True, exit_on_error=False)
    async def _measure(self) -> None:
        await self._head.ask(self.counter.desk)
        self._show_head()

    def _clear_filter(self) -> bool:
        if self._which == EVERYTHING:
            return False
        self._which = EVERYTHING
        self._draw()
        return True

    def _to_deal_with(self, *states: str) -> CommandLine | None:
        """Return the command under the cursor if there is something to be done with it, else say so."""
        line = self.line
        if line is None:
            self.say(t("sync.nothing_chosen"), "warn")
        elif line.state not in states:
            self.say(t("sync.counts" if line.state in LOOK_AT else "sync.settled"), "warn")
        else:
            return line
        return None

    def _at(self, instant: datetime) -> str:
        desk = self.counter.desk
        return figures.moment(instant, desk.now(), desk.viewer.zone)

    def _show_head(self) -> None:
        desk = self.counter.desk
        if self._shown is not None and self.is_attached and desk.is_logged_in:
            self._head.show(self._shown.facts, desk.now(), desk.viewer.zone)
            self._foot.show(self._shown.facts, desk.now())


def _shown(view: View, link: Link | None, which: str) -> _Shown:
    drafts = () if which == WAITING else lost_drafts(view)
    kept = drafts_kept(view)
    if link is None:
        return _Shown(Facts(None, kept), drafts)
    facts = Facts(link.state_in(view.tx), kept, open_commands(view), this_device(view), reached(view))
    return _Shown(facts, (*drafts, *sync_lines(view, which)))


async def _resend(desk: Desk, line: CommandLine, typed: Answers) -> str:
    """Give the corrected command; return why not."""
    (verdict,) = await desk.act(corrected(line, typed), supersedes=line.cmd_id)
    return "" if verdict.applied else refusal(verdict.code, verdict.details)


def _row(line: CommandLine, now: datetime, zone: str) -> Row:
    cells = (
        met_words(line.at, now, zone),
        t(f"command.{line.kind}"),
        line.subject or figures.NONE,
        result_words(line),
    )
    return Row(line.cmd_id, cells, _TONES.get(line.state, ""))


def _columns() -> Sequence[Column]:
    """Return the columns: what was done is as wide as its longest name; the answer is the last to go."""
    named = max(cell_len(t(f"command.{kind}")) for kind in by_kind())
    return (
        Column("at", t("sync.column.at"), width=10, drop=3),
        Column("what", t("sync.column.what"), width=named, drop=2),
        Column("whom", t("sync.column.whom"), width=10, drop=1),
        Column("result", t("sync.column.result"), width=20, flex=1),
    )
