"""A form in a window over a screen; what was typed outlives Esc, the lock and the end of the program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.widgets.command_form import Answers
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.drafting import Drafting
from crm_tui.widgets.field_row import FieldSpec, Value, Words
from crm_tui.widgets.fields import ChoiceField
from crm_tui.widgets.form import Form
from crm_tui.widgets.frame import CrmModal, Tone
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.refusal import refused

Save = Callable[[Answers], Awaitable[str]]


class FormWindow(CrmModal[bool], Drafting):
    """A form over a screen; ``save`` says why not, and the window stays with what was typed.

    Where there is a ``preview``, the first F10 shows what the change would do and the second one saves.
    The result is True when it was saved, False when what was typed was kept as a draft about ``subject``,
    None when nothing was typed.
    """

    FORM = "window"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f10,ctrl+s", "save", "keys.save", priority=True),
        Binding("f4", "choose", "keys.values", show=False),
    ]
    DEFAULT_CSS = """
    FormWindow > .window { width: 76; max-height: 100%; }
    FormWindow .title { text-style: bold; margin-bottom: 1; }
    FormWindow .said { color: $text-warning; margin-top: 1; }
    FormWindow .keys { color: $text-muted; }
    """
    AUTO_FOCUS = ""

    def __init__(
        self,
        counter: Counter,
        subject: str,
        title: str,
        specs: Sequence[FieldSpec],
        save: Save,
        *,
        values: Answers | None = None,
        preview: Save | None = None,
    ) -> None:
        super().__init__()
        self.counter = counter
        self._subject = subject
        self._title = title
        self._save = save
        self._preview = preview
        self._previewed: dict[str, Value] | None = None
        self._start: dict[str, Value] = {}
        self._form = Form(specs, values, id="form")
        self._said = Words("", classes="said")

    def compose(self) -> ComposeResult:
        """Build the window: title, fields, what is said about them, the keys."""
        with Vertical(classes="window"):
            yield Words(self._title, classes="title")
            yield self._form
            yield self._said
            yield Words(t("settings.window_keys"), classes="keys")

    def on_mount(self) -> None:
        """Remember what the fields start with, and bring back what was left."""
        self._start = self._form.values()
        self._bring_back()

    @property
    def subject(self) -> str:
        """The command and the row it changes."""
        return self._subject

    @property
    def said(self) -> str:
        """What the window says."""
        return self._said.words

    def say(self, text: str, tone: Tone = "info") -> None:
        """Say something below the fields."""
        self._said.say(f"! {text}" if tone == "error" else text)

    def answers(self) -> Mapping[str, Value]:
        """Return the fields that hold something else than at the start."""
        return {key: value for key, value in self._form.values().items() if value != self._start.get(key)}

    @on(Form.Changed)
    def _note_change(self) -> None:
        if self._typed or self.answers():
            self.note_typing()

    @on(Form.Ended)
    def action_save(self) -> None:
        """Save; gaps and what the fields refuse are named first."""
        if self._form.focus_gap():
            self.say(self._form.gap_words())
        elif self._form.check():
            self._try()

    async def action_cancel(self) -> None:  # type: ignore[override]  # Textual awaits actions that are coroutines
        """Close; what was typed stays as a draft, and a draft that was emptied again is thrown away."""
        if self.answers():
            if not await self.keep_draft().wait():
                self.dismiss(False)  # noqa: FBT003  # the result of the window
            return
        if self._typed:
            await self.forget_draft()
        self.dismiss(None)

    @work
    async def action_choose(self) -> None:
        """Pick from a list where a field offers more than its digits reach."""
        field = self.focused
        if isinstance(field, ChoiceField) and field.choices:
            rows = [PickRow(one.value, one.label) for one in field.choices]
            picked = await self.app.push_screen_wait(Picker(self._title, rows))
            if picked is not None:
                field.choose(*({*field.values, picked} if field.multiple else {picked}))
        else:
            self.say(t("form_screen.no_values"))

    @work(group="draft", exit_on_error=False)
    async def _bring_back(self) -> None:
        draft = await self.take_draft()
        if draft:
            self._form.fill(draft)

    @work(exclusive=True)
    async def _try(self) -> None:
        answers = self._form.values()
        try:
            if self._preview is not None and self._previewed != answers:
                said = await self._preview(answers)
                self._previewed = answers
                self.say(said)
                return
            no = await self._save(answers)
        except Refused as error:
            no = refused(error)
        if no:
            self.say(no, "error")
            return
        await self.forget_draft()
        self.dismiss(True)  # noqa: FBT003  # the result of the window
