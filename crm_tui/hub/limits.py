"""How often somebody may try what needs a secret."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from crm_tui.sync.messages import HubError, Say

FAILURES = 10
WINDOW = timedelta(minutes=1)
_REMEMBERED = 10_000


class Tries:
    """The failures of the last minute by the address they came from; forgotten when the process ends."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._failures: dict[str, deque[datetime]] = {}

    def check(self, address: str) -> None:
        """Refuse who has failed too often; raises HubError SLOW_DOWN (seconds)."""
        recent = self._failures.get(address)
        if recent is None:
            return
        now = self._clock()
        while recent and now - recent[0] > WINDOW:
            recent.popleft()
        if len(recent) >= FAILURES:
            raise HubError(Say.SLOW_DOWN, seconds=(WINDOW - (now - recent[0])).seconds + 1)

    def failed(self, address: str) -> None:
        """Note a failure."""
        if len(self._failures) >= _REMEMBERED:
            self._failures.pop(next(iter(self._failures)))
        self._failures.setdefault(address, deque(maxlen=FAILURES)).append(self._clock())
