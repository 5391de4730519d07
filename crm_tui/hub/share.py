"""A hub in a shared database file: the terminal runs the hub's own code, in its own process, on that file.

The file may come and go with its share: it is opened when it is needed, and again after it was away.
"""

from __future__ import annotations

import random  # noqa: TID251 - a pause that is never quite the same, not a rule
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
from sqlalchemy.exc import DBAPIError

from crm_tui.domain.errors import Refused
from crm_tui.hub import accounts
from crm_tui.hub.authority import Authority
from crm_tui.hub.push import TRANSACTION
from crm_tui.store.engine import storage_refusal
from crm_tui.store.migrations import newest
from crm_tui.store.transaction import Transaction
from crm_tui.sync.messages import (
    Ack,
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
    PinRequest,
    PositionAnswer,
    PositionRequest,
    PullAnswer,
    PullRequest,
    PushAnswer,
    PushRequest,
    Say,
)

Open = Callable[[], Authority]

SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.08
"""Seconds between two transactions of one terminal: SQLite's lock knows no queue, so who has had it waits."""
_LOOK_SECONDS = 1.0
_AWAY = frozenset({"hub_missing", "database_moved", "database_unreadable"})


class SharedHub:
    """One terminal's way to a hub in the same process."""

    def __init__(
        self,
        authority: Authority | Open,
        device_id: str = "",
        secret: str = "",
        *,
        url: str = "",
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._open: Open | None = None if isinstance(authority, Authority) else authority
        self._opened: Authority | None = authority if isinstance(authority, Authority) else None
        self._opening = threading.Lock()
        self._closed = False
        self._device = device_id
        self._secret = secret
        self._url = url
        self._pause = pause
        self._newest = newest()

    def card(self) -> HubCard:
        """Return what the hub says of itself."""
        with self._hub() as hub:
            return hub.card()

    def join(self, request: JoinRequest) -> JoinAnswer:
        """Enrol this terminal."""
        with self._hub() as hub:
            return hub.join(request)

    def speak_as(self, device_id: str, secret: str) -> None:
        """Be this device from now on."""
        self._device, self._secret = device_id, secret

    def fork(self, request: ForkRequest) -> JoinAnswer:
        """Get a device id of its own for a copy."""
        with self._proven() as hub:
            return hub.fork(self._device, request)

    def push(self, request: PushRequest) -> PushAnswer:
        """Hand commands over, one transaction after the other with a pause in which others get the lock."""
        acks: list[Ack] = []
        start = 0
        while True:
            portion = request.commands[start : start + TRANSACTION]
            with self._proven() as hub:
                answer = hub.push(self._device, msgspec.structs.replace(request, commands=portion))
            acks += answer.acks
            start += TRANSACTION
            if len(portion) < TRANSACTION:
                return PushAnswer(acks=acks, hub_now=answer.hub_now, kept=answer.kept)
            self._pause(random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))  # noqa: S311 - a jitter, not a rule

    def pull(self, request: PullRequest) -> PullAnswer:
        """Return a page of what changed."""
        with self._proven() as hub:
            return hub.pull(self._device, request)

    def wait(self, cursors: dict[str, int], seconds: float) -> bool:
        """Look into the file now and then until something has changed."""
        until = time.monotonic() + seconds
        while True:
            with self._proven() as hub:
                if hub.moved(self._device, cursors):
                    return True
            if time.monotonic() + _LOOK_SECONDS > until:
                return False
            self._pause(_LOOK_SECONDS)

    def log_in(self, request: LogInRequest) -> LogInAnswer:
        """Check a person's PIN."""
        with self._proven() as hub:
            return hub.log_in(self._device, request)

    def choose_pin(self, request: LogInRequest) -> LogInAnswer:
        """Set a person's first PIN."""
        with self._proven() as hub:
            return hub.choose_pin(self._device, request)

    def reset_pin(self, request: PinRequest) -> Done:
        """Take a person's PIN away everywhere."""
        with self._proven() as hub:
            return hub.reset_pin(self._device, request)

    def unlock(self, request: PinRequest) -> Done:
        """Give a person the tries back."""
        with self._proven() as hub:
            return hub.unlock(self._device, request)

    def lease(self, request: LeaseRequest) -> LeaseAnswer:
        """Take, renew or let go the lease of a customer."""
        with self._proven() as hub:
            return hub.lease(self._device, request)

    def position(self, request: PositionRequest) -> PositionAnswer:
        """Return how far the spaces of this terminal are at the hub."""
        with self._proven() as hub:
            return hub.position(self._device, request)

    def devices(self, request: DevicesRequest) -> DevicesAnswer:
        """Return every terminal of the hub."""
        with self._proven() as hub:
            return hub.devices(self._device, request)

    def close(self) -> None:
        """Let the file go."""
        self._closed = True
        self._let_go(for_good=True)

    @contextmanager
    def _proven(self) -> Iterator[Authority]:
        """Prove who this terminal is, on a file that this program understands."""
        with self._hub() as hub:
            with hub.books.read() as tx:
                _refuse_newer(tx, self._newest)
            if not accounts.authenticate(hub.books, self._device, self._secret):
                accounts.note_seen(hub.books, self._device)
            yield hub

    @contextmanager
    def _hub(self) -> Iterator[Authority]:
        """Have the file open; one that is away for a member may be back later."""
        try:
            yield self._at_hand()
        except DBAPIError as error:
            refused = storage_refusal(error.orig, self._url)
            if refused is None:
                raise
            if "unable to open" in str(error.orig):
                self._let_go()
                raise _away(self._url, refused) from error
            raise refused from error
        except Refused as no:
            if no.code == "database_busy":
                raise HubError(Say.RETRY) from no
            if no.code not in _AWAY or not self._device:
                raise
            self._let_go()
            raise _away(self._url, no) from no

    def _at_hand(self) -> Authority:
        with self._opening:
            if self._closed:
                raise HubError(Say.UNREACHABLE, url=self._url)
            if self._opened is None:
                assert self._open is not None, "a hub that was given is not let go"
                self._opened = self._open()
            return self._opened

    def _let_go(self, *, for_good: bool = False) -> None:
        """Close the file; one that was given, and cannot be opened again, only ``for_good``."""
        with self._opening:
            if self._opened is not None and (for_good or self._open is not None):
                self._opened.close()
            if self._open is not None:
                self._opened = None


def _away(url: str, no: Refused) -> HubError:
    return HubError(Say.UNREACHABLE, url=url, why=no.code)


def _refuse_newer(tx: Transaction, known: int) -> None:
    """Refuse a file that a newer program has changed since it was opened; raises Refused schema_newer."""
    if tx.dialect == "sqlite":
        found = int(tx.connection.exec_driver_sql("PRAGMA user_version").scalar() or 0)
        if found > known:
            raise Refused("schema_newer", found=found, known=known)
