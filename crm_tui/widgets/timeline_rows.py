"""The rows of a customer's timeline, page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from crm_tui.widgets.counter import Counter
from crm_tui.widgets.entries import entry_lines
from crm_tui.widgets.rows import Anchor, Row

if TYPE_CHECKING:
    from crm_tui.queries.timeline import Entry, Timeline

LOOKED_THROUGH: Final = 500
"""Entries among which the cursor's is looked for after a reload."""


class TimelineRows:
    """What happened with one customer, newest first; with ``channel`` only the follow-ups through it."""

    def __init__(
        self, counter: Counter, ask: Callable[..., Awaitable[Any]], customer_id: str, channel: str = ""
    ) -> None:
        self._counter = counter
        self._ask = ask
        self.customer_id = customer_id
        self.channel = channel
        self.seen: dict[str, Entry] = {}

    async def count(self) -> int:
        """Return how many entries there are."""
        return (await self._read(0, 0)).count

    async def page(self, offset: int, limit: int, near: Anchor | None) -> Sequence[Row]:
        """Return some of them as one line each."""
        desk = self._counter.desk
        entries = (await self._read(offset, limit)).entries
        self.seen.update({_id(entry): entry for entry in entries})
        return [
            Row(
                _id(entry),
                (entry_lines(entry, desk.now(), desk.viewer.zone)[0],),
                "muted" if entry.retracted or entry.kind != "follow_up" else "",
            )
            for entry in entries
        ]

    async def index_of(self, row_id: str) -> int | None:
        """Return where an entry stands among the newest, None beyond or when it is gone."""
        ids = [_id(entry) for entry in (await self._read(0, LOOKED_THROUGH)).entries]
        return ids.index(row_id) if row_id in ids else None

    async def _read(self, offset: int, limit: int) -> Timeline:
        from crm_tui.queries.timeline import timeline

        found: Timeline = await self._ask(
            timeline, self.customer_id, offset=offset, limit=limit, channel=self.channel
        )
        return found


def _id(entry: Entry) -> str:
    return f"{entry.kind}:{entry.id}"
