"""The pipeline board: columns of two-line cards, drawn as the visible lines only."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from crm_tui.i18n import t
from crm_tui.widgets import drawing
from crm_tui.widgets.cards import Card
from crm_tui.widgets.paged_cards import CARD_LINES, HEAD_LINES, PagedCards
from crm_tui.widgets.text import clean, fit

_PREFETCH = 10


class VirtualBoard(PagedCards):
    """Columns of cards with one cursor; a key costs the same for fifty cards and fifty thousand."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "across(-1)", show=False),
        Binding("right", "across(1)", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"board--here"}
    DEFAULT_CSS = "VirtualBoard .board--here { color: $accent; text-style: bold; }"

    def render_line(self, y: int) -> Strip:
        """Draw one line of the window across the visible columns."""
        width, height = self.size
        base = self.rich_style
        if not self.columns:
            return Strip.blank(width, base)
        if y == height - 1 and height > HEAD_LINES:
            return Strip(
                [Segment(self._marker(width), base + self.get_component_rich_style("paged--header"))]
            )
        segments: list[Segment] = []
        for at in range(self._left, min(self._left + self._shown, len(self.columns))):
            segments += self._head(at, y, base) if y < HEAD_LINES else self._body(at, y - HEAD_LINES, base)
        return Strip(segments).adjust_cell_length(width, base)

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in the window."""
        self._measure()
        self._reveal()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked card; open it when the cursor was there."""
        at = self._left + event.x // max(self._width, 1)
        if not self.columns or event.y < HEAD_LINES or at >= len(self.columns):
            return
        row = self._top(at) + (event.y - HEAD_LINES) // CARD_LINES
        if (at, row) == self.place:
            self.action_open()
        elif row < self._length(at):
            self._go(at, row)

    def action_move(self, by: int) -> None:
        """Move the cursor within its column."""
        self._go(self._at, self._row + by)
        self._prefetch()

    def action_across(self, by: int) -> None:
        """Move the cursor to the card at the same height of the column beside."""
        at = max(0, min(self._at + by, len(self.columns) - 1))
        if self.columns:
            self._go(at, self._top(at) + self._row - self._top(self._at))

    def action_page(self, by: int) -> None:
        """Move the cursor by windows."""
        self.action_move(by * self._rows)

    def action_edge(self, to: int) -> None:
        """Move the cursor to the first or the last card of its column."""
        self._go(self._at, 0 if to < 0 else self._length(self._at) - 1)

    def _head(self, at: int, y: int, base: Style) -> list[Segment]:
        column, width = self.columns[at], self._width
        if y == 0:
            name = fit(column.name, width - 3).rstrip()
            here = at == self._at
            style = base + self.get_component_rich_style("board--here" if here else "paged--header")
            return [Segment(fit(f"[{name}]" if here else f" {name}", width), style)]
        style = base + self.get_component_rich_style("paged--header")
        text = f" {fit(column.figures, width - 2)} " if y == 1 else drawing.rule(width - 2) + "  "
        return [Segment(text, style)]

    def _body(self, at: int, line: int, base: Style) -> list[Segment]:
        row = self._top(at) + line // CARD_LINES
        width = self._width
        if row >= self._length(at) or line // CARD_LINES >= self._rows:
            said = t("widget.board_empty") if line == 0 and not self._length(at) else ""
            here = at == self._at and said
            return [Segment(fit(f"{'>' if here else ' '}{said}", width), base)]
        card = self._card(at, row)
        style = self._row_style(base, card.tone if card else "", at_cursor=(at, row) == self.place)
        if card is None:
            self._want(at, row)
            return [
                Segment(fit(f"{'>' if (at, row) == self.place else ' '}..", width - 1), style),
                Segment(" ", base),
            ]
        first = line % CARD_LINES == 0
        if first:
            text = self._title(card, at, row, width - 2)
        else:
            text = f"{self._state(card.id)} {fit(card.line2, width - 3)}"
        return [Segment(text, style), Segment(" ", base)]

    def _title(self, card: Card, at: int, row: int, room: int) -> str:
        state = self._state(card.id)
        gutter = ">" if (at, row) == self.place else state
        mark = fit(card.mark, min(cell_len(clean(card.mark)), max(room - 5, 0)))
        if not mark:
            return gutter + fit(card.title, room)
        title = clean(card.title)
        title = fit(title, min(cell_len(title), room - cell_len(mark) - 1))
        return gutter + fit(f"{title} {mark}", room)

    def _marker(self, width: int) -> str:
        """Say which columns the window hides and where in a long column the cursor is."""
        hidden = len(self.columns) - self._left - self._shown
        left = t("widget.more_left", count=self._left) if self._left else ""
        size = self._length(self._at)
        where = f"{self._row + 1}/{size}" if size > self._rows else ""
        right = t("widget.more_right", count=hidden) if hidden > 0 else ""
        room = max(width - cell_len(right) - 1, 0)
        return fit(fit(f" {left}  {where}" if left else f" {where}", room) + right, width)

    def _prefetch(self) -> None:
        size = self._length(self._at)
        for row in (self._row + _PREFETCH, self._row - _PREFETCH):
            if 0 <= row < size:
                self._want(self._at, row)
