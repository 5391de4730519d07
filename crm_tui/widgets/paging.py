"""What a list and a board share: keys, messages, the selection, and the marks of what others changed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.scroll_view import ScrollView

from crm_tui.widgets.keys import twins
from crm_tui.widgets.rows import RowTone, Selection

FLASH_SECONDS: Final = 5.0
"""How long ``~`` stands before what others changed."""


_SELECTING: Final = frozenset({"pick", "extend", "select_all"})


class Paged(ScrollView, can_focus=True, inherit_bindings=False):  # its bindings scroll, ours move a cursor
    """Things brought page by page, with one cursor and a selection; ``row_id`` is the id of any of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "edge(-1)", show=False),
        Binding("end", "edge(1)", show=False),
        Binding(twins("space"), "pick", "keys.select", show=False),
        Binding(twins("enter"), "open", "keys.open", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "paged--header",
        "paged--cursor",
        "paged--muted",
        "paged--warn",
        "paged--alarm",
        "paged--good",
    }
    DEFAULT_CSS = """
    Paged { height: 1fr; width: 100%; scrollbar-size: 0 0; }
    Paged .paged--header { color: $text-muted; }
    Paged .paged--cursor { background: $panel; }
    Paged:focus .paged--cursor { background: $block-cursor-background; }
    Paged:focus .paged--cursor { color: $block-cursor-foreground; }
    Paged .paged--muted { color: $text-muted; }
    Paged .paged--warn { color: $text-warning; }
    Paged .paged--alarm { color: $text-error; }
    Paged .paged--good { color: $text-success; }
    """
    ALLOW_SELECT = False

    class OfRow(Message):
        """Something about one row; ``row_id`` is empty where there is none."""

        def __init__(self, paged: Paged, row_id: str) -> None:
            super().__init__()
            self.paged = paged
            self.row_id = row_id

        @property
        def control(self) -> Paged:
            """The list or board."""
            return self.paged

    class CursorMoved(OfRow):
        """The cursor stands on another row."""

    class Opened(OfRow):
        """Enter, or a click on the row under the cursor."""

    class SelectionChanged(Message):
        """The number of selected rows changed."""

        def __init__(self, paged: Paged, count: int) -> None:
            super().__init__()
            self.paged = paged
            self.count = count

        @property
        def control(self) -> Paged:
            """The list or board."""
            return self.paged

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id, classes=classes)
        self.selection = Selection()
        self.selects = True
        """Whether rows can be selected: not where every key acts on the one under the cursor."""
        self.by_others = False
        """Whether what the next reload finds changed is the work of others, to be marked with ``~``."""
        self._flashing: frozenset[str] = frozenset()
        self._generation = 0

    async def on_mount(self) -> None:
        """Ask for what the window shows."""
        await self.reload()

    @property
    @abstractmethod
    def total(self) -> int:
        """How many rows there are, at hand or not."""

    @property
    @abstractmethod
    def cursor_id(self) -> str:
        """Id of the row under the cursor; empty where there is none, or its page is still on its way."""

    @abstractmethod
    async def reload(self, to: str = "") -> None:
        """Ask again; the cursor stays on the same id (or goes to ``to``), wherever that row is now."""

    @abstractmethod
    def known(self) -> Mapping[str, object]:
        """Return the rows at hand by id, each as something that is equal while it looks the same."""

    @property
    def selected_count(self) -> int:
        """How many rows are selected."""
        return self.selection.size(self.total)

    def clear_selection(self) -> bool:
        """Select nothing; tells whether something was selected (a step of the Esc ladder)."""
        if not self.selected_count:
            return False
        self._set_selection(Selection())
        self.refresh()
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Take no key that selects where nothing can be done with a selection."""
        if action in _SELECTING and not self.selects:
            return False
        return super().check_action(action, parameters)

    def action_pick(self) -> None:
        """Select the row under the cursor, or no longer."""
        row_id = self.cursor_id
        if row_id:
            self._set_selection(self.selection.with_row(row_id, selected=row_id not in self.selection))
            self.refresh()

    def action_open(self) -> None:
        """Say that the row under the cursor is wanted."""
        if self.cursor_id:
            self.post_message(self.Opened(self, self.cursor_id))

    def flash_changes(self, before: Mapping[str, object]) -> None:
        """Mark the rows that look other than before; only those seen before, and for FLASH_SECONDS."""
        changed = frozenset(
            row_id for row_id, row in self.known().items() if row_id in before and before[row_id] != row
        )
        if changed:
            self._flashing |= changed
            self.set_timer(FLASH_SECONDS, lambda: self._unflash(changed))

    def _unflash(self, ids: frozenset[str]) -> None:
        self._flashing -= ids
        self.refresh()

    def _set_selection(self, selection: Selection) -> None:
        before = self.selected_count
        self.selection = selection
        if self.selected_count != before:
            self.post_message(self.SelectionChanged(self, self.selected_count))

    def _state(self, row_id: str) -> str:
        """Return the mark of one cell: ``*`` selected, ``~`` changed by others."""
        return "*" if row_id in self.selection else "~" if row_id in self._flashing else " "

    def _row_style(self, base: Style, tone: RowTone, *, at_cursor: bool) -> Style:
        """Return how a row is drawn: its tone, and the cursor over it."""
        style = base
        if tone:
            style += self.get_component_rich_style(f"paged--{tone}", partial=True)
        if at_cursor:
            style += self.get_component_rich_style("paged--cursor")
        return style
