"""Time in the demonstration: shop hours only, counted from its first day.

A place in time is a whole number of shop seconds, 12 hours a day from 9 to 21 on the branch's wall; so any
arithmetic on places gives an instant at which a shop is open, in the same order.
"""

from __future__ import annotations

import random
from bisect import bisect
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

SHOP_DAY = 12 * 3600
ZONE = "Asia/Shanghai"
_OPENS = time(9)
_HALF_HOUR = 1800
_MONTHS = (0.7, 0.6, 1.2, 1.2, 1.2, 1.0, 0.9, 0.9, 1.2, 1.3, 1.2, 1.0)
_SPRING_FESTIVALS = tuple(
    map(date.fromisoformat, ("2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26"))
)


class Days:
    """The days up to ``now`` (aware UTC), with how busy each was."""

    def __init__(self, now: datetime, count: int) -> None:
        self.now = now
        self._zone = ZoneInfo(ZONE)
        self.today = now.astimezone(self._zone).date()
        self.count = count
        first = self.today - timedelta(days=count)
        self._opens = [self._instant(first + timedelta(days=n), _OPENS) for n in range(count + 91)]
        late = int((now - self._opens[count]).total_seconds())
        self.end = count * SHOP_DAY + min(max(late, 0), SHOP_DAY - 1)
        """The place of ``now``: everything that has happened lies before it."""
        self._busy = list(accumulate(busy(first + timedelta(days=n)) for n in range(count + 1)))

    def at(self, place: int) -> datetime:
        """Return the instant of a place, aware UTC."""
        day, second = divmod(place, SHOP_DAY)
        return self._opens[day] + timedelta(seconds=second)

    def day(self, at: datetime) -> date:
        """Return the business date of an instant."""
        return at.astimezone(self._zone).date()

    def draw(self, rng: random.Random, low: int, high: int) -> int:
        """Return a place between two, on busy days rather than on quiet ones."""
        low, high = max(low, 0), min(high, self.end - 1)
        if high - low < SHOP_DAY:
            return rng.randint(min(low, high), high)
        below = self._busy[low // SHOP_DAY - 1] if low >= SHOP_DAY else 0.0
        weight = below + rng.random() * (self._busy[high // SHOP_DAY] - below)
        place = bisect(self._busy, weight) * SHOP_DAY + rng.randrange(SHOP_DAY)
        return min(max(place, low), high)

    def ahead(self, rng: random.Random, days: int) -> datetime:
        """Return a half hour of the day ``days`` after today."""
        return self._opens[self.count + days] + timedelta(seconds=_HALF_HOUR * rng.randrange(19))

    def later_today(self, rng: random.Random) -> datetime:
        """Return an instant between now and midnight, in shop hours where there are some left."""
        opens, closes = self._opens[self.count], self._instant(self.today, time(20))
        start = max(self.now, opens)
        if closes - start < timedelta(hours=1):
            closes = self._instant(self.today + timedelta(days=1), time()) - timedelta(seconds=1)
        drawn = start + (closes - start) * (0.1 + 0.85 * rng.random())
        even = drawn.replace(minute=drawn.minute // 10 * 10, second=0, microsecond=0)
        return even if even > self.now else drawn.replace(microsecond=0) + timedelta(seconds=1)

    def earlier_today(self, rng: random.Random) -> datetime:
        """Return an instant between midnight and now."""
        midnight = self._instant(self.today, time())
        return midnight + (self.now - midnight) * (0.3 + 0.6 * rng.random())

    def _instant(self, day: date, wall: time) -> datetime:
        return datetime.combine(day, wall, self._zone).astimezone(UTC)


def busy(day: date) -> float:
    """Return how many customers come in on a day, 1 being an ordinary one: weekends, holidays, seasons."""
    weight = _MONTHS[day.month - 1]
    if day.weekday() >= 5:
        weight *= 1.7
    if (day.month == 5 and day.day <= 5) or (day.month == 10 and day.day <= 7):
        weight *= 2.2
    if day.month == 11 and day.day <= 11:
        weight *= 2.0
    if any(-3 <= (day - one).days <= 10 for one in _SPRING_FESTIVALS):
        weight *= 0.15
    return weight
