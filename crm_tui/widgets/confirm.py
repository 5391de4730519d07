"""Ask before what cannot simply be undone: one line that says what will happen, cancel as the default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from crm_tui.i18n import t
from crm_tui.widgets.field_row import FieldKind, FieldRow, FieldSpec, Words
from crm_tui.widgets.fields import Choice, ChoiceField
from crm_tui.widgets.frame import CrmModal
from crm_tui.widgets.keys import twins
from crm_tui.widgets.parked import Parked

_NO = "no"
_YES = "yes"


class Confirm(CrmModal[str | None]):
    """Shows a preview and waits: F10 or Ctrl+S confirms, Esc cancels.

    The result is None when cancelled, else the reason: the text typed, the value of the reason chosen,
    or an empty string when no reason was asked for. A reason that was typed when it was cancelled is
    ``parked``: it stands there the next time.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f10,ctrl+s", "confirm", "keys.confirm", priority=True),
        Binding(f"down,{twins('enter')}", "enter", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]
    DEFAULT_CSS = """
    Confirm .preview { text-style: bold; margin: 0 0 1 0; }
    """

    def __init__(
        self,
        preview: str,
        *,
        ask_reason: bool = False,
        reasons: Sequence[Choice] = (),
        parked: Parked | None = None,
    ) -> None:
        super().__init__()
        self._parked = parked
        self._preview = preview
        self._reason: FieldRow | None = None
        if ask_reason or reasons:
            kind: FieldKind = "choice" if reasons else "text"
            spec = FieldSpec("reason", "widget.confirm_reason", kind, mandatory=True, choices=reasons)
            self._reason = FieldRow(spec)
        answers = (Choice(_NO, t("widget.confirm_no")), Choice(_YES, t("widget.confirm_yes")))
        self._answer = ChoiceField(answers, value=[_NO])

    def compose(self) -> ComposeResult:
        """Build the window: the preview, the reason where one is asked for, the two answers."""
        with Vertical(classes="window"):
            yield Words(self._preview, classes="preview")
            if self._reason is not None:
                yield self._reason
            yield self._answer

    def on_mount(self) -> None:
        """Stand on the reason, else on cancel."""
        (self._reason.field if self._reason is not None else self._answer).focus()
        if self._parked is not None:
            self._bring_back(self._parked)

    @work(group="draft", exit_on_error=False)
    async def _bring_back(self, parked: Parked) -> None:
        left = await parked.take()
        if left and self._reason is not None and not self._reason.value:
            self._reason.put(left)
            if isinstance(self._reason.field, Input):
                self._reason.field.action_select_all()

    async def action_cancel(self) -> None:  # type: ignore[override]  # Textual awaits actions that are coroutines
        """Close without a result; a typed reason is kept, and where it cannot be, the window stays."""
        if self._parked is not None and self._reason is not None:
            no = await self._parked.keep(str(self._reason.value))
            if no:
                self._reason.wrong(no)
                return
        self.dismiss(None)

    async def action_confirm(self) -> None:
        """Confirm; without the reason that is asked for, go there and say so."""
        reason = self._reason.value if self._reason is not None else ""
        if self._reason is not None and not reason:
            self._reason.wrong(t("widget.must_fill", field=t("widget.confirm_reason")))
            self._reason.field.focus()
            return
        if self._parked is not None:
            await self._parked.keep("")
        self.dismiss(reason if isinstance(reason, str) else " ".join(reason))

    async def action_enter(self) -> None:
        """Go on from the reason; on the answers, do what they say."""
        if not self._answer.has_focus:
            self._answer.focus()
        elif self._answer.value == _YES:
            await self.action_confirm()
        else:
            await self.action_cancel()

    @on(Input.Submitted)
    def _typed(self, message: Input.Submitted) -> None:
        message.stop()
        self._answer.focus()
