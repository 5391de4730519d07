"""When: the short forms a clerk types for the next contact, and the dates found in files."""

from __future__ import annotations

import re
import time as wall_clock
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from crm_tui.domain.calendar import DAY, WEEK, business_date
from crm_tui.domain.errors import Refused
from crm_tui.domain.follow_up import FARTHEST
from crm_tui.domain.plausible import FIRST_YEAR, LAST_YEAR
from crm_tui.domain.text import clean_text, fold_width

USUAL_TIME = time(10)
"""The wall time of a next contact that names only a day."""

_LONGEST_TEXT = 40
_EXCEL_DAY_ZERO = date(1899, 12, 30)
_LAST_MINUTE = time(23, 59)
_SOON = 7

_IN_DAYS = {
    "今天": 0,
    "今日": 0,
    "today": 0,
    "明天": 1,
    "明日": 1,
    "tomorrow": 1,
    "tmr": 1,
    "后天": 2,
    "大后天": 3,
}
_WEEKDAYS = {
    **{name: number for number, name in enumerate("一二三四五六日")},
    "天": 6,
    **{str(number + 1): number for number in range(7)},
    **{name: number for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))},
}
_HOURS = {
    "": (0, 23),
    "凌晨": (0, 5),
    "早上": (4, 11),
    "上午": (6, 12),
    "中午": (11, 14),
    "下午": (12, 19),
    "晚上": (17, 23),
    "am": (0, 11),
    "pm": (12, 23),
}
"""The hours of the day that a word can mean: 下午3点 is 15, 12am is 0, 晚上12点 says nothing sure."""

_COUNT = re.compile(r"\+?(?P<count>[0-9]{1,3})\s*(?P<unit>d|days?|天|w|weeks?|周|个?星期)?后?")
_WEEKDAY = re.compile(
    r"(?P<which>下下|下|本|这|next |this )?(?:(?:周|星期|礼拜)(?P<zh>[一二三四五六日天1-7])"
    r"|(?P<en>mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday)?)"
)
_FULL_DATE = re.compile(
    r"(?P<year>[0-9]{4})(?:(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    r"|\s*年\s*(?P<month_zh>[0-9]{1,2})\s*月\s*(?P<day_zh>[0-9]{1,2})\s*[日号]"
    r"|(?P<month_plain>[0-9]{2})(?P<day_plain>[0-9]{2}))"
)
_MONTH_DAY = re.compile(r"(?P<month>[0-9]{1,2})[-/.月](?P<day>[0-9]{1,2})[日号]?|(?P<plain>[0-9]{4})")
_CLOCK = re.compile(
    r"\s*(?P<part>凌晨|早上|上午|中午|下午|晚上)?\s*(?<![0-9])(?P<hour>[0-9]{1,2})"
    r"(?::(?P<minute>[0-9]{2})|点(?:(?P<half>半)|(?P<spoken>[0-9]{1,2})分?)?|(?=\s*[ap]m))"
    r"\s*(?P<meridiem>[ap]m)?$"
)
_TIME_OF_DAY = re.compile(
    r"[T\s]\s*(?P<clock>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(?:[.,][0-9]{1,9})?"
    r"\s*(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})?",
    re.IGNORECASE,
)
_SERIAL = re.compile(r"(?P<days>[0-9]{5})(?:\.[0-9]*)?")
_AMBIGUOUS = re.compile(r"[0-9]{1,2}(?P<mark>[-/.])[0-9]{1,2}(?P=mark)(?:[0-9]{4}|[0-9]{2})\b.*")


def parse_moment(text: str, now: datetime, zone: str, default_time: time = USUAL_TIME) -> datetime:
    """Return the instant (UTC) that a clerk means by ``3``, ``2周``, ``周五``, ``0201``, ``明天下午3点``.

    Without a time of day it is ``default_time`` on the wall of ``zone``; today that may have passed,
    then it is the next full hour. A month and day that have passed mean next year.

    Raises:
        Refused: moment_not_understood, moment_no_such_day (text), next_contact_past,
            next_contact_too_far (days).
    """
    typed = fold_width(clean_text(text)).lower()
    if not 0 < len(typed) <= _LONGEST_TEXT:
        raise Refused("moment_not_understood", text=typed[:_LONGEST_TEXT])
    found = _CLOCK.search(typed)
    wall = _wall_time(found, typed) if found else None
    named = typed[: found.start()] if found else typed
    today = business_date(now, zone)
    day = _day(named, today, typed) if named else today
    if day < today:
        raise Refused("next_contact_past")
    if day > today + FARTHEST:
        raise Refused("next_contact_too_far", days=FARTHEST.days)
    local = now.astimezone(ZoneInfo(zone))
    instant = datetime.combine(day, wall or _usual(day, local, default_time), local.tzinfo).astimezone(UTC)
    if wall is None:
        instant = min(instant, now.astimezone(UTC) + FARTHEST)
    if instant < now:
        raise Refused("next_contact_past")
    if instant > now + FARTHEST:
        raise Refused("next_contact_too_far", days=FARTHEST.days)
    return instant


def _usual(day: date, local: datetime, default_time: time) -> time:
    """Return the time of day for a day that was named alone; today it must still lie ahead."""
    if day > local.date() or local.time() <= default_time:
        return default_time
    return time(local.hour + 1) if local.hour < _LAST_MINUTE.hour else _LAST_MINUTE


def _wall_time(found: re.Match[str], typed: str) -> time:
    part = found["part"] or found["meridiem"] or ""
    first, last = _HOURS[part]
    typed_hour = int(found["hour"])
    hours = [
        hour
        for hour in (typed_hour, typed_hour + 12, 0 if typed_hour == 12 else typed_hour)
        if first <= hour <= last
    ]
    minute = 30 if found["half"] else int(found["minute"] or found["spoken"] or 0)
    sure = hours and (part or hours[0] == typed_hour) and not (found["part"] and found["meridiem"])
    if not sure or minute > _LAST_MINUTE.minute:
        raise Refused("moment_not_understood", text=typed)
    return time(hours[0], minute)


def _day(named: str, today: date, typed: str) -> date:
    """Return the day of the words before the time of day."""
    if named in _IN_DAYS:
        return today + DAY * _IN_DAYS[named]
    if found := _COUNT.fullmatch(named):
        unit = WEEK if (found["unit"] or "d").startswith(("w", "周", "个", "星")) else DAY
        return today + unit * int(found["count"])
    if found := _WEEKDAY.fullmatch(named):
        return _weekday(found, today)
    if found := _FULL_DATE.fullmatch(named):
        return _existing(_numbers(found), "moment_no_such_day", typed)
    if found := _MONTH_DAY.fullmatch(named):
        month, day = (
            (found["plain"][:2], found["plain"][2:]) if found["plain"] else (found["month"], found["day"])
        )
        passed = (int(month), int(day)) < (today.month, today.day)
        return _existing((today.year + passed, int(month), int(day)), "moment_no_such_day", typed)
    raise Refused("moment_not_understood", text=typed)


def _weekday(found: re.Match[str], today: date) -> date:
    """Return the weekday that comes next and never today, or the one of this, the next or the second week."""
    weekday = _WEEKDAYS[found["zh"] or found["en"]]
    which = (found["which"] or "").strip()
    if not which:
        return today + DAY * ((weekday - today.weekday() - 1) % 7 + 1)
    weeks = {"下": 1, "next": 1, "下下": 2}.get(which, 0)
    return today + DAY * (weekday - today.weekday()) + WEEK * weeks


def _numbers(found: re.Match[str]) -> tuple[int, int, int]:
    month = found["month"] or found["month_zh"] or found["month_plain"]
    day = found["day"] or found["day_zh"] or found["day_plain"]
    return int(found["year"]), int(month), int(day)


def _existing(numbers: tuple[int, int, int], code: str, typed: str) -> date:
    with suppress(ValueError):
        return date(*numbers)
    raise Refused(code, text=typed)


@dataclass(frozen=True)
class DayLabel:
    """A day in words without a language: the face knows a sentence for each ``key``.

    ``key`` is today, tomorrow, yesterday, in_days, overdue, month_day or year_month_day; ``n`` is how
    many days lie between, never negative.
    """

    key: str
    n: int
    day: date

    @property
    def weekday(self) -> int:
        """0 for Monday to 6 for Sunday."""
        return self.day.weekday()


def describe_day(day: date, today: date, *, due: bool = False) -> DayLabel:
    """Return how a list calls a day: by name, by distance within a week, else by date.

    A ``due`` day that has passed is overdue by so many days instead.
    """
    ahead = (day - today).days
    named = {0: "today", 1: "tomorrow", -1: "yesterday"}.get(ahead, "")
    if due and ahead < 0:
        key = "overdue"
    elif named:
        key = named
    elif 1 < ahead <= _SOON:
        key = "in_days"
    else:
        key = "month_day" if day.year == today.year else "year_month_day"
    return DayLabel(key, abs(ahead), day)


def parse_day(text: str, formats: Sequence[str] = (), zone: str | None = None) -> date:
    """Return the date of a cell: year first, Chinese, eight digits, ISO with a time, Excel's day number.

    ``formats`` are strptime patterns with a year, tried first; only they decide between day and month
    first. An ISO time with an offset is an instant: with ``zone`` its business date counts.

    Raises:
        Refused: day_not_understood, day_no_such_day, day_ambiguous, day_out_of_range, each with the text.
    """
    typed = fold_width(clean_text(text))
    if not 0 < len(typed) <= _LONGEST_TEXT or any(sign.isdigit() and not sign.isascii() for sign in typed):
        raise Refused("day_not_understood", text=typed[:_LONGEST_TEXT])
    day = _by_format(typed, formats) or _by_shape(typed, zone)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Refused("day_out_of_range", text=typed, first=FIRST_YEAR, last=LAST_YEAR)
    return day


def _by_format(typed: str, formats: Sequence[str]) -> date | None:
    for pattern in formats:
        if "%Y" not in pattern and "%y" not in pattern:
            continue  # strptime would make it the year 1900
        with suppress(ValueError):
            return date(*wall_clock.strptime(typed, pattern)[:3])
    return None


def _by_shape(typed: str, zone: str | None) -> date:
    if found := _SERIAL.fullmatch(typed):
        return _EXCEL_DAY_ZERO + DAY * int(found["days"])
    if _AMBIGUOUS.fullmatch(typed):
        raise Refused("day_ambiguous", text=typed)
    found = _FULL_DATE.match(typed)
    if found is None:
        raise Refused("day_not_understood", text=typed)
    day = _existing(_numbers(found), "day_no_such_day", typed)
    rest = typed[found.end() :]
    return _with_time(day, rest, typed, zone) if rest else day


def _with_time(day: date, rest: str, typed: str, zone: str | None) -> date:
    found = _TIME_OF_DAY.fullmatch(rest)
    if found is None:
        raise Refused("day_not_understood", text=typed)
    offset = (found["offset"] or "").upper().replace("Z", "+00:00")
    try:
        at = datetime.fromisoformat(f"{day.isoformat()}T{found['clock'].zfill(5)}{offset}")
        return at.date() if zone is None or at.tzinfo is None else business_date(at, zone)
    except (ValueError, OverflowError):
        raise Refused("day_not_understood", text=typed) from None
