"""What is wrong with a field of a command, in codes of our own: pydantic speaks English, and of types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

_WHYS: Final[Mapping[str, tuple[str, str, str]]] = {
    "missing": ("field_missing", "", ""),
    "extra_forbidden": ("field_unknown", "", ""),
    "string_too_long": ("text_too_long", "most", "max_length"),
    "string_too_short": ("text_too_short", "least", "min_length"),
    "too_long": ("too_many", "most", "max_length"),
    "too_short": ("too_few", "least", "min_length"),
    "greater_than_equal": ("too_small", "least", "ge"),
    "less_than_equal": ("too_large", "most", "le"),
    "greater_than": ("not_above", "limit", "gt"),
    "less_than": ("not_below", "limit", "lt"),
    "literal_error": ("not_offered", "offered", "expected"),
    "enum": ("not_offered", "offered", "expected"),
}
"""Why, by pydantic's type of the error: our code, what we call its limit, and what pydantic calls it."""
_KINDS: Final = {
    "int": "not_a_whole_number",
    "bool": "not_yes_or_no",
    "string": "not_a_text",
    "date": "not_a_day",
    "datetime": "not_a_moment",
    "timezone": "not_a_moment",
    "tuple": "not_a_list",
    "list": "not_a_list",
    "dict": "not_named_values",
    "mapping": "not_named_values",
}
"""Why, by how pydantic's type begins: the value is of another kind."""


def objection(error: ValidationError) -> dict[str, Any]:
    """Return the first thing wrong: ``field`` with dots for what is inside, ``why`` as a code, its limit."""
    first = error.errors(include_url=False, include_input=False)[0]
    field, context = ".".join(str(part) for part in first["loc"]), first.get("ctx", {})
    why, limit, theirs = _WHYS.get(first["type"], ("", "", ""))
    if not why:
        return {"field": field, "why": _KINDS.get(first["type"].partition("_")[0], "value_unclear")}
    if not limit:
        return {"field": field, "why": why}
    return {"field": field, "why": why, limit: _plain(context[theirs])}


def _plain(limit: Any) -> Any:
    """Return a limit as a number or a text; of choices, the values without pydantic's quotes and ``or``."""
    if isinstance(limit, int):
        return limit
    return str(limit).replace("' or '", ", ").replace("'", "")
