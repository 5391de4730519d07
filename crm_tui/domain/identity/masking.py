"""What others' records show of a person: enough to recognise, not enough to call."""

from __future__ import annotations

import re
import unicodedata

from crm_tui.domain.identity.phone import area_code
from crm_tui.domain.identity.surnames import COMPOUND_SURNAMES

_MOBILE = re.compile(r"(?:\+86)?(1[3-9]\d)\d{4}(\d{4})", re.ASCII)

_ABROAD = re.compile(r"\+(?!86)[1-9]\d{6,14}", re.ASCII)


def mask_phone(e164: str) -> str:
    """Return ``138****8000``, ``010-6417****``, ``+852****4567``; of anything else at most the last four."""
    mobile = _MOBILE.fullmatch(e164)
    if mobile:
        return f"{mobile.group(1)}****{mobile.group(2)}"
    national = e164.removeprefix("+86")
    area = area_code(national)
    if area:
        return f"{area}-{national[len(area) - 1 : -4]}****"
    if _ABROAD.fullmatch(e164):
        return f"{_country_code(e164)}****{e164[-4:]}"
    return f"****{e164[-4:]}" if len(e164) >= 8 else "****"


def mask_resident_id(value: str) -> str:
    """Return the first and the last four characters with stars between: ``1101**********1234``."""
    if len(value) < 15:
        return "*" * len(value)
    return f"{value[:4]}{'*' * (len(value) - 8)}{value[-4:]}"


def mask_name(name: str) -> str:
    """Return the surname and two stars: ``张**``, ``欧阳**``; the stars do not tell the length."""
    if not name:
        return ""
    kept = 2 if name[:2] in COMPOUND_SURNAMES and len(name) > 2 else 1
    while kept < len(name) and unicodedata.category(name[kept]) in {"Mn", "Me", "Mc", "Sk"}:
        kept += 1
    return f"{name[:kept]}**"


def _country_code(e164: str) -> str:
    """Return the country's code of a number from abroad with its plus."""
    import phonenumbers

    for length in (1, 2, 3):
        if int(e164[1 : 1 + length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return e164[: 1 + length]
    return "+"
