"""A list of any length that draws only the lines on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from crm_tui.i18n import t
from crm_tui.widgets.paged import PagedRows
from crm_tui.widgets.rows import Column, Row, RowSource, Selection, layout
from crm_tui.widgets.text import fit, fit_text

GUTTER: Final = 2
"""Cells in front of a row: ``>`` where the cursor is, ``*`` selected or ``~`` changed by others."""


PATIENCE_SECONDS: Final = 0.3
"""So long an empty list waits for its first answer before it says so."""


class VirtualList(PagedRows):
    """One-line rows with a cursor and a selection; a key costs the same for ten rows and a million."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+up", "extend(-1)", show=False),
        Binding("shift+down", "extend(1)", show=False),
        Binding("ctrl+a", "select_all", "keys.all", show=False),
    ]
    DEFAULT_CSS = "VirtualList .paged--header { text-style: bold; }"

    def __init__(
        self,
        columns: Sequence[Column],
        source: RowSource,
        *,
        empty: str = "",
        selects: bool = True,
        id: str | None = None,  # noqa: A002  # Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(source, id=id, classes=classes)
        self.columns = tuple(columns)
        self.empty = empty
        self.selects = selects
        self._patient = True
        self._anchor: int | None = None
        self._layout: list[tuple[int, Column, int]] = []

    def show_columns(self, columns: Sequence[Column]) -> None:
        """Share the width out over other columns; the rows are shown after that."""
        self.columns = tuple(columns)
        self._layout = layout(self.columns, max(self.size.width - GUTTER, 1))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the window: the header, a row, or nothing."""
        width = self.size.width
        base = self.rich_style
        if y == 0:
            style = base + self.get_component_rich_style("paged--header")
            cells = " ".join(fit(column.header, size, column.align) for _, column, size in self._layout)
            return Strip([Segment(fit(" " * GUTTER + cells, width), style)], width)
        index = self.scroll_offset.y + y - 1
        if index >= self.count:
            return self._draw_nothing(width, base, first=index == 0)
        return self._draw_row(index, width, base)

    async def on_mount(self) -> None:
        """Say after a while that the first answer is on its way; until then nothing flickers."""
        self.set_timer(PATIENCE_SECONDS, self._lose_patience)

    def _lose_patience(self) -> None:
        self._patient = False
        if self.waiting:
            self.refresh()

    def _draw_nothing(self, width: int, base: Style, *, first: bool) -> Strip:
        """Draw a line below the rows: that there are none, or that they are still being looked for."""
        if self.waiting:
            said = "" if self._patient else ".."
            base = self._row_style(base, "muted", at_cursor=False)
        else:
            said = self.empty or t("widget.list_empty")
        shown = first and not self.count
        return Strip([Segment(fit(f"  {said if shown else ''}", width), base)], width)

    def on_resize(self, event: events.Resize) -> None:
        """Share the columns out over the new width."""
        self._layout = layout(self.columns, max(event.size.width - GUTTER, 1))
        self._resize_virtual()
        self._reveal()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked row; open it when the cursor was there."""
        index = self.scroll_offset.y + event.y - 1
        if event.y < 1 or index >= self.count:
            return
        if index == self._cursor:
            self.action_open()
        else:
            self._go(index)

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self._anchor = None
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by windows."""
        self.action_move(by * max(self._height - 1, 1))

    def action_edge(self, to: int) -> None:
        """Move the cursor to the first or the last row."""
        self._anchor = None
        self._go(0 if to < 0 else self.count - 1)

    def action_extend(self, by: int) -> None:
        """Select from where the range began to where the cursor goes."""
        row = self._pages.row(self._cursor)
        to = self._cursor + by
        if row is None or not 0 <= to < self.count:
            return
        if self._anchor is None:
            self._anchor = self._cursor
        shrinking = abs(to - self._anchor) < abs(self._cursor - self._anchor)
        changed = self.selection.with_row(row.id, selected=not shrinking)
        ahead = self._pages.row(to)
        if ahead is not None:
            changed = changed.with_row(ahead.id, selected=True)
        self._set_selection(changed)
        self._go(to)

    def action_select_all(self) -> None:
        """Select all of the filter, or nothing when all was selected."""
        everything = self.selected_count < self.count
        self._set_selection(Selection(everything=everything))
        self.refresh()

    def _draw_row(self, index: int, width: int, base: Style) -> Strip:
        row = self._pages.row(index)
        at_cursor = index == self._cursor
        style = self._row_style(base, row.tone if row else "", at_cursor=at_cursor)
        mark = ">" if at_cursor else " "
        if row is None:
            self._want(index)
            return Strip([Segment(fit(f"{mark} ..", width), style)], width)
        segments = [Segment(mark + self._state(row.id), style)]
        segments += self._draw_cells(row, style)
        return Strip(segments).adjust_cell_length(width, style)

    def _draw_cells(self, row: Row, style: Style) -> Iterable[Segment]:
        for number, (place, column, size) in enumerate(self._layout):
            if number:
                yield Segment(" ", style)
            cell = row.cells[place] if place < len(row.cells) else ""
            if isinstance(cell, Text):
                for segment in fit_text(cell, size, column.align).render(self.app.console):
                    yield Segment(segment.text, style + (segment.style or Style.null()))
            else:
                yield Segment(fit(cell, size, column.align), style)
