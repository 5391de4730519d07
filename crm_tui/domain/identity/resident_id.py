"""Resident identity numbers (GB 11643): 18 characters, and the 15 digits of the first generation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from crm_tui.domain.errors import Refused
from crm_tui.domain.identity._digits import FLOAT_TAIL, SCIENTIFIC, compact, quoted

_PROVINCE = re.compile(r"9?(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])|91", re.ASCII)
_LIKE_X = str.maketrans({"×": "X", "Χ": "X", "Х": "X"})
_SHAPE = re.compile(r"[0-9]*X?", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1800, 2099
_OLDEST_WITHOUT_A_CLOCK = 1900
_OLDEST_AGE = 125
_CARDS_SINCE = 1985

Verdict = Literal[
    "valid",
    "valid_lenient",
    "suspicious",
    "invalid_format",
    "invalid_length",
    "invalid_region",
    "invalid_date",
    "invalid_checksum",
    "invalid_digits_lost",
]


@dataclass(frozen=True, slots=True)
class ResidentId:
    """A resident identity number: 18 characters with upper-case X, and what they say."""

    value: str
    birthday: date
    sex: Literal["male", "female"]
    region_code: str


def normalize_resident_id(raw: str, today: date | None = None) -> ResidentId:
    """Return the number of ``raw``; 15 digits of the first generation become the 18 of the same person.

    ``today`` is the branch's business date: a birthday after it is refused.

    Raises:
        Refused: resident_id_empty, _format, _length, _x_lost, _region, _date, _checksum, _digits_lost.
    """
    number = _tidy(raw)
    if not number:
        raise Refused("resident_id_empty")
    _refuse_wrong_shape(raw, number)
    if len(number) == 15:
        number = f"{number[:6]}19{number[6:]}"
        number += _check_character(number)
    if not _known_region(number):
        raise Refused("resident_id_region", value=number[:6])
    birthday = _birthday(number)
    if birthday is None or (today is not None and birthday > today):
        raise Refused("resident_id_date", value=number[6:14])
    if _check_character(number[:17]) != number[17]:
        code = "resident_id_digits_lost" if number.endswith("000") else "resident_id_checksum"
        raise Refused(code, value=quoted(number))
    sex: Literal["male", "female"] = "male" if int(number[16]) % 2 else "female"
    return ResidentId(number, birthday, sex, number[:6])


def check_resident_id(raw: str, today: date | None = None) -> Verdict:
    """Return what ``raw`` is as a resident identity number.

    ``valid_lenient``: right in itself, but the region code is unknown or younger than the person.
    ``suspicious``: the bearer would be older than 125 years (without ``today``: born before 1900).
    """
    try:
        found = normalize_resident_id(raw, today)
    except Refused as refusal:
        return _VERDICTS[refusal.code]
    oldest = today.year - _OLDEST_AGE if today is not None else _OLDEST_WITHOUT_A_CLOCK
    if found.birthday.year < oldest:
        return "suspicious"
    return "valid" if _region_fits_birthday(found) else "valid_lenient"


_VERDICTS: dict[str, Verdict] = {
    "resident_id_empty": "invalid_length",
    "resident_id_format": "invalid_format",
    "resident_id_length": "invalid_length",
    "resident_id_x_lost": "invalid_length",
    "resident_id_region": "invalid_region",
    "resident_id_date": "invalid_date",
    "resident_id_checksum": "invalid_checksum",
    "resident_id_digits_lost": "invalid_digits_lost",
}


def _tidy(raw: str) -> str:
    """Return ``raw`` in half width and upper case, without blanks, hyphens and a spreadsheet's ``.0``."""
    return FLOAT_TAIL.sub("", compact(raw).upper().translate(_LIKE_X))


def _refuse_wrong_shape(raw: str, number: str) -> None:
    """Refuse what is neither 18 characters with a digit or X at the end nor 15 digits."""
    if SCIENTIFIC.fullmatch(number):
        raise Refused("resident_id_digits_lost", value=quoted(raw))
    if not _SHAPE.fullmatch(number):
        raise Refused("resident_id_format", value=quoted(raw))
    if len(number) == 17 and _check_character(number) == "X":
        raise Refused("resident_id_x_lost", value=quoted(number), suggestion=f"{number}X")
    if len(number) not in {15, 18}:
        raise Refused("resident_id_length", value=quoted(number), count=len(number))
    if len(number) == 15 and number.endswith("X"):
        raise Refused("resident_id_format", value=quoted(raw))


def _check_character(number: str) -> str:
    from stdnum.cn.ric import calc_check_digit

    return str(calc_check_digit(f"{number[:17]}0"))


def _known_region(number: str) -> bool:
    """Tell whether the first digits name a province, or a province behind the 9 of a foreigner's card."""
    return _PROVINCE.match(number) is not None


def _birthday(number: str) -> date | None:
    """Return the birthday in the number, or None where the calendar has no such day."""
    year = int(number[6:10])
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        return date(year, int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def _region_fits_birthday(found: ResidentId) -> bool:
    """Tell whether the county's code was in use when the person was born.

    Codes from before the first cards went to people of every age, so only younger ones count; the
    permits of Hong Kong, Macao, Taiwan and foreigners came later than their bearers.
    """
    if found.region_code[0] in "89":
        return True
    from stdnum import numdb

    names = next(
        (part["county"] for _, part in numdb.get("cn/loc").info(found.region_code) if "county" in part), ""
    )
    if not names:
        return False
    starts = [int(year) for year in re.findall(r"\[(\d{4})-", names)]
    undated = any(not name.startswith("[") for name in names.split(","))
    return undated or not starts or min(starts) <= max(found.birthday.year, _CARDS_SINCE)
