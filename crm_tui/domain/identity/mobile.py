"""The short way for the number that nearly every cell of a customer list holds."""

from __future__ import annotations

import re

# Leading digits of which every number is assigned; the rest goes the long way and is judged there.
_PLAIN = re.compile(
    r"(?:\+?86)?(1(?:3[0-9]|4[57]|5[0-35-9]|6[2567]|7[0-35-8]|8[0-9]|9[0-35-9])[0-9]{8})", re.ASCII
)


def mobile_e164(raw: str) -> str:
    """Return the E.164 form of a bare mainland mobile number, "" for everything else.

    Where it answers, ``normalize_phone`` gives the same number without a note; a test holds the two
    together over all leading digits.
    """
    found = _PLAIN.fullmatch(raw)
    return f"+86{found[1]}" if found else ""
