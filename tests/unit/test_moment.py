import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_tui.domain.errors import Refused
from crm_tui.domain.moment import describe_day, parse_day, parse_moment

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cases" / "hostile-value.jsonl"
CHINA = "Asia/Shanghai"
CHINA_TIME = timezone(timedelta(hours=8))
NOW = datetime(2026, 1, 8, 10, 42, tzinfo=CHINA_TIME)  # a Thursday
DAY = timedelta(days=1)


def wall(text: str, now: datetime = NOW) -> str:
    instant = parse_moment(text, now, CHINA)
    assert instant.tzinfo is UTC
    return instant.astimezone(CHINA_TIME).strftime("%Y-%m-%d %H:%M")


def refusal(text: str, now: datetime = NOW) -> str:
    with pytest.raises(Refused) as refused:
        parse_moment(text, now, CHINA)
    return refused.value.code


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("3", "2026-01-11"),
        ("+3", "2026-01-11"),
        ("3d", "2026-01-11"),
        ("3D", "2026-01-11"),
        ("3天", "2026-01-11"),
        ("+3天", "2026-01-11"),
        ("３天", "2026-01-11"),
        ("＋３", "2026-01-11"),
        ("3天后", "2026-01-11"),
        ("30", "2026-02-07"),
        ("2w", "2026-01-22"),
        ("2周", "2026-01-22"),
        ("2个星期", "2026-01-22"),
        ("明天", "2026-01-09"),
        ("tomorrow", "2026-01-09"),
        ("后天", "2026-01-10"),
        ("周五", "2026-01-09"),
        ("星期五", "2026-01-09"),
        ("礼拜五", "2026-01-09"),
        ("fri", "2026-01-09"),
        ("Friday", "2026-01-09"),
        ("wednesday", "2026-01-14"),
        ("周日", "2026-01-11"),
        ("周天", "2026-01-11"),
        ("周四", "2026-01-15"),
        ("周三", "2026-01-14"),
        ("下周三", "2026-01-14"),
        ("下周五", "2026-01-16"),
        ("next fri", "2026-01-16"),
        ("下下周一", "2026-01-19"),
        ("本周六", "2026-01-10"),
        ("0201", "2026-02-01"),
        ("01-11", "2026-01-11"),
        ("1-11", "2026-01-11"),
        ("1.11", "2026-01-11"),
        ("1/11", "2026-01-11"),
        ("1月11日", "2026-01-11"),
        ("1月11号", "2026-01-11"),
        ("2026-01-11", "2026-01-11"),
        ("2026年1月11日", "2026-01-11"),
        ("20260111", "2026-01-11"),
        ("　明天　", "2026-01-09"),
    ],
)
def test_a_day_is_read_as_a_clerk_types_it_and_means_ten_in_the_morning(text, day):
    assert wall(text) == f"{day} 10:00"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("周五 15:30", "2026-01-09 15:30"),
        ("周五15:30", "2026-01-09 15:30"),
        ("周五 １５：３０", "2026-01-09 15:30"),
        ("明天下午3点", "2026-01-09 15:00"),
        ("明天 下午3点半", "2026-01-09 15:30"),
        ("明天 下午3点15分", "2026-01-09 15:15"),
        ("明天 下午3点15", "2026-01-09 15:15"),
        ("明天 下午3:15", "2026-01-09 15:15"),
        ("明天下午15点", "2026-01-09 15:00"),
        ("明天晚上8点", "2026-01-09 20:00"),
        ("明天早上9点", "2026-01-09 09:00"),
        ("明天中午12点", "2026-01-09 12:00"),
        ("明天中午1点", "2026-01-09 13:00"),
        ("明天上午9:30", "2026-01-09 09:30"),
        ("3天 9点", "2026-01-11 09:00"),
        ("3天9点", "2026-01-11 09:00"),
        ("0201 9:00", "2026-02-01 09:00"),
        ("2026-01-11 15:30", "2026-01-11 15:30"),
        ("tomorrow 3pm", "2026-01-09 15:00"),
        ("fri 3:30 PM", "2026-01-09 15:30"),
        ("fri 12pm", "2026-01-09 12:00"),
        ("fri 12am", "2026-01-09 00:00"),
        ("15:30", "2026-01-08 15:30"),
        ("下午3点", "2026-01-08 15:00"),
        ("今天 10:42", "2026-01-08 10:42"),
    ],
)
def test_a_time_of_day_may_follow(text, moment):
    assert wall(text) == moment


def test_today_means_ten_while_that_lies_ahead_and_the_next_full_hour_after_it():
    assert wall("今天", datetime(2026, 1, 8, 9, 5, tzinfo=CHINA_TIME)) == "2026-01-08 10:00"
    assert wall("今天", NOW) == wall("today") == wall("0") == "2026-01-08 11:00"
    assert wall("今天", datetime(2026, 1, 8, 23, 30, tzinfo=CHINA_TIME)) == "2026-01-08 23:59"


def test_the_branch_may_have_another_usual_time():
    assert parse_moment("3", NOW, CHINA, time(9, 30)) == datetime(2026, 1, 11, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(("hour", "minute", "today"), [(23, 30, 8), (0, 30, 9)])
def test_tomorrow_is_counted_on_the_wall_and_not_in_utc(hour, minute, today):
    now = datetime(2026, 1, today, hour, minute, tzinfo=CHINA_TIME).astimezone(UTC)
    assert wall("明天", now) == f"2026-01-{today + 1:02d} 10:00"
    assert wall("1", now) == f"2026-01-{today + 1:02d} 10:00"


@given(st.integers(0, 6), st.sampled_from(["周{}", "星期{}", "礼拜{}"]))
def test_a_weekday_is_the_next_one_and_never_today(ahead, form):
    now = NOW + DAY * ahead
    name = "一二三四五六日"[now.weekday()]
    assert wall(form.format(name), now)[:10] == (now + DAY * 7).date().isoformat()


def test_a_day_of_this_year_that_has_passed_means_next_year():
    december = datetime(2026, 12, 20, 9, tzinfo=CHINA_TIME)
    assert wall("0201", december) == "2027-02-01 10:00"
    assert wall("1-5", december) == "2027-01-05 10:00"
    assert wall("1220", december) == "2026-12-20 10:00"
    assert refusal("0107") == "next_contact_too_far"


@pytest.mark.parametrize(
    "text", ["0230", "2-30", "2026-02-30", "20260230", "1301", "0132", "2026年13月1日", "0229"]
)
def test_a_day_that_no_calendar_has_is_refused(text):
    assert refusal(text) == "moment_no_such_day"


@pytest.mark.parametrize("text", ["2026-01-07", "20250101", "本周三", "今天 10:00", "10:41", "0001-01-01"])
def test_the_past_is_refused(text):
    assert refusal(text) == "next_contact_past"


@pytest.mark.parametrize("text", ["91", "999", "13w", "2026-04-09", "9999-12-31", "90 10:43"])
def test_more_than_ninety_days_are_refused(text):
    assert refusal(text) == "next_contact_too_far"


def test_the_ninetieth_day_is_allowed_at_any_hour_of_today():
    assert wall("90") == "2026-04-08 10:00"
    early = datetime(2026, 1, 8, 8, 15, tzinfo=CHINA_TIME)
    assert wall("90", early) == "2026-04-08 08:15"
    assert wall("90 8:15", early) == "2026-04-08 08:15"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "下次",
            "周八",
            "周",
            "3x",
            "-3",
            "1,2",
            "٣",
            "٣天",
            "1000000",
            "NaN",
            "3 3",
            "1-2-3",
        ),
        *(
            "25:00",
            "明天 25:00",
            "10:60",
            "明天晚上12点",
            "明天上午3点",
            "明天下午3pm",
            "24:00",
            "13am",
            "点",
            ":30",
        ),
        *("[/]", "\x1b[2J", "9" * 3000, "明天明天", "2026-01/11"),
    ],
)
def test_what_is_no_moment_is_refused(text):
    assert refusal(text) == "moment_not_understood"


@given(st.text(max_size=50) | st.from_regex(r"[0-9]{1,8}[天周dw]?( [0-9]{1,2}:[0-9]{2})?", fullmatch=True))
def test_any_text_gives_a_moment_within_ninety_days_or_a_refusal(text):
    try:
        instant = parse_moment(text, NOW, CHINA)
    except Refused as refused:
        code = refused.code
    else:
        code = "inside" if NOW <= instant <= NOW + 90 * DAY else "outside"
    assert code in {
        *("inside", "moment_not_understood", "moment_no_such_day"),
        *("next_contact_past", "next_contact_too_far"),
    }


TODAY = date(2026, 1, 8)


@pytest.mark.parametrize(
    ("day", "key", "n"),
    [
        (date(2026, 1, 8), "today", 0),
        (date(2026, 1, 9), "tomorrow", 1),
        (date(2026, 1, 7), "yesterday", 1),
        (date(2026, 1, 11), "in_days", 3),
        (date(2026, 1, 15), "in_days", 7),
        (date(2026, 1, 16), "month_day", 8),
        (date(2026, 1, 6), "month_day", 2),
        (date(2027, 1, 8), "year_month_day", 365),
        (date(2025, 12, 1), "year_month_day", 38),
    ],
)
def test_a_day_is_called_by_name_by_distance_or_by_date(day, key, n):
    label = describe_day(day, TODAY)
    assert (label.key, label.n, label.day) == (key, n, day)


def test_a_due_day_that_has_passed_is_overdue_by_so_many_days():
    assert (
        describe_day(date(2026, 1, 6), TODAY, due=True).key,
        describe_day(date(2026, 1, 6), TODAY, due=True).n,
    ) == (
        "overdue",
        2,
    )
    assert describe_day(date(2026, 1, 7), TODAY, due=True).n == 1
    assert describe_day(TODAY, TODAY, due=True).key == "today"
    assert describe_day(date(2026, 1, 9), TODAY, due=True).key == "tomorrow"


def test_a_label_knows_its_weekday():
    assert describe_day(date(2026, 1, 8), TODAY).weekday == 3


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-08", date(2026, 1, 8)),
        ("2026-1-8", date(2026, 1, 8)),
        ("2026/1/8", date(2026, 1, 8)),
        ("2026.1.8", date(2026, 1, 8)),
        ("2026年1月8日", date(2026, 1, 8)),
        ("2026 年 1 月 8 号", date(2026, 1, 8)),
        ("1990年3月7日", date(1990, 3, 7)),
        ("20260108", date(2026, 1, 8)),
        ("２０２６－０１－０８", date(2026, 1, 8)),
        ("2026-01-08T23:30:00", date(2026, 1, 8)),
        ("2026-01-08 00:00:00.000", date(2026, 1, 8)),
        ("2026/1/8 9:05", date(2026, 1, 8)),
        ("2026-01-08T10:00:00Z", date(2026, 1, 8)),
        ("2026-01-08T10:00:00+0800", date(2026, 1, 8)),
        ("33239", date(1991, 1, 1)),
        ("33239.0", date(1991, 1, 1)),
        ("33239.75", date(1991, 1, 1)),
        ("46030", date(2026, 1, 8)),
        ("2000-02-29", date(2000, 2, 29)),
        ("\ufeff2026-01-08 ", date(2026, 1, 8)),
    ],
)
def test_a_date_in_a_file_is_read_year_first(text, day):
    assert parse_day(text) == day


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "day_not_understood"),
        ("yesterday", "day_not_understood"),
        ("2026", "day_not_understood"),
        ("202601", "day_not_understood"),
        ("2026-01", "day_not_understood"),
        ("2026-01-08x", "day_not_understood"),
        ("2026-01-081", "day_not_understood"),
        ("2026-01-08 25:00", "day_not_understood"),
        ("2026-01-08T10:00+99:99", "day_not_understood"),
        ("٢٠٢٦-٠١-٠٨", "day_not_understood"),
        ("²⁰²⁶-01-08", "day_not_understood"),
        ("1.10101E+17", "day_not_understood"),
        ("9" * 5000, "day_not_understood"),
        ("2001-02-29", "day_no_such_day"),
        ("1900-02-29", "day_no_such_day"),
        ("2026-13-01", "day_no_such_day"),
        ("2026-04-31", "day_no_such_day"),
        ("20260230", "day_no_such_day"),
        ("0000-00-00", "day_no_such_day"),
        ("9999-12-31", "day_out_of_range"),
        ("1899-12-31", "day_out_of_range"),
        ("99999", "day_out_of_range"),
        ("1/8/2026", "day_ambiguous"),
        ("13/8/2026", "day_ambiguous"),
        ("1-8-26", "day_ambiguous"),
        ("01.08.2026 10:00", "day_ambiguous"),
    ],
)
def test_a_date_that_is_not_sure_is_refused(text, code):
    with pytest.raises(Refused) as refused:
        parse_day(text)
    assert refused.value.code == code


def test_only_a_given_format_decides_between_day_and_month_first():
    assert parse_day("1/8/2026", ["%d/%m/%Y"]) == date(2026, 8, 1)
    assert parse_day("1/8/2026", ["%m/%d/%Y"]) == date(2026, 1, 8)
    assert parse_day("13/8/2026", ["%m/%d/%Y", "%d/%m/%Y"]) == date(2026, 8, 13)
    assert parse_day("08.01.26", ["%d.%m.%y"]) == date(2026, 1, 8)


def test_beside_a_given_format_the_sure_ones_are_still_read():
    assert parse_day("2026-01-08", ["%d/%m/%Y"]) == date(2026, 1, 8)


def test_a_format_without_a_year_or_without_sense_reads_nothing():
    with pytest.raises(Refused):
        parse_day("1/8", ["%d/%m", "%Q%Y", "%"])


def test_an_instant_in_a_file_counts_for_its_business_date():
    assert parse_day("2026-01-07T16:30:00Z", zone=CHINA) == date(2026, 1, 8)
    assert parse_day("2026-01-07T15:30:00Z", zone=CHINA) == date(2026, 1, 7)
    assert parse_day("2026-01-07T15:30:00", zone=CHINA) == date(2026, 1, 7)


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_every_way_to_write_a_day_gives_the_same_day(day):
    written = [
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}.{day.month}.{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        day.strftime("%Y%m%d"),
        f"{day.isoformat()}T23:59:59",
    ]
    assert {parse_day(text) for text in written} == {day}


@given(st.text(max_size=50))
def test_any_cell_gives_a_date_or_a_refusal(text):
    try:
        code = "day_" if 1900 <= parse_day(text).year <= 2100 else ""
    except Refused as refused:
        code = refused.code
    assert code.startswith("day_")


@pytest.mark.outside
def test_hostile_birthdays_meet_what_is_expected_of_them():
    if not CASES.exists():
        pytest.skip("the outside data is not beside the checkout")
    rows = [json.loads(line) for line in CASES.read_text(encoding="utf-8").strip().split("\n")]
    rows = [row for row in rows if row["params"]["field"] == "birthday"]
    for row in rows:
        must = row["expected"]["must"]
        try:
            answer = parse_day(row["params"]["value"]).isoformat()
        except Refused:
            answer = "refused"
        assert must.startswith((answer, f"= {answer}")), row["id"]
    assert rows
