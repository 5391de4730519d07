"""A form drawn from data: one field per line, Enter goes on, gaps are found and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from crm_tui.i18n import t
from crm_tui.widgets.field_row import FieldRow, FieldSpec, Value
from crm_tui.widgets.fields import NoteField
from crm_tui.widgets.keys import twins


class Form(Vertical):
    """Fields under each other; saving is the screen's business."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(f"down,{twins('enter')}", "next", "keys.next", show=False),
        Binding("up,shift+tab", "previous", "keys.previous", show=False),
    ]
    DEFAULT_CSS = """
    Form { height: auto; max-height: 100%; width: 100%; overflow-y: auto; scrollbar-size: 0 0; }
    Form.-read-only TextField, Form.-read-only NoteField, Form.-read-only ChoiceField { color: $text-muted; }
    """

    class Changed(Message):
        """A field holds something else: its key, and how many mandatory fields are filled."""

        def __init__(self, form: Form, key: str, filled: int, mandatory: int) -> None:
            super().__init__()
            self.form = form
            self.key = key
            self.filled = filled
            self.mandatory = mandatory

        @property
        def control(self) -> Form:
            """The form."""
            return self.form

    class Ended(Message):
        """Enter in the last field."""

        def __init__(self, form: Form) -> None:
            super().__init__()
            self.form = form

        @property
        def control(self) -> Form:
            """The form."""
            return self.form

    def __init__(
        self,
        specs: Sequence[FieldSpec],
        values: Mapping[str, Value] | None = None,
        *,
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        super().__init__(id=id)
        self.rows = [FieldRow(spec) for spec in specs]
        self._start = dict(values or {})

    def compose(self) -> ComposeResult:
        """Put the rows under each other."""
        yield from self.rows

    def on_mount(self) -> None:
        """Fill in what the form starts with and go to its first gap."""
        self.fill(self._start)
        if not self.focus_gap() and self.rows:
            self.rows[0].field.focus()

    def row(self, key: str) -> FieldRow:
        """Return the row of a field.

        Raises:
            KeyError: the form has no such field.
        """
        for row in self.rows:
            if row.spec.key == key:
                return row
        raise KeyError(key)

    def values(self) -> dict[str, Value]:
        """Return what the fields hold, by key."""
        return {row.spec.key: row.value for row in self.rows}

    def fill(self, values: Mapping[str, Value]) -> None:
        """Let the fields hold these values; keys the form does not have are left alone."""
        for row in self.rows:
            if row.spec.key in values:
                row.put(values[row.spec.key])

    @property
    def read_only(self) -> bool:
        """Whether no key changes a field; the focus goes from field to field all the same."""
        return self.has_class("-read-only")

    @read_only.setter
    def read_only(self, value: bool) -> None:
        self.set_class(value, "-read-only")
        for row in self.rows:
            row.field.read_only = value

    def counter(self) -> tuple[int, int]:
        """Return how many mandatory fields are filled, and how many there are."""
        mandatory = [row for row in self.rows if row.spec.mandatory]
        return sum(1 for row in mandatory if row.value), len(mandatory)

    def first_gap(self) -> str | None:
        """Return the key of the first mandatory field that is empty."""
        return next((row.spec.key for row in self.rows if row.spec.mandatory and not row.value), None)

    def focus_gap(self) -> bool:
        """Go to the first gap; tells whether there was one."""
        gap = self.first_gap()
        if gap is None:
            return False
        self.row(gap).field.focus()
        return True

    def gap_words(self) -> str:
        """Return the sentence that names the first gap; empty when there is none."""
        gap = self.first_gap()
        return "" if gap is None else t("widget.must_fill", field=self.row(gap).spec.label)

    def check(self) -> bool:
        """Ask every field's own check; True when nothing is wrong, else the first wrong one has the focus."""
        wrong = [row for row in self.rows if not row.check()]
        if wrong:
            wrong[0].field.focus()
        return not wrong

    def wrong(self, key: str, words: str) -> None:
        """Say under a field what is wrong with it, and go there."""
        self.row(key).wrong(words)
        self.row(key).field.focus()

    @on(Input.Submitted)
    def _enter(self, message: Input.Submitted) -> None:
        message.stop()
        self.action_next()

    @on(NoteField.Left)
    def _left_note(self, message: NoteField.Left) -> None:
        message.stop()
        if message.by > 0:
            self.action_next()
        else:
            self.action_previous()

    @on(FieldRow.Changed)
    def _count(self, message: FieldRow.Changed) -> None:
        message.stop()
        self.post_message(self.Changed(self, message.row.spec.key, *self.counter()))

    def action_next(self) -> None:
        """Go to the next field; behind the last one say so."""
        place = self._place()
        if place + 1 < len(self.rows):
            self.rows[place + 1].field.focus()
        else:
            self.post_message(self.Ended(self))

    def action_previous(self) -> None:
        """Go to the field before."""
        place = self._place()
        if place > 0:
            self.rows[place - 1].field.focus()

    def _place(self) -> int:
        return next((number for number, row in enumerate(self.rows) if row.has_focus_within), -1)
