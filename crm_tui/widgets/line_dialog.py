"""A window that asks for one line and says live how it reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from crm_tui.i18n import t
from crm_tui.widgets.field_row import Words
from crm_tui.widgets.fields import TextField
from crm_tui.widgets.frame import CrmModal
from crm_tui.widgets.parked import Parked
from crm_tui.widgets.text import clean


class LineDialog(CrmModal[str | None]):
    """Gives the line typed, without blanks around it; None when cancelled; ``read`` says what it means.

    What was typed when it was cancelled is ``parked``: it stands there the next time, and typing replaces it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f10,ctrl+s", "take", "keys.confirm")]
    AUTO_FOCUS = "TextField"
    DEFAULT_CSS = """
    LineDialog .question { text-style: bold; }
    LineDialog .keys { color: $text-muted; }
    """

    def __init__(
        self, question: str, read: Callable[[str], str] | None = None, parked: Parked | None = None
    ) -> None:
        super().__init__()
        self._parked = parked
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

    def on_mount(self) -> None:
        """Bring back what was left."""
        if self._parked is not None:
            self._bring_back(self._parked)

    @work(group="draft", exit_on_error=False)
    async def _bring_back(self, parked: Parked) -> None:
        left = await parked.take()
        if left and not self._field.value:
            self._field.value = left
            self._field.action_select_all()

    async def action_cancel(self) -> None:  # type: ignore[override]  # Textual awaits actions that are coroutines
        """Close without a result; what was typed is kept, and where it cannot be, the window stays."""
        if self._parked is not None:
            no = await self._parked.keep(clean(self._field.value).strip())
            if no:
                self._meaning.say(no)
                return
        self.dismiss(None)

    @on(Input.Changed)
    def _say_meaning(self) -> None:
        typed = self._field.value.strip()
        self._meaning.say(self._read(typed) if self._read and typed else "")

    @on(Input.Submitted)
    async def action_take(self) -> None:
        """Close with what was typed."""
        if self._parked is not None:
            await self._parked.keep("")
        self.dismiss(clean(self._field.value).strip())
