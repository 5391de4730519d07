"""Pinyin of names: what a person types to find them, and the order of a list.

A character has several readings and a surname often its own, so a name has several spellings; each
function gives the likeliest first few, never all of them.
"""

from __future__ import annotations

import re
import sys
import unicodedata
import zlib
from array import array
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from crm_tui.domain.identity.surnames import COMPOUND_SURNAMES, SURNAME_READINGS
from crm_tui.domain.text import clean_text

MOST_SPELLINGS = 8
_READINGS_OF_A_CHARACTER = 4
_LONGEST_PERSON_NAME = 4
_LONGEST_NAME = 60
_BLOCKS = ((0x3007, 0x9FFF), (0x20000, 0x323AF))
_TONES = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}
_DIAERESIS = "\u0308"
_PIECE = re.compile(r"[A-Za-z0-9]+|.", re.DOTALL)


class Spelling(NamedTuple):
    """One name in letters: ``initials`` and ``full`` without tones, ``readings`` with tone marks."""

    initials: str
    full: str
    readings: list[str]


class _Choice(NamedTuple):
    """What may stand in one place of a spelling: readings of a hanzi, or a word that is its own spelling.

    ``letters`` are the likeliest readings without tones, ``initials`` what those begin with, ``key`` is
    the place of the first reading in the order of names.
    """

    readings: list[str]
    letters: list[str]
    initials: list[str]
    key: str


class _Table(NamedTuple):
    """The sets of readings, and for each code point of the blocks the number of its set."""

    readings: list[str]
    numbers: array[int]


def initials(name: str) -> frozenset[str]:
    """Return the likely initials of ``name``, at most MOST_SPELLINGS: 曾伟 gives zw and cw.

    ASCII letters and digits stand there whole, in lower case; blanks and marks do not.
    """
    return frozenset(_initials(name))


def full(name: str) -> frozenset[str]:
    """Return the likely spellings of ``name`` without tones, at most MOST_SPELLINGS; ü is v."""
    return frozenset(_spell([choice.letters for choice in _choices(name)]))


def spell(name: str) -> Spelling:
    """Return the likeliest initials and spelling of ``name``, and its readings; empty where it has none."""
    whole = _spell([choice.letters for choice in _choices(name)])
    return Spelling(next(iter(_initials(name)), ""), next(iter(whole), ""), readings(name))


def sort_key(name: str) -> str:
    """Return what puts ``name`` in its place: the first reading of each character with its tone number.

    Syllables are parted by blanks, so that 张 comes with all its names before 章.
    """
    return " ".join([choice.key for choice in _choices(name)])


def readings(name: str) -> list[str]:
    """Return the likely readings of ``name`` with tone marks, the likeliest first: ``["yù chí"]``."""
    return _spell([choice.readings[:_READINGS_OF_A_CHARACTER] for choice in _choices(name)], " ")


def surname_reading(name: str) -> str:
    """Return how the surname ``name`` begins with is read, with tone marks; "" where it has no hanzi."""
    name = _tidy(name)
    if name[:2] in COMPOUND_SURNAMES:
        return " ".join(COMPOUND_SURNAMES[name[:2]])
    if not name:
        return ""
    return SURNAME_READINGS.get(name[0]) or next(iter(_dictionary(name[0])), "")


def _initials(name: str) -> list[str]:
    """Return the likely initials of ``name``, the likeliest first."""
    return _spell([choice.initials for choice in _choices(name)])


def _tidy(name: str) -> str:
    return unicodedata.normalize("NFKC", clean_text(name)[:_LONGEST_NAME])


@lru_cache(maxsize=1024)  # a portion of an import sorts its names first and indexes them afterwards
def _choices(name: str) -> list[_Choice]:
    """Return the readings of each hanzi, the likeliest first, and each word of ASCII as it is."""
    name = _tidy(name)
    short = len(name) <= _LONGEST_PERSON_NAME
    found = (
        _choice(match.group(), _surname_part(name, match.start()) if match.start() < 2 else "", short)
        for match in _PIECE.finditer(name)
    )
    return [one for one in found if one is not None]


def _surname_part(name: str, index: int) -> str:
    """Return how the character in the first or second place is read in a surname; "" where it is in none."""
    if name[:2] in COMPOUND_SURNAMES:
        return COMPOUND_SURNAMES[name[:2]][index]
    return SURNAME_READINGS.get(name[0], "") if index == 0 else ""


@lru_cache(maxsize=8192)
def _choice(piece: str, surname: str, short: bool) -> _Choice | None:
    """Return what a hanzi or a word gives; None for a mark.

    The reading of a surname comes first in a short name, which begins with one for sure, else second.
    """
    found = _dictionary(piece) if len(piece) == 1 else []
    if surname:
        found = _distinct([surname, *found] if short else [*found[:1], surname, *found[1:]])
    if found:
        letters = _distinct(map(_toneless, found))[:_READINGS_OF_A_CHARACTER]
        return _Choice(found, letters, _distinct(one[:1] for one in letters), _numbered(found[0]))
    if piece.isalnum():
        word = piece.casefold()
        return _Choice([word], [word], [word], word)
    return None


def _spell(choices: Sequence[Sequence[str]], between: str = "") -> list[str]:
    """Return at most MOST_SPELLINGS ways to take one of each choice, the likeliest first."""
    if all(len(choice) == 1 for choice in choices):
        return [between.join(choice[0] for choice in choices)] if choices else []
    ways = [(0, "")]
    for choice in choices:
        ways = sorted(
            ((cost + rank, f"{way}{between}{one}") for cost, way in ways for rank, one in enumerate(choice)),
            key=lambda way: way[0],
        )[:MOST_SPELLINGS]
    return _distinct(way.removeprefix(between) for _, way in ways)


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


@cache
def _toneless(reading: str) -> str:
    """Return ``reading`` in plain letters: lǚ is lv."""
    plain = unicodedata.normalize("NFD", reading).replace(f"u{_DIAERESIS}", "v")
    return "".join(c for c in plain if not unicodedata.combining(c))


@cache
def _numbered(reading: str) -> str:
    """Return ``reading`` in plain letters with its tone's number behind it: zhāng is zhang1."""
    marks = unicodedata.normalize("NFD", reading)
    return _toneless(reading) + "".join(_TONES.get(c, "") for c in marks)


@cache
def _dictionary(character: str) -> list[str]:
    """Return the readings of ``character`` in use, with tone marks; none for what is no hanzi.

    Readings no phrase of the dictionary uses would crowd out the likely spellings of a long name.
    """
    table, offset = _table(), 0
    for first, last in _BLOCKS:
        if first <= ord(character) <= last:
            found = table.readings[table.numbers[offset + ord(character) - first]]
            return found.partition("|")[0].split(",") if found else []
        offset += last - first + 1
    return []


@cache
def _table() -> _Table:
    packed = Path(__file__).with_name("pinyin_table.bin").read_bytes()
    text, _, rest = zlib.decompress(packed).partition(b"\0")
    numbers = array("H", rest)
    if sys.byteorder == "little":
        numbers.byteswap()
    return _Table(text.decode().split("\n"), numbers)
