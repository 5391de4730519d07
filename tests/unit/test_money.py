import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_tui.domain.errors import Refused
from crm_tui.domain.money import LARGEST_FEN, format_money, parse_money, percent_points, short_money

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cases" / "hostile-value.jsonl"
AMOUNTS = st.integers(-LARGEST_FEN, LARGEST_FEN)


def refusal(text: str, *, allow_negative: bool = False) -> str:
    with pytest.raises(Refused) as refused:
        parse_money(text, allow_negative=allow_negative)
    return refused.value.code


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("12000", 1_200_000),
        ("12,000", 1_200_000),
        ("12,000.5", 1_200_050),
        ("1,234,567.89", 123_456_789),
        ("0", 0),
        ("0.01", 1),
        (".5", 50),
        ("007", 700),
        ("1.2万", 1_200_000),
        ("1.2w", 1_200_000),
        ("1.2W", 1_200_000),
        ("1.2 万元", 1_200_000),
        ("1.23456万", 1_234_560),
        ("1.2345678千", None),
        ("3千", 300_000),
        ("3k", 300_000),
        ("3K", 300_000),
        ("2亿", 20_000_000_000),
        ("￥12,000", 1_200_000),
        ("¥ 12,000", 1_200_000),
        ("￥1,234.5元", 123_450),
        ("５０００元", 500_000),
        ("１，２００", 120_000),
        ("1.2300", 123),
        (" 5 ", 500),
        ("5\u00a0", 500),
    ],
)
def test_an_amount_is_read_as_a_person_types_it(text, fen):
    if fen is None:
        assert refusal(text) == "money_too_fine"
    else:
        assert parse_money(text) == fen


@pytest.mark.parametrize("text", ["", "   ", "\u3000", "\u200b"])
def test_nothing_is_not_an_amount(text):
    assert refusal(text) == "money_empty"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "inf",
            "-Infinity",
            "NaN",
            "nan",
            "1e3",
            "1e309",
            "1.38E+10",
            "0x10",
            "1_000",
            "٣",
            "१२",
            "壹佰元整",
        ),
        *("1,2,3", "1,23", "12,34.5", "1234,567", ",100", "100,", "1,,000", "1.234,50", "1.2.3", "1 000"),
        *("--5", "-¥-5", "+-5", "5.", "¥", "元", "万", "1.2万万", "5 dollars", "1/2", "=1+1", "½", "二万"),
        *("[/]", "12\x00,000万x", "9" * 4000),
    ],
)
def test_what_is_not_an_amount_is_refused(text):
    assert refusal(text, allow_negative=True) == "money_not_understood"


def test_a_refusal_repeats_no_endless_text():
    with pytest.raises(Refused) as refused:
        parse_money("9" * 4000)
    assert len(refused.value.details["text"]) <= 40


@pytest.mark.parametrize("text", ["0.005", "0.001", "12.345", "1.2345678万"])
def test_less_than_a_fen_is_refused_instead_of_rounded(text):
    assert refusal(text) == "money_too_fine"


@pytest.mark.parametrize("text", ["-1", "-¥1", "¥-1", "－1", "-0.01"])
def test_a_negative_amount_needs_leave(text):
    assert refusal(text) == "money_negative"
    assert parse_money(text, allow_negative=True) < 0


def test_minus_nothing_is_nothing():
    assert parse_money("-0") == parse_money("-0.00") == 0


def test_the_largest_amount_is_stored_and_a_fen_more_is_refused():
    assert parse_money("1,000,000,000,000") == parse_money("10000亿") == LARGEST_FEN
    assert refusal("1000000000000.01") == "money_too_large"
    assert refusal("9" * 30) == "money_too_large"
    assert refusal("-1000000000000.01", allow_negative=True) == "money_too_large"


@given(AMOUNTS)
def test_an_amount_in_full_reads_back_as_itself(fen):
    assert parse_money(format_money(fen), allow_negative=True) == fen


@given(
    st.integers(0, LARGEST_FEN // 10**6),
    st.sampled_from([("万", 10**6), ("w", 10**6), ("千", 10**5), ("k", 10**5)]),
)
def test_a_unit_multiplies_exactly(count, unit):
    sign, fen = unit
    assert parse_money(f"{count}{sign}") == count * fen


@given(st.text(max_size=60))
def test_any_text_gives_fen_or_a_refusal(text):
    try:
        fen = parse_money(text, allow_negative=True)
    except Refused as refused:
        code = refused.code
    else:
        code = "money_" if isinstance(fen, int) and abs(fen) <= LARGEST_FEN else ""
    assert code.startswith("money_")


@pytest.mark.parametrize(
    ("fen", "text"),
    [(1_200_000, "¥12,000.00"), (0, "¥0.00"), (5, "¥0.05"), (-5, "-¥0.05"), (-123_456_789, "-¥1,234,567.89")],
)
def test_details_show_an_amount_in_full(fen, text):
    assert format_money(fen) == text


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "0"),
        (900_000, "9,000"),
        (900_050, "9,000"),  # half to even
        (900_150, "9,002"),
        (950_000, "9,500"),
        (999_949, "9,999"),
        (999_950, "1.0万"),
        (1_000_000, "1.0万"),
        (1_200_000, "1.2万"),
        (1_250_000, "1.2万"),
        (1_350_000, "1.4万"),
        (86_500_000, "86.5万"),
        (9_999_949_999, "9,999.9万"),
        (9_999_950_000, "1.0亿"),
        (10_000_000_000, "1.0亿"),
        (LARGEST_FEN, "10,000.0亿"),
        (-1_200_000, "-1.2万"),
        (-40, "0"),
    ],
)
def test_lists_shorten_an_amount_to_wan(fen, text):
    assert short_money(fen) == text


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (900_000, "9,000"),
        (999_950, "10.0k"),
        (1_200_000, "12.0k"),
        (99_994_999, "999.9k"),
        (99_995_000, "1.0M"),
        (123_456_789, "1.2M"),
    ],
)
def test_lists_shorten_an_amount_to_thousands(fen, text):
    assert short_money(fen, "kilo") == text


@given(AMOUNTS, st.sampled_from(["wan", "kilo"]))
def test_a_shortened_amount_is_at_most_half_a_shown_digit_off(fen, units):
    shown = short_money(fen, units)
    number = Decimal(shown.rstrip("万亿kM").replace(",", ""))
    size = {"万": 10**4, "亿": 10**8, "k": 10**3, "M": 10**6}.get(shown[-1], 1)
    step = Decimal(size) / 10 if size > 1 else Decimal(1)
    assert abs(number * size - Decimal(fen) / 100) <= step / 2


@given(AMOUNTS, AMOUNTS)
def test_a_larger_amount_never_looks_smaller(one, other):
    def value(fen):
        shown = short_money(fen)
        size = {"万": 10**4, "亿": 10**8}.get(shown[-1], 1)
        return Decimal(shown.rstrip("万亿").replace(",", "")) * size

    low, high = sorted((one, other))
    assert value(low) <= value(high)


def test_a_change_of_share_is_told_in_points():
    assert percent_points(Decimal("0.425"), Decimal("0.40")) == Decimal("2.5")
    assert percent_points(Decimal("0.1"), Decimal("0.3")) == Decimal("-20.0")


def test_a_share_of_nothing_has_no_change():
    assert percent_points(None, Decimal("0.3")) is None
    assert percent_points(Decimal("0.3"), None) is None


@pytest.mark.outside
def test_hostile_amounts_meet_what_is_expected_of_them():
    if not CASES.exists():
        pytest.skip("the outside data is not beside the checkout")
    rows = [json.loads(line) for line in CASES.read_text(encoding="utf-8").strip().split("\n")]
    seen = 0
    for row in rows:
        if row["params"]["field"] != "amount":
            continue
        seen += 1
        value, must = row["params"]["value"], row["expected"]["must"]
        try:
            answer = format_money(parse_money(value))
        except Refused:
            answer = "refused"
        exact = must.removeprefix("= ") if must.startswith("=") else ""
        if "refused" in must:
            assert answer == "refused" or answer in (exact.split(" ")[0], "¥1,234.50"), row["id"]
        elif must == "ok":
            assert answer == format_money(1), row["id"]
        else:
            assert Decimal(answer.lstrip("¥")) == Decimal(exact), row["id"]
    assert seen
