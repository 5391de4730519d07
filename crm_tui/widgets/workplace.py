"""The screen of somebody who is logged in: the keys that work everywhere, and answers from the desk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Concatenate, ParamSpec, TypeVar

from textual import work
from textual.binding import Binding, BindingType

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.frame import CrmScreen
from crm_tui.widgets.keys import twins
from crm_tui.widgets.navigation import Go, Lock, Quit
from crm_tui.widgets.refusal import refusal, refused

if TYPE_CHECKING:
    from crm_tui.commands import Verdict
    from crm_tui.commands.steps import Step
    from crm_tui.store.view import View

P = ParamSpec("P")
T = TypeVar("T")


class WorkScreen(CrmScreen):
    """A screen on the desk's data; subclasses give ``compose_body``, ``redraw`` and ``customer_id``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "keys.help", tooltip="keys.help_tip"),
        Binding(twins("question_mark"), "help", "keys.help", show=False),
        Binding("f2", "find", "keys.find", tooltip="keys.find_tip"),
        Binding("f3", "log", "keys.log", tooltip="keys.log_tip"),
        Binding("f5", "refresh_now", "keys.refresh", tooltip="keys.refresh_tip"),
        Binding("f8", "todo", "keys.todo", tooltip="keys.todo_tip"),
        Binding("f9", "quick", "keys.quick", tooltip="keys.quick_tip"),
        Binding("f10,ctrl+s", "save", "keys.save", tooltip="keys.save_tip"),
        Binding("ctrl+p", "palette", "keys.palette", tooltip="keys.palette_tip"),
        Binding("ctrl+g", "jump", "keys.jump", show=False, tooltip="keys.jump_tip"),
        Binding("ctrl+z", "undo", "keys.undo", show=False, tooltip="keys.undo_tip"),
        Binding("ctrl+y", "redo", "keys.redo", show=False, tooltip="keys.redo_tip"),
        Binding("ctrl+l", "lock", "keys.lock", show=False, tooltip="keys.lock_tip"),
        Binding("ctrl+c,ctrl+q", "quit", "keys.quit", show=False, tooltip="keys.quit_tip"),
        *(Binding(twins(digit), f"find('{digit}')", show=False) for digit in "0123456789"),
    ]

    def __init__(self, counter: Counter, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.counter = counter
        self._stale = False
        self.drawn = False
        self._said_selected = ""

    @property
    def customer_id(self) -> str | None:
        """The customer the cursor is on: what F3 logs for."""
        return None

    @property
    def deal_id(self) -> str | None:
        """The deal the cursor is on, where the screen shows deals."""
        return None

    def on_mount(self) -> None:
        """Follow what changes, and draw."""
        self.counter.changed.subscribe(self, self._on_changed)
        self._draw()

    def on_screen_resume(self) -> None:
        """Draw again what changed while another screen was in front."""
        if self._stale:
            self._draw()

    async def ask(self, question: Callable[Concatenate[View, P], T], *args: P.args, **more: P.kwargs) -> T:
        """Ask the desk off the screen's thread."""
        return await self.counter.desk.ask(question, *args, **more)

    async def act(self, *steps: Step) -> tuple[Verdict, ...]:
        """Carry commands out off the screen's thread; the first refusal is said on the message line.

        A failure to save is said as well and comes back as no verdict: nothing changed, the screen keeps
        what was typed.
        """
        try:
            verdicts = await self.counter.desk.act(*steps)
        except Refused as no:
            self.say(refused(no), "error")
            return ()
        self.say_refusals(verdicts)
        return verdicts

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

    def action_help(self) -> None:
        """Explain this screen."""
        self.post_message(Go("help", about=self))

    def action_find(self, typed: str = "") -> None:
        """Look for a customer by name, pinyin, number or tag."""
        self.post_message(Go("customers", typed=typed))

    def action_log(self) -> None:
        """Log a follow-up with the customer under the cursor."""
        if self.customer_id is None:
            self.say(t("work.choose_customer"), "warn")
        else:
            self.post_message(Go("follow_up", customer_id=self.customer_id, deal_id=self.deal_id))

    def action_todo(self) -> None:
        """Show what is to be done today and what is overdue."""
        self.post_message(Go("todo"))

    def action_quick(self) -> None:
        """Write a customer or a follow-up in one line."""
        self.post_message(Go("quick"))

    def action_palette(self) -> None:
        """Choose anything this screen can do by its name."""
        self.post_message(Go("palette", about=self))

    def action_jump(self) -> None:
        """Go to another screen by a digit or a letter."""
        self.post_message(Go("jump"))

    def action_save(self) -> None:
        """Save or confirm; a screen without anything to save says so."""
        self.say(t("work.nothing_to_save"))

    def action_refresh_now(self) -> None:
        """Read everything again."""
        self._draw()
        self.say(t("work.refreshed"), "good")

    def action_lock(self) -> None:
        """Lock the screen."""
        self.post_message(Lock())

    def action_quit(self) -> None:
        """End the program."""
        self.post_message(Quit())

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
        if applied:
            self.say(t(said, count=applied), "good")
        self.say_refusals(verdicts)

    def _on_changed(self, kinds: frozenset[str]) -> None:
        if not kinds & self.SHOWS:
            return
        if self.is_current:
            self._draw()
        else:
            self._stale = True

    @work(group="draw", exclusive=True, exit_on_error=False)
    async def _draw(self) -> None:
        """Ask and show everything, badges included; a refusal is said and the old values stay."""
        self._stale = False
        try:
            await self._show_badges()
            await self.redraw()
        except Refused as no:
            self.say(refused(no), "error")
        self.drawn = True

    async def _show_badges(self) -> None:
        from crm_tui.queries.badges import badges

        viewer = self.counter.desk.viewer
        counts = await self.ask(badges)
        state = t("work.demo") if self.counter.demo else t("work.local")
        self.set_badges(counts.overdue, counts.today, viewer.name, state)
