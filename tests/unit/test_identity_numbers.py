"""Resident identity numbers and unified social credit codes: checked, and kept in one form."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import (
    check_resident_id,
    check_uscc,
    normalize_resident_id,
    normalize_uscc,
)

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cases"
outside = pytest.mark.skipif(not CASES.exists(), reason="the outside data is not beside the checkout")
WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]


def number_of(region, birthday, order):
    body = f"{region}{birthday:%Y%m%d}{order:03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]


NUMBERS = st.builds(
    number_of,
    st.sampled_from(["110101", "310104", "440305", "810000", "830000"]),
    st.dates(date(1900, 1, 1), date(2026, 1, 1)),
    st.integers(1, 999),
)


def refusal_of(call, *arguments):
    with pytest.raises(Refused) as refusal:
        call(*arguments)
    return refusal.value


@pytest.mark.parametrize(
    "raw",
    [
        "11010119900102007X",
        "11010119900102007x",
        "11010119900102007Ｘ",
        " 110101 19900102 007X ",
        "'11010119900102007X",
        "１１０１０１１９９００１０２００７Ｘ",
        "110101\u200b19900102007X",
        "11010119900102007Х",
        "110101900102007",
    ],
)
def test_one_resident_number_however_it_was_typed(raw):
    found = normalize_resident_id(raw)
    assert found.value == "11010119900102007X"
    assert (found.birthday, found.sex, found.region_code) == (date(1990, 1, 2), "male", "110101")


@pytest.mark.parametrize(
    ("raw", "code", "verdict"),
    [
        ("", "resident_id_empty", "invalid_length"),
        ("T60426199101010078", "resident_id_format", "invalid_format"),
        ("1101011990010X0073", "resident_id_format", "invalid_format"),
        ("11010119900102X", "resident_id_format", "invalid_format"),
        ("44030819990110", "resident_id_length", "invalid_length"),
        ("11010119900102007", "resident_id_x_lost", "invalid_length"),
        ("990426199112010074", "resident_id_region", "invalid_region"),
        ("360426199113010079", "resident_id_date", "invalid_date"),
        ("110101190002290014", "resident_id_date", "invalid_date"),
        ("110101199901000015", "resident_id_date", "invalid_date"),
        ("110101999912310014", "resident_id_date", "invalid_date"),
        ("610104620932690", "resident_id_date", "invalid_date"),
        ("36042619910102009X", "resident_id_checksum", "invalid_checksum"),
        ("1.10101E+17", "resident_id_digits_lost", "invalid_digits_lost"),
        ("110101199001010000", "resident_id_digits_lost", "invalid_digits_lost"),
        ("110101199001010000.0", "resident_id_digits_lost", "invalid_digits_lost"),
    ],
)
def test_a_wrong_resident_number_is_refused_with_its_reason(raw, code, verdict):
    assert refusal_of(normalize_resident_id, raw).code == code
    assert check_resident_id(raw) == verdict


def test_a_lost_x_is_offered_again():
    assert (
        refusal_of(normalize_resident_id, "11010119900102007").details["suggestion"] == "11010119900102007X"
    )


def test_a_birthday_after_today_is_refused_where_today_is_known():
    number = number_of("110101", date(2027, 1, 1), 12)
    assert normalize_resident_id(number).birthday == date(2027, 1, 1)
    assert refusal_of(normalize_resident_id, number, date(2026, 11, 23)).code == "resident_id_date"


def test_a_bearer_older_than_125_years_is_suspicious_and_not_refused():
    assert check_resident_id("11010118991231001X") == "suspicious"
    assert normalize_resident_id("11010118991231001X").birthday == date(1899, 12, 31)
    assert check_resident_id(number_of("110101", date(1910, 1, 1), 12), date(2040, 1, 1)) == "suspicious"


def test_a_region_code_younger_than_its_bearer_is_only_a_hint():
    assert check_resident_id("500154199301135886") == "valid_lenient"


def test_a_foreigners_permanent_residence_card_is_read():
    assert check_resident_id(number_of("911840", date(1980, 5, 6), 12)) == "valid"


@given(NUMBERS)
def test_a_normal_resident_number_stays_what_it_is(number):
    found = normalize_resident_id(number)
    assert found.value == number
    assert found.sex == ("male" if int(number[16]) % 2 else "female")


@given(NUMBERS, st.integers(0, 16), st.integers(1, 9))
def test_one_changed_digit_is_always_noticed(number, place, step):
    changed = f"{number[:place]}{(int(number[place]) + step) % 10}{number[place + 1 :]}"
    assert check_resident_id(changed).startswith("invalid")


@given(st.text(st.one_of(st.sampled_from("0123456789Xx.E+ "), st.characters()), max_size=24))
def test_any_text_gets_a_verdict(raw):
    assert check_resident_id(raw)
    assert check_uscc(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "91110000600037341L",
        "91110000600037341l",
        "９１１１００００６００0３７３４１Ｌ",
        "9 1 110000 600037341-L",
    ],
)
def test_one_credit_code_however_it_was_typed(raw):
    assert normalize_uscc(raw) == "91110000600037341L"
    assert check_uscc(raw) == "valid"


@pytest.mark.parametrize(
    ("raw", "code", "verdict"),
    [
        ("", "uscc_empty", "invalid_length"),
        ("12345", "uscc_length", "invalid_length"),
        ("A1110000600037341L", "uscc_format", "invalid_format"),
        ("91110000600O37341L", "uscc_format", "invalid_format"),
        ("9111000060003734IL", "uscc_format", "invalid_format"),
        ("91110000600037341N", "uscc_checksum", "invalid_checksum"),
        ("9.1152E+17", "uscc_digits_lost", "invalid_digits_lost"),
        ("911522010783762000", "uscc_digits_lost", "invalid_digits_lost"),
    ],
)
def test_a_wrong_credit_code_is_refused_with_its_reason(raw, code, verdict):
    assert refusal_of(normalize_uscc, raw).code == code
    assert check_uscc(raw) == verdict


def cases(kind):
    lines = (CASES / f"{kind}.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


@pytest.mark.outside
@outside
@pytest.mark.parametrize(("kind", "check"), [("id", check_resident_id), ("uscc", check_uscc)])
def test_the_outside_verdicts_agree(kind, check):
    wrong = {}
    for row in cases(kind):
        wanted, found = row["expected"]["expected"], check(row["expected"]["input"])
        loose = wanted in {"invalid", "invalid_or_mapped"} and found.startswith("invalid")
        if found != wanted and not loose:
            wrong[row["expected"]["input"]] = (wanted, found)
    assert wrong == {}


@pytest.mark.outside
@outside
def test_hostile_identity_fields_agree():
    fields = {row["id"]: row["params"]["value"] for row in cases("hostile-value")}
    assert normalize_resident_id(fields["HV-111"]) == normalize_resident_id(fields["HV-112"])
    assert normalize_resident_id(fields["HV-110"]).value.endswith("X")
    assert normalize_resident_id(fields["HV-113"]).value.startswith("11010119900307889")
    for refused in ("HV-114", "HV-115", "HV-116"):
        assert check_resident_id(fields[refused]).startswith("invalid")
