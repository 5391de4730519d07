"""The way to a hub over HTTP."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

import httpx

from crm_tui.domain.errors import Refused
from crm_tui.sync import wire
from crm_tui.sync.messages import (
    DevicesAnswer,
    DevicesRequest,
    Done,
    ForkRequest,
    HubCard,
    HubError,
    JoinAnswer,
    JoinRequest,
    LeaseAnswer,
    LeaseRequest,
    LogInAnswer,
    LogInRequest,
    Message,
    PinRequest,
    PositionAnswer,
    PositionRequest,
    PullAnswer,
    PullRequest,
    PushAnswer,
    PushRequest,
    Say,
    TokenAnswer,
    TokenRequest,
    Trouble,
    WaitAnswer,
    WaitRequest,
)

Answer = TypeVar("Answer", bound=Message)

_PATIENCE = httpx.Timeout(30.0, connect=5.0)
_LOOK = 2.0
_CLEAR_PORT = 80
_EARLY = 60.0
"""Seconds before its end at which a token is no longer used."""


class HttpHub:
    """One terminal's way to a hub at a URL; safe to use from two threads.

    ``authority`` is a PEM file with the authority that vouches for the hub, None for those of the system.

    Raises:
        Refused: hub_url_unknown (url), certificate_missing (path), when it is made.
    """

    def __init__(
        self,
        url: str,
        device_id: str = "",
        secret: str = "",
        *,
        authority: Path | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lacks: Refused | None = None
        """Why nothing can be asked, though work goes on: the authority's certificate is gone."""
        try:
            trusted = _trusting(authority) if authority else _trusting_for(url)
        except Refused as no:
            trusted, self._lacks = _nobody(), no
        try:
            self._client = httpx.Client(
                base_url=url.rstrip("/") + "/",
                timeout=_PATIENCE,
                verify=trusted,
                headers={"Accept-Encoding": "zstd, gzip", "Content-Type": "application/json"},
            )
        except (httpx.InvalidURL, UnicodeError) as error:
            raise Refused("hub_url_unknown", url=url) from error
        self._url = url
        self._device = device_id
        self._secret = secret
        self._steady = steady
        self._token = ""
        self._token_until = 0.0
        self._met = False

    def card(self) -> HubCard:
        """Return what the hub says of itself."""
        return self._send("GET", "v1/card", None, HubCard)

    def join(self, request: JoinRequest) -> JoinAnswer:
        """Enrol this terminal."""
        return self._send("POST", "v1/join", request, JoinAnswer)

    def speak_as(self, device_id: str, secret: str) -> None:
        """Be this device from now on."""
        if (device_id, secret) != (self._device, self._secret):
            self._device, self._secret, self._token = device_id, secret, ""

    def fork(self, request: ForkRequest) -> JoinAnswer:
        """Get a device id of its own for a copy."""
        return self._ask("v1/fork", request, JoinAnswer)

    def push(self, request: PushRequest) -> PushAnswer:
        """Hand commands over."""
        return self._ask("v1/push", request, PushAnswer)

    def pull(self, request: PullRequest) -> PullAnswer:
        """Return a page of what changed."""
        return self._ask("v1/pull", request, PullAnswer)

    def wait(self, cursors: dict[str, int], seconds: float) -> bool:
        """Let the hub answer as soon as something has changed."""
        request = WaitRequest(cursors=cursors, seconds=seconds)
        patience = httpx.Timeout(seconds + 10.0, connect=5.0)
        return self._ask("v1/wait", request, WaitAnswer, patience).moved

    def log_in(self, request: LogInRequest) -> LogInAnswer:
        """Check a person's PIN."""
        return self._ask("v1/log_in", request, LogInAnswer)

    def choose_pin(self, request: LogInRequest) -> LogInAnswer:
        """Set a person's first PIN."""
        return self._ask("v1/choose_pin", request, LogInAnswer)

    def reset_pin(self, request: PinRequest) -> Done:
        """Take a person's PIN away everywhere."""
        return self._ask("v1/reset_pin", request, Done)

    def unlock(self, request: PinRequest) -> Done:
        """Give a person the tries back."""
        return self._ask("v1/unlock", request, Done)

    def lease(self, request: LeaseRequest) -> LeaseAnswer:
        """Take, renew or let go the lease of a customer."""
        return self._ask("v1/lease", request, LeaseAnswer)

    def position(self, request: PositionRequest) -> PositionAnswer:
        """Return how far the spaces of this terminal are at the hub."""
        return self._ask("v1/position", request, PositionAnswer)

    def devices(self, request: DevicesRequest) -> DevicesAnswer:
        """Return every terminal of the hub."""
        return self._ask("v1/devices", request, DevicesAnswer)

    def close(self) -> None:
        """Let the connections go; a request under way ends as unreachable."""
        self._client.close()

    def _ask(
        self, path: str, message: Message, kind: type[Answer], patience: httpx.Timeout = _PATIENCE
    ) -> Answer:
        """Send what needs a token; one that the hub no longer takes is renewed once."""
        for attempt in (1, 2):
            try:
                return self._send("POST", path, message, kind, patience, token=self._fresh_token())
            except HubError as no:
                if no.code != Say.AUTH or attempt == 2:
                    raise
                self._token = ""
        raise HubError(Say.AUTH)

    def _fresh_token(self) -> str:
        if not self._token or self._steady() > self._token_until:
            request = TokenRequest(device_id=self._device, secret=self._secret)
            answer = self._send("POST", "v1/token", request, TokenAnswer)
            self._token_until = self._steady() + answer.seconds - _EARLY
            self._token = answer.token
        return self._token

    def _send(
        self,
        method: str,
        path: str,
        message: Message | None,
        kind: type[Answer],
        patience: httpx.Timeout = _PATIENCE,
        *,
        token: str = "",
    ) -> Answer:
        if self._lacks is not None:
            raise HubError(self._lacks.code, **self._lacks.details)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = b""
        if message is not None:
            body, packing = wire.pack(wire.write(message), wire.ZSTD)
            headers |= {"Content-Encoding": packing} if packing else {}
        try:
            response = self._client.request(method, path, content=body, headers=headers, timeout=patience)
        except (httpx.TransportError, httpx.DecodingError, RuntimeError, UnicodeError) as error:
            raise _unreachable(error, self._url, met=self._met) from error
        return self._read(response, kind)

    def _read(self, response: httpx.Response, kind: type[Answer]) -> Answer:
        if response.is_success:
            try:
                answer = wire.read(response.content, kind)
            except HubError as error:
                raise HubError(Say.NOT_A_HUB, url=self._url) from error
            self._met = True
            return answer
        try:
            trouble = wire.read(response.content, Trouble)
        except HubError as error:
            raise HubError(_strange(response), url=self._url, status=response.status_code) from error
        if trouble.refused:
            raise Refused(trouble.code, **trouble.details)
        raise HubError(trouble.code, **trouble.details)


def _strange(response: httpx.Response) -> Say:
    """Tell what an answer means that no hub has given: a proxy's, or that of something else."""
    if response.status_code in _NOBODY_BEHIND:
        return Say.UNREACHABLE
    if response.status_code == _BROKEN:
        return Say.RETRY
    asked, led_to = response.url, response.next_request.url if response.next_request else None
    to_tls = led_to is not None and (led_to.scheme, led_to.host) == ("https", asked.host)
    if asked.scheme == "http" and (to_tls or response.status_code == _BAD):
        return Say.WANTS_TLS
    return Say.NOT_A_HUB


def _trusting_for(url: str) -> ssl.SSLContext:
    """Return whom to trust at a URL: whom the system does, and nobody where nothing is encrypted."""
    return _nobody() if url.strip().lower().startswith("http:") else _the_systems()


@cache
def _the_systems() -> ssl.SSLContext:
    """Read the authorities of the system once: there are a hundred and more of them."""
    return httpx.create_ssl_context()


@cache
def _nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _trusting(authority: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(authority))
    except OSError as error:  # SSLError is one: the file is there and holds no certificate
        raise Refused("certificate_missing", path=authority) from error


def _unreachable(error: Exception, url: str, *, met: bool) -> HubError:
    """Tell a name or certificate that is wrong from a hub that is not there; ``met``: it has been."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            if cause.verify_code in _OTHER_NAME:
                return HubError(Say.TLS_NAME, url=url)
            if cause.verify_code in _OTHER_TIME:
                return HubError(Say.TLS_TIME, url=url, why=cause.verify_message)
            return HubError(Say.TLS, url=url, why=cause.verify_message)
        if isinstance(cause, ssl.SSLError):
            return HubError(Say.NO_TLS, url=url)
        cause = cause.__cause__ or cause.__context__
    if not met and isinstance(error, httpx.RemoteProtocolError) and _wants_tls(error.request.url):
        return HubError(Say.WANTS_TLS, url=url)
    return HubError(Say.UNREACHABLE, url=url, why=str(error))


def _wants_tls(url: httpx.URL) -> bool:
    """Tell whether who hung up on plain HTTP speaks TLS there; nothing more is said to whoever it is."""
    if url.scheme != "http":
        return False
    try:
        ssl.get_server_certificate((url.host, url.port or _CLEAR_PORT), timeout=_LOOK)
    except OSError:  # SSLError is one
        return False
    return True


_NOBODY_BEHIND = frozenset({502, 503, 504})
"""What a proxy answers while the hub behind it is away (RFC 9110, 15.6)."""

_BROKEN = 500
"""What a hub that breaks down answers."""

_BAD = 400
"""What a server that speaks TLS alone answers to plain HTTP (nginx, Caddy)."""

_OTHER_NAME = frozenset({62, 64})
"""What OpenSSL says of a certificate for another host or another address (X509_V_ERR_..._MISMATCH)."""

_OTHER_TIME = frozenset({9, 10})
"""What OpenSSL says of a certificate that is not valid yet, or no longer (X509_V_ERR_CERT_...)."""
