"""One line typed into a window that was closed: kept as a draft until the same question comes again."""

from __future__ import annotations

from typing import Final

from crm_tui.domain.errors import Refused
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.refusal import refused

_FORM: Final = "line"
_FIELD: Final = "text"


class Parked:
    """What was typed as an answer to ``question`` by whoever is logged in."""

    def __init__(self, counter: Counter, question: str) -> None:
        self._desk = counter.desk
        self._question = question

    async def take(self) -> str:
        """Return what was left, empty where nothing was."""
        found = await self._desk.write(lambda: self._desk.drawer.find(_FORM, self._question))
        return str(found.answers[_FIELD]) if found else ""

    async def keep(self, typed: str) -> str:
        """Keep what is typed, or nothing where that is empty; return why that failed, else nothing."""
        drawer = self._desk.drawer
        try:
            if typed:
                await self._desk.write(lambda: drawer.keep(_FORM, self._question, {_FIELD: typed}))
            else:
                await self._desk.write(lambda: drawer.drop(_FORM, self._question))
        except Refused as no:
            return refused(no)
        return ""
