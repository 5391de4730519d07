"""The clock of a counter: it stands still between no two commands, and says when it was set back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

Clock = Callable[[], datetime]

PATIENCE = timedelta(minutes=5)
"""How far a clock may go back unsaid: it is put right by itself now and then."""
_TICK = timedelta(microseconds=1)


class Watch:
    """A clock beside the newest instant that a command of this terminal has, ``newest``.

    A clock set back by less than PATIENCE goes on from where it was; by more, it is believed and told of.
    """

    def __init__(self, clock: Clock, newest: datetime | None) -> None:
        self._clock = clock
        self._newest = newest
        self._last = newest
        self._jump: timedelta | None = None

    def now(self) -> datetime:
        """Return the clock's instant, aware UTC."""
        return self._clock()

    def tick(self) -> datetime:
        """Return the instant of the next command: after all before it, unless the clock was set back."""
        now = self._clock()
        if self._last is not None and self._newest is not None:
            if self._last - now > PATIENCE:
                self._jump = self._newest - now
            else:
                now = max(now, self._last + _TICK)
        self._last = now
        self._newest = now if self._newest is None else max(now, self._newest)
        return now

    @property
    def behind(self) -> timedelta | None:
        """How far the clock is behind the newest command, None where that is nothing to speak of."""
        by = self._newest - self._clock() if self._newest is not None else timedelta()
        return by if by > PATIENCE else None

    def take_jump(self) -> timedelta | None:
        """Return how far back the clock was set at a command since this was last asked, None: it was not."""
        jump, self._jump = self._jump, None
        return jump
