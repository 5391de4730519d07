"""What spreadsheets and input methods do to numbers, undone alike for every kind of number."""

from __future__ import annotations

import re
import unicodedata

from crm_tui.domain.text import clean_text

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\ufe58\ufe63\uff0d"
FLOAT_TAIL = re.compile(r"(?<=\d{7})\.0*(?![\d.])", re.ASCII)
SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+?\d{1,3}", re.ASCII | re.IGNORECASE)

_APOSTROPHES = "\u2018\u2019\u0060\u00b4\uff07"
_LONGEST_QUOTE = 40
_SPECIAL = (
    dict.fromkeys(_DASHES, "-")
    | dict.fromkeys(_APOSTROPHES, "'")
    | dict.fromkeys("\t\x0b\x0c", " ")
    | dict.fromkeys("\r\x85\u2028\u2029", "\n")
)


def fold_characters(value: str) -> str:
    """Return ``value`` with plain digits, ASCII letters, hyphens and blanks; every index stays."""
    return "".join(map(_plain, value))


def compact(value: str) -> str:
    """Return ``value`` folded, without blanks, hyphens, quotes and characters nobody sees."""
    folded = fold_characters(clean_text(value))
    return "".join(
        c for c in folded if c not in " -'\n" and unicodedata.category(c) not in {"Cf", "Cc", "Mn"}
    )


def quoted(value: str) -> str:
    """Return the start of ``value`` fit to stand in a refusal, without what acts on a terminal."""
    return clean_text(value)[:_LONGEST_QUOTE]


def _plain(character: str) -> str:
    """Return the ASCII twin of a digit, full-width letter, hyphen, quote or blank, else the character."""
    special = _SPECIAL.get(character)
    if special is not None or character.isascii():
        return special or character
    if character.isspace():
        return " "
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    # A circled or raised figure counts lines, it is no digit of the number: NFKC alone would make it one.
    full_width = unicodedata.decomposition(character).startswith("<wide>")
    folded = unicodedata.normalize("NFKC", character) if full_width else character
    return folded if folded.isascii() else character
