"""Who may stay at the counter: what the hub decides counts at once, and the lease ends."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import work

from crm_tui.domain.errors import Refused
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.keys import KeyOrder
from crm_tui.widgets.navigation import Lock
from crm_tui.widgets.refusal import refused

if TYPE_CHECKING:
    from crm_tui.desk.link import Link
    from crm_tui.store.view import View

DECIDE = frozenset({"person", "link"})
"""The kinds of changes after which somebody may have to go."""


class Watching(KeyOrder, inherit_bindings=False):
    """An app that locks where the terminal or the person was frozen, or the hub was not met for too long."""

    _counter: Counter | None

    @work(group="watching", exclusive=True, exit_on_error=False)
    async def look_who_may_stay(self) -> None:
        """Lock the screen with the reason where nobody may work here any more."""
        counter = self._counter
        if counter is None or not counter.desk.is_logged_in:
            return
        try:
            no = await counter.desk.ask(partial(_objection, counter.desk.link))
        except Refused as refusal_of_person:
            no = refusal_of_person if refusal_of_person.code in {"person_frozen", "person_unknown"} else None
        if no is not None:
            self.post_message(Lock(refused(no)))


def _objection(link: Link | None, view: View) -> Refused | None:
    """Return why nobody may work at this terminal, None where somebody may."""
    from crm_tui.sync.joining import LEASE

    standing = link.state_in(view.tx).standing if link is not None else None
    if standing is None:
        return None
    if standing.frozen:
        return Refused("hub_frozen")
    return Refused("lease_over", days=LEASE.days) if standing.lease_over(view.now) else None
