from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_tui.domain.calendar import (
    PERIODS,
    Window,
    add_months,
    add_work_days,
    business_date,
    day_window,
    is_work_day,
    month_window,
    period,
    previous_period,
    previous_window,
    work_days_between,
)
from crm_tui.domain.errors import Refused

CHINA = "Asia/Shanghai"
CHINA_TIME = timezone(timedelta(hours=8))
DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("hour", "minute", "day"),
    [(23, 30, date(2026, 1, 31)), (0, 30, date(2026, 1, 31)), (0, 0, date(2026, 1, 31))],
)
def test_the_business_date_is_the_date_on_the_wall(hour, minute, day):
    instant = datetime(2026, 1, 31, hour, minute, tzinfo=CHINA_TIME).astimezone(UTC)
    assert business_date(instant, CHINA) == day


def test_late_evening_and_early_morning_are_two_days_in_china_and_one_in_utc():
    evening = datetime(2026, 1, 31, 15, 30, tzinfo=UTC)
    morning = datetime(2026, 1, 31, 16, 30, tzinfo=UTC)
    assert business_date(evening, CHINA) == date(2026, 1, 31)
    assert business_date(morning, CHINA) == date(2026, 2, 1)
    assert business_date(morning, "UTC") == date(2026, 1, 31)


def test_an_instant_without_a_zone_has_no_business_date():
    with pytest.raises(ValueError, match="time zone"):
        business_date(datetime(2026, 1, 31, 12), CHINA)  # noqa: DTZ001 - that is the point


def test_a_day_begins_at_midnight_in_china():
    assert day_window(date(2026, 2, 1), CHINA) == (
        datetime(2026, 1, 31, 16, tzinfo=UTC),
        datetime(2026, 2, 1, 16, tzinfo=UTC),
    )


def test_a_month_begins_at_midnight_in_china():
    assert month_window(date(2026, 2, 28), CHINA) == (
        datetime(2026, 1, 31, 16, tzinfo=UTC),
        datetime(2026, 2, 28, 16, tzinfo=UTC),
    )


def test_a_day_on_which_clocks_change_is_shorter():
    start, end = day_window(date(2026, 3, 29), "Europe/Berlin")
    assert end - start == timedelta(hours=23)


@given(st.datetimes(datetime(1990, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_instant_is_in_the_window_of_its_own_business_date_only(instant):
    day = business_date(instant, CHINA)
    inside = [
        other
        for other in (day - DAY, day, day + DAY)
        if day_window(other, CHINA)[0] <= instant < day_window(other, CHINA)[1]
    ]
    assert inside == [day]


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("today", date(2026, 1, 8), date(2026, 1, 9)),
        ("yesterday", date(2026, 1, 7), date(2026, 1, 8)),
        ("this_week", date(2026, 1, 5), date(2026, 1, 12)),
        ("last_week", date(2025, 12, 29), date(2026, 1, 5)),
        ("this_month", date(2026, 1, 1), date(2026, 2, 1)),
        ("last_month", date(2025, 12, 1), date(2026, 1, 1)),
        ("this_quarter", date(2026, 1, 1), date(2026, 4, 1)),
        ("this_year", date(2026, 1, 1), date(2027, 1, 1)),
        ("last_7_days", date(2026, 1, 2), date(2026, 1, 9)),
        ("last_30_days", date(2025, 12, 10), date(2026, 1, 9)),
    ],
)
def test_a_named_period_is_a_half_open_window(name, start, end):
    assert period(name, date(2026, 1, 8)) == Window(start, end)


def test_every_name_is_tested_with_its_window():
    assert set(PERIODS) == {
        *("today", "yesterday", "this_week", "last_week", "this_month", "last_month"),
        *("this_quarter", "this_year", "last_7_days", "last_30_days"),
    }


def test_an_unknown_period_is_refused():
    with pytest.raises(Refused) as refused:
        period("fortnight", date(2026, 1, 8))
    assert refused.value.code == "period_unknown"


@given(DAYS, st.sampled_from(["today", "this_week", "this_month", "this_quarter", "this_year"]))
def test_every_date_is_in_exactly_one_period_of_a_kind(day, name):
    here = period(name, day)
    before, after = period(name, here.start - DAY), period(name, here.end)
    assert day in here
    assert day not in before
    assert day not in after
    assert before.end == here.start
    assert after.start == here.end
    assert {period(name, here.start + DAY * number) for number in range(here.days)} == {here}


@given(DAYS, st.sampled_from(PERIODS))
def test_the_period_before_ends_where_a_period_begins(day, name):
    assert previous_period(name, day).end == period(name, day).start


@given(DAYS, st.sampled_from(["today", "yesterday", "this_week", "last_week", "last_7_days", "last_30_days"]))
def test_the_period_before_has_as_many_days(day, name):
    assert previous_period(name, day).days == period(name, day).days


def test_thirty_days_that_happen_to_be_a_month_are_compared_with_thirty_days():
    assert previous_period("last_30_days", date(2026, 11, 30)) == Window(date(2026, 10, 2), date(2026, 11, 1))


def test_a_month_is_compared_with_the_month_before_however_long():
    assert previous_window(Window(date(2026, 3, 1), date(2026, 4, 1))) == Window(
        date(2026, 2, 1), date(2026, 3, 1)
    )
    assert previous_window(Window(date(2026, 1, 1), date(2026, 4, 1))) == Window(
        date(2025, 10, 1), date(2026, 1, 1)
    )


@given(DAYS, st.integers(1, 400))
def test_a_window_that_is_no_month_is_compared_with_as_many_days(day, count):
    window = Window(day, day + DAY * count)
    before = previous_window(window)
    assert before.end == window.start
    if (window.start.day, window.end.day) != (1, 1):
        assert before.days == count


@given(DAYS, st.integers(-1000, 1000))
def test_months_added_and_taken_away_lead_back(day, months):
    assert add_months(add_months(day, months), -months) == day.replace(day=1)


def test_a_holiday_is_free_and_its_make_up_saturday_is_not():
    assert not is_work_day(date(2026, 10, 1))
    assert is_work_day(date(2026, 10, 10))
    assert not is_work_day(date(2026, 1, 10))
    assert is_work_day(date(2026, 1, 8))


def test_a_year_without_a_published_calendar_counts_monday_to_friday():
    assert is_work_day(date(2087, 10, 1))
    assert not is_work_day(date(2087, 10, 4))


def test_the_organisation_decides_before_the_calendar():
    assert is_work_day(date(2026, 10, 1), {date(2026, 10, 1): True})
    assert not is_work_day(date(2026, 1, 8), {date(2026, 1, 8): False})
    assert not is_work_day(date(2087, 10, 1), {date(2087, 10, 1): False})


def test_work_days_are_counted_over_the_national_holiday():
    assert add_work_days(date(2026, 9, 30), 1) == date(2026, 10, 8)
    assert add_work_days(date(2026, 10, 8), -1) == date(2026, 9, 30)
    assert add_work_days(date(2026, 10, 1), 0) == date(2026, 10, 1)
    assert work_days_between(date(2026, 9, 30), date(2026, 10, 8)) == 1


@given(st.dates(date(2020, 1, 1), date(2029, 12, 31)), st.integers(1, 60))
def test_so_many_work_days_later_lie_so_many_work_days_between(day, count):
    later = add_work_days(day, count)
    assert is_work_day(later)
    assert work_days_between(day + DAY, later + DAY) == count
    assert work_days_between(later + DAY, day) == 0
