"""The one way a rule says no."""

from __future__ import annotations

from collections.abc import Mapping


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an accident
    """A rule said no: a snake_case ``code`` that is a catalog key, and its ``details``.

    The face shows ``t("refused." + code, **details)``.
    """

    def __init__(self, code: str, /, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.details: Mapping[str, object] = details

    def __str__(self) -> str:
        filled = ", ".join(f"{name}={value!r}" for name, value in self.details.items())
        return f"{self.code}({filled})"
