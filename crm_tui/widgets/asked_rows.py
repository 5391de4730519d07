"""Rows of a list that the desk is asked for page by page; which of them are chosen is answered here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Final, Generic, TypeVar

from crm_tui.widgets.counter import Counter
from crm_tui.widgets.rows import Anchor, HasId, Row, Selection

MOST: Final = 1000
"""Rows that one step may change: more would be a slip, and hold the writer for seconds."""

Line = TypeVar("Line")
Subject = TypeVar("Subject", bound=HasId)
Ask = Callable[..., Awaitable[Any]]


class AskedRows(ABC, Generic[Line, Subject]):
    """A source of one question; ``question`` tells it from another one, ``seen`` is what is at hand by id.

    A line is what the answer has, its subject what a step changes: a customer, a lead.
    """

    def __init__(self, counter: Counter, ask: Ask, question: Hashable) -> None:
        self._counter = counter
        self._ask = ask
        self.question = question
        self.seen: dict[str, Subject] = {}

    @abstractmethod
    async def part(self, offset: int, limit: int) -> Any:
        """Return the answer to the question: its ``count``, and its ``lines`` from ``offset`` on."""

    @abstractmethod
    def subject(self, line: Line) -> Subject:
        """Return what a line is about."""

    @abstractmethod
    def row(self, line: Line) -> Row:
        """Return a line as the list draws it."""

    async def count(self) -> int:
        """Return how many there are."""
        return int((await self.part(0, 0)).count)

    async def page(self, offset: int, limit: int, near: Anchor | None) -> Sequence[Row]:
        """Return some of them."""
        lines = (await self.part(offset, limit)).lines
        self.seen.update({one.id: one for one in map(self.subject, lines)})
        return [self.row(line) for line in lines]

    async def index_of(self, row_id: str) -> int | None:
        """Return where a row stands among the first MOST, None beyond or when it is gone."""
        ids = [one.id for one in await self._first()]
        return ids.index(row_id) if row_id in ids else None

    async def selected(self, selection: Selection) -> Sequence[Subject]:
        """Return what is selected, at most MOST."""
        return [one for one in await self._first() if one.id in selection]

    async def _first(self) -> Sequence[Subject]:
        return [self.subject(line) for line in (await self.part(0, MOST)).lines]
