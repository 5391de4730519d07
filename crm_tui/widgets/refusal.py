"""Saying no in the person's language."""

from __future__ import annotations

from collections.abc import Mapping

from crm_tui.domain.errors import Refused
from crm_tui.i18n import knows, t


def refusal(code: str, details: Mapping[str, object]) -> str:
    """Return the sentence of a refusal; codes inside the details are spoken too where there is a word."""
    return t(f"refused.{code}", **{name: _spoken(value) for name, value in details.items()})


def refused(no: Refused) -> str:
    """Return the sentence of a raised refusal."""
    return refusal(no.code, no.details)


def _spoken(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return t("work.list_joint").join(_spoken(one) for one in value)
    word = str(value)
    for area in ("field", "right"):
        if knows(f"work.{area}.{word}"):
            return t(f"work.{area}.{word}")
    return word
