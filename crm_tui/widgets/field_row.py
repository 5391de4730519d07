"""A field with its label, its live hint and the line that says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, TextArea

from crm_tui.i18n import knows, t
from crm_tui.widgets.drawing import drawable
from crm_tui.widgets.fields import Choice, ChoiceField, NoteField, TextField
from crm_tui.widgets.text import clean, fit

FieldKind = Literal["text", "choice", "choices", "multiline"]
Value = str | tuple[str, ...]
"""What a field holds: text, or the values chosen of a field of kind ``choices``."""

LABEL_CELLS: Final = 11


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field as data. ``hint`` reads the text live, ``check`` when it is left: both return words or ""."""

    key: str
    label_key: str
    kind: FieldKind = "text"
    mandatory: bool = False
    choices: Sequence[Choice] = ()
    hint: Callable[[str], str] | None = None
    check: Callable[[str], str] | None = None
    width: int = 0
    password: bool = False

    @property
    def label(self) -> str:
        """The label in the person's language; words the organisation chose itself stand as they are."""
        return t(self.label_key) if knows(self.label_key) else self.label_key


class FieldLabel(Widget):
    """The label: ``>`` where the focus is, ``*`` where the field must be filled."""

    DEFAULT_CSS = "FieldLabel { width: 13; height: 1; }"
    ALLOW_SELECT = False

    def __init__(self, words: str, *, mandatory: bool, bracket: bool) -> None:
        super().__init__()
        self._words = words
        self._bracket = "[" if bracket else " "
        self._mandatory = mandatory
        self.here = False

    def render(self) -> Text:
        """Draw exactly thirteen cells."""
        mark = "*" if self._mandatory else " "
        line = f"{'>' if self.here else ' '}{fit(self._words, LABEL_CELLS - 1)}{mark}{self._bracket}"
        return Text(line, no_wrap=True, overflow="crop", end="")


class Words(Widget):
    """Words the program says: one line, literal, cut by cells."""

    DEFAULT_CSS = "Words { width: auto; height: 1; }"
    ALLOW_SELECT = False

    def __init__(self, words: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id, classes=classes)
        self.words = words

    def say(self, words: str) -> None:
        """Show other words."""
        if words != self.words:
            self.words = words
            self.refresh(layout=True)

    def render(self) -> Text:
        """Draw the words."""
        return Text(drawable(clean(self.words)), no_wrap=True, overflow="crop", end="")


class FieldRow(Vertical):
    """Label, field and hint on one line, the error under it."""

    DEFAULT_CSS = """
    FieldRow { height: auto; width: 100%; }
    FieldRow > Horizontal { height: auto; width: 100%; }
    FieldRow TextField, FieldRow NoteField, FieldRow ChoiceField { width: 1fr; }
    FieldRow .hint { color: $text-muted; max-width: 40; }
    FieldRow .wrong { color: $text-error; display: none; padding: 0 0 0 13; width: 100%; }
    FieldRow.-wrong .wrong { display: block; }
    """

    class Changed(Message):
        """The field holds something else."""

        def __init__(self, row: FieldRow) -> None:
            super().__init__()
            self.row = row

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self.spec = spec
        self.field = _field_of(spec)
        if spec.width:
            self.field.styles.width = spec.width
        self._label = FieldLabel(spec.label, mandatory=spec.mandatory, bracket=not self._chooses)
        self._hint = Words(classes="hint")
        self._wrong = Words(classes="wrong")

    def compose(self) -> ComposeResult:
        """Build the line and the one under it."""
        with Horizontal():
            yield self._label
            yield self.field
            yield Words(" " if self._chooses else "] ")
            yield self._hint
        yield self._wrong

    def on_mount(self) -> None:
        """Show what the hint says about the value it starts with."""
        self.show_hint()

    @property
    def _chooses(self) -> bool:
        """Tell whether the field shows its choices, which bracket what is chosen."""
        return isinstance(self.field, ChoiceField)

    @property
    def value(self) -> Value:
        """What the field holds; text without blanks around it."""
        if isinstance(self.field, ChoiceField):
            return self.field.values if self.field.multiple else self.field.value
        return (self.field.text if isinstance(self.field, TextArea) else self.field.value).strip()

    def put(self, value: Value) -> None:
        """Let the field hold ``value``."""
        if isinstance(self.field, ChoiceField):
            self.field.choose(*([value] if isinstance(value, str) else value))
            return
        text = value if isinstance(value, str) else " ".join(value)
        if isinstance(self.field, TextArea):
            self.field.load_text("\n".join(clean(line) for line in text.splitlines()))
        else:
            self.field.value = clean(text)

    def go_on(self) -> None:
        """Let typing go on behind the text of the field instead of replacing it."""
        if isinstance(self.field, TextField):
            self.field.select_on_focus = False
            self.field.cursor_position = len(self.field.value)

    def wrong(self, words: str) -> None:
        """Say under the field what is wrong; empty takes it back."""
        self._wrong.say(f"! {words}" if words else "")
        self.set_class(bool(words), "-wrong")

    def check(self) -> bool:
        """Ask the field's own check and show its answer; True when nothing is wrong."""
        words = self.spec.check(self._text()) if self.spec.check and self.value else ""
        self.wrong(words)
        return not words

    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(ChoiceField.Changed)
    def _note_change(self, message: Message) -> None:
        message.stop()
        self.show_hint()
        self.post_message(self.Changed(self))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Mark the label."""
        self._label.here = True
        self._label.refresh()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Take the mark away and check what was typed; leaving is never blocked."""
        self._label.here = False
        self._label.refresh()
        self.check()

    def show_hint(self) -> None:
        """Let the hint read the value again, where what it depends on has come in since."""
        if self.spec.hint is not None:
            self._hint.say(self.spec.hint(self._text()))

    def _text(self) -> str:
        value = self.value
        return value if isinstance(value, str) else " ".join(value)


def _field_of(spec: FieldSpec) -> TextField | NoteField | ChoiceField:
    if spec.kind in ("choice", "choices"):
        return ChoiceField(spec.choices, multiple=spec.kind == "choices")
    if spec.kind == "multiline":
        return NoteField()
    return TextField(password=spec.password)
