"""Cells that a spreadsheet would run as a formula: made harmless on the way out, restored on the way in.

The rule is reversible for every text: what starts with any number of apostrophes followed by a trigger
gets one apostrophe more on export and loses exactly one on import; every other text is left alone.
"""

from __future__ import annotations

import re

_TRIGGER = "[=+\\-@\t\r\n＝＋－＠]"
_NEEDS_ONE = re.compile(f"'*{_TRIGGER}")
_HAS_ONE = re.compile(f"'+{_TRIGGER}")


def neutralise(text: str) -> str:
    """Return ``text`` so that no spreadsheet runs it as a formula."""
    return "'" + text if _NEEDS_ONE.match(text) else text


def restore(text: str) -> str:
    """Return the text that ``neutralise`` was given."""
    return text[1:] if _HAS_ONE.match(text) else text
