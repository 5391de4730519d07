"""How this program reaches a hub, whatever kind it is: the one place that knows both ways."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from crm_tui.domain.errors import Refused
from crm_tui.settings import Home

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_tui.sync.hub import Hub
    from crm_tui.sync.joining import Membership


def connector(home: Home) -> Callable[[Membership], Hub]:
    """Return how the terminal of this home reaches its hub."""
    authority = home.read().hub_certificate
    return lambda member: reach(member.url, member.device_id, member.secret, authority)


def check_url(url: str) -> None:
    """Refuse what terminals cannot reach a hub by; raises Refused hub_url_unknown."""
    reach(url).close()


def reach(url: str, device_id: str = "", secret: str = "", certificate: str = "") -> Hub:
    """Return the way to a hub; ``certificate`` is a file with the authority that vouches for it.

    A share is opened when it is needed: it may be away now and back later.

    Raises:
        Refused: hub_url_unknown.
    """
    if url.startswith(("http://", "https://")):
        from crm_tui.sync.http import HttpHub

        return HttpHub(url, device_id, secret, authority=Path(certificate) if certificate else None)
    if not url.startswith("file:"):
        raise Refused("hub_url_unknown", url=url)
    from crm_tui.desk import new_id, wall_clock
    from crm_tui.hub.addresses import file_path
    from crm_tui.hub.opening import open_share
    from crm_tui.hub.share import SharedHub

    file_path(url)
    opening = functools.partial(open_share, url, clock=wall_clock, new_id=new_id)
    return SharedHub(opening, device_id, secret, url=url)
