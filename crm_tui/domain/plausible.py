"""Which calendar days can be meant: what lies outside is a slip of the finger, and is said to be one."""

from __future__ import annotations

from datetime import date, timedelta

from crm_tui.domain.errors import Refused

FIRST_YEAR, LAST_YEAR = 1900, 2100
"""The years of a day that a person types."""
FARTHEST_CLOSE = timedelta(days=3653)
"""How far from the day a deal was opened it may be expected to close: ten years."""


def day_in_range(day: date) -> date:
    """Return the day; raises Refused day_out_of_range (text, first, last)."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Refused("day_out_of_range", text=day.isoformat(), first=FIRST_YEAR, last=LAST_YEAR)
    return day


def check_birthday(birthday: date | None, today: date) -> None:
    """Refuse a birthday that has not come yet; raises Refused birthday_in_future (day)."""
    if birthday is not None and birthday > today:
        raise Refused("birthday_in_future", day=birthday.isoformat())


def check_expected_close(expected_on: date | None, opened_on: date) -> None:
    """Refuse an expected day that nobody means; raises Refused close_too_far (day, years).

    A day before the deal was opened may stand: a table brings deals whose day has long passed.
    """
    if expected_on is not None and abs(expected_on - opened_on) > FARTHEST_CLOSE:
        raise Refused("close_too_far", day=expected_on.isoformat(), years=FARTHEST_CLOSE.days // 365)
