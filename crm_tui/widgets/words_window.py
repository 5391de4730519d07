"""A window that says something longer than the message line holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from crm_tui.i18n import t
from crm_tui.widgets.field_row import Words
from crm_tui.widgets.frame import CrmModal
from crm_tui.widgets.keys import twins
from crm_tui.widgets.text import safe_text


class WordsWindow(CrmModal[None]):
    """Shows a title and wrapped lines; Enter, Esc and F12 close it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(f"{twins('enter')},{twins('question_mark')}", "cancel", show=False)
    ]
    DEFAULT_CSS = """
    WordsWindow .title { text-style: bold; margin: 0 0 1 0; }
    WordsWindow Static { height: auto; width: 100%; }
    WordsWindow .keys { color: $text-muted; margin: 1 0 0 0; }
    """

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._heading = title
        self._said = lines

    def compose(self) -> ComposeResult:
        """Build the window."""
        with Vertical(classes="window"):
            yield Words(self._heading, classes="title")
            yield Static(Text("\n").join(safe_text(line) for line in self._said), markup=False)
            yield Words(t("widget.words_keys"), classes="keys")
