"""Saying no in the person's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from crm_tui.domain.errors import Refused
from crm_tui.i18n import knows, t
from crm_tui.widgets.codes import code_words


def refusal(code: str, details: Mapping[str, object]) -> str:
    """Return the sentence of a refusal; codes inside the details are spoken too where there is a word.

    A newer hub may say a code that this program does not know, or one it knows with other details.
    """
    try:
        return t(f"refused.{code}", **{"code": code, **_in_words(details)})
    except KeyError:
        return t("refused.said_otherwise", code=code)


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


def _in_words(details: Mapping[str, object]) -> dict[str, str]:
    """Return the details as they are spoken; the reason of a field is a sentence with its limit."""
    words = {name: _spoken(value) for name, value in details.items()}
    if "now" in details:
        words["now"] = code_words(str(details.get("field", "")), words["now"]) or t("work.nothing")
    reason = f"invalid.{details.get('why')}"
    return words | {"why": t(reason, **words)} if knows(reason) else words


def _spoken(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return t("work.list_joint").join(_spoken(one) for one in value)
    word = str(value)
    keys = (f"work.field.{word}", f"work.right.{word}", f"field.{word}")
    return next((t(key) for key in keys if knows(key)), word)
