"""Who may stay at the counter: what the hub decides about a person or a terminal counts at once."""

from __future__ import annotations

from textual import work

from crm_tui.domain.errors import Refused
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.keys import KeyOrder
from crm_tui.widgets.navigation import Lock
from crm_tui.widgets.refusal import refusal, refused

DECIDE = frozenset({"person", "link"})
"""The kinds of changes after which somebody may have to go."""


class Watching(KeyOrder, inherit_bindings=False):
    """An app that locks where the terminal or the person who is logged in was frozen."""

    _counter: Counter | None

    @work(group="watching", exclusive=True, exit_on_error=False)
    async def look_who_may_stay(self) -> None:
        """Lock the screen with the reason where nobody may work here any more."""
        counter = self._counter
        if counter is None or not counter.desk.is_logged_in:
            return
        link = counter.desk.link
        try:
            frozen = await counter.desk.ask(
                lambda view: link is not None and link.state_in(view.tx).standing.frozen
            )
        except Refused as no:
            if no.code in {"person_frozen", "person_unknown"}:
                self.post_message(Lock(refused(no)))
            return
        if frozen:
            self.post_message(Lock(refusal("hub_frozen", {})))
