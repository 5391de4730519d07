"""Fields of a form: a line of text, a note, a choice by digit, the way a Chinese keyboard needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, TextArea

from crm_tui.widgets.drawing import drawable
from crm_tui.widgets.keys import TWINS, digit_of, twins
from crm_tui.widgets.text import clean, fit

WIDE_BLANK: Final = "\u3000"
_LEADS_HERE: Final = frozenset({"slash", *TWINS["slash"]})


class TextField(Input):
    """One line of text; keypad Enter is Enter, pasted control characters are dropped.

    While it is ``read_only`` the cursor moves and no key changes the text.
    """

    read_only = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+j", "submit", show=False)]
    DEFAULT_CSS = """
    TextField, TextField:focus { border: none; height: 1; padding: 0; }
    """

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the input method opens: the cell of the cursor, inside the field.

        Textual 8.2.8 adds a cell when the cursor stands behind the last character, and reports a place
        past the field when the text has scrolled.
        """
        x, y, width, _height = self.content_region
        cell = self._position_to_cell(self.cursor_position) - self.scroll_offset.x
        return Offset(x + max(0, min(cell, max(width - 1, 0))), y)

    def replace(self, text: str, start: int, end: int) -> None:
        """Replace a part of the text: every key and every paste comes through here."""
        if not self.read_only:
            super().replace(text, start, end)

    def action_copy(self) -> None:
        """Copy what is selected; with nothing selected Ctrl+C is the screen's."""
        if self.selection.is_empty:
            raise SkipAction
        super().action_copy()

    @property
    def _value(self) -> Text:
        """The text to draw; a secret is drawn as ``*``, because a bullet is two cells on some consoles."""
        if self.password:
            return Text("*" * len(self.value), no_wrap=True, overflow="ignore", end="")
        return super()._value

    async def _on_key(self, event: events.Key) -> None:
        """Take the blank of a Chinese keyboard, which Textual counts as not printable and drops."""
        if event.key == "ideographic_space":
            event.stop()
            event.prevent_default()
            self.insert_text_at_cursor(WIDE_BLANK)

    def _on_paste(self, event: events.Paste) -> None:
        event.text = clean(event.text)


class SearchField(TextField):
    """The line one searches with; the keys that move in a list move the list below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "screen.move(1)", show=False),
        Binding("up", "screen.move(-1)", show=False),
        Binding("pagedown", "screen.page(1)", show=False),
        Binding("pageup", "screen.page(-1)", show=False),
        Binding("tab", "screen.to_list", show=False),
    ]

    async def _on_key(self, event: events.Key) -> None:
        """Drop the key that leads here where it comes first: nobody looks for a name that begins so."""
        if not self.value and event.key in _LEADS_HERE:
            event.stop()
            event.prevent_default()


class NoteField(TextArea):
    """Several lines of text inside a form: Enter and keypad Enter leave it, a paste may hold line ends."""

    DEFAULT_CSS = """
    NoteField, NoteField:focus { border: none; height: 3; padding: 0; scrollbar-size: 0 0; }
    """

    class Left(Message):
        """The person is done with the note: ``by`` is 1 for the next field, -1 for the one before."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def action_cursor_up(self, select: bool = False) -> None:
        """Move up a line; from the first one to the field before."""
        if not select and self.cursor_location[0] == 0:
            self.post_message(self.Left(-1))
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Move down a line; from the last one to the next field."""
        if not select and self.cursor_location[0] == self.document.line_count - 1:
            self.post_message(self.Left(1))
        else:
            super().action_cursor_down(select)

    def action_copy(self) -> None:
        """Copy what is selected; with nothing selected Ctrl+C is the screen's."""
        if self.selection.is_empty:
            raise SkipAction
        super().action_copy()

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("enter", "ctrl+j"):
            event.stop()
            event.prevent_default()
            self.post_message(self.Left(1))
        elif self.read_only and event.is_printable:  # it would be a key of the screen
            event.stop()
        elif event.key == "ideographic_space":
            event.stop()
            event.prevent_default()
            self.insert(WIDE_BLANK)

    async def _on_paste(self, event: events.Paste) -> None:
        event.text = "\n".join(clean(line) for line in event.text.splitlines())


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: its value, its words, the digit that picks it, and whether it excludes others."""

    value: str
    label: str
    digit: str = ""
    alone: bool = False


def numbered(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """Give the first nine choices without a digit the free digits from 1."""
    taken = {choice.digit for choice in choices}
    free = iter([digit for digit in "123456789" if digit not in taken])
    return tuple(
        choice if choice.digit else Choice(choice.value, choice.label, next(free, ""), choice.alone)
        for choice in choices
    )


class ChoiceField(Widget, can_focus=True):
    """Choices on one line, ``0无 [1价格] 2款式``: a digit picks, Left and Right move.

    While it is ``read_only`` no key chooses.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
        Binding(twins("space"), "pick", show=False),
        Binding("backspace,delete", "clear", show=False),
    ]
    DEFAULT_CSS = """
    ChoiceField { height: 1; width: 1fr; }
    ChoiceField:focus { background: $surface; text-style: bold; }
    """
    TAKES_PASTE: ClassVar[bool] = True
    ALLOW_SELECT = False
    read_only = False

    class Changed(Message):
        """Another choice was made."""

        def __init__(self, field: ChoiceField) -> None:
            super().__init__()
            self.field = field

        @property
        def control(self) -> ChoiceField:
            """The field."""
            return self.field

    def __init__(
        self,
        choices: Sequence[Choice],
        *,
        multiple: bool = False,
        value: Sequence[str] = (),
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        super().__init__(id=id)
        self.choices = numbered(choices)
        self.multiple = multiple
        self._values = tuple(choice.value for choice in self.choices if choice.value in value)
        self._caret = max(self._place(), 0)

    @property
    def value(self) -> str:
        """The value chosen; of several, the first; empty when nothing is."""
        return self._values[0] if self._values else ""

    @property
    def values(self) -> tuple[str, ...]:
        """All values chosen, in the order of the choices."""
        return self._values

    def choose(self, *values: str) -> None:
        """Choose exactly these values; unknown ones are left out."""
        chosen = tuple(choice.value for choice in self.choices if choice.value in values)
        if not self.multiple:
            chosen = chosen[:1]
        if chosen != self._values:
            self._values = chosen
            self.post_message(self.Changed(self))
        if self._place() >= 0 and not self.multiple:
            self._caret = self._place()
        self.refresh()

    def render(self) -> Text:
        """Draw the choices; where they do not fit, ``<<`` and ``>>`` say that there are more."""
        width = self.size.width
        pieces = [self._piece(number) for number in range(len(self.choices))]
        first = 0
        while first < self._caret and cell_len(" ".join(pieces[first : self._caret + 1])) > width - 6:
            first += 1
        line = ("<< " if first else "") + " ".join(pieces[first:])
        if cell_len(line) > width:
            last = len(pieces)
            while last > first + 1 and cell_len(line) > width - 3:
                last -= 1
                line = ("<< " if first else "") + " ".join(pieces[first:last])
            line = fit(line, width - 3) + " >>"
        return Text(fit(line, width), no_wrap=True, overflow="crop", end="")

    def action_step(self, by: int) -> None:
        """Go to the choice beside; a single choice is made by going there."""
        if self.read_only or not self.choices:
            return
        last = len(self.choices) - 1
        fresh = not self.multiple and not self._values
        self._caret = (0 if by > 0 else last) if fresh else max(0, min(self._caret + by, last))
        if not self.multiple:
            self.choose(self.choices[self._caret].value)
        self.refresh()

    def action_pick(self) -> None:
        """Choose what the caret stands on; of several, or no longer."""
        if self.choices:
            self._take(self._caret)

    def action_clear(self) -> None:
        """Choose nothing."""
        if not self.read_only:
            self.choose()

    def on_key(self, event: events.Key) -> None:
        """A digit, full width or not, picks."""
        if self._pick_digit(digit_of(event.key)):
            event.stop()

    def on_paste(self, event: events.Paste) -> None:
        """Pick what was pasted: a label, or digits."""
        event.stop()
        text = clean(event.text).strip()
        place = next((n for n, choice in enumerate(self.choices) if choice.label == text), None)
        if place is not None:
            self._take(place)
            return
        for char in text:
            self._pick_digit(digit_of(char))

    def on_click(self, event: events.Click) -> None:
        """Pick the choice that was clicked."""
        left = 0
        for number in range(len(self.choices)):
            size = cell_len(self._piece(number))
            if left <= event.x < left + size:
                self._take(number)
                return
            left += size + 1

    def _pick_digit(self, digit: str) -> bool:
        place = next((n for n, choice in enumerate(self.choices) if digit and choice.digit == digit), None)
        if place is None:
            return False
        self._take(place)
        return True

    def _take(self, place: int) -> None:
        if self.read_only:
            return
        self._caret = place
        choice = self.choices[place]
        if not self.multiple:
            self.choose(choice.value)
        elif choice.value in self._values:
            self.choose(*(value for value in self._values if value != choice.value))
        elif choice.alone:
            self.choose(choice.value)
        else:
            alone = {other.value for other in self.choices if other.alone}
            self.choose(choice.value, *(value for value in self._values if value not in alone))

    def _piece(self, number: int) -> str:
        choice = self.choices[number]
        words = f"{choice.digit}{drawable(clean(choice.label))}"
        if choice.value in self._values:
            words = f"[{words}]"
        return f">{words}" if self.multiple and self.has_focus and number == self._caret else words

    def _place(self) -> int:
        return next((n for n, choice in enumerate(self.choices) if choice.value in self._values), -1)
