"""Sync: how this terminal stands with its hub, and what became of its commands; refusals come first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from crm_tui.commands import by_kind
from crm_tui.desk.link import LINK, LinkState
from crm_tui.domain.errors import Refused
from crm_tui.domain.follow_up import DRAFT_FORM
from crm_tui.i18n import t
from crm_tui.queries.outbox import (
    DRAFT,
    LOOK_AT,
    REFUSED,
    CommandLine,
    lost_drafts,
    open_commands,
    sync_lines,
    this_device,
)
from crm_tui.widgets import figures
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.form_window import FormWindow
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
from crm_tui.widgets.refusal import refusal, refused
from crm_tui.widgets.rows import Column, ListSource, Row, RowTone
from crm_tui.widgets.standing import met_words
from crm_tui.widgets.text import safe_text
from crm_tui.widgets.words_window import WordsWindow
from crm_tui.widgets.workplace import WorkScreen

if TYPE_CHECKING:
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
    """What the screen shows, read in one go; ``state`` is None where the terminal works alone."""

    state: LinkState | None
    lines: tuple[CommandLine, ...]
    refused: int
    device: str


class SyncScreen(WorkScreen):
    """The way to the hub above, the last commands below; Enter says why and shows all that was typed."""

    SHOWS: ClassVar[frozenset[str]] = frozenset({LINK, "outbox"})
    AUTO_FOCUS = "#rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6,c", "correct", "sync.correct_key", tooltip="sync.correct_tip"),
        Binding("f7,r", "again", "sync.again_key", tooltip="sync.again_tip"),
        Binding("delete,x", "discard", "sync.discard_key", show=False, tooltip="sync.discard_tip"),
    ]

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        self._shown: _Shown | None = None
        self._latency: float | None = None
        self._rows = VirtualList(_columns(), ListSource(), empty=t("sync.empty"), selects=False, id="rows")

    def compose_body(self) -> ComposeResult:
        """How it stands, then the commands."""
        yield Static("", id="head", markup=False)
        yield self._rows

    def on_mount(self) -> None:
        """Measure how far away the hub is while the rest is drawn."""
        self._measure()

    async def redraw(self) -> None:
        """Read everything again; the cursor stays on its command."""
        self.title = t("sync.title")
        link = self.counter.desk.link
        self._shown = await self.ask(lambda view: _shown(view, link))
        await self._rows.show(
            ListSource([self._row(one) for one in self._shown.lines]), to=self._rows.cursor_id
        )
        clear = not any(one.state in (*LOOK_AT, DRAFT) for one in self._shown.lines)
        if link is not None:
            self.set_hint(t("sync.hint_clear") if clear else t("sync.hint"))
        self._show_head()

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
                lambda typed: self._resend(line, typed),
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

    async def _resend(self, line: CommandLine, typed: Answers) -> str:
        """Give the corrected command; return why not."""
        (verdict,) = await self.counter.desk.act(corrected(line, typed), supersedes=line.cmd_id)
        return "" if verdict.applied else refusal(verdict.code, verdict.details)

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

    @work(group="measure", exclusive=True, exit_on_error=False)
    async def _measure(self) -> None:
        if self.counter.desk.link is not None:
            self._latency = await self.counter.desk.link.ping()
            self._show_head()

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
        if self._shown is not None and self.is_attached:
            desk = self.counter.desk
            words = _head(self._shown, self._latency, desk.now(), desk.viewer.zone)
            self.query_one("#head", Static).update(Text("\n").join(safe_text(one) for one in words))

    def _row(self, line: CommandLine) -> Row:
        desk = self.counter.desk
        cells = (
            met_words(line.at, desk.now(), desk.viewer.zone),
            t(f"command.{line.kind}"),
            line.subject or figures.NONE,
            result_words(line),
        )
        return Row(line.cmd_id, cells, _TONES.get(line.state, ""))


def _shown(view: View, link: Link | None) -> _Shown:
    drafts = lost_drafts(view)
    if link is None:
        return _Shown(None, drafts, 0, "")
    lines = (*drafts, *sync_lines(view))
    return _Shown(link.state_in(view.tx), lines, open_commands(view), this_device(view))


def _columns() -> Sequence[Column]:
    """Return the columns: what was done is as wide as its longest name; the answer is the last to go."""
    named = max(cell_len(t(f"command.{kind}")) for kind in by_kind())
    return (
        Column("at", t("sync.column.at"), width=10, drop=3),
        Column("what", t("sync.column.what"), width=named, drop=2),
        Column("whom", t("sync.column.whom"), width=10, drop=1),
        Column("result", t("sync.column.result"), width=20, flex=1),
    )


def _head(shown: _Shown, latency: float | None, now: datetime, zone: str) -> list[str]:
    """Return how the terminal stands with its hub, in lines."""
    if shown.state is None:
        return [t("sync.no_hub")]
    state, found = shown.state, shown.state.standing
    shared = found.url.startswith("file:")
    online = {None: "unknown", True: "yes", False: "no"}[state.online]
    way = [t(f"sync.online.{online}"), found.url, t("sync.mode.share" if shared else "sync.mode.http")]
    if latency is not None:
        way.append(t("sync.latency", ms=max(round(latency * 1000), 1)))
    met = t("sync.device", device=shown.device, at=met_words(found.last_met, now, zone))
    lines = [
        f"{t('sync.head.connection')}  {'  '.join(way)}",
        f"{t('sync.head.device')}  {met}  {_clock_words(found.minutes_off)}",
        f"{t('sync.head.queue')}  {t('sync.queue', waiting=found.waiting, refused=shown.refused)}",
    ]
    if state.trouble:
        lines.append(t("sync.trouble", why=refusal(state.trouble, state.details)))
    if shared:
        lines.append(t("sync.advisory"))
    return lines


def _clock_words(minutes_off: int) -> str:
    """Say how far this clock is from the hub's, where that is worth saying."""
    if not minutes_off:
        return t("sync.clock.right")
    return t("sync.clock.fast" if minutes_off > 0 else "sync.clock.slow", minutes=abs(minutes_off))
