"""Telephone numbers: one cell of a spreadsheet in, one number with its note out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from crm_tui.domain.errors import Refused
from crm_tui.domain.identity._digits import FLOAT_TAIL, SCIENTIFIC, fold_characters, quoted
from crm_tui.domain.text import ESCAPE_SEQUENCE

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

Kind = Literal["mobile", "landline", "service", "other"]

_LONGEST_CELL = 500
_LONGEST_NUMBER = 17
_SHORTEST_NUMBER = 7
_LONGEST_EXTENSION = 6
_MOST_GROUPS = 40

_CHUNK = re.compile(r"[+(]{0,3}\d(?:[\d\-. ()]*\d)?\)?", re.ASCII)
_GROUP = re.compile(r"\d+", re.ASCII)
_EXTENSION = re.compile(
    r"[ ,]*\(? *(?:[转轉]? *(?:分机号?|分機|内线)|[转轉]|ext(?:ension)?\b\.?|x|#|;ext=)"
    r" *[:：]? *(\d{1,6})(?!\d) *\)?",
    re.ASCII | re.IGNORECASE,
)
_MASKED = re.compile(r"\d[ -]*[*xX•●·※#_?]{2,}|[*•●]{2,}[ -]*\d", re.ASCII)
_THOUSANDS = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3}){3}(?:\.0*)?(?![\d,])", re.ASCII)
_LOOKALIKE = re.compile(r"[\dlIi|oOSsBZz+][\dlIi|oOSsBZz\-. ]{5,}", re.ASCII)
_LOOKALIKE_DIGITS = str.maketrans("lIi|oOSsBZz", "11110055822", "-. ")
_LABEL_OF_ANOTHER_THING = re.compile(
    r"(?:QQ|wx|wechat|微信号?|微信id|编号|单号|订单号?|工号)[ :：_-]*$", re.IGNORECASE
)
_LIKE_A_NUMBER = re.compile(r"\d(?:[ -]?\d){6}", re.ASCII)
_DAY = re.compile(r"(?:19|20)\d\d(?:0?[1-9]|1[0-2])(?:0?[1-9]|[12]\d|3[01])?", re.ASCII)
_BETWEEN_NUMBERS = re.compile(r"[/、,，;；|\n\\]|或者?|以及|和|&")
_PART_EDGES = re.compile(rf"^(?:{_BETWEEN_NUMBERS.pattern}|[\s-])+|(?:{_BETWEEN_NUMBERS.pattern}|\s)+$")
_NOTE_EDGES = " \t\r\n/、,，;；|:：-'+=.。\u3000‘’\u201c\u201d\""
_BRACKETS = {"(": ")", "（": "）", "[": "]", "【": "】", "<": ">", "《": "》"}


@dataclass(frozen=True, slots=True)
class Phone:
    """A valid number.

    ``e164`` like +8613800138000; ``region`` two letters, CN for the mainland; ``extension`` digits or
    empty; ``note`` what stood beside the number; ``display`` how a person reads it.
    """

    e164: str
    kind: Kind
    region: str
    extension: str
    note: str
    display: str


@dataclass(frozen=True, slots=True)
class _Found:
    """One stretch of a cell: a valid number, or digits and the ``reason`` they are none."""

    start: int
    end: int
    digits: str
    number: PhoneNumber | None = None
    extension: str = ""
    reason: str = ""


def normalize_phone(raw: str, default_region: str = "CN") -> Phone:
    """Return the one number in ``raw`` with its extension and the note beside it.

    Raises:
        Refused: phone_empty, _none, _scientific, _masked, _letters, _several, _short_code, _no_area_code,
            _too_short, _too_long, _unassigned.
    """
    raw = ESCAPE_SEQUENCE.sub("", raw)
    text = _prepare(raw)
    found = _find(text, default_region)
    if not found:
        raise Refused("phone_none", value=quoted(raw))
    bad = next((one for one in found if one.number is None), None)
    if bad is not None:
        raise Refused(bad.reason, value=quoted(raw[bad.start : bad.end]))
    if len({(one.digits, one.extension) for one in found}) > 1:
        raise Refused("phone_several", value=quoted(raw), count=len(found))
    first = found[0]
    assert first.number is not None
    return _describe(first.number, first.extension, _note(raw, found))


def split_phones(raw: str, default_region: str = "CN") -> list[str]:
    """Return the parts of a cell, each with one number and its own note; a cell of one number stays whole.

    A part that is no valid number is a part of its own, so that it is refused and not lost.

    Raises:
        Refused: phone_scientific, _masked, _letters, _too_long as :func:`normalize_phone` does.
    """
    raw = ESCAPE_SEQUENCE.sub("", raw)
    if not raw.strip():
        return []
    text = _prepare(raw)
    found = _find(text, default_region)
    cuts = [0]
    for one, after in pairwise(found):
        cuts.append(one.end + _cut(text[one.end : after.start]))
    parts = [raw[start:end] for start, end in zip(cuts, [*cuts[1:], len(raw)], strict=True)]
    return [_PART_EDGES.sub("", part) for part in parts]


def digits_only(e164: str) -> str:
    """Return what a search by digits runs over: the number without +86, or with its foreign code."""
    return e164.removeprefix("+86") if e164.startswith("+86") else e164.removeprefix("+")


def _prepare(raw: str) -> str:
    """Return ``raw`` folded to plain digits at the same indices, once it can be a number at all."""
    if not raw.strip() or not any(c.isalnum() for c in raw):
        raise Refused("phone_empty")
    if len(raw) > _LONGEST_CELL:
        raise Refused("phone_too_long", value=quoted(raw))
    text = fold_characters(raw)
    if SCIENTIFIC.search(text):
        raise Refused("phone_scientific", value=quoted(raw))
    text = FLOAT_TAIL.sub(_blanks, _THOUSANDS.sub(_without_commas, text))
    text = _hide_invisible(text)
    if _MASKED.search(text):
        raise Refused("phone_masked", value=quoted(raw))
    return text


def _blanks(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _without_commas(match: re.Match[str]) -> str:
    """Put blanks for the commas and the fraction of ``13,800,138,000.0``."""
    whole = match.group().partition(".")[0]
    return whole.replace(",", " ").ljust(len(match.group()))


def _hide_invisible(text: str) -> str:
    """Put a hyphen where a character nobody sees stands between digits, a blank elsewhere."""
    return "".join(" " if c != "\n" and unicodedata.category(c) in {"Cf", "Cc", "Mn"} else c for c in text)


def _find(text: str, region: str) -> list[_Found]:
    """Return all numbers and would-be numbers of ``text`` in order.

    Raises:
        Refused: phone_letters where letters stand for digits.
    """
    for match in _LOOKALIKE.finditer(text):
        token = match.group()
        lookalike = any(c.isalpha() or c == "|" for c in token)
        if lookalike and _parse(token.translate(_LOOKALIKE_DIGITS), region):
            raise Refused("phone_letters", value=quoted(token))
    found: list[_Found] = []
    at = 0
    while chunk := _CHUNK.search(text, at):
        ones = [one for one in _read_chunk(text, chunk, region) if not _is_something_else(text, one)]
        found += ones
        at = max([chunk.end(), *(one.end for one in ones)])
    return found


def _read_chunk(text: str, match: re.Match[str], region: str) -> Iterator[_Found]:
    """Yield the numbers of one stretch of digits, and groups that fit no number as one bad stretch."""
    groups = list(_GROUP.finditer(match.group()))
    base = match.start()
    plus = "+" if "+" in match.group()[: groups[0].start()] else ""
    index, leftover = 0, 0
    while index < min(len(groups), _MOST_GROUPS):
        taken, number = _longest(groups[index:], plus if index == 0 else "", region)
        if number is None:
            index += 1
            continue
        yield from _bad_stretch(groups[leftover:index], base, plus)
        first, last = groups[index], groups[index + taken - 1]
        index += taken
        extension, end = _extension(text, match, groups[index:], last)
        index += 1 if extension and end <= match.end() else 0
        start = base + (first.start() if first is not groups[0] else 0)
        digits = f"{number.country_code}.{number.national_number}"
        yield _Found(start, end, digits, number, extension)
        leftover = index
    yield from _bad_stretch(groups[leftover:], base, plus if leftover == 0 else "")


def _longest(groups: list[re.Match[str]], plus: str, region: str) -> tuple[int, PhoneNumber | None]:
    """Return how many leading groups make a number together, the most first, and that number."""
    for count in range(len(groups), 0, -1):
        digits = "".join(group.group() for group in groups[:count])
        if _SHORTEST_NUMBER <= len(digits) <= _LONGEST_NUMBER and (number := _parse(plus + digits, region)):
            return count, number
    return 0, None


def _extension(
    text: str, chunk: re.Match[str], rest: list[re.Match[str]], last: re.Match[str]
) -> tuple[str, int]:
    """Return the extension behind group ``last`` and where the number ends with it."""
    end = chunk.start() + last.end()
    if rest:
        between = chunk.group()[last.end() : rest[0].start()]
        if between.strip() == "-" and len(rest[0].group()) <= _LONGEST_EXTENSION:
            return rest[0].group(), chunk.start() + rest[0].end()
        return "", end
    marked = _EXTENSION.match(text, chunk.end())
    return (marked.group(1), marked.end()) if marked else ("", chunk.end())


def _bad_stretch(groups: list[re.Match[str]], base: int, plus: str) -> Iterator[_Found]:
    """Yield groups that are no number and too long for a note's figures."""
    digits = "".join(group.group() for group in groups)
    if digits:
        start, end = base + groups[0].start(), base + groups[-1].end()
        yield _Found(start, end, digits, reason=_reason(digits, plus))


def _is_something_else(text: str, one: _Found) -> bool:
    """Tell whether digits that are no number are part of the note: a day, a short figure, a QQ number."""
    if one.number is not None:
        return False
    if _LABEL_OF_ANOTHER_THING.search(text[: one.start]):
        return True
    elsewhere = bool(_LIKE_A_NUMBER.search(text[: one.start] + " " + text[one.end :]))
    return elsewhere and (len(one.digits) < _SHORTEST_NUMBER or bool(_DAY.fullmatch(one.digits)))


def _reason(digits: str, plus: str) -> str:
    """Return why ``digits`` are no number: a code of Refused."""
    national = re.sub(r"^(?:00)?86(?=\d{7})", "", digits)
    if plus and national == digits:
        return _reason_by_length(len(digits), 8, 15)
    if national.startswith("1"):
        return "phone_short_code" if len(national) <= 6 else _reason_by_length(len(national), 11, 11)
    if national.startswith("0"):
        return _reason_by_length(len(national), 11, 12)
    if len(national) <= 6:
        return "phone_short_code" if len(national) >= 5 else "phone_too_short"
    if len(national) <= 8:
        return "phone_no_area_code"
    return _reason_by_length(len(national), 10, 12)


def _reason_by_length(length: int, shortest: int, longest: int) -> str:
    if length < shortest:
        return "phone_too_short"
    return "phone_too_long" if length > longest else "phone_unassigned"


def _parse(digits: str, region: str) -> PhoneNumber | None:
    """Return the valid number of ``digits``, also with 86 in front of it but without its plus."""
    import phonenumbers

    attempts = [digits]
    if digits.startswith("86") and len(digits) > 11:
        attempts.append(f"+{digits}")
    for attempt in attempts:
        try:
            number = phonenumbers.parse(attempt, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return number
    return None


def _describe(number: PhoneNumber, extension: str, note: str) -> Phone:
    """Return the parsed ``number`` as a Phone."""
    import phonenumbers

    types = phonenumbers.PhoneNumberType
    kinds: dict[int, Kind] = {
        types.MOBILE: "mobile",
        types.FIXED_LINE_OR_MOBILE: "mobile",
        types.FIXED_LINE: "landline",
        types.TOLL_FREE: "service",
        types.SHARED_COST: "service",
        types.PREMIUM_RATE: "service",
        types.UAN: "service",
    }
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    kind = kinds.get(phonenumbers.number_type(number), "other")
    region = phonenumbers.region_code_for_number(number) or ""
    shown = display_phone(e164) or phonenumbers.format_number(
        number, phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    if extension:
        shown += f"-{extension}"
    return Phone(e164, kind, region, extension, note, shown)


def display_phone(e164: str) -> str:
    """Return a mainland number as a person reads it: 3-4-4, ``010-6417 0000``, ``400-820-8820``; else ""."""
    national = e164.removeprefix("+86") if e164.startswith("+86") else ""
    if len(national) == 11 and national.startswith("1"):
        return f"{national[:3]} {national[3:7]} {national[7:]}"
    if re.fullmatch(r"[48]00\d{7}", national):
        return f"{national[:3]}-{national[3:6]}-{national[6:]}"
    area = area_code(national)
    if not area:
        return ""
    local = national[len(area) - 1 :]
    return f"{area}-{local[:-4]} {local[-4:]}"


def area_code(national: str) -> str:
    """Return the area code, 0 included, of a mainland landline without its leading 0; "" where none is."""
    if re.fullmatch(r"(?:10|2\d)\d{7,8}", national, re.ASCII):
        return f"0{national[:2]}"
    return f"0{national[:3]}" if re.fullmatch(r"(?![48]00)[3-9]\d{9,10}", national, re.ASCII) else ""


def _note(raw: str, found: list[_Found]) -> str:
    """Return what stood beside the numbers, without the brackets and marks that only set it off."""
    rest, at = [], 0
    for one in found:
        rest.append(raw[at : one.start])
        at = one.end
    rest.append(raw[at:])
    rest[-1] = re.sub(r"^[.．][0０]*(?![0-9０-９])", "", rest[-1])
    return " ".join(filter(None, map(_bare, rest)))


def _bare(text: str) -> str:
    """Return ``text`` without marks at its edges, a pair of brackets around it and brackets left alone."""
    text = "".join(c for c in text if unicodedata.category(c) not in {"Cf", "Cc"} or c in "\n\t")
    text = text.strip().strip(_NOTE_EDGES)
    for opening, closing in _BRACKETS.items():
        if text.count(opening) != text.count(closing):
            text = text.strip(opening + closing)
        elif text.startswith(opening) and text.endswith(closing) and text.count(opening) == 1:
            text = text[1:-1]
    return " ".join(text.strip(_NOTE_EDGES).split())


def _cut(between: str) -> int:
    """Return where the text between two numbers is cut: at a mark outside brackets, else before the label."""
    depth = 0
    for index, character in enumerate(between):
        depth += (character in _BRACKETS) - (character in _BRACKETS.values())
        if depth <= 0 and _BETWEEN_NUMBERS.match(character):
            return index
    bracket = max(between.rfind(closing) for closing in _BRACKETS.values())
    return bracket + 1
