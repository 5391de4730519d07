"""What every figure is made of: its definition, exact ratios, and distributions that add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from crm_tui.domain.money import percent_points


class Unit(StrEnum):
    """What a figure counts: money in fen, a ratio as a share from 0 to 1, days."""

    TEXT = "text"
    COUNT = "count"
    MONEY = "money"
    RATIO = "ratio"
    DAYS = "days"


@dataclass(frozen=True)
class Definition:
    """What a figure means: ``formula`` is the same in every language, the sentence stands in the catalog."""

    key: str
    unit: Unit
    formula: str

    @property
    def name_key(self) -> str:
        """The catalog key of the figure's name."""
        return f"metric.{self.key}"

    @property
    def text_key(self) -> str:
        """The catalog key of the sentence that explains the figure."""
        return f"metric.{self.key}.how"


def ratio(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """Return part / whole; out of nothing there is no ratio: None, never 0."""
    return Decimal(part) / Decimal(whole) if whole else None


class Histogram:
    """How often each whole number occurred: what medians are made of, and what groups can be added from."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, value: int, times: int = 1) -> None:
        """Note that ``value`` occurred ``times`` times more."""
        self._counts[value] += times

    def add_all(self, other: Histogram) -> None:
        """Note everything that another histogram holds."""
        self._counts.update(other._counts)

    @property
    def count(self) -> int:
        """How many values there are."""
        return self._counts.total()

    @property
    def mean(self) -> Decimal | None:
        """The average, None of nothing."""
        return ratio(sum(value * times for value, times in self._counts.items()), self.count)

    @property
    def median(self) -> Decimal | None:
        """The middle value, between the two middle ones where the count is even; None of nothing."""
        if not self.count:
            return None
        low, high = self._at((self.count - 1) // 2), self._at(self.count // 2)
        return (Decimal(low) + high) / 2

    @property
    def p90(self) -> Decimal | None:
        """The smallest value that at least 90 % do not exceed (nearest rank); None of nothing."""
        return Decimal(self._at(-(-self.count * 9 // 10) - 1)) if self.count else None

    def _at(self, place: int) -> int:
        """Return the value at this place, from 0, of all values in order."""
        for value in sorted(self._counts):
            place -= self._counts[value]
            if place < 0:
                return value
        raise IndexError(place)


@dataclass(frozen=True)
class Comparison:
    """A figure beside the one of the window before.

    ``change`` is in percent of the former figure, for ratios in percentage points; None where either
    is undefined or the former is 0.
    """

    value: Decimal | int | None
    previous: Decimal | int | None
    change: Decimal | None
    in_points: bool


def compare(
    unit: Unit, value: Decimal | int | None, previous: Decimal | int | None, *, known: bool = True
) -> Comparison:
    """Compare a figure with the former one; ``known`` False: there is no record of how it stood then."""
    if not known:
        return Comparison(value, None, None, in_points=unit is Unit.RATIO)
    if unit is Unit.RATIO:
        shares = [None if one is None else Decimal(one) for one in (value, previous)]
        return Comparison(value, previous, percent_points(*shares), in_points=True)
    change = None
    if value is not None and previous:
        change = (Decimal(value - previous) / Decimal(previous) * 100).quantize(Decimal("0.1"))
    return Comparison(value, previous, change, in_points=False)
