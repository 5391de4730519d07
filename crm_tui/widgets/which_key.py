"""After Ctrl+G: a digit or a letter jumps; who hesitates sees the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from crm_tui.i18n import t
from crm_tui.widgets.field_row import Words
from crm_tui.widgets.frame import CrmModal
from crm_tui.widgets.keys import digit_of
from crm_tui.widgets.text import fit

HESITATION: Final = 0.4
"""Seconds before the list shows."""


@dataclass(frozen=True, slots=True)
class Jump:
    """A place to go: what is given back, its digit, its letter, its name, and a badge such as ``3!``."""

    target: str
    digit: str
    letter: str
    label: str
    badge: str = ""


class JumpLines(Widget):
    """The places to go, one per line."""

    DEFAULT_CSS = "JumpLines { height: auto; width: 100%; }"
    ALLOW_SELECT = False

    def __init__(self, jumps: Sequence[Jump]) -> None:
        super().__init__()
        self._jumps = jumps

    def render(self) -> Text:
        """Draw digit, letter, name and badge of each."""
        lines = [
            f" {fit(jump.digit, 2)}{fit(jump.letter, 2)} {fit(jump.label, 16)} {fit(jump.badge, 8)}"
            for jump in self._jumps
        ]
        return Text("\n".join(lines), no_wrap=True, overflow="crop", end="")


class WhichKey(CrmModal[str | None]):
    """Waits for one key; gives the target it stands for, or None for any other key."""

    DEFAULT_CSS = """
    WhichKey { align: center bottom; background: transparent; }
    WhichKey > .window { width: 40; display: none; }
    WhichKey.-shown > .window { display: block; }
    """
    AUTO_FOCUS = ""
    READS_LETTERS: ClassVar[bool] = True

    def __init__(self, jumps: Sequence[Jump], *, delay: float = HESITATION) -> None:
        super().__init__()
        self._jumps = tuple(jumps)
        self._delay = delay

    def compose(self) -> ComposeResult:
        """Build the list; it stays hidden at first."""
        with Vertical(classes="window"):
            yield Words(t("widget.jump_title"))
            yield JumpLines(self._jumps)

    def on_mount(self) -> None:
        """Show the list to who hesitates."""
        if self._delay > 0:
            self.set_timer(self._delay, self._show_list)
        else:
            self._show_list()

    def on_key(self, event: events.Key) -> None:
        """Jump, or close for any other key."""
        event.stop()
        event.prevent_default()
        digit = digit_of(event.key)
        for jump in self._jumps:
            if (digit and digit == jump.digit) or event.key == jump.letter:
                self.dismiss(jump.target)
                return
        self.dismiss(None)

    def _show_list(self) -> None:
        self.add_class("-shown")
