"""The screen of somebody who is logged in: the keys that work everywhere, and answers from the desk."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Concatenate, ParamSpec, TypeVar

from textual import work
from textual.binding import Binding, BindingType

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.frame import Tone
from crm_tui.widgets.paging import Paged
from crm_tui.widgets.refusal import clock_behind, refusal, refused
from crm_tui.widgets.wayfinding import Wayfinding

if TYPE_CHECKING:
    from crm_tui.commands import Verdict
    from crm_tui.commands.steps import Step
    from crm_tui.store.view import View

P = ParamSpec("P")
T = TypeVar("T")

STANDING_SECONDS = 30.0
"""How often the header looks how this terminal stands with its hub, though it was told of nothing."""


class WorkScreen(Wayfinding):
    """A screen on the desk's data; subclasses give ``compose_body``, ``redraw`` and ``customer_id``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "refresh_now", "keys.refresh", tooltip="keys.refresh_tip"),
        Binding("f10,ctrl+s", "save", "keys.save", tooltip="keys.save_tip"),
        Binding("ctrl+z", "undo", "keys.undo", show=False, tooltip="keys.undo_tip"),
        Binding("ctrl+y", "redo", "keys.redo", show=False, tooltip="keys.redo_tip"),
    ]

    def __init__(self, counter: Counter, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.counter = counter
        self._stale = False
        self._done_here = self._done_elsewhere = False
        self.drawn = False
        self._said_selected = ""

    def on_mount(self) -> None:
        """Follow what changes, and draw."""
        self.counter.changed.subscribe(self, self._on_changed)
        if self.counter.desk.link is not None:
            self.set_interval(STANDING_SECONDS, self._show_standing)
        self._draw()

    def on_screen_resume(self) -> None:
        """Draw again what changed while another screen was in front."""
        if self._stale:
            self._draw()

    async def ask(self, question: Callable[Concatenate[View, P], T], *args: P.args, **more: P.kwargs) -> T:
        """Ask the desk off the screen's thread."""
        return await self.counter.desk.ask(question, *args, **more)

    async def act(self, *steps: Step, supersedes: str = "") -> tuple[Verdict, ...]:
        """Carry commands out off the screen's thread; the first refusal is said on the message line.

        A failure to save is said as well and comes back as no verdict: nothing changed, the screen keeps
        what was typed. ``supersedes`` is the refused command in whose place the first one stands.
        """
        try:
            verdicts = await self.counter.desk.act(*steps, supersedes=supersedes)
        except Refused as no:
            self.say(refused(no), "error")
            return ()
        self.say_refusals(verdicts)
        return verdicts

    def say(self, text: str, tone: Tone = "info") -> None:
        """Say it; good news of a save tell first that the clock was set back, last what may be refused."""
        if tone != "good":
            super().say(text, tone)
            return
        desk = self.counter.desk
        jump = desk.watch.take_jump()
        if desk.inbox.take_unconfirmed():
            text = t("work.unconfirmed", text=text)
        super().say(
            text if jump is None else f"{clock_behind(jump)} {text}", tone if jump is None else "warn"
        )

    def say_refusals(self, verdicts: Sequence[Verdict]) -> None:
        """Say the first refusal and how many there were, or nothing."""
        no = [verdict for verdict in verdicts if not verdict.applied]
        if not no:
            return
        sentence = refusal(no[0].code, no[0].details)
        more = t("work.more_refused", count=len(no)) if len(no) > 1 else ""
        self.say(f"{sentence} {more}".rstrip(), "error")

    def say_selected(self, text: str) -> None:
        """Say how much is selected; an empty text takes such a sentence away, and nothing else."""
        if text or self.message == self._said_selected:
            self.say(text)
        self._said_selected = text

    def action_save(self) -> None:
        """Save or confirm; a screen without anything to save says so."""
        self.say(t("work.nothing_to_save"))

    def action_refresh_now(self) -> None:
        """Meet the hub now, if there is one, and read everything again; what others changed is marked."""
        self._done_elsewhere = True
        self._draw()
        if self.counter.desk.link is None:
            self.say(t("work.refreshed"), "good")
        else:
            self.say(t("sync.meeting"))
            self._meet_hub()

    @work(group="meet", exclusive=True, exit_on_error=False)
    async def _meet_hub(self) -> None:
        """Run a round beside the work, and say what it brought or what is in its way."""
        from crm_tui.sync.messages import HubError

        link = self.counter.desk.link
        assert link is not None, "only a counter with a hub meets it"
        try:
            report = await link.meet()
        except (HubError, Refused) as no:
            self.say(refusal(no.code, no.details), "warn")
            return
        self.say(t("sync.met", sent=report.sent, received=report.pulled), "good")

    @work(group="step", exit_on_error=False)
    async def action_undo(self) -> None:
        """Take the last step back."""
        await self._step(self.counter.desk.undo, "work.undone")

    @work(group="step", exit_on_error=False)
    async def action_redo(self) -> None:
        """Do again what was taken back."""
        await self._step(self.counter.desk.redo, "work.redone")

    async def _step(self, step: Callable[[], tuple[Verdict, ...]], said: str) -> None:
        try:
            verdicts = await self.counter.desk.write(step)
        except Refused as no:
            self.say(refused(no), "warn")
            return
        applied = sum(verdict.applied for verdict in verdicts)
        left = [verdict for verdict in verdicts if not verdict.applied]
        if applied:
            self.say(t(said, count=applied), "good")
        if left:
            why = refusal(left[0].code, left[0].details)
            key = f"{said}_partly" if applied else f"{said}_not"
            self.say(t(key, count=applied, left=len(left), why=why), "error")

    def _on_changed(self, kinds: frozenset[str]) -> None:
        """Draw what changed; news from the hub come with LINK among the kinds."""
        from crm_tui.desk.link import LINK

        if LINK in kinds and self.is_current:
            self._show_standing()
        if not kinds & self.SHOWS:
            return
        if LINK in kinds:
            self._done_elsewhere = True
        else:
            self._done_here = True
        if self.is_current:
            self._draw()
        else:
            self._stale = True

    @work(group="draw", exclusive=True, exit_on_error=False)
    async def _draw(self) -> None:
        """Ask and show everything, badges included; a refusal is said and the old values stay."""
        self._stale = self.drawn = False  # a key that came now would meet what was before
        self._mark_changes(by_others=self._done_elsewhere and not self._done_here)
        try:
            await self._show_badges()
            await self.redraw()
        except Refused as no:
            if self.counter.desk.is_logged_in:
                self.say(refused(no), "error")
            else:
                self._stale = True  # locked meanwhile: drawn when somebody is back
        self._mark_changes(by_others=False)
        self._done_here = self._done_elsewhere = False
        self.drawn = True

    def _mark_changes(self, *, by_others: bool) -> None:
        for one in self.query("Paged"):
            if isinstance(one, Paged):
                one.by_others = by_others

    async def _show_badges(self) -> None:
        from crm_tui.queries.badges import badges

        viewer = self.counter.desk.viewer
        counts = await self.ask(badges)
        self.set_badges(counts.overdue, counts.today, viewer.name, await self._standing_words())

    @work(group="standing", exclusive=True, exit_on_error=False)
    async def _show_standing(self) -> None:
        """Show how this terminal stands with its hub, beside the counts as they were."""
        with contextlib.suppress(Refused):  # nobody is logged in any more: the screen goes
            words, shown = await self._standing_words(), self.badges
            self.set_badges(shown.overdue, shown.today, shown.who, words)

    async def _standing_words(self) -> str:
        link = self.counter.desk.link
        if link is None:
            return t("work.demo") if self.counter.demo else t("work.local")
        from crm_tui.queries.outbox import open_commands
        from crm_tui.widgets.standing import standing_words

        state, refused = await self.ask(lambda view: (link.state_in(view.tx), open_commands(view)))
        return standing_words(state, refused, self.counter.desk.now(), self.counter.desk.viewer.zone)
