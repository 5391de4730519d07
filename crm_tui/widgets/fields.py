"""Fields of one line: text and choices, the way a counter with a Chinese keyboard needs them."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.widgets import Input

from crm_tui.widgets.text import clean


class TextField(Input):
    """One line of text; keypad Enter is Enter, pasted control characters are dropped."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+j", "submit", show=False)]

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the input method opens: the cell of the cursor, inside the field.

        Textual 8.2.8 adds a cell when the cursor stands behind the last character, and reports a place
        past the field when the text has scrolled.
        """
        x, y, width, _height = self.content_region
        cell = self._position_to_cell(self.cursor_position) - self.scroll_offset.x
        return Offset(x + max(0, min(cell, max(width - 1, 0))), y)

    def _on_paste(self, event: events.Paste) -> None:
        event.text = clean(event.text)
