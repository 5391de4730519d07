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
    """What may stand in one place of a spelling: readings of a hanzi, or a word that is its own spelling."""

    readings: list[str]
    is_word: bool


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
    return frozenset(_spell([choice.readings for choice in _letters(name)]))


def spell(name: str) -> Spelling:
    """Return the likeliest initials and spelling of ``name``, and its readings; empty where it has none."""
    whole = _spell([choice.readings for choice in _letters(name)])
    return Spelling(next(iter(_initials(name)), ""), next(iter(whole), ""), readings(name))


def sort_key(name: str) -> str:
    """Return what puts ``name`` in its place: the first reading of each character with its tone number.

    Syllables are parted by blanks, so that 张 comes with all its names before 章.
    """
    return " ".join(
        choice.readings[0] if choice.is_word else _numbered(choice.readings[0]) for choice in _choices(name)
    )


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
    letters = _letters(name)
    return _spell([one if word else _distinct(reading[:1] for reading in one) for one, word in letters])


def _tidy(name: str) -> str:
    return unicodedata.normalize("NFKC", clean_text(name)[:_LONGEST_NAME])


@lru_cache(maxsize=64)
def _choices(name: str) -> list[_Choice]:
    """Return the readings of each hanzi, the likeliest first, and each word of ASCII as it is."""
    name = _tidy(name)
    choices: list[_Choice] = []
    for match in _PIECE.finditer(name):
        piece = match.group()
        found = _surname_choice(name, match.start(), _dictionary(piece)) if len(piece) == 1 else []
        if found:
            choices.append(_Choice(found, is_word=False))
        elif piece.isalnum():
            choices.append(_Choice([piece.casefold()], is_word=True))
    return choices


def _surname_choice(name: str, index: int, found: list[str]) -> list[str]:
    """Return the readings of a character with the one it has in a surname put in its place.

    Only a short name begins with a surname for sure; elsewhere its reading comes second.
    """
    if name[:2] in COMPOUND_SURNAMES and index < 2:
        special = COMPOUND_SURNAMES[name[:2]][index]
    elif index == 0 and name[0] in SURNAME_READINGS:
        special = SURNAME_READINGS[name[0]]
    else:
        return found
    if len(name) <= _LONGEST_PERSON_NAME:
        return _distinct([special, *found])
    return _distinct([*found[:1], special, *found[1:]])


@lru_cache(maxsize=64)
def _letters(name: str) -> list[_Choice]:
    """Return the choices of ``name`` without tones."""
    return [
        _Choice(_distinct(map(_toneless, choice.readings))[:_READINGS_OF_A_CHARACTER], choice.is_word)
        for choice in _choices(name)
    ]


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
