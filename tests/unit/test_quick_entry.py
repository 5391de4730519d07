from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_tui.domain.follow_up import CHANNELS
from crm_tui.domain.quick_entry import CHANNEL_WORDS, QuickEntry, parse_quick_entry

CHINA = "Asia/Shanghai"
CHINA_TIME = timezone(timedelta(hours=8))
NOW = datetime(2026, 1, 8, 10, 42, tzinfo=CHINA_TIME)  # a Thursday
IN_THREE_DAYS = datetime(2026, 1, 11, 2, tzinfo=UTC)
FRIDAY = datetime(2026, 1, 9, 2, tzinfo=UTC)


def read(line: str, now: datetime = NOW) -> QuickEntry:
    return parse_quick_entry(line, now, CHINA)


def codes(line: str) -> list[str]:
    return [problem.code for problem in read(line).problems]


def without_spans(entry: QuickEntry) -> dict[str, object]:
    return {name: value for name, value in vars(entry).items() if name != "spans"}


def test_a_whole_line_fills_every_part():
    entry = read(
        "13800138000 张三 B #瓷砖 #老客户 ¥1.2万 @李梅 %需求确认 电话:想看样品 ~价格高 ->送样品 !周五"
    )
    assert without_spans(entry) == without_spans(
        QuickEntry(
            phone="+8613800138000",
            name="张三",
            level="B",
            tags=("瓷砖", "老客户"),
            amount_fen=1_200_000,
            next_at=FRIDAY,
            owner="李梅",
            stage="需求确认",
            channel="phone",
            need="想看样品",
            objection="价格高",
            next_step="送样品",
        )
    )


def test_a_full_width_line_says_the_same_as_its_half_width_twin():
    full = read("１３８００１３８０００　张三　＃瓷砖　￥1.2万　！3天　电话：想看样品")
    half = read("13800138000 张三 #瓷砖 ¥1.2万 !3天 电话:想看样品")
    assert full == half
    assert full.amount_fen == 1_200_000
    assert full.next_at == IN_THREE_DAYS
    assert full.missing == ("objection", "next_step")
    assert not full.problems


def test_a_compatibility_ideograph_in_a_name_stays_itself():
    assert read("\uf9e1明").name == "\uf9e1明"


@pytest.mark.parametrize(
    ("typed", "phone"),
    [
        ("13800138000", "+8613800138000"),
        ("138 0013 8000", "+8613800138000"),
        ("138-0013-8000", "+8613800138000"),
        ("+8613800138000", "+8613800138000"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("86 13800138000", "+8613800138000"),
        ("008613800138000", "+8613800138000"),
        ("010-64170000", "+861064170000"),
        ("010 6417 0000", "+861064170000"),
        ("01064170000", "+861064170000"),
        ("0571-88888888", "+8657188888888"),
        ("0335-3012345", "+863353012345"),
    ],
)
def test_a_phone_is_known_by_its_form(typed, phone):
    for line in (typed, f"{typed} 张三", f"张三 {typed} A"):
        entry = read(line)
        assert (entry.phone, entry.problems) == (phone, ())


@pytest.mark.parametrize(
    "typed",
    ["1380013800", "138001380001", "12800138000", "138 0013 800", "12345", "64170000", "138-0013-80001"],
)
def test_digits_that_are_no_phone_are_an_error_and_never_a_name(typed):
    entry = read(f"{typed} 张三")
    assert [problem.code for problem in entry.problems] == ["quick_phone_length"]
    assert entry.problems[0].token == typed
    assert (entry.phone, entry.name) == (None, "张三")


@pytest.mark.parametrize("typed", ["12,000", "张三12345", "12.5", "x13800138000"])
def test_a_number_that_is_neither_phone_nor_amount_is_an_error(typed):
    assert codes(f"{typed} 李四") == ["quick_number_unclear"]


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("¥12000", 1200000),
        ("￥12,000", 1200000),
        ("1.2万", 1200000),
        ("1.2w", 1200000),
        ("3千", 300000),
        ("3K", 300000),
        ("500元", 50000),
        ("2万元", 2000000),
    ],
)
def test_an_amount_has_a_sign_or_a_unit(typed, fen):
    assert read(f"张三 {typed}").amount_fen == fen
    assert read(f"张三 {typed}").name == "张三"


def test_thousands_commas_must_be_groups_of_three():
    assert codes("张三 ¥1,2,3") == ["money_not_understood"]
    assert codes("张三 -5元") == ["money_negative"]
    assert codes("张三 ¥") == ["money_not_understood"]


@pytest.mark.parametrize(
    "line",
    ["张三 !周五 电话:要两套", "张三 电话:要两套 !周五", "!周五 张三 电话:要两套", "张三 电话:要两套 ！周五"],
)
def test_the_next_contact_may_stand_before_or_after_the_note(line):
    entry = read(line)
    assert (entry.next_at, entry.need, entry.problems) == (FRIDAY, "要两套", ())


def test_the_next_contact_may_have_a_time_of_day():
    afternoon = datetime(2026, 1, 9, 7, 30, tzinfo=UTC)
    for line in (
        "张三 !周五15:30",
        "张三 !周五 15:30",
        "电话:要两套 ->送样 !周五 15:30",
        "张三 !周五下午3点半",
    ):
        assert read(line).next_at == afternoon
        assert not read(line).problems


@pytest.mark.parametrize(("hour", "minute", "today"), [(23, 30, 8), (0, 30, 9)])
def test_three_days_are_counted_on_the_wall_of_the_branch(hour, minute, today):
    now = datetime(2026, 1, today, hour, minute, tzinfo=CHINA_TIME).astimezone(UTC)
    assert read("张三 !3", now).next_at == datetime(2026, 1, today + 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("!0230", "moment_no_such_day"),
        ("!2025-01-01", "next_contact_past"),
        ("!120", "next_contact_too_far"),
        ("!下次", "moment_not_understood"),
        ("!", "quick_empty"),
    ],
)
def test_a_next_contact_that_cannot_be_is_an_error(typed, code):
    assert codes(f"张三 {typed}") == [code]


@pytest.mark.parametrize(
    ("word", "channel"),
    [
        ("电话", "phone"),
        ("微信", "wechat"),
        ("企微", "wecom"),
        ("到店", "visit"),
        ("上门", "onsite"),
        ("邮件", "email"),
        ("短信", "sms"),
        ("Phone", "phone"),
        ("call", "phone"),
        ("WeCom", "wecom"),
    ],
)
@pytest.mark.parametrize("colon", [":", "：", " :"])
def test_a_channel_begins_the_note(word, channel, colon):
    entry = read(f"张三 {word}{colon}要 #3 号色 ¥100 @前台")
    assert (entry.channel, entry.need) == (channel, "要 #3 号色 ¥100 @前台")
    assert entry.tags == ()


def test_the_channels_are_those_of_a_follow_up():
    assert set(CHANNEL_WORDS.values()) == set(CHANNELS)


@pytest.mark.parametrize("arrow", ["->", "=>", "-》", "》》", "→", "－＞", "＝＞", "－》"])
def test_every_arrow_a_keyboard_types_leads_to_the_next_step(arrow):
    entry = read(f"电话:要两套~嫌贵{arrow}送样品")
    assert (entry.need, entry.objection, entry.next_step) == ("要两套", "嫌贵", "送样品")


def test_an_arrow_without_a_channel_is_the_next_step_too():
    entry = read("13800138000 张三 ->送样品 !3")
    assert (entry.name, entry.next_step, entry.next_at) == ("张三", "送样品", IN_THREE_DAYS)
    assert entry.missing == ("channel", "need", "objection")


def test_a_range_in_a_need_is_no_objection():
    entry = read("电话:预算1~2万 ~嫌贵")
    assert (entry.need, entry.objection) == ("预算1~2万", "嫌贵")


def test_an_unknown_channel_is_an_error_and_its_words_stay_a_note():
    entry = read("张三 电活:想看 样品")
    assert [problem.code for problem in entry.problems] == ["quick_channel_unknown"]
    assert (entry.name, entry.channel, entry.need) == ("张三", None, "想看 样品")


@pytest.mark.parametrize(
    "line",
    [
        "13800138000 13900139000",
        "A B",
        "¥1万 2万",
        "!3 !5",
        "@李 @王",
        "%成交 %丢单",
        "张三 #瓷砖 李四",
        "张三 !3 李四",
    ],
)
def test_a_part_given_twice_is_an_error_and_the_first_one_stays(line):
    assert codes(line) == ["quick_twice"]


def test_the_first_of_two_stays():
    assert read("A B").level == "A"
    assert read("张三 #瓷砖 李四").name == "张三"


def test_a_name_of_several_words_is_one_name():
    assert read("13800138000 John  Smith b").name == "John  Smith"
    assert read("13800138000 John Smith b").level == "B"


def test_tags_may_stick_together_and_count_once():
    assert read("张三 #瓷砖#木门 #瓷砖").tags == ("瓷砖", "木门")


@pytest.mark.parametrize("mark", ["#", "@", "%", "##"])
def test_a_mark_alone_is_an_error(mark):
    assert codes(f"张三 {mark}") == ["quick_empty"]


def test_what_is_missing_is_named_in_the_order_of_the_form():
    assert read("").missing == ("phone", "name")
    assert read("张三").missing == ("phone",)
    assert read("13800138000 电话:").missing == ("name", "need", "objection", "next_step", "next_at")


def test_escape_sequences_and_line_ends_do_not_reach_a_name():
    entry = read("13800138000\t张三\r\n#瓷砖\x00")
    assert (entry.phone, entry.name, entry.tags) == ("+8613800138000", "张三", ("瓷砖",))
    assert "\x1b" not in str(vars(read("\x1b[2J张三")))


def test_markup_in_a_name_is_kept_as_it_is():
    assert read("[/] 13800138000").name == "[/]"


def test_a_line_too_long_says_so():
    assert codes("张" * 1_000_000)[0] == "quick_too_long"


def test_every_part_is_marked_where_it_stands():
    line = "１３８００１３８０００　张三 ￥1.2万 1234567 电话：想看样品~嫌贵 ->送样 ！3天"
    marked = [(line[span.start : span.end], span.kind) for span in read(line).spans]
    assert marked == [
        ("１３８００１３８０００", "phone"),
        ("张三", "name"),
        ("￥1.2万", "amount_fen"),
        ("1234567", "error"),
        ("电话：", "channel"),
        ("想看样品", "need"),
        ("嫌贵", "objection"),
        ("送样", "next_step"),
        ("！3天", "next_at"),
    ]


def test_a_next_contact_amid_the_need_parts_its_marking():
    line = "电话:要 两套 !3 白色"
    entry = read(line)
    marked = [(line[span.start : span.end], span.kind) for span in entry.spans]
    assert entry.need == "要 两套 白色"
    assert marked == [("电话:", "channel"), ("要 两套", "need"), ("!3", "next_at"), ("白色", "need")]


PIECES = st.sampled_from(
    [
        "13800138000",
        "010-64170000",
        "1234567",
        "张三",
        "A",
        "#瓷砖",
        "¥1.2万",
        "3千",
        "!3",
        "!周五 15:30",
        "!0230",
        "@李",
        "%成交",
        "电话:",
        "电活：",
        "~嫌贵",
        "->",
        "》》",
        "送样",
        "¥1,2,3",
        "#",
        "[/]",
        "\x1b[2J",
        "\u3000",
    ]
)


@given(
    st.text(max_size=80)
    | st.lists(PIECES, max_size=14).map(" ".join)
    | st.lists(PIECES, max_size=8).map("".join)
)
def test_any_line_is_read_and_its_spans_never_overlap(line):
    entry = read(line)
    for before, after in zip(entry.spans, entry.spans[1:], strict=False):
        assert before.end <= after.start
    assert all(0 <= span.start < span.end <= len(line) for span in entry.spans)
    assert sum(span.kind == "error" for span in entry.spans) == len(entry.problems)
