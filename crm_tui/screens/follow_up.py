"""The follow-up form: every answer mandatory, Enter all the way, F10 saves from any field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from crm_tui.domain.errors import Refused
from crm_tui.domain.follow_up import AMENDS, DRAFT_FORM, NO_CHANGE
from crm_tui.i18n import t
from crm_tui.widgets import figures
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.drafting import KeepsDraft
from crm_tui.widgets.field_row import Value
from crm_tui.widgets.follow_up_form import FollowUpForm
from crm_tui.widgets.form import Form
from crm_tui.widgets.navigation import Done
from crm_tui.widgets.refusal import refused
from crm_tui.widgets.text import safe_text

if TYPE_CHECKING:
    from crm_tui.commands import Command
    from crm_tui.queries.follow_ups import FollowUpStart, Said
    from crm_tui.widgets.kept_command import Kept


_GONE: Final = frozenset({"customer_unknown", "follow_up_unknown"})
"""Why a follow-up is refused whose customer was taken away while it was written."""


class FollowUpScreen(KeepsDraft):
    """Log a follow-up, or amend the one given as ``amends``; what was typed outlives Esc and kill -9.

    What the hub refused comes back as ``kept``: the follow-up takes its place. ``gone`` is the name of a
    customer who is not here any more: the hub takes in what was said with them all the same.
    """

    SHOWS: ClassVar[frozenset[str]] = frozenset()
    AUTO_FOCUS = ""
    FORM = DRAFT_FORM
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "move_too", "follow_up.move_key", tooltip="follow_up.move_tip"),
        Binding("f7", "like_last", "follow_up.last_key", tooltip="follow_up.last_tip"),
    ]

    def __init__(
        self,
        counter: Counter,
        customer_id: str,
        deal_id: str | None = None,
        amends: Said | None = None,
        *,
        kept: Kept | None = None,
        gone: str = "",
    ) -> None:
        super().__init__(counter)
        self._customer_id = customer_id
        self._deal_id = deal_id
        self._amends = amends
        self._kept = kept
        self._gone = gone
        self._start: FollowUpStart | None = None
        self._moves = False
        self._form = FollowUpForm(counter.desk.now)

    @property
    def customer_id(self) -> str | None:
        """The customer of the form."""
        return self._customer_id

    @property
    def subject(self) -> str:
        """What a draft of this form is about: the customer, or what is amended or was refused."""
        if self._kept is not None:
            return self._kept.cmd_id
        return f"{AMENDS}{self._amends.follow_up_id}" if self._amends else self._customer_id

    @property
    def about(self) -> str:  # type: ignore[override]  # known when the customer is
        """The customer's name."""
        return self._start.name if self._start else self._gone

    @property
    def draft_kept_words(self) -> str:
        """Say how to go on: F3 on the same customer, or where drafts about one who is gone stand."""
        return t("follow_up.draft_elsewhere" if self._gone else "follow_up.draft_kept")

    def answers(self) -> Mapping[str, Value]:
        """Return what the fields hold."""
        return self._form.values()

    def compose_body(self) -> ComposeResult:
        """The customer above, the fields below, what was said last at the right."""
        yield Static("", id="customer", markup=False)
        with Horizontal():
            with Vertical(id="fields"):
                yield self._form
                yield Static("", id="move", markup=False)
            yield Static("", classes="side-pane", id="last", markup=False)

    async def redraw(self) -> None:
        """Read the customer once and offer the draft; the fields are the person's from then on."""
        if self._start is not None:
            return
        from crm_tui.queries.follow_ups import follow_up_start, start_elsewhere

        if self._gone:
            self._start = await self.ask(start_elsewhere, self._customer_id, self._gone, self._deal_id)
            self.set_hint(t("follow_up.gone", name=self._gone))
        else:
            self._start = await self.ask(follow_up_start, self._customer_id, self._deal_id)
        self._show_start(self._start)
        self._form.keep_days_of(self._start.zone)
        if self._amends is not None and not self._typed:
            self._form.take_over(self._amends)
        if self._kept is not None and not self._typed:
            self._form.take_over_given(self._kept.given or {"need_change": self._kept.text})
        self._form.fill(await self.take_draft())
        self._form.rows[0].field.focus()

    def _show_start(self, start: FollowUpStart) -> None:
        now = self.counter.desk.now()
        last = figures.ago(start.last[0].occurred_at, now, start.zone) if start.last else t("figures.never")
        who = t(
            "follow_up.customer_line",
            name=start.name,
            phone=figures.phone(start.phone),
            stage=start.stage_name or figures.NONE,
            last=last,
        )
        self.query_one("#customer", Static).update(safe_text(who))
        lines = [t("follow_up.said_before")]
        for said in start.last:
            lines += [
                " ".join(
                    (
                        figures.moment(said.occurred_at, now, start.zone),
                        t(f"follow_up.channel.{said.channel}"),
                    )
                ),
                f" {_need_words(said.need_change)}",
                f" {t('follow_up.next_step')}: {said.next_step}",
            ]
        self.query_one("#last", Static).update(_lines(lines))
        self._show_counter()

    @on(Form.Changed)
    def _note_typing(self, message: Form.Changed) -> None:
        """Count what is filled, and keep a draft when the typing pauses."""
        self._show_counter()
        if self._start is None:
            return
        self.note_typing()

    @on(Form.Ended)
    def _ended(self) -> None:
        """Enter behind the last field saves."""
        self.action_save()

    def action_move_too(self) -> None:
        """Move the deal to its next stage with the same key that saves."""
        if self._start is None or not self._start.next_stage:
            self.say(t("follow_up.no_next_stage"), "warn")
            return
        self._moves = not self._moves
        words = t("follow_up.moves", stage=self._start.next_stage_name) if self._moves else ""
        self.query_one("#move", Static).update(safe_text(f"  [x] {words}" if words else ""))

    def action_like_last(self) -> None:
        """Fill in the answers of the last follow-up, to be changed."""
        if self._start is None or not self._start.last:
            self.say(t("follow_up.no_last"), "warn")
            return
        self._form.take_over(self._start.last[0], with_day=False)

    def action_save(self) -> None:
        """Save; with a gap nothing is saved and the cursor goes to it."""
        if self._start is None or self._saving:
            return
        if self._form.focus_gap():
            self.say(self._form.gap_words(), "error")
            return
        if not self._form.check():
            return
        self._saving = True
        self._save()

    @work(group="save", exit_on_error=False)
    async def _save(self) -> None:
        assert self._start is not None
        start, commands = self._start, self._commands(self._start)
        supersedes = self._kept.cmd_id if self._kept is not None else ""
        try:
            verdicts = await self.act(*commands, supersedes=supersedes)
            if verdicts and verdicts[0].code in _GONE:
                self._gone = start.name
                moved = all(verdict.applied for verdict in verdicts[1:])
                await self._leave_to_hub(commands[0], supersedes, moved=moved)
        finally:
            self._saving = False
        if not verdicts or not verdicts[0].applied:
            return
        left = await self.forget_draft()
        refused_move = [verdict for verdict in verdicts[1:] if not verdict.applied]
        key = "follow_up.saved_not_moved" if refused_move else "follow_up.saved"
        self.post_message(Done(f"{t(key, name=start.name)} {left}".rstrip()))

    async def _leave_to_hub(self, command: Command, supersedes: str, *, moved: bool) -> None:
        """Send what was said with a customer who was taken away meanwhile; without a hub the form stays.

        A deal that was to be moved besides is, where it did not go with the customer.
        """
        desk, name = self.counter.desk, self._gone
        if desk.link is None or not command.fact:
            return
        try:
            await desk.write(lambda: desk.inbox.leave_to_hub(command, about=name, supersedes=supersedes))
        except Refused as no:
            self.say(refused(no), "error")
            return
        left = await self.forget_draft()
        key = "follow_up.left_to_hub" if moved else "follow_up.left_not_moved"
        self.post_message(Done(f"{t(key, name=name)} {left}".rstrip()))

    def _commands(self, start: FollowUpStart) -> list[Command]:
        from crm_tui.commands.deals import MoveDeal
        from crm_tui.commands.follow_ups import AmendFollowUp, LogFollowUp

        answers = self._form.answers()
        if self._amends is not None:
            return [AmendFollowUp(follow_up_id=self._amends.follow_up_id, **answers)]
        commands: list[Command] = [
            LogFollowUp(customer_id=start.customer_id, deal_id=start.deal_id, **answers)
        ]
        if self._moves and start.deal_id:
            commands.append(
                MoveDeal(deal_id=start.deal_id, to_stage=start.next_stage, expected_stage=start.stage)
            )
        return commands

    def _show_counter(self) -> None:
        filled, mandatory = self._form.counter()
        self.title = t("follow_up.title", filled=filled, mandatory=mandatory)


def _need_words(need_change: str) -> str:
    return t("follow_up.no_change") if need_change == NO_CHANGE else need_change


def _lines(lines: list[str]) -> Any:
    from rich.text import Text

    return Text("\n").join(safe_text(line) for line in lines)
