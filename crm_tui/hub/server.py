"""The hub over HTTP: each request is a message, each answer a message or a trouble with its code."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from crm_tui.domain.errors import Refused
from crm_tui.hub import accounts, tokens
from crm_tui.hub.authority import Authority
from crm_tui.hub.books import meta_value
from crm_tui.hub.limits import Pace, Steady, Tries, Turns, network_of
from crm_tui.hub.news import News
from crm_tui.sync import wire
from crm_tui.sync.messages import (
    DevicesRequest,
    ForkRequest,
    HubError,
    JoinRequest,
    LeaseRequest,
    LogInRequest,
    Message,
    PinRequest,
    PositionRequest,
    PullRequest,
    PushRequest,
    Say,
    TokenAnswer,
    TokenRequest,
    Trouble,
    WaitAnswer,
    WaitRequest,
)
from crm_tui.trouble import places_of

Asked = TypeVar("Asked", bound=Message)
Done = TypeVar("Done")

LARGEST_BODY = 16 * 1024 * 1024
"""The most bytes of a request, packed or not: an import's portion with long notes is below it."""
LARGEST_OF_STRANGERS = 16 * 1024
"""The most bytes of what is asked before anything is proven."""
LONGEST_BODY = 60.0
"""Seconds that a request's body may take to arrive."""
LOOK = 0.5
"""Seconds between two looks for what other processes of the hub have taken in."""
REST = 0.05
"""Seconds between two looks at least, however much is pushed here."""
PUSHES = 4
"""The pushes at work at once where the database takes several writers; the others wait in a queue, not in
threads, so that whoever only asks is answered meanwhile."""
LONGEST_WAIT = 60.0

_STATUS: dict[str, int] = {
    Say.AUTH: 401,
    Say.FROZEN: 403,
    Say.INVITE: 403,
    Say.MALFORMED: 400,
    Say.TOO_LARGE: 413,
    Say.SLOW_DOWN: 429,
    Say.UPGRADE_REQUIRED: 426,
    Say.RETRY: 503,
    Say.RECOVERING: 503,
    Say.DISK_FULL: 507,
}
_GUESSES = frozenset({Say.AUTH, Say.INVITE, "pin_wrong", "pin_locked", "person_unknown"})
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
}
_log = logging.getLogger(__name__)


class Server:
    """What the routes of one hub process share; ``steady`` is a clock in seconds that nobody sets."""

    def __init__(self, authority: Authority, steady: Steady = time.monotonic) -> None:
        self._hub = authority
        self._tries = Tries(steady)
        self._pace = Pace(steady)
        self._turns = Turns()
        self._news = News()
        self._stirred = asyncio.Event()
        self._pushing = CapacityLimiter(PUSHES if authority.books.shared else 1)
        with authority.books.read() as tx:
            self._key = meta_value(tx, "key")

    def application(self, prefix: str = "") -> Starlette:
        """Return the application with every route under ``prefix``."""
        hub = self._hub
        routes: dict[str, Callable[[Request], Awaitable[Message]]] = {
            "join": self._join,
            "token": self._token,
            "push": self._push,
            "wait": self._wait,
            "fork": self._for_device(ForkRequest, hub.fork),
            "pull": self._for_device(PullRequest, hub.pull),
            "log_in": self._for_person(LogInRequest, hub.log_in),
            "choose_pin": self._for_person(LogInRequest, hub.choose_pin),
            "reset_pin": self._for_person(PinRequest, hub.reset_pin),
            "unlock": self._for_person(PinRequest, hub.unlock),
            "lease": self._for_device(LeaseRequest, hub.lease),
            "position": self._for_device(PositionRequest, hub.position),
            "devices": self._for_person(DevicesRequest, hub.devices),
        }
        at = prefix.rstrip("/") + "/v1/"
        made = Starlette(
            routes=[
                Route(f"{at}card", self._told(self._card), methods=["GET"]),
                *(Route(at + name, self._told(work), methods=["POST"]) for name, work in routes.items()),
            ],
            exception_handlers={HTTPException: _nothing_here},
            lifespan=self._living,
        )
        made.router.redirect_slashes = False  # the address of a redirection would be the client's own word
        return made

    def hang_up(self) -> None:
        """Answer those who wait for news, so that nobody keeps the hub from ending."""
        self._news.close()

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
                return await run_sync(_response, request, await work(request), 200)
            except HubError as no:
                return _trouble(request, no.code, dict(no.details), _STATUS.get(no.code, 409))
            except Refused as no:
                return _trouble(request, no.code, dict(no.details), 422, refused=True)
            except ClientDisconnect:
                return Response(status_code=400)
            except Exception as error:  # noqa: BLE001 - what went wrong here is for our log alone
                _log.error("%s failed: %s", request.url.path, places_of(error))
                return _trouble(request, Say.RETRY, {}, 500)

        return respond

    async def _card(self, request: Request) -> Message:
        return await run_sync(self._hub.card)

    async def _join(self, request: Request) -> Message:
        asked = await _message(request, JoinRequest, LARGEST_OF_STRANGERS)
        return await self._guarded(network_of(_address(request)), lambda: self._hub.join(asked))

    async def _token(self, request: Request) -> Message:
        """Give a token; who fails is counted apart from others at the address: a branch has only one."""
        asked = await _message(request, TokenRequest, LARGEST_OF_STRANGERS)
        books = self._hub.books
        who = f"{network_of(_address(request))} {asked.device_id}"
        await self._guarded(who, lambda: accounts.authenticate(books, asked.device_id, asked.secret))
        await run_sync(accounts.note_seen, books, asked.device_id)
        return TokenAnswer(token=tokens.sign(self._key, asked.device_id, books.now), seconds=tokens.SECONDS)

    async def _push(self, request: Request) -> Message:
        address = _address(request)
        answer = await self._for_device(
            PushRequest, lambda device_id, asked: self._hub.push(device_id, asked, address), self._pushing
        )(request)
        self._stirred.set()
        return answer

    def _for_device(
        self,
        kind: type[Asked],
        work: Callable[[str, Asked], Message],
        limiter: CapacityLimiter | None = None,
    ) -> Callable[[Request], Awaitable[Message]]:
        """Return a route for a device that has shown a token, one request of it at a time."""

        async def answer(request: Request) -> Message:
            device_id = self._device(request)
            async with self._turns.of(device_id):
                return await run_sync(work, device_id, await _message(request, kind), limiter=limiter)

        return answer

    def _for_person(
        self, kind: type[Asked], work: Callable[[str, Asked], Message]
    ) -> Callable[[Request], Awaitable[Message]]:
        """Return such a route for what needs a person's PIN or seat: who fails too often has to wait."""

        async def answer(request: Request) -> Message:
            device_id = self._device(request)
            async with self._turns.of(device_id):
                asked = await _message(request, kind, LARGEST_OF_STRANGERS)
                return await self._guarded(device_id, lambda: work(device_id, asked))

        return answer

    async def _wait(self, request: Request) -> Message:
        """Answer as soon as a space of the device has moved, or when the time is over."""
        device_id = self._device(request)
        asked = await _message(request, WaitRequest)
        if await run_sync(self._hub.moved, device_id, asked.cursors):
            return WaitAnswer(moved=True)
        seconds = min(max(asked.seconds, 0.0), LONGEST_WAIT)
        return WaitAnswer(moved=await self._news.wait(device_id, asked.cursors, seconds))

    async def _look(self) -> None:
        """Look for news after a push, and now and then for what other processes have taken in."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._stirred.wait()
            self._stirred.clear()
            try:
                self._news.tell(*await run_sync(self._hub.news))
            except (HubError, Refused):  # the database is away for a while
                pass
            except Exception as error:  # noqa: BLE001 - who waits for news must not wait for ever
                _log.error("looking for news failed: %s", places_of(error))
            await asyncio.sleep(REST)

    def _device(self, request: Request) -> str:
        """Return which device asks, by its token; raises HubError AUTH, SLOW_DOWN."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise HubError(Say.AUTH)
        device_id = tokens.device_of(self._key, token, self._hub.books.now)
        self._pace.check(device_id)
        return device_id

    async def _guarded(self, who: str, work: Callable[[], Done]) -> Done:
        """Do what somebody may try, and let nobody try it too often."""
        self._tries.check(who)
        try:
            return await run_sync(work)
        except (HubError, Refused) as no:
            if no.code in _GUESSES:
                self._tries.failed(who)
            raise


async def _message(request: Request, kind: type[Asked], largest: int = LARGEST_BODY) -> Asked:
    """Read a request's message, never more of it than is allowed, nor for ever."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(LONGEST_BODY):
            async for part in request.stream():
                size += len(part)
                if size > largest:
                    raise HubError(Say.TOO_LARGE)
                parts.append(part)
    except TimeoutError as error:
        raise HubError(Say.MALFORMED) from error
    packing = request.headers.get("content-encoding", "")
    return await run_sync(lambda: wire.read(wire.unpack(b"".join(parts), packing, largest), kind))


async def _nothing_here(_request: Request, no: Exception) -> Response:
    """Answer for a path or a method that is not ours: whoever asks does not speak to this hub."""
    assert isinstance(no, HTTPException), "registered for this kind alone"
    return Response(status_code=no.status_code, headers={**(no.headers or {}), **_HEADERS})


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
