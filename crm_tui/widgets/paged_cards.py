"""What a board knows: its columns, the pages at hand, where the cursor is; it draws nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from textual.geometry import Region

from crm_tui.domain.errors import Refused
from crm_tui.widgets.cards import BoardColumn, Card, CardSource
from crm_tui.widgets.paging import Paged
from crm_tui.widgets.rows import Pages, Selection

HEAD_LINES: Final = 3
CARD_LINES: Final = 2
MIN_COLUMN: Final = 16
"""Cells a column needs; at 80 columns five of them fit."""
_PAGE_CARDS: Final = 40


class PagedCards(Paged):
    """Columns of cards, brought page by page; the base of VirtualBoard."""

    def __init__(self, source: CardSource, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id, classes=classes)
        self.source = source
        self.columns: Sequence[BoardColumn] = ()
        self._pages: dict[str, Pages[Card]] = {}
        self._asked: set[tuple[str, int]] = set()
        self._tops: dict[str, int] = {}
        self._at = 0
        self._row = 0
        self._left = 0
        self._told: tuple[str, str] | None = None
        self._rows, self._shown, self._width = 1, 1, MIN_COLUMN

    @property
    def column_id(self) -> str:
        """Id of the column the cursor is in; empty while there are no columns."""
        return self.columns[self._at].id if self.columns else ""

    @property
    def total(self) -> int:
        """How many cards all columns have."""
        return sum(column.count for column in self.columns)

    def known(self) -> Mapping[str, object]:
        """Return the cards at hand by id, each with the column it stands in."""
        return {
            card.id: (column_id, card)
            for column_id, pages in self._pages.items()
            for cards in pages.pages.values()
            for card in cards
        }

    @property
    def cursor_id(self) -> str:
        """Id of the card under the cursor; empty in an empty column or while its page is on the way."""
        card = self._card(self._at, self._row)
        return card.id if card else ""

    @property
    def place(self) -> tuple[int, int]:
        """Column and index in it of the cursor, both from 0."""
        return self._at, self._row

    async def show(self, source: CardSource, *, to: str = "") -> None:
        """Show another source (a new filter), the cursor on card ``to`` or on the first card."""
        self.source = source
        self._pages, self._tops, self._at, self._row, self._left = {}, {}, 0, 0, 0
        self._told = None
        self._set_selection(Selection())
        await self.reload(to)

    async def reload(self, to: str = "") -> None:
        """Ask again; the cursor stays on the same card (or goes to ``to``), wherever it is now."""
        wanted = to or self.cursor_id or (self._told[1] if self._told else "")  # cut short, it has no pages
        self._generation += 1
        generation = self._generation
        columns = await self.source.columns()
        place = await self.source.place_of(wanted) if wanted else None
        if generation != self._generation:
            return  # a later reload is under way and knows better
        shown, at = self.columns, self.place
        self.columns, self._asked = columns, set()
        self._measure()
        self._at = max(0, min(self._at, len(columns) - 1))
        if place is not None:
            self._at = next((at for at, column in enumerate(columns) if column.id == place[0]), self._at)
            self._row = place[1]
        self._row = max(0, min(self._row, self._length(self._at) - 1))
        self._reveal()
        before = self.known() if self.by_others else {}
        old, self._pages = self._pages, {}
        try:
            fresh = await self._first_pages()
        except Refused:
            self.columns, self._pages, (self._at, self._row) = shown, old, at
            self._reveal()
            self.refresh()
            raise
        if generation != self._generation:
            self._pages = old
            return
        self._pages = fresh
        self.flash_changes(before)
        self.refresh()
        self._tell()

    async def _first_pages(self) -> dict[str, Pages[Card]]:
        """Bring what the window shows now, before anything is drawn."""
        fresh: dict[str, Pages[Card]] = {}
        for column in self.columns[self._left : self._left + self._shown]:
            pages = fresh[column.id] = Pages[Card](_PAGE_CARDS)
            top = self._tops.get(column.id, 0)
            last = max(min(top + self._rows, column.count) - 1, 0)
            for number in sorted({top // _PAGE_CARDS, last // _PAGE_CARDS}):
                offset = number * _PAGE_CARDS
                pages.put(number, await self.source.cards(column.id, offset, _PAGE_CARDS, pages.near(offset)))
        return fresh

    def _measure(self) -> None:
        """Work out, once per size, how many columns and cards the window shows and how wide a column is."""
        width, height = self.size
        self._rows = max((height - HEAD_LINES - 1) // CARD_LINES, 1)
        self._shown = max(1, min(len(self.columns), (width or MIN_COLUMN * 5) // MIN_COLUMN))
        self._width = min(width // self._shown, MIN_COLUMN * 2) if self._shown > 1 else width

    def _length(self, at: int) -> int:
        return self.columns[at].count if 0 <= at < len(self.columns) else 0

    def _card(self, at: int, row: int) -> Card | None:
        if not 0 <= at < len(self.columns) or row >= self._length(at):
            return None
        pages = self._pages.get(self.columns[at].id)
        return pages.row(row) if pages else None

    def _top(self, at: int) -> int:
        return self._tops.get(self.columns[at].id, 0)

    def _reveal(self) -> bool:
        """Scroll as little as shows the cursor; tells whether the columns shown changed."""
        if not self.columns:
            return False
        for at, column in enumerate(self.columns):
            self._tops[column.id] = max(0, min(self._tops.get(column.id, 0), self._length(at) - self._rows))
        top = self._top(self._at)
        self._tops[self.column_id] = max(min(top, self._row), self._row - self._rows + 1)
        before = self._left
        left = max(min(self._left, self._at), self._at - self._shown + 1)
        self._left = max(0, min(left, len(self.columns) - self._shown))
        return before != self._left

    def _region(self, at: int, row: int) -> Region:
        """Where a card stands in the window."""
        return Region(
            (at - self._left) * self._width,
            HEAD_LINES + (row - self._top(at)) * CARD_LINES,
            self._width,
            CARD_LINES,
        )

    def _go(self, at: int, row: int) -> None:
        """Move the cursor and repaint the regions it concerns."""
        if not self.columns:
            return
        at = max(0, min(at, len(self.columns) - 1))
        row = max(0, min(row, self._length(at) - 1))
        if (at, row) == (self._at, self._row):
            return
        before, old_top = (self._at, self._row), self._top(at)
        old = self._region(*before)
        self._at, self._row = at, row
        if self._reveal():
            self.refresh()
        else:
            new, width, height = self._region(at, row), self.size.width, self.size.height
            regions = [old, new, Region(0, height - 1, width, 1)]
            if before[0] != at:
                regions += [Region(old.x, 0, old.width, 1), Region(new.x, 0, new.width, 1)]
            if old_top != self._top(at):
                regions.append(Region(new.x, HEAD_LINES, new.width, max(height - HEAD_LINES, 1)))
            self.refresh(*regions)
        self._tell()

    def _want(self, at: int, row: int) -> None:
        """Have the page of a card brought, once."""
        column = self.columns[at]
        number = row // _PAGE_CARDS
        pages = self._pages.get(column.id)
        if (pages is not None and pages.touch(number)) or (column.id, number) in self._asked:
            return
        self._asked.add((column.id, number))
        self.run_worker(self._bring(column.id, number), group="cards", exit_on_error=False)

    async def _bring(self, column_id: str, number: int) -> None:
        generation = self._generation
        offset = number * _PAGE_CARDS
        pages = self._pages.get(column_id) or Pages[Card](_PAGE_CARDS)
        try:
            cards = await self.source.cards(column_id, offset, _PAGE_CARDS, pages.near(offset))
        finally:
            self._asked.discard((column_id, number))
        if generation == self._generation:
            self._pages.setdefault(column_id, pages).put(number, cards)
            self.refresh()
            self._tell()

    def _tell(self) -> None:
        """Say where the cursor is, once per card or empty column."""
        card_id = self.cursor_id
        if not card_id and self._length(self._at):
            return
        if (self.column_id, card_id) != self._told:
            self._told = (self.column_id, card_id)
            self.post_message(self.CursorMoved(self, card_id))
