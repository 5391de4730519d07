"""Letting an empty terminal become one of a hub's, and one that is follow its hub to another address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from crm_tui.desk.books import Books, new_id, wall_clock
from crm_tui.domain.errors import Refused
from crm_tui.store.engine import open_engine
from crm_tui.store.outbox import fact, set_facts
from crm_tui.sync.hub import Hub
from crm_tui.sync.joining import become_member, refuse_other, refuse_used
from crm_tui.sync.machine import program_version, this_machine
from crm_tui.sync.messages import PROTOCOL, HubError, JoinAnswer, JoinRequest, Say


def join_hub(database: Path, hub: Hub, url: str, code: str) -> JoinAnswer:
    """Ask the hub to take this terminal in, and keep what it gives.

    The card comes first: what is no hub, or cannot be trusted, never sees the code. Where the answer cannot
    be kept, the same code is good for this machine once more.

    Raises:
        Refused: home_joined (url), home_in_use; as ``open_engine`` does.
        HubError: hub_invite and what else keeps the hub from it; nothing was changed here.
    """
    with closing(_books(database)) as books:
        with books.read() as tx:
            refuse_used(tx)
        machine = this_machine()
        with _asking():
            hub.card()
            answer = hub.join(
                JoinRequest(code=code, machine=machine, protocol=PROTOCOL, app_version=program_version())
            )
        with books.write() as tx:
            refuse_used(tx)
            become_member(tx, url, answer, machine)
    return answer


def follow_hub(database: Path, hub: Hub, url: str) -> None:
    """Reach this terminal's hub at another address from now on, once it has said there who it is.

    Raises:
        Refused: home_alone; as ``open_engine`` does.
        HubError: OTHER, and what else keeps the hub from answering; nothing was changed here.
    """
    with closing(_books(database)) as books:
        with books.read() as tx:
            if not fact(tx, "hub_url"):
                raise Refused("home_alone")
        with _asking():
            card = hub.card()
        with books.write() as tx:
            refuse_other(tx, card)
            set_facts(tx, hub_url=url)


def _books(database: Path) -> Books:
    return Books(open_engine(database), wall_clock, new_id)


@contextmanager
def _asking() -> Iterator[None]:
    """Say otherwise what a person waits for: who cannot be reached now is not asked later by itself."""
    try:
        yield
    except HubError as no:
        if no.code not in _LATER:
            raise
        raise HubError(_LATER[no.code], **no.details) from no


_LATER: dict[str, str] = {
    Say.UNREACHABLE: "join_unreachable",
    Say.RETRY: "hub_busy",
    Say.RECOVERING: "hub_busy",
}
