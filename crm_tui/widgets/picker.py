"""Pick one of a list: a digit picks, letters match pinyin initials, Chinese matches names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from crm_tui.i18n import t
from crm_tui.widgets.field_row import Words
from crm_tui.widgets.fields import TextField
from crm_tui.widgets.frame import CrmModal
from crm_tui.widgets.keys import digit_of
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.rows import Column, ListSource, Row


@dataclass(frozen=True, slots=True)
class PickRow:
    """One thing to pick: its value, its name, a note, and what typed letters match (pinyin initials)."""

    value: str
    label: str
    search: str = ""
    note: str = ""

    def matches(self, typed: str) -> bool:
        """Tell whether what was typed finds this row."""
        wanted = typed.casefold()
        return wanted in self.label.casefold() or self.search.casefold().startswith(wanted)


class PickField(TextField):
    """The line one types into; a digit does not go into it but picks."""

    async def _on_key(self, event: events.Key) -> None:
        digit = digit_of(event.key)
        if digit and isinstance(self.screen, Picker):
            event.stop()
            event.prevent_default()
            self.screen.pick_number(digit)


class Picker(CrmModal[str | None]):
    """A numbered list over the screen; gives the value picked, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
    ]
    DEFAULT_CSS = """
    Picker VirtualList { height: 12; max-height: 50vh; }
    Picker .find { height: 1; }
    Picker .find Words { padding: 0 1 0 0; }
    Picker .keys { color: $text-muted; }
    """

    def __init__(self, title: str, rows: Sequence[PickRow]) -> None:
        super().__init__()
        self._title = title
        self._rows = tuple(rows)
        self._shown = self._rows
        columns = (
            Column("digit", "", width=2),
            Column("name", "", width=8, flex=2),
            Column("note", "", flex=1),
        )
        self._list = VirtualList(columns, ListSource(self._drawn()), empty=t("widget.picker_none"))
        self._list.can_focus = False

    def compose(self) -> ComposeResult:
        """Build the window: title, line to type into, the list, its keys."""
        with Vertical(classes="window"):
            yield Words(self._title)
            with Horizontal(classes="find"):
                yield Words(t("widget.picker_filter"))
                yield PickField()
            yield self._list
            yield Words(t("widget.picker_hint"), classes="keys")

    def pick_number(self, digit: str) -> None:
        """Pick the row with this number; a number no row has does nothing."""
        place = int(digit) - 1
        if 0 <= place < min(len(self._shown), 9):
            self.dismiss(self._shown[place].value)

    def action_move(self, by: int) -> None:
        """Move the cursor in the list."""
        self._list.action_move(by)

    def action_page(self, by: int) -> None:
        """Move the cursor by windows."""
        self._list.action_page(by)

    @on(Input.Changed)
    async def _filter(self, message: Input.Changed) -> None:
        typed = message.value.strip()
        self._shown = tuple(row for row in self._rows if row.matches(typed))
        await self._list.show(ListSource(self._drawn()))

    @on(Input.Submitted)
    def _enter(self) -> None:
        if self._shown:
            self.dismiss(self._shown[self._list.cursor].value)

    @on(VirtualList.Opened)
    def _opened(self, message: VirtualList.Opened) -> None:
        self.dismiss(self._shown[int(message.row_id)].value)

    def _drawn(self) -> list[Row]:
        return [
            Row(str(place), (str(place + 1) if place < 9 else "", row.label, row.note))
            for place, row in enumerate(self._shown)
        ]
