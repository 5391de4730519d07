"""Quick entry: a customer or a follow-up in one line, read aloud while it is typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from crm_tui.domain.errors import Refused
from crm_tui.domain.follow_up import DRAFT_FORM
from crm_tui.domain.quick_entry import QuickEntry, parse_quick_entry
from crm_tui.i18n import t
from crm_tui.widgets import figures
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.drafting import KeepsDraft
from crm_tui.widgets.field_row import Value, Words
from crm_tui.widgets.fields import TextField
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.refusal import refusal, refused
from crm_tui.widgets.text import clean, safe_text

if TYPE_CHECKING:
    from crm_tui.commands import Verdict
    from crm_tui.exchange.quick import QuickPlan

MOST_LINES = 50
"""Lines that Up brings back."""

_TOGETHER = (
    ("phone",),
    ("name", "level"),
    ("tags", "amount", "line"),
    ("owner", "stage"),
    ("channel", "need"),
    ("objection", "next_step"),
    ("next_at",),
)
"""Parts that are read on one line."""

_LONG = ("need_change", "next_step", "objection_note")


class QuickLine(TextField):
    """The line of quick entry; Up and Down bring back the lines entered before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(-1)", "quick.recall", show=False),
        Binding("down", "recall(1)", "quick.recall_next", show=False),
    ]

    def __init__(self, *, id: str, max_length: int) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id, max_length=max_length)
        self._entered: list[str] = []
        self._recalled = 0
        self._given: str | None = ""

    @property
    def line(self) -> str:
        """The line without the blanks around it."""
        return self.value.strip()

    def is_typed(self) -> bool:
        """Tell whether the person has changed what the program put here, be it back to the same."""
        if self.line != self._given:
            self._given = None
        return self._given is None

    def put(self, line: str) -> None:
        """Hold another line, the cursor behind it."""
        self._given = line.strip()
        self.value = clean(line)
        self.cursor_position = len(self.value)

    def remember(self, line: str) -> None:
        """Keep a line that Up brings back, the last MOST_LINES of them."""
        self._entered = [*self._entered, line][-MOST_LINES:]
        self._recalled = len(self._entered)

    def action_recall(self, by: int) -> None:
        """Bring back a line entered before (-1), or go on to the next one (1)."""
        place = self._recalled + by
        if 0 <= place <= len(self._entered):
            self._recalled = place
            self.put(self._entered[place] if place < len(self._entered) else "")


class QuickScreen(KeepsDraft):
    """One line; Enter saves what is whole and clears it, what has gaps opens in its form."""

    SHOWS: ClassVar[frozenset[str]] = frozenset({"customer", "contact_point", "deal", "person"})
    AUTO_FOCUS = "#line"
    FORM = "quick"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6,shift+tab", "form", "quick.form_key", tooltip="quick.form_tip"),
    ]

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        self._plan: QuickPlan | None = None
        self._field = QuickLine(id="line", max_length=2000)
        self._begun = False

    @property
    def subject(self) -> str:
        """One unfinished line per person."""
        return "line"

    def answers(self) -> Mapping[str, Value]:
        """Return the line."""
        return {"line": self._field.line}

    @property
    def customer_id(self) -> str | None:
        """The known customer of the line."""
        return self._plan.customer_id or None if self._plan else None

    def compose_body(self) -> ComposeResult:
        """The line above, how it reads below."""
        yield Words(t("quick.how"), id="how")
        with Horizontal(id="entry"):
            yield Words("> ")
            yield self._field
        yield Static("", id="reading", markup=False)
        yield Words(t("quick.signs"), id="signs")

    async def redraw(self) -> None:
        """Bring back the line that was left, and read it again against what is known now."""
        self.title = t("quick.title")
        self.set_hint(t("quick.hint"))
        if not self._begun:
            self._begun = True
            left = await self.take_draft()
            if left.get("line"):
                self._field.put(str(left["line"]))
                self._field.remember(self._field.line)
                self._field.select_all()  # typing replaces it, Up brings it back
        await self._read()

    def escape_steps(self) -> Sequence[Callable[[], bool]]:
        """Esc leaves at once: the line is kept."""
        return ()

    @on(Input.Changed, "#line")
    def _changed(self) -> None:
        if self._field.is_typed():
            self.note_typing()
        self._preview()

    @on(Input.Submitted, "#line")
    def _entered(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Save what is whole; a line with something wrong stays as it is and says what."""
        if not self._field.line:
            self.say(t("quick.empty"), "warn")
        elif not self._saving:
            self._saving = True
            self._save()

    def action_form(self) -> None:
        """Open the form of the line, filled in with what it says."""
        if self._field.line and not self._saving:
            self._saving = True
            self._open_form()

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _preview(self) -> None:
        try:
            await self._read()
        except Refused as no:
            self.say(refused(no), "error")

    async def _read(self) -> QuickPlan:
        """Plan the line as it stands and show how it reads."""
        from crm_tui.exchange.quick import plan_quick

        line, desk = self._field.line, self.counter.desk
        plan = await self.ask(plan_quick, parse_quick_entry(line, desk.now(), desk.viewer.zone))
        if line == self._field.line:
            self._plan = plan
            words = _reading(plan, desk.now(), desk.viewer.zone) if line else []
            self.query_one("#reading", Static).update(Text("\n").join(map(safe_text, words)))
        return plan

    @work(group="save", exit_on_error=False)
    async def _save(self) -> None:
        try:
            line, plan = self._field.line, await self._read()
            if plan.problems:
                first = plan.problems[0]
                self.say(refusal(first.code, first.details), "error")
                return
            if not plan.steps:
                await self._hand_over(plan, "")
                return
            verdicts = await self.counter.desk.act(*plan.steps)
            if not verdicts or not verdicts[0].applied:
                self.say_refusals(verdicts)
                return
            await self._saved(line, plan, verdicts)
        except Refused as no:
            self.say(refused(no), "error")
        finally:
            self._saving = False

    async def _saved(self, line: str, plan: QuickPlan, verdicts: Sequence[Verdict]) -> None:
        """Clear the line for the next one, and say honestly what of it was not done."""
        self._field.remember(line)
        name = plan.known.name if plan.known else plan.entry.name
        no = [verdict for verdict in verdicts if not verdict.applied]
        if no:
            self.say(t("quick.saved_but", name=name, why=refusal(no[0].code, no[0].details)), "warn")
        else:
            self.say(t("quick.saved", name=name), "good")
        made = {
            key: value for verdict in verdicts if verdict.applied for key, value in verdict.details.items()
        }
        if plan.missing:
            await self._log_rest(plan, made.get("customer_id", plan.customer_id), made.get("deal_id"))
        self._field.put("")
        await self.forget_draft()

    @work(group="save", exit_on_error=False)
    async def _open_form(self) -> None:
        try:
            await self._hand_over(await self._read(), t("quick.in_form"))
        except Refused as no:
            self.say(refused(no), "error")
        finally:
            self._saving = False

    async def _hand_over(self, plan: QuickPlan, said: str) -> None:
        """Open the form the line belongs to; the line waits here where the form does not take all of it."""
        if plan.customer_id:
            await self._log_rest(plan, plan.customer_id, plan.deal_id)
            self._field.remember(self._field.line)
            self._field.put("")
            await self.forget_draft()
        elif plan.known is None:
            entry = plan.entry
            self.post_message(
                Go("customer_form", phone=_shown_phone(entry), name=entry.name or "", more=_more(plan))
            )
            self.say(said or t("quick.gap", parts=_parts(plan.missing)), "warn")

    async def _log_rest(self, plan: QuickPlan, customer_id: str, deal_id: str | None) -> None:
        """Open the follow-up form with what the line says, as a draft: no text that was there is lost."""
        from crm_tui.exchange.quick import follow_up_answers

        desk = self.counter.desk
        answers = follow_up_answers(plan.entry)
        if plan.entry.next_at is not None:
            answers["next_at"] = figures.typed_moment(plan.entry.next_at, desk.viewer.zone)

        def keep() -> None:
            old = desk.drawer.find(DRAFT_FORM, customer_id)
            before = old.answers if old else {}
            joined = {
                name: _joined(str(before.get(name, "")), answers[name]) for name in _LONG if name in answers
            }
            desk.drawer.keep(DRAFT_FORM, customer_id, {**before, **answers, **joined})

        if answers:
            await desk.write(keep)
        self.post_message(Go("follow_up", customer_id=customer_id, deal_id=deal_id))


def _joined(old: str, new: str) -> str:
    return new if not old or old in new else f"{old} {new}"


def _shown_phone(entry: QuickEntry) -> str:
    return figures.phone(entry.phone, clear=True) if entry.phone else ""


def _more(plan: QuickPlan) -> Mapping[str, Value]:
    """Return what else the customer form is filled in with."""
    entry = plan.entry
    values = {
        "level": entry.level or "",
        "tags": " ".join(entry.tags),
        "owner": plan.owner_name,
        "amount": figures.amount(entry.amount_fen) if entry.amount_fen is not None else "",
        "line": plan.line_id,
    }
    return {name: value for name, value in values.items() if value}


def _parts(names: Sequence[str]) -> str:
    return t("work.list_joint").join(t(f"quick.part.{name}") for name in names)


def _reading(plan: QuickPlan, now: datetime, zone: str) -> list[str]:
    """Return what the line says, part by part, what is wrong with it, and what Enter will do."""
    entry = plan.entry
    due = figures.moment(entry.next_at, now, zone) if entry.next_at else ""
    ahead = f" ({figures.day(entry.next_at, now, zone)})" if entry.next_at else ""
    parts = {
        "phone": _phone_words(plan),
        "name": entry.name or "",
        "level": entry.level or "",
        "tags": " ".join(f"#{tag}" for tag in entry.tags),
        "amount": figures.amount(entry.amount_fen) if entry.amount_fen is not None else "",
        "owner": plan.owner_name,
        "stage": plan.stage_name,
        "line": plan.line_name,
        "channel": t(f"follow_up.channel.{entry.channel}") if entry.channel else "",
        "need": entry.need or "",
        "objection": _objection_words(entry),
        "next_step": entry.next_step or "",
        "next_at": due + ahead,
    }
    named = {name: f"{t(f'quick.part.{name}')}: {words}" for name, words in parts.items() if words}
    groups = ("   ".join(named[name] for name in group if name in named) for group in _TOGETHER)
    lines = [f"  {group}" for group in groups if group]
    lines += [f"!! {refusal(one.code, one.details)}" for one in plan.problems]
    if plan.missing:
        lines.append(f" ! {t('quick.missing', parts=_parts(plan.missing))}")
    if plan.deeds:
        deeds = t("work.list_joint").join(t(f"quick.deed.{one}") for one in plan.deeds)
        lines.append(f" + {t('quick.will', deeds=deeds)}")
    if plan.missing and not plan.problems:
        lines.append(f"-> {t('quick.then_form')}")
    return [t("quick.reading"), *lines]


def _phone_words(plan: QuickPlan) -> str:
    phone = _shown_phone(plan.entry)
    if plan.known is None or not plan.known.visible:
        return f"{phone}  {t('quick.unknown')}" if phone and plan.known is None else phone
    return f"{phone}  {t('quick.known', name=plan.known.name, owner=plan.known.owner_name or figures.NONE)}"


def _objection_words(entry: QuickEntry) -> str:
    if not entry.objection:
        return ""
    from crm_tui.exchange.quick import objection_of

    code, note = objection_of(entry.objection)
    return f"{t(f'follow_up.objection.{code}')} {note}".rstrip()
