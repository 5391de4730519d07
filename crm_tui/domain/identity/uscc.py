"""Unified social credit codes of firms (GB 32100): 18 characters."""

from __future__ import annotations

import re
from typing import Literal

from crm_tui.domain.errors import Refused
from crm_tui.domain.identity._digits import FLOAT_TAIL, SCIENTIFIC, compact, quoted

# The registering authority is a digit, N (farming collectives) or Y (others); I, O, Z, S, V never occur.
_SHAPE = re.compile(r"[0-9NY][0-9]{7}[0-9A-HJ-NPQRTUWXY]{10}", re.ASCII)
_LENGTH = 18

UsccVerdict = Literal["valid", "invalid_format", "invalid_length", "invalid_checksum", "invalid_digits_lost"]


def normalize_uscc(raw: str) -> str:
    """Return the code of ``raw``: 18 characters in upper case and half width.

    Raises:
        Refused: uscc_empty, _length, _format, _checksum, _digits_lost.
    """
    code = FLOAT_TAIL.sub("", compact(raw).upper())
    if not code:
        raise Refused("uscc_empty")
    if SCIENTIFIC.fullmatch(code):
        raise Refused("uscc_digits_lost", value=quoted(raw))
    if len(code) != _LENGTH:
        raise Refused("uscc_length", value=quoted(code), count=len(code))
    if not _SHAPE.fullmatch(code):
        raise Refused("uscc_format", value=quoted(code))
    from stdnum.cn.uscc import calc_check_digit

    if calc_check_digit(code[:-1]) != code[-1]:
        raise Refused("uscc_digits_lost" if code.endswith("000") else "uscc_checksum", value=quoted(code))
    return code


def check_uscc(raw: str) -> UsccVerdict:
    """Return what ``raw`` is as a unified social credit code."""
    try:
        normalize_uscc(raw)
    except Refused as refusal:
        return _VERDICTS[refusal.code]
    return "valid"


_VERDICTS: dict[str, UsccVerdict] = {
    "uscc_empty": "invalid_length",
    "uscc_length": "invalid_length",
    "uscc_format": "invalid_format",
    "uscc_checksum": "invalid_checksum",
    "uscc_digits_lost": "invalid_digits_lost",
}
