"""Letting an empty terminal become one of a hub's."""

from __future__ import annotations

from pathlib import Path

from crm_tui.desk.books import Books, new_id, wall_clock
from crm_tui.store.engine import open_engine
from crm_tui.sync.joining import become_member, refuse_used
from crm_tui.sync.machine import program_version, this_machine
from crm_tui.sync.messages import PROTOCOL, Hub, HubError, JoinAnswer, JoinRequest, Say


def join_hub(database: Path, hub: Hub, url: str, code: str) -> JoinAnswer:
    """Ask the hub to take this terminal in, and keep what it gives.

    Raises:
        Refused: home_joined (url), home_in_use; as ``open_engine`` does.
        HubError: hub_invite and what else keeps the hub from it; nothing was changed here.
    """
    books = Books(open_engine(database), wall_clock, new_id)
    try:
        with books.read() as tx:
            refuse_used(tx)
        machine = this_machine()
        answer = _asked(
            hub, JoinRequest(code=code, machine=machine, protocol=PROTOCOL, app_version=program_version())
        )
        with books.write() as tx:
            refuse_used(tx)
            become_member(tx, url, answer, machine)
    finally:
        books.close()
    return answer


def _asked(hub: Hub, request: JoinRequest) -> JoinAnswer:
    """Ask to join; who cannot be reached now is not reached later by itself, as with a member."""
    try:
        return hub.join(request)
    except HubError as no:
        if no.code not in _LATER:
            raise
        raise HubError(_LATER[no.code], **no.details) from no


_LATER: dict[str, str] = {
    Say.UNREACHABLE: "join_unreachable",
    Say.RETRY: "join_busy",
    Say.RECOVERING: "join_busy",
}
