"""What a long list knows: its source, the pages at hand, the cursor and the selection; it draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from textual.geometry import Size

from crm_tui.domain.errors import Refused
from crm_tui.widgets.paging import Paged
from crm_tui.widgets.rows import PAGE_ROWS, NotAsked, Pages, Row, RowSource, Selection

_PREFETCH: Final = 25


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a source has said: how many rows, the pages asked for, where the cursor belongs."""

    count: int
    pages: Pages[Row]
    cursor: int


async def _read(source: RowSource, cursor: int, wanted: str) -> _Answer:
    """Ask a source for the page of the cursor, or of the row ``wanted`` where it still has it."""
    count, pages = await source.count(), Pages[Row]()
    cursor = max(0, min(cursor, count - 1))
    await _load(source, pages, cursor // PAGE_ROWS)
    row = pages.row(cursor)
    if wanted and (row is None or row.id != wanted):
        index = await source.index_of(wanted)
        if index is not None:
            cursor = max(0, min(index, count - 1))
            await _load(source, pages, cursor // PAGE_ROWS)
    return _Answer(count, pages, cursor)


async def _load(source: RowSource, pages: Pages[Row], number: int) -> None:
    offset = number * PAGE_ROWS
    pages.put(number, await source.page(offset, PAGE_ROWS, pages.near(offset)))


class PagedRows(Paged):
    """Rows under a one-line header, brought page by page; the base of VirtualList."""

    def __init__(self, source: RowSource, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id, classes=classes)
        self.source = source
        self._next: RowSource | None = None  # asked for, and not yet answered
        self.count = 0
        self._pages: Pages[Row] = Pages()
        self._asked: set[int] = set()
        self._cursor = 0
        self._told = ""
        self.waiting = isinstance(source, NotAsked)

    @property
    def cursor(self) -> int:
        """Index of the row under the cursor, from 0."""
        return self._cursor

    @property
    def cursor_id(self) -> str:
        """Id of the row under the cursor; empty for an empty list or a page still on its way."""
        row = self._pages.row(self._cursor)
        return row.id if row else ""

    @property
    def total(self) -> int:
        """How many rows the source has."""
        return self.count

    def known(self) -> Mapping[str, object]:
        """Return the rows at hand by id."""
        return {row.id: row for rows in self._pages.pages.values() for row in rows}

    async def show(self, source: RowSource, *, to: str = "") -> None:
        """Show another source (a new filter): the cursor goes to ``to``, else to the first row.

        Until it has answered, and where it refuses to, the list stays as it was.
        """
        self._next = source
        try:
            await self.reload(to)
        except Refused:
            if self._next is source:
                self._next = None
            raise

    async def reload(self, to: str = "") -> None:
        """Ask again; the cursor stays on the same id (or goes to ``to``), wherever that row is now."""
        source, fresh = self._next or self.source, self._next is not None
        started = self._cursor
        wanted = to if fresh else to or self.cursor_id or self._told
        self._generation += 1
        generation = self._generation
        answer = await _read(source, 0 if fresh else started, wanted)
        if generation != self._generation:
            return  # a later reload is under way and knows better
        before = self.known() if self.by_others else {}
        moved = not fresh and self._cursor != started  # a key came meanwhile: the cursor is the person's
        if fresh:
            self.source, self._next, self._told = source, None, ""
            self._set_selection(Selection())
        self._pages, self._asked, self.count = answer.pages, set(), answer.count
        self._cursor = max(0, min(self._cursor if moved else answer.cursor, answer.count - 1))
        self.waiting = isinstance(source, NotAsked)
        self.flash_changes(before)
        self._resize_virtual()
        self._reveal()
        self.refresh()
        self._tell()

    @property
    def _height(self) -> int:
        return max(self.size.height - 1, 1)

    def _go(self, index: int) -> None:
        """Move the cursor and repaint the two lines it concerns."""
        index = max(0, min(index, self.count - 1))
        before, self._cursor = self._cursor, index
        if before == index:
            return
        self._reveal()
        self.refresh_line(before + 1)
        self.refresh_line(index + 1)
        self._want(index)
        self._want(min(index + _PREFETCH, max(self.count - 1, 0)))
        self._want(max(index - _PREFETCH, 0))
        self._tell()

    def _reveal(self) -> None:
        """Scroll as little as brings the cursor into the window."""
        top = self.scroll_offset.y
        if self._cursor < top:
            top = self._cursor
        elif self._cursor >= top + self._height:
            top = self._cursor - self._height + 1
        self.scroll_to(y=top, animate=False, force=True)

    def _resize_virtual(self) -> None:
        self.virtual_size = Size(self.size.width, self.count + 1)

    def _want(self, index: int) -> None:
        """Have the page of a row brought, once."""
        number = index // PAGE_ROWS
        if not self.count or self._pages.touch(number) or number in self._asked:
            return
        self._asked.add(number)
        self.run_worker(self._bring(number), group="pages", exit_on_error=False)

    async def _bring(self, number: int) -> None:
        pages, asked = self._pages, self._asked  # a reload meanwhile has its own
        try:
            await _load(self.source, pages, number)
        finally:
            asked.discard(number)
        self.refresh()
        self._tell()

    def _tell(self) -> None:
        """Say where the cursor is, once per row."""
        row_id = self.cursor_id
        if row_id == self._told or (self.count and not row_id):
            return
        self._told = row_id
        self.post_message(self.CursorMoved(self, row_id))
