"""A screen that is one form: drawn once what it needs is known, kept as a draft, saved as one step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.drafting import KeepsDraft
from crm_tui.widgets.field_row import FieldSpec, Value
from crm_tui.widgets.form import Form
from crm_tui.widgets.navigation import Done
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.refusal import refused

if TYPE_CHECKING:
    from crm_tui.commands import Command, Verdict
    from crm_tui.commands.steps import Step


class FormScreen(KeepsDraft):
    """One form; a subclass says its fields, what F10 carries out and what is said then."""

    SHOWS: ClassVar[frozenset[str]] = frozenset()
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f4", "values", "keys.values", tooltip="form_screen.values_tip")
    ]
    SEVERAL: ClassVar[frozenset[str]] = frozenset()
    """Fields that hold several values: F4 adds to them."""

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        self.form: Form | None = None
        self.initial: Mapping[str, Value] = {}

    @abstractmethod
    async def begin(self) -> Sequence[FieldSpec]:
        """Ask what the form needs, set ``initial`` and the title, and return the fields."""

    @abstractmethod
    def steps(self) -> Sequence[Step]:
        """Return what F10 carries out; raises Refused where an answer is not sound."""

    @abstractmethod
    def saved_words(self, verdicts: Sequence[Verdict]) -> str:
        """Return what is said once the first step was applied."""

    def candidates(self, key: str) -> Sequence[PickRow]:
        """Return the value list of a field; empty where it has none."""
        return ()

    def prefilled(self) -> Mapping[str, Value]:
        """Return what somebody else has already said, over ``initial``."""
        return {}

    def compose_body(self) -> ComposeResult:
        """A place for the form."""
        yield Vertical(id="place")

    async def redraw(self) -> None:
        """Build the form once, with the draft that was left; the fields are the person's from then on."""
        if self.form is not None:
            return
        specs = await self.begin()
        form = Form(specs, {**self.initial, **self.prefilled()}, id="form")
        self.form = form
        await self.query_one("#place", Vertical).mount(form)
        draft = await self.take_draft()
        if draft:
            form.fill(draft)
        if not form.focus_gap():
            form.rows[0].field.focus()

    def answers(self) -> Mapping[str, Value]:
        """Return what the fields hold."""
        return self.form.values() if self.form else {}

    def unfinished(self) -> Mapping[str, Value]:
        """Return what the person changed: others may change the rest before the draft is opened again."""
        return self.answers() if self.prefilled() else self.changed()

    def changed(self) -> dict[str, Value]:
        """Return the fields that hold something else than at the start."""
        return {key: value for key, value in self.answers().items() if value != self.initial.get(key, "")}

    def text(self, key: str) -> str:
        """Return the text of a field; empty where the form does not have it."""
        value = self.answers().get(key, "")
        return value if isinstance(value, str) else " ".join(value)

    @on(Form.Changed)
    def _note_change(self, message: Form.Changed) -> None:
        """Keep a draft of what the person changed."""
        if self.form is not None and (self._typed or self.changed()):
            self.note_typing()
        self.looked_at(message.key)

    @on(Form.Ended)
    def _ended(self) -> None:
        """Enter behind the last field saves."""
        self.action_save()

    def looked_at(self, key: str) -> None:
        """Be told that a field holds something else."""

    def objection(self) -> bool:
        """Tell whether something else has to be settled before saving."""
        return False

    def action_save(self) -> None:
        """Save; with a gap nothing is saved and the cursor goes to it."""
        if self.form is None or self._saving:
            return
        if self.form.focus_gap():
            self.say(self.form.gap_words(), "error")
        elif not self.objection() and self.form.check():
            self._saving = True
            self._save()

    def action_values(self) -> None:
        """Choose the value of the field from a list."""
        row = next((row for row in self.form.rows if row.has_focus_within), None) if self.form else None
        rows = self.candidates(row.spec.key) if row else ()
        if row is None or not rows:
            self.say(t("form_screen.no_values"), "warn")
            return

        def take(value: str | None) -> None:
            if value is None:
                return
            label = next(one.label for one in rows if one.value == value)
            held = self.text(row.spec.key)
            row.put(f"{held} {label}".strip() if row.spec.key in self.SEVERAL else label)

        self.app.push_screen(Picker(row.spec.label, rows), take)

    @work(group="save", exit_on_error=False)
    async def _save(self) -> None:
        try:
            steps = self.steps()
            if not steps:
                await self.forget_draft()
                self.post_message(Done(t("form_screen.nothing_changed")))
                return
            verdicts = await self.act(*steps)
            if verdicts and verdicts[0].applied:
                left = await self.forget_draft()
                self.post_message(Done(f"{self.saved_words(verdicts)} {left}".rstrip()))
        except Refused as no:
            self.say(refused(no), "error")
        finally:
            self._saving = False


def command(kind: str, **values: Any) -> Command:
    """Build a command from what was typed; raises Refused command_invalid (field, why)."""
    from crm_tui.commands import by_kind, open_command

    return open_command(by_kind(), kind, values)


def sound(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Return a field's check: the refusal of ``parse`` in words, nothing where it takes the text."""

    def check(typed: str) -> str:
        try:
            parse(typed)
        except Refused as no:
            return refused(no)
        return ""

    return check


def reads(parse: Callable[[str], str]) -> Callable[[str], str]:
    """Return a field's hint: ``->`` and how the text reads; nothing while ``parse`` refuses it."""

    def hint(typed: str) -> str:
        if not typed:
            return ""
        try:
            words = parse(typed)
        except Refused:
            return ""
        return f"-> {words}" if words else ""

    return hint


def named(typed: str, rows: Sequence[PickRow]) -> PickRow | None:
    """Return the one row that the text means: by its whole name, else the only one it matches."""
    whole = [row for row in rows if row.label.casefold() == typed.casefold()]
    found = whole or [row for row in rows if row.matches(typed)]
    return found[0] if len(found) == 1 else None
