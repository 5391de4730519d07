"""Which machine this is, so that a copy of a terminal on another one is noticed, and which program."""

from __future__ import annotations

import hashlib
import uuid
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_NAMED = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


def this_machine() -> str:
    """Return a name that stays the same on this machine and tells nothing about it."""
    for path in _NAMED:
        try:
            found = path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if found:
            return _name(found)
    return _name(f"{uuid.getnode():012x}")


def program_version() -> str:
    """Return the version of this program, an empty one where it runs without having been installed."""
    try:
        return version("crm-tui")
    except PackageNotFoundError:
        return ""


def _name(found: str) -> str:
    return hashlib.blake2b(f"crm-tui {found}".encode(), digest_size=16).hexdigest()
