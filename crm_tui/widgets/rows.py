"""Rows of a long list: where they come from, a page at a time, and which of them are selected."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, Protocol, TypeVar

from rich.text import Text

from crm_tui.widgets.text import Align

RowTone = Literal["", "muted", "warn", "alarm", "good"]

PAGE_ROWS: Final = 100
_PAGES_KEPT: Final = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its id, a cell per column, and a tone that repeats what the text already says."""

    id: str
    cells: tuple[str | Text, ...]
    tone: RowTone = ""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A row already known: a source may start a keyset page from it."""

    index: int
    id: str


class RowSource(Protocol):
    """Where a list gets its rows; each answer is O(page), whatever the number of rows."""

    async def count(self) -> int:
        """Return how many rows the filter has."""

    async def page(self, offset: int, limit: int, near: Anchor | None) -> Sequence[Row]:
        """Return the rows ``offset`` .. ``offset + limit``; ``near`` is the nearest row already known."""

    async def index_of(self, row_id: str) -> int | None:
        """Return where the row stands now, or None when the filter no longer has it."""


class ListSource:
    """A source over rows held in memory: for short lists."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.rows = list(rows)

    async def count(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    async def page(self, offset: int, limit: int, near: Anchor | None) -> Sequence[Row]:
        """Return a slice of the rows."""
        return self.rows[offset : offset + limit]

    async def index_of(self, row_id: str) -> int | None:
        """Return the place of the row, None when it is not there."""
        return next((index for index, row in enumerate(self.rows) if row.id == row_id), None)


class NotAsked(ListSource):
    """The source of a list whose first answer is still to come: it has no rows, and does not say so."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: fixed ``width`` cells, or a share ``flex`` of what is left over ``width``.

    Where a window is too narrow, columns with the highest ``drop`` are left out first; 0 always stays.
    """

    key: str
    header: str
    width: int = 0
    flex: int = 0
    align: Align = "left"
    drop: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows are selected: those in ``ids``, or all of the filter but those in ``ids``."""

    everything: bool = False
    ids: frozenset[str] = frozenset()

    def __contains__(self, row_id: object) -> bool:
        return (row_id in self.ids) != self.everything

    def size(self, total: int) -> int:
        """Return how many of ``total`` rows are selected."""
        return total - len(self.ids) if self.everything else len(self.ids)

    def with_row(self, row_id: str, *, selected: bool) -> Selection:
        """Return the selection with one row in or out."""
        if selected != self.everything:
            return Selection(self.everything, self.ids | {row_id})
        return Selection(self.everything, self.ids - {row_id})


class HasId(Protocol):
    """Anything a list can keep its cursor on."""

    @property
    def id(self) -> str:
        """What stays the same when the row moves."""


Item = TypeVar("Item", bound=HasId)


@dataclass(slots=True)
class Pages(Generic[Item]):
    """The pages seen last, by number; rows are found by their index in the whole list."""

    size: int = PAGE_ROWS
    pages: OrderedDict[int, Sequence[Item]] = field(default_factory=OrderedDict)

    def row(self, index: int) -> Item | None:
        """Return the row at ``index``, None while its page has not come."""
        page = self.pages.get(index // self.size)
        place = index % self.size
        return page[place] if page is not None and place < len(page) else None

    def put(self, number: int, rows: Sequence[Item]) -> None:
        """Keep a page and forget the oldest one beyond twelve."""
        self.pages[number] = rows
        self.pages.move_to_end(number)
        while len(self.pages) > _PAGES_KEPT:
            self.pages.popitem(last=False)

    def touch(self, number: int) -> bool:
        """Tell whether the page is here, and count it as just used."""
        if number in self.pages:
            self.pages.move_to_end(number)
            return True
        return False

    def near(self, index: int) -> Anchor | None:
        """Return the known row nearest to ``index``."""
        filled = [number for number, rows in self.pages.items() if rows]
        if not filled:
            return None
        number = min(filled, key=lambda known: abs(known * self.size - index))
        rows = self.pages[number]
        place = 0 if number * self.size >= index else len(rows) - 1
        return Anchor(number * self.size + place, rows[place].id)


def layout(columns: Sequence[Column], width: int) -> list[tuple[int, Column, int]]:
    """Choose the columns that fit in ``width`` cells: (place in the row, column, its width in cells)."""
    kept = list(enumerate(columns))
    while len(kept) > 1 and _least(kept) > width:
        droppable = [item for item in kept if item[1].drop > 0]
        kept.remove(max(droppable, key=lambda item: item[1].drop) if droppable else kept[-1])
    spare = max(width - _least(kept), 0)
    shares = sum(column.flex for _, column in kept)
    widths = []
    for place, column in kept:
        extra = spare * column.flex // shares if shares else 0
        widths.append((place, column, min(column.width + extra, width)))
    return widths


def _least(kept: Sequence[tuple[int, Column]]) -> int:
    return sum(column.width for _, column in kept) + len(kept) - 1
