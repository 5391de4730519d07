"""Serving a hub over HTTP as a process of its own."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import NoReturn

import uvicorn

from crm_tui.domain.errors import Refused
from crm_tui.hub.authority import Authority
from crm_tui.hub.server import Server

PATIENCE = 20
"""Seconds that requests under way may take once the process is asked to end; a push is far below it."""
_BACKLOG = 2_048


@dataclass(frozen=True)
class Where:
    """Where a hub listens: port 0 is any free one; ``proxies`` are believed about the client's address."""

    host: str = "127.0.0.1"
    port: int = 8765
    prefix: str = ""
    certificate: Path | None = None
    key: Path | None = None
    proxies: str = ""

    @property
    def in_the_clear(self) -> bool:
        """Tell whether others in the network could read along: no TLS, here or at a proxy before it."""
        return self.certificate is None and not self.proxies and not _is_this_machine(self.host)

    def url(self, port: int) -> str:
        """Return the address that terminals use where no proxy is before the hub."""
        scheme = "https" if self.certificate else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        path = self.prefix.strip("/")
        return f"{scheme}://{host}:{port}" + (f"/{path}" if path else "")


def serve(authority: Authority, where: Where, started: Callable[[str], None]) -> None:
    """Serve until the process is asked to end (SIGTERM, Ctrl+C); requests under way are finished.

    ``started`` is told the URL once the port is this process's.

    Raises:
        Refused: hub_port_taken, hub_address_unusable (host, port); hub_certificate_unreadable;
            hub_proxy_unknown (word).
    """
    _check_proxies(where.proxies)
    hub = Server(authority)
    config = _configured(hub, where)
    listening = _listen(where)
    with listening, contextlib.suppress(KeyboardInterrupt):
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _end)  # what uvicorn raises again once it is done
        started(where.url(listening.getsockname()[1]))
        _Process(config, hub).run(sockets=[listening])


class _Process(uvicorn.Server):
    """Sends those home who only wait for news before it waits for those who are at work."""

    def __init__(self, config: uvicorn.Config, hub: Server) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: nobody new, nobody waiting, everybody else in peace."""
        self._hub.hang_up()
        await super().shutdown(sockets=sockets)


def _configured(hub: Server, where: Where) -> uvicorn.Config:
    prefix = where.prefix.strip("/")
    config = uvicorn.Config(
        hub.application(f"/{prefix}" if prefix else ""),
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=bool(where.proxies),
        forwarded_allow_ips=where.proxies or None,
        ssl_certfile=where.certificate,
        ssl_keyfile=where.key,
        timeout_graceful_shutdown=PATIENCE,
    )
    if where.key and not where.certificate:
        raise Refused("hub_certificate_unreadable")
    try:
        config.load()
    except (ssl.SSLError, OSError) as error:
        raise Refused("hub_certificate_unreadable") from error
    return config


def _check_proxies(words: str) -> None:
    """Refuse what uvicorn would take for the name of nobody: neither an address, nor a network, nor all."""
    for word in words.split(",") if words not in {"", "*"} else ():
        try:
            ip_network(word.strip())
        except ValueError as error:
            raise Refused("hub_proxy_unknown", word=word.strip()) from error


def _listen(where: Where) -> socket.socket:
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    try:
        return socket.create_server((where.host, where.port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        code = "hub_port_taken" if taken else "hub_address_unusable"
        raise Refused(code, host=where.host, port=where.port) from error


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _end(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
