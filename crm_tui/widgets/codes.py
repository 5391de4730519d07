"""The codes of a field in words: what a command carries, as a person reads it."""

from __future__ import annotations

from typing import Final

from crm_tui.i18n import knows, t

_CATALOG: Final = {
    "channel": "follow_up.channel",
    "result": "follow_up.result",
    "objections": "follow_up.objection",
    "customer_kind": "customer_form.kind",
    "lost_reason": "lost",
}
"""Under which keys the codes of a field have their words; else under the field's own name."""


def code_words(field: str, code: str) -> str:
    """Return the word of a field's code, or what is no code as it is."""
    keys = (f"{_CATALOG.get(field, field)}.{code}", f"field.{field}.{code}")
    return next((t(key) for key in keys if knows(key)), code)
