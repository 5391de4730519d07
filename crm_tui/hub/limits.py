"""How often somebody may try what needs a secret, and how much of the hub one terminal may take up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Any

from crm_tui.sync.messages import HubError, Say

FAILURES = 10
WINDOW = 60.0
"""Seconds for which a failure counts."""
BURST, PER_SECOND = 600, 50
"""A terminal may ask so often at once, and so often in the long run: far more than honest work does."""
MOST_WAITING = 8
"""The requests of one terminal that may wait for its turn."""
_REMEMBERED = 10_000

Steady = Callable[[], float]
"""A clock in seconds that nobody sets."""


class Tries:
    """The failures of the last minute by who failed; forgotten when the process ends."""

    def __init__(self, steady: Steady) -> None:
        self._steady = steady
        self._failures: dict[str, deque[float]] = {}

    def check(self, who: str) -> None:
        """Refuse who has failed too often; raises HubError SLOW_DOWN (seconds)."""
        recent = self._failures.get(who)
        if recent is None:
            return
        now = self._steady()
        while recent and now - recent[0] > WINDOW:
            recent.popleft()
        if len(recent) >= FAILURES:
            raise HubError(Say.SLOW_DOWN, seconds=int(WINDOW - (now - recent[0])) + 1)

    def failed(self, who: str) -> None:
        """Note a failure."""
        _make_room(self._failures)
        self._failures.setdefault(who, deque(maxlen=FAILURES)).append(self._steady())


class Pace:
    """How fast each terminal may ask: a bucket that fills by PER_SECOND and holds BURST."""

    def __init__(self, steady: Steady) -> None:
        self._steady = steady
        self._left: dict[str, tuple[float, float]] = {}

    def check(self, device_id: str) -> None:
        """Count a request; raises HubError SLOW_DOWN (seconds) where the terminal asks too fast."""
        now = self._steady()
        _make_room(self._left)
        left, since = self._left.get(device_id, (float(BURST), now))
        left = min(float(BURST), left + (now - since) * PER_SECOND)
        self._left[device_id] = (max(left - 1, 0.0), now)
        if left < 1:
            raise HubError(Say.SLOW_DOWN, seconds=1)


@dataclass
class _Line:
    """Those of one terminal's requests that are here: one is worked on, the others wait."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    here: int = 0


class Turns:
    """One request of a terminal at a time, so that a mad one keeps one thread busy and no more."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def of(self, device_id: str) -> AsyncIterator[None]:
        """Wait for the terminal's turn; raises HubError SLOW_DOWN (seconds) where too many wait already."""
        line = self._lines.setdefault(device_id, _Line())
        if line.here > MOST_WAITING:
            raise HubError(Say.SLOW_DOWN, seconds=1)
        line.here += 1
        try:
            async with line.lock:
                yield
        finally:
            line.here -= 1
            if not line.here:
                del self._lines[device_id]


def network_of(address: str) -> str:
    """Return who is counted as one: an IPv4 address, or the /64 in which one machine has every address."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(known) if not isinstance(known, IPv6Address) else str(int(known) >> 64)


def _make_room(kept: dict[str, Any]) -> None:
    """Forget who came first where too many are remembered."""
    if len(kept) >= _REMEMBERED:
        kept.pop(next(iter(kept)))
