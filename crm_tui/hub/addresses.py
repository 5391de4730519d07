"""Which file an address means: the same words on every system, and a share's name where there is one."""

from __future__ import annotations

import os
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

from crm_tui.domain.errors import Refused


def file_path(url: str, *, windows: bool = os.name == "nt") -> PurePath:
    r"""Return the file of ``file:///path``, ``sqlite:////path`` or ``sqlite:///path`` (a relative one).

    On Windows ``file:///C:/data/hub.db`` has a drive and ``file://server/share/hub.db`` is
    ``\\server\share\hub.db``; elsewhere a share is named by where it is mounted.

    Raises:
        Refused: hub_url_unknown.
    """
    parts = urlsplit(url)
    path, host = unquote(parts.path), "" if parts.netloc == "localhost" else parts.netloc
    if parts.scheme not in {"file", "sqlite"} or not path.strip("/"):
        raise Refused("hub_url_unknown", url=url)
    if host and not (windows and parts.scheme == "file"):
        raise Refused("hub_url_unknown", url=url)
    if host:
        return PureWindowsPath(f"//{host}{path}")
    if parts.scheme == "sqlite":
        path = path[1:]
    if not windows:
        return PurePosixPath(path)
    has_drive = path[:1] == "/" and path[2:3] in {":", "|"}
    return PureWindowsPath(path[1:].replace("|", ":", 1) if has_drive else path)
