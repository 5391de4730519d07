"""The filters of figures, as a form: time, region, branch, team, person, product line, source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from crm_tui.domain.calendar import PERIODS
from crm_tui.i18n import t
from crm_tui.widgets.field_row import FieldSpec, Words
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.form import Form
from crm_tui.widgets.frame import CrmModal

NAMES = ("region", "branch", "team", "person", "pipeline", "line", "source")


class FilterDialog(CrmModal[dict[str, str] | None]):
    """Gives the filters by name, or None when cancelled; empty fields ask for nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f10,ctrl+s", "take", "keys.confirm", priority=True),
    ]
    DEFAULT_CSS = "FilterDialog > .window { width: 78; }"

    def __init__(self, asked: Mapping[str, str]) -> None:
        super().__init__()
        shown = [name for name in PERIODS if not name.startswith(("yesterday", "last_7"))]
        periods = [Choice(name, t(f"panel.period.{name}")) for name in shown]
        specs = [
            FieldSpec("period", "panel.field.period", "choice", choices=periods[:4]),
            FieldSpec("longer", "panel.field.longer", "choice", choices=periods[4:]),
            FieldSpec("from", "panel.field.from"),
            FieldSpec("to", "panel.field.to"),
            *(FieldSpec(name, f"panel.field.{name}") for name in NAMES),
        ]
        period = asked.get("period", "")
        start = {**asked, "longer": period}
        self._form = Form(specs, start)

    def compose(self) -> ComposeResult:
        """Build the window: the form and its keys."""
        with Vertical(classes="window"):
            yield self._form
            yield Words(t("panel.filter_keys"))

    def action_take(self) -> None:
        """Close with what was chosen; days typed rule over a period."""
        typed = {name: str(value) for name, value in self._form.values().items() if value}
        longer = typed.pop("longer", "")
        if "from" in typed or "to" in typed:
            typed.pop("period", None)
        elif longer:
            typed["period"] = longer
        self.dismiss(typed)
