"""What a board shows: columns, cards, and the source they come from a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from crm_tui.widgets.rows import Anchor, RowTone


@dataclass(frozen=True, slots=True)
class Card:
    """A card of two lines: title with a mark (``!2天``, ``锁``), and a second line."""

    id: str
    title: str
    mark: str = ""
    line2: str = ""
    tone: RowTone = ""


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """A column: its name, the line under it (count, sum, dwell) and how many cards it has."""

    id: str
    name: str
    figures: str
    count: int


class CardSource(Protocol):
    """Where a board gets its columns and cards; each answer is O(page)."""

    async def columns(self) -> Sequence[BoardColumn]:
        """Return the columns in order."""

    async def cards(self, column_id: str, offset: int, limit: int, near: Anchor | None) -> Sequence[Card]:
        """Return cards ``offset`` .. ``offset + limit`` of a column; ``near`` is a card already known."""

    async def place_of(self, card_id: str) -> tuple[str, int] | None:
        """Return column id and index of a card now, or None when the filter no longer has it."""


class CardLists:
    """A source over cards held in memory: for short boards."""

    def __init__(self, columns: Sequence[BoardColumn], cards: Mapping[str, Sequence[Card]]) -> None:
        self._columns = columns
        self._cards = cards

    async def columns(self) -> Sequence[BoardColumn]:
        """Return the columns."""
        return self._columns

    async def cards(self, column_id: str, offset: int, limit: int, near: Anchor | None) -> Sequence[Card]:
        """Return a slice of a column."""
        return self._cards.get(column_id, ())[offset : offset + limit]

    async def place_of(self, card_id: str) -> tuple[str, int] | None:
        """Return where the card stands."""
        for column_id, cards in self._cards.items():
            for index, card in enumerate(cards):
                if card.id == card_id:
                    return column_id, index
        return None
