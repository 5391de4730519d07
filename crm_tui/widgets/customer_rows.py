"""Customers as the rows of a list, asked for page by page; which of them are chosen is answered here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from crm_tui.widgets.counter import Counter
from crm_tui.widgets.rows import Anchor, Row, Selection

if TYPE_CHECKING:
    from crm_tui.queries.customer_lines import CustomerLine

MOST: Final = 1000
"""Customers that one step may change: more would be a slip, and hold the writer for seconds."""

Line = TypeVar("Line")
Ask = Callable[..., Awaitable[Any]]


class CustomerRows(ABC, Generic[Line]):
    """A source of one question about customers; ``question`` tells it from another one."""

    def __init__(self, counter: Counter, ask: Ask, question: Hashable) -> None:
        self._counter = counter
        self._ask = ask
        self.question = question
        self.seen: dict[str, CustomerLine] = {}

    @abstractmethod
    async def part(self, offset: int, limit: int) -> Any:
        """Return the answer to the question: its ``count``, and its ``lines`` from ``offset`` on."""

    @abstractmethod
    def customer(self, line: Line) -> CustomerLine:
        """Return the customer of a line."""

    @abstractmethod
    def row(self, line: Line) -> Row:
        """Return a line as the list draws it."""

    async def count(self) -> int:
        """Return how many customers there are."""
        return int((await self.part(0, 0)).count)

    async def page(self, offset: int, limit: int, near: Anchor | None) -> Sequence[Row]:
        """Return some of them."""
        lines = (await self.part(offset, limit)).lines
        self.seen.update({one.id: one for one in map(self.customer, lines)})
        return [self.row(line) for line in lines]

    async def index_of(self, row_id: str) -> int | None:
        """Return where a customer stands among the first MOST, None beyond or when it is gone."""
        ids = [one.id for one in await self._first()]
        return ids.index(row_id) if row_id in ids else None

    async def selected(self, selection: Selection) -> Sequence[CustomerLine]:
        """Return the selected customers, at most MOST."""
        return [one for one in await self._first() if one.id in selection]

    async def _first(self) -> Sequence[CustomerLine]:
        return [self.customer(line) for line in (await self.part(0, MOST)).lines]
