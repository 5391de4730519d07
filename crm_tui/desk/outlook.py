"""What a counter's hub says of itself and of the other terminals, asked when somebody wants to know."""

from __future__ import annotations

from collections.abc import Mapping

from crm_tui.desk.aside import aside
from crm_tui.desk.door import Door
from crm_tui.desk.link import Link
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.sync.messages import DevicesAnswer, DevicesRequest, HubError, PositionRequest, Say


class Outlook:
    """Asks the hub off the caller's thread; nothing of the answers is kept on this terminal."""

    def __init__(self, door: Door, link: Link | None) -> None:
        self._door = door
        self._link = link

    async def position(self) -> Mapping[str, int] | None:
        """Return how far each space of this terminal is at the hub; None: it does not say so now."""
        link = self._link
        if link is None:
            return None
        try:
            return (await aside(lambda: link.hub.position(PositionRequest()))).upto
        except (HubError, Refused):
            return None

    async def devices(self) -> DevicesAnswer:
        """Return every terminal of the hub, for a person with the right to manage people.

        Raises:
            Refused: not_allowed (right), not_logged_in; devices_alone without a hub; hub_needed where it
                cannot be reached, devices_unasked where it is older than the question, devices_unproven where
                the person has no seat there; what else the hub says.
        """
        link, viewer = self._link, self._door.viewer
        if link is None:
            raise Refused("devices_alone")
        if not viewer.may(Right.MANAGE_PEOPLE):
            raise Refused("not_allowed", right=Right.MANAGE_PEOPLE)
        request = DevicesRequest(person_id=viewer.person_id)
        try:
            return await aside(lambda: link.hub.devices(request))
        except HubError as no:
            if no.code == Say.NOT_A_HUB and await link.ping() is not None:
                raise Refused("devices_unasked") from no
            if no.code == Say.AUTH:
                raise Refused("devices_unproven") from no
            raise Refused("hub_needed" if no.code in _AWAY else str(no.code), **no.details) from no


_AWAY = frozenset({Say.UNREACHABLE, Say.NOT_A_HUB, Say.RETRY})
