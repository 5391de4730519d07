"""Who waits for news: that a space has moved, or that the terminal was frozen; used within one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping


class News:
    """Wakes those whose space has moved and nobody else: a thousand others sleep on."""

    def __init__(self) -> None:
        self._revs: dict[str, int] = {}
        self._frozen: set[str] = set()
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._closing = False

    async def wait(self, device_id: str, cursors: Mapping[str, int], seconds: float) -> bool:
        """Tell whether a space went beyond its cursor, or back, or the terminal was frozen, in that time.

        A space goes back with a hub that was restored.
        """
        woken = asyncio.Event()
        topics = (device_id, *cursors)
        for topic in topics:
            self._waiting.setdefault(topic, set()).add(woken)
        try:
            async with asyncio.timeout(seconds):
                before = self._standing(cursors)
                while not (self._closing or self._concerns(device_id, cursors, before)):
                    before = self._standing(cursors)
                    await woken.wait()
                    woken.clear()
        except TimeoutError:
            return False
        finally:
            for topic in topics:
                self._forget(topic, woken)
        return not self._closing

    def _standing(self, spaces: Iterable[str]) -> dict[str, int]:
        return {space: self._revs.get(space, 0) for space in spaces}

    def _concerns(self, device_id: str, cursors: Mapping[str, int], before: Mapping[str, int]) -> bool:
        now = self._standing(cursors)
        moved = any(now[space] > rev or now[space] < before[space] for space, rev in cursors.items())
        return moved or device_id in self._frozen

    def tell(self, revs: Mapping[str, int], frozen: set[str]) -> None:
        """Wake who waits for a space that is further than before, and the terminals frozen since."""
        moved = [space for space, rev in revs.items() if rev != self._revs.get(space)]
        topics = (*moved, *(frozen - self._frozen))
        self._revs, self._frozen = dict(revs), frozen
        for topic in topics:
            self._wake(topic)

    def close(self) -> None:
        """Wake everybody, and let nobody wait from now on."""
        self._closing = True
        for topic in tuple(self._waiting):
            self._wake(topic)

    def _wake(self, topic: str) -> None:
        for woken in self._waiting.get(topic, ()):
            woken.set()

    def _forget(self, topic: str, woken: asyncio.Event) -> None:
        left = self._waiting[topic]
        left.discard(woken)
        if not left:
            del self._waiting[topic]
