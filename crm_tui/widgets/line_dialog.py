"""A window that asks for one line and says live how it reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from crm_tui.i18n import t
from crm_tui.widgets.field_row import Words
from crm_tui.widgets.fields import TextField
from crm_tui.widgets.frame import CrmModal
from crm_tui.widgets.text import clean


class LineDialog(CrmModal[str | None]):
    """Gives the line typed, without blanks around it; None when cancelled; ``read`` says what it means."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f10,ctrl+s", "take", "keys.confirm")]
    AUTO_FOCUS = "TextField"
    DEFAULT_CSS = """
    LineDialog .question { text-style: bold; }
    LineDialog .keys { color: $text-muted; }
    """

    def __init__(self, question: str, read: Callable[[str], str] | None = None) -> None:
        super().__init__()
        self._question = question
        self._read = read
        self._field = TextField()
        self._meaning = Words()

    def compose(self) -> ComposeResult:
        """Build the window: the question, the line, what it means, the keys."""
        with Vertical(classes="window"):
            yield Words(self._question, classes="question")
            yield self._field
            yield self._meaning
            yield Words(t("widget.line_keys"), classes="keys")

    @on(Input.Changed)
    def _say_meaning(self) -> None:
        typed = self._field.value.strip()
        self._meaning.say(self._read(typed) if self._read and typed else "")

    @on(Input.Submitted)
    def action_take(self) -> None:
        """Close with what was typed."""
        self.dismiss(clean(self._field.value).strip())
