"""Business dates, half-open windows of days, and work days.

An instant is aware UTC; the business date is the date on the branch's wall at that instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from crm_tui.domain.errors import Refused

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
_SATURDAY = 5


@dataclass(frozen=True, order=True)
class Window:
    """Days from ``start`` up to but not including ``end``."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    @property
    def days(self) -> int:
        """How many days the window has."""
        return (self.end - self.start).days

    def instants(self, zone: str) -> tuple[datetime, datetime]:
        """Return the window as instants in UTC, the second one no longer in it."""
        return _midnight(self.start, zone), _midnight(self.end, zone)


def business_date(instant: datetime, zone: str) -> date:
    """Return the date on a wall in ``zone`` at an instant.

    Raises:
        ValueError: the instant has no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs a time zone: {instant!r}")
    return instant.astimezone(ZoneInfo(zone)).date()


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def day_window(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return the instants at which a business date begins and at which the next one begins, in UTC."""
    return Window(day, day + DAY).instants(zone)


def month_window(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return the instants at which the month of a business date and the next month begin, in UTC."""
    return _months(day, 1).instants(zone)


def add_months(first: date, months: int) -> date:
    """Return the first day of the month that lies ``months`` after the month of ``first``."""
    count = first.year * 12 + first.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def _months(day: date, size: int, back: int = 0) -> Window:
    """Return the block of ``size`` months (1, 3, 12) that a day is in, or the one ``back`` blocks before."""
    start = add_months(day, -((day.month - 1) % size) - back * size)
    return Window(start, add_months(start, size))


def _week(day: date, back: int = 0) -> Window:
    monday = day - DAY * day.weekday() - WEEK * back
    return Window(monday, monday + WEEK)


def _last_days(day: date, count: int, back: int = 0) -> Window:
    end = day + DAY - DAY * count * back
    return Window(end - DAY * count, end)


_PERIODS: Mapping[str, Callable[[date, int], Window]] = {
    "today": lambda today, back: _last_days(today, 1, back),
    "yesterday": lambda today, back: _last_days(today, 1, back + 1),
    "this_week": _week,
    "last_week": lambda today, back: _week(today, back + 1),
    "this_month": lambda today, back: _months(today, 1, back),
    "last_month": lambda today, back: _months(today, 1, back + 1),
    "this_quarter": lambda today, back: _months(today, 3, back),
    "this_year": lambda today, back: _months(today, 12, back),
    "last_7_days": lambda today, back: _last_days(today, 7, back),
    "last_30_days": lambda today, back: _last_days(today, 30, back),
}
PERIODS = tuple(_PERIODS)
"""The names a filter offers, in this order; weeks begin on Monday, the last N days end with today."""


def period(name: str, today: date) -> Window:
    """Return the days of a period of PERIODS.

    Raises:
        Refused: period_unknown (name).
    """
    return _period(name, today, 0)


def previous_period(name: str, today: date) -> Window:
    """Return what a period is compared with: the week, month or quarter before, or as many days.

    Raises:
        Refused: period_unknown (name).
    """
    return _period(name, today, 1)


def _period(name: str, today: date, back: int) -> Window:
    if name not in _PERIODS:
        raise Refused("period_unknown", name=name)
    return _PERIODS[name](today, back)


def previous_window(window: Window) -> Window:
    """Return the window just before: as many months for whole months, else as many days."""
    if window.start.day == window.end.day == 1:
        months = (window.end.year - window.start.year) * 12 + window.end.month - window.start.month
        return Window(add_months(window.start, -months), window.start)
    return Window(window.start - DAY * window.days, window.start)


def is_work_day(day: date, overrides: Mapping[date, bool] | None = None) -> bool:
    """Tell whether people work on a day: the organisation's own word, else the mainland calendar.

    A year whose holidays are not published yet counts Monday to Friday.
    """
    if overrides and day in overrides:
        return overrides[day]
    import chinese_calendar

    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < _SATURDAY


def add_work_days(day: date, count: int, overrides: Mapping[date, bool] | None = None) -> date:
    """Return the ``count``-th work day after a day, before it for a negative count; 0 is the day itself."""
    step = DAY if count > 0 else -DAY
    left = abs(count)
    while left:
        day += step
        left -= is_work_day(day, overrides)
    return day


def work_days_between(start: date, end: date, overrides: Mapping[date, bool] | None = None) -> int:
    """Return how many work days lie from ``start`` up to but not including ``end``, 0 if it lies before."""
    days = (end - start).days
    return sum(is_work_day(start + DAY * number, overrides) for number in range(days))
