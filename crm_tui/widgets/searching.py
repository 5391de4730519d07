"""A list with a line to type into: ``/`` leads there, the keys that move in the list work while typing."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from crm_tui.widgets.fields import SearchField
from crm_tui.widgets.keys import twins
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.workplace import WorkScreen


class Searching(WorkScreen):
    """A screen whose list ``rows`` is narrowed by what is ``typed``; a subclass composes both."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(twins("slash"), "to_search", "search.key", show=False, tooltip="search.tip")
    ]
    rows: VirtualList
    typed: SearchField

    def type_in(self, text: str) -> None:
        """Go to the line, with something more typed into it."""
        self.typed.focus()
        self.typed.value += text
        self.typed.cursor_position = len(self.typed.value)

    def clear_typed(self) -> bool:
        """Empty the line; tells whether something stood there (a step of the Esc ladder)."""
        if not self.typed.value:
            return False
        self.typed.value = ""
        return True

    def action_to_search(self) -> None:
        """Go to the line one types into."""
        self.type_in("")

    def action_to_list(self) -> None:
        """Go to the list, where Space selects."""
        self.rows.focus()

    def action_move(self, by: int) -> None:
        """Move the cursor of the list while typing."""
        self.rows.action_move(by)

    def action_page(self, by: int) -> None:
        """Move the cursor of the list by windows while typing."""
        self.rows.action_page(by)
