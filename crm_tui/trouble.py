"""Noting an error that nobody foresaw: where it happened, never whose data it was about."""

from __future__ import annotations

import hashlib
import os
import traceback

from crm_tui.settings import Home

LOG = "trouble.log"
_LONGEST = 1_000_000


def note_trouble(home: Home, error: BaseException) -> str:
    """Append the places an error came through, without any value; return a short code for support.

    The same error at the same place has the same code.
    """
    places = _places(error)
    kind = type(error).__name__
    code = "E" + hashlib.blake2b(f"{kind}{places[-1:]}".encode(), digest_size=2).hexdigest()
    path = home.path / LOG
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.stat().st_size > _LONGEST:
        path.replace(path.with_suffix(".old"))
    with os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a") as stream:
        stream.write("\n  ".join([f"{code} {kind}", *places]) + "\n")
    return code


def places_of(error: BaseException) -> str:
    """Return the kind of an error and the places it came through, for a log that is not to hold any data."""
    return " < ".join([type(error).__name__, *reversed(_places(error))])


def _places(error: BaseException) -> list[str]:
    return [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
