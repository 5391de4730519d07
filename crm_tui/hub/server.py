"""The hub over HTTP: each request is a message, each answer a message or a trouble with its code."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from anyio.to_thread import run_sync
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from crm_tui.domain.errors import Refused
from crm_tui.hub import accounts, tokens
from crm_tui.hub.authority import Authority
from crm_tui.hub.books import meta_value
from crm_tui.hub.limits import Tries
from crm_tui.hub.tables import space_rev
from crm_tui.sync import wire
from crm_tui.sync.messages import (
    ForkRequest,
    HubError,
    JoinRequest,
    LogInRequest,
    Message,
    PinRequest,
    PullRequest,
    PushRequest,
    Say,
    TokenAnswer,
    TokenRequest,
    Trouble,
    WaitAnswer,
    WaitRequest,
)

Asked = TypeVar("Asked", bound=Message)
Done = TypeVar("Done")

LARGEST_BODY = 16 * 1024 * 1024
"""The most bytes of a request, packed or not: an import's portion with long notes is below it."""
LOOK = 0.5
"""Seconds between two looks for what other processes of the hub have taken in."""
LONGEST_WAIT = 60.0

_STATUS = {
    Say.AUTH: 401,
    Say.FROZEN: 403,
    Say.INVITE: 403,
    Say.MALFORMED: 400,
    Say.TOO_LARGE: 413,
    Say.SLOW_DOWN: 429,
    Say.UPGRADE_REQUIRED: 426,
    Say.RETRY: 503,
    Say.RECOVERING: 503,
}
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
}
_log = logging.getLogger(__name__)


class Server:
    """What the routes of one hub process share."""

    def __init__(self, authority: Authority) -> None:
        self._hub = authority
        self._tries = Tries(authority.books.clock)
        self._news = asyncio.Condition()
        self._revs: dict[str, int] = {}
        with authority.books.read() as tx:
            self._key = meta_value(tx, "key")

    def application(self, prefix: str = "") -> Starlette:
        """Return the application with every route under ``prefix``."""
        routes = {
            "join": self._join,
            "token": self._token,
            "fork": self._fork,
            "push": self._push,
            "pull": self._pull,
            "wait": self._wait,
            "log_in": self._log_in,
            "choose_pin": self._choose_pin,
            "reset_pin": self._reset_pin,
            "unlock": self._unlock,
        }
        at = prefix.rstrip("/") + "/v1/"
        return Starlette(
            routes=[
                Route(f"{at}card", self._told(self._card), methods=["GET"]),
                *(Route(at + name, self._told(work), methods=["POST"]) for name, work in routes.items()),
            ],
            lifespan=self._living,
        )

    @contextlib.asynccontextmanager
    async def _living(self, _app: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._look())
        yield
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    def _told(
        self, work: Callable[[Request], Awaitable[Message]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Turn a route's message, or its no, into a response; a mistake of ours tells nobody anything."""

        async def respond(request: Request) -> Response:
            try:
                return _response(request, await work(request), 200)
            except HubError as no:
                return _trouble(request, no.code, dict(no.details), _STATUS.get(Say(no.code), 409))
            except Refused as no:
                return _trouble(request, no.code, dict(no.details), 422, refused=True)
            except ClientDisconnect:
                return Response(status_code=400)
            except Exception:  # noqa: BLE001 - what went wrong here is for our log alone
                _log.exception("%s failed", request.url.path)
                return _trouble(request, Say.RETRY, {}, 500)

        return respond

    async def _card(self, request: Request) -> Message:
        return await run_sync(self._hub.card)

    async def _join(self, request: Request) -> Message:
        asked = await _message(request, JoinRequest)
        return await self._guarded(request, lambda: self._hub.join(asked))

    async def _token(self, request: Request) -> Message:
        asked = await _message(request, TokenRequest)
        books = self._hub.books
        await self._guarded(request, lambda: accounts.authenticate(books, asked.device_id, asked.secret))
        return TokenAnswer(token=tokens.sign(self._key, asked.device_id, books.now), seconds=tokens.SECONDS)

    async def _fork(self, request: Request) -> Message:
        device_id, asked = await self._from_device(request, ForkRequest)
        return await run_sync(self._hub.fork, device_id, asked)

    async def _push(self, request: Request) -> Message:
        device_id, asked = await self._from_device(request, PushRequest)
        answer = await run_sync(self._hub.push, device_id, asked, _address(request))
        await self._ring()
        return answer

    async def _pull(self, request: Request) -> Message:
        device_id, asked = await self._from_device(request, PullRequest)
        return await run_sync(self._hub.pull, device_id, asked)

    async def _log_in(self, request: Request) -> Message:
        device_id, asked = await self._from_device(request, LogInRequest)
        return await run_sync(self._hub.log_in, device_id, asked)

    async def _choose_pin(self, request: Request) -> Message:
        device_id, asked = await self._from_device(request, LogInRequest)
        return await run_sync(self._hub.choose_pin, device_id, asked)

    async def _reset_pin(self, request: Request) -> Message:
        device_id, asked = await self._from_device(request, PinRequest)
        return await run_sync(self._hub.reset_pin, device_id, asked)

    async def _unlock(self, request: Request) -> Message:
        device_id, asked = await self._from_device(request, PinRequest)
        return await run_sync(self._hub.unlock, device_id, asked)

    async def _wait(self, request: Request) -> Message:
        """Answer as soon as a space of the device has moved, or when the time is over."""
        device_id, asked = await self._from_device(request, WaitRequest)
        if await run_sync(self._hub.moved, device_id, asked.cursors):
            return WaitAnswer(moved=True)
        spaces = asked.cursors

        def moved() -> bool:
            return any(self._revs.get(space, 0) > rev for space, rev in spaces.items())

        try:
            async with asyncio.timeout(min(max(asked.seconds, 0.0), LONGEST_WAIT)), self._news:
                await self._news.wait_for(moved)
        except TimeoutError:
            return WaitAnswer(moved=False)
        return WaitAnswer(moved=True)

    async def _look(self) -> None:
        """Look now and then for what other processes have taken in."""
        while True:
            await asyncio.sleep(LOOK)
            with contextlib.suppress(HubError):
                await self._ring()

    async def _ring(self) -> None:
        """Read how far the spaces are and wake those who wait for it."""
        fresh = await run_sync(self._read_revs)
        if fresh != self._revs:
            async with self._news:
                self._revs = fresh
                self._news.notify_all()

    def _read_revs(self) -> dict[str, int]:
        with self._hub.books.read() as tx:
            return {row.space: row.rev for row in tx.rows(select(space_rev))}

    async def _from_device(self, request: Request, kind: type[Asked]) -> tuple[str, Asked]:
        """Return which device asks, by its token, and what."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise HubError(Say.AUTH)
        device_id = tokens.device_of(self._key, token, self._hub.books.now)
        return device_id, await _message(request, kind)

    async def _guarded(self, request: Request, work: Callable[[], Done]) -> Done:
        """Do what a stranger may try, and let nobody try it too often."""
        address = _address(request)
        self._tries.check(address)
        try:
            return await run_sync(work)
        except HubError as no:
            if no.code in {Say.AUTH, Say.INVITE}:
                self._tries.failed(address)
            raise


async def _message(request: Request, kind: type[Asked]) -> Asked:
    """Read a request's message, never more of it than is allowed."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            raise HubError(Say.TOO_LARGE)
        parts.append(part)
    body = wire.unpack(b"".join(parts), request.headers.get("content-encoding", ""), LARGEST_BODY)
    return wire.read(body, kind)


def _response(request: Request, message: Message, status: int) -> Response:
    body, packing = wire.pack(wire.write(message), request.headers.get("accept-encoding", ""))
    headers = _HEADERS | ({"Content-Encoding": packing} if packing else {})
    return Response(body, status, headers, media_type="application/json")


def _trouble(
    request: Request, code: str, details: dict[str, Any], status: int, *, refused: bool = False
) -> Response:
    return _response(request, Trouble(code=str(code), details=details, refused=refused), status)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
