"""Amounts: integer fen inside, what people type and read outside. No floating point anywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from crm_tui.domain.errors import Refused
from crm_tui.domain.text import clean_text, fold_width

LARGEST_FEN = 10**14
"""A trillion yuan: no single amount is larger, so 90,000 of them still add up within 64 bits."""

LONGEST_TEXT = 40
_POWERS = {"": 0, "千": 3, "k": 3, "万": 4, "w": 4, "亿": 8}
_AMOUNT = re.compile(
    r"(?P<sign>-?)\s*¥?\s*(?P<minus>-?)"
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+|(?=\.))(?:\.(?P<part>[0-9]+))?"
    r"\s*(?P<unit>[千k万w亿]?)\s*元?",
    re.IGNORECASE,
)


class Unit(NamedTuple):
    """A short form: used from ``start`` yuan on, counts in ``size`` yuan, written ``sign``."""

    start: int
    size: int
    sign: str


UNITS: Mapping[str, tuple[Unit, ...]] = {
    "wan": (Unit(10_000, 10_000, "万"), Unit(100_000_000, 100_000_000, "亿")),
    "kilo": (Unit(10_000, 1_000, "k"), Unit(1_000_000, 1_000_000, "M")),
}
"""How lists shorten amounts; which of them a language uses stands in its catalog."""


def parse_money(text: str, *, allow_negative: bool = False) -> int:
    """Return the fen of an amount as a person types it: ``12,000``, ``1.2万``, ``3k``, ``￥5元``.

    Raises:
        Refused: money_empty, money_not_understood, money_too_fine, money_too_large (most, in yuan),
            money_negative; all but the first with the text.
    """
    typed = fold_width(clean_text(text))
    if not typed:
        raise Refused("money_empty")
    found = _AMOUNT.fullmatch(typed) if len(typed) <= LONGEST_TEXT else None
    if found is None or (found["sign"] and found["minus"]):
        raise Refused("money_not_understood", text=typed[:LONGEST_TEXT])
    part = found["part"] or ""
    digits = int(found["whole"].replace(",", "") + part)
    scale: int = 10 ** (_POWERS[found["unit"].lower()] + 2)
    steps: int = 10 ** len(part)
    fen, rest = divmod(digits * scale, steps)
    if rest:
        raise Refused("money_too_fine", text=typed)
    if fen > LARGEST_FEN:
        raise Refused("money_too_large", text=typed, most=LARGEST_FEN // 100)
    if not fen or not (found["sign"] or found["minus"]):
        return fen
    if not allow_negative:
        raise Refused("money_negative", text=typed)
    return -fen


def format_money(fen: int) -> str:
    """Return an amount in full, for details and forms: ``¥12,000.00``, ``-¥0.05``."""
    yuan, cents = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}¥{yuan:,}.{cents:02d}"


def short_money(fen: int, units: str = "wan") -> str:
    """Return an amount for lists: whole yuan below 10,000, one decimal of a unit of UNITS from there.

    Rounds half to even, so the result is for the eye and never for arithmetic.
    """
    sign = "-" if fen < 0 else ""
    steps = UNITS[units]
    reached = sum(abs(fen) >= step.start * 100 for step in steps)
    while True:
        shown, yuan = _shorten(abs(fen), steps[reached - 1] if reached else None)
        if reached == len(steps) or yuan < steps[reached].start:
            return f"{sign}{shown}" if yuan else shown
        # 9,999.60 rounds to 10,000: what is shown must not outgrow its own unit.
        reached += 1


def _shorten(fen: int, unit: Unit | None) -> tuple[str, int]:
    """Return the rounded text and what it stands for in yuan."""
    if unit is None:
        yuan = _half_even(fen, 100)
        return f"{yuan:,}", yuan
    tenths = _half_even(fen, unit.size * 10)
    return f"{tenths // 10:,}.{tenths % 10}{unit.sign}", tenths * unit.size // 10


def _half_even(number: int, by: int) -> int:
    quotient, rest = divmod(number, by)
    return quotient + (2 * rest > by or (2 * rest == by and quotient % 2))


def percent_points(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """Return by how many percentage points a share (0 to 1) has changed, to one decimal, half to even.

    None where one of the shares does not exist: nothing out of nothing is not 0.
    """
    if now is None or before is None:
        return None
    return ((now - before) * 100).quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN)
