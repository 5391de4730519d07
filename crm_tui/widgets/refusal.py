"""Saying no in the person's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from crm_tui.domain.errors import Refused
from crm_tui.i18n import knows, t


def refusal(code: str, details: Mapping[str, object]) -> str:
    """Return the sentence of a refusal; codes inside the details are spoken too where there is a word."""
    return t(f"refused.{code}", **{name: _spoken(value) for name, value in details.items()})


def refused(no: Refused) -> str:
    """Return the sentence of a raised refusal."""
    return refusal(no.code, no.details)


def clock_behind(by: timedelta) -> str:
    """Return the warning that the clock is behind the newest command, in minutes, hours or days."""
    minutes = by // timedelta(minutes=1)
    for unit, size in (("days", 24 * 60), ("hours", 60), ("minutes", 1)):
        if minutes >= 2 * size:
            return t(f"work.clock_behind_{unit}", count=minutes // size)
    return t("work.clock_behind_minutes", count=minutes)


def _spoken(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return t("work.list_joint").join(_spoken(one) for one in value)
    word = str(value)
    for area in ("field", "right"):
        if knows(f"work.{area}.{word}"):
            return t(f"work.{area}.{word}")
    return word
