"""Asking the terminal, while the program runs, how many cells it gives a line: CPR, ESC[6n."""

from __future__ import annotations

from typing import Any, Final

from textual import events

from crm_tui.widgets import drawing
from crm_tui.widgets.frame import RuleLine
from crm_tui.widgets.keys import KeyOrder

_ROW: Final = 2
"""Where the line is drawn for a moment, from 1. Not 1: the answer would look like Shift+F3."""
_QUESTION: Final = f"\x1b7\x1b[{_ROW};1H─\x1b[6n\x1b[{_ROW};1H  \x1b8"


class Measuring(KeyOrder, inherit_bindings=False):
    """An app that draws frames as the setting says, or as wide as the terminal answers.

    The question goes out before the first paint and the answer comes in as an event like any key, so
    nothing typed ahead is lost; a terminal that does not answer is drawn on in ASCII.
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._asked_width = False

    def on_mount(self) -> None:
        """Ask, where there is a terminal to be asked."""
        drawing.note_width(0)
        if self._driver is not None and not self.is_headless:
            self._asked_width = True
            self._driver.write(_QUESTION)

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """Take the answer: where the cursor stood behind the line."""
        if self._asked_width and event.y == _ROW - 1:
            self._asked_width = False
            drawing.note_width(event.x)
            self.draw_frames()

    def draw_frames(self) -> None:
        """Draw every frame, rule and separator with what is to be used from now on."""
        self.set_class(drawing.line_art(), "-line-art")
        for screen in self.screen_stack:
            screen.refresh(layout=True)
            for rule in screen.query(RuleLine):
                rule.refresh()
