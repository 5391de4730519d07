"""Telephone numbers in a field of a form: several in one line, those already stored masked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crm_tui.domain.identity import mask_phone, normalize_phone, split_phones
from crm_tui.widgets import figures

_BETWEEN = re.compile(r"[,，、;；]+")


class Numbers:
    """What a field of telephone numbers means; a stored number stands masked and stays as it is.

    ``stored`` are pairs of what was typed at the time and its E.164 form.
    """

    def __init__(self, stored: Sequence[tuple[str, str]] = ()) -> None:
        self._stored = tuple(stored)

    @property
    def masked(self) -> str:
        """The text a form begins with."""
        return ", ".join(mask_phone(e164) for _, e164 in self._stored)

    def raw(self, typed: str) -> tuple[str, ...]:
        """Return the numbers as a command takes them; raises Refused as ``normalize_phone`` does."""
        return tuple(value for value, _ in self._read(typed))

    def e164(self, typed: str) -> tuple[str, ...]:
        """Return the numbers in E.164; raises Refused as ``normalize_phone`` does."""
        return tuple(normal for _, normal in self._read(typed))

    def words(self, typed: str) -> str:
        """Return how the numbers that are typed afresh read; raises Refused as ``normalize_phone`` does."""
        kept = dict(self._stored)
        return ", ".join(
            figures.phone(normal, clear=True) for value, normal in self._read(typed) if value not in kept
        )

    def _read(self, typed: str) -> list[tuple[str, str]]:
        left = list(self._stored)
        found: list[tuple[str, str]] = []
        for part in filter(None, (one.strip() for one in _BETWEEN.split(typed))):
            kept = next((one for one in left if mask_phone(one[1]) == part), None)
            if kept is not None:
                left.remove(kept)
                found.append(kept)
            else:
                found += [(one, normalize_phone(one).e164) for one in split_phones(part)]
        return found
