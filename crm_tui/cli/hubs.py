"""How this program reaches a hub, whatever kind it is: the one place that knows both ways."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crm_tui.domain.errors import Refused
from crm_tui.settings import Home

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_tui.sync.joining import Membership
    from crm_tui.sync.messages import Hub


def connector(home: Home) -> Callable[[Membership], Hub]:
    """Return how the terminal of this home reaches its hub."""
    authority = home.read().hub_certificate
    return lambda member: reach(member.url, member.device_id, member.secret, authority)


def reach(url: str, device_id: str = "", secret: str = "", certificate: str = "") -> Hub:
    """Return the way to a hub; ``certificate`` is a file with the authority that vouches for it.

    Raises:
        Refused: hub_url_unknown, hub_missing; for a share as ``open_engine`` does.
    """
    if url.startswith(("http://", "https://")):
        from crm_tui.sync.http import HttpHub

        return HttpHub(url, device_id, secret, authority=Path(certificate) if certificate else None)
    if not url.startswith("file:"):
        raise Refused("hub_url_unknown", url=url)
    from crm_tui.desk import new_id, wall_clock
    from crm_tui.hub.opening import open_hub
    from crm_tui.hub.share import SharedHub

    return SharedHub(open_hub(url, clock=wall_clock, new_id=new_id), device_id, secret)
