"""The hub itself: one database and everything a terminal may ask of it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from crm_tui.hub import accounts
from crm_tui.hub.books import NORMAL, HubBooks, meta_value
from crm_tui.hub.devices import tell_devices
from crm_tui.hub.keeping import BehindError, recover_from
from crm_tui.hub.pull import revs_of, spaces_below, tell
from crm_tui.hub.push import take
from crm_tui.hub.recovery import has_sent_all
from crm_tui.hub.tables import device, space_rev
from crm_tui.store import edit_leases
from crm_tui.sync.machine import program_version
from crm_tui.sync.messages import (
    MIN_PROTOCOL,
    PAGE,
    PROTOCOL,
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


class Authority:
    """Answers terminals; knows nothing of what lies between them and the hub."""

    page = PAGE
    """The most entries of one page of a pull."""

    def __init__(self, books: HubBooks, new_id: Callable[[], str]) -> None:
        self.books = books
        self._new_id = new_id

    def card(self) -> HubCard:
        """Return what the hub says of itself to anybody."""
        with self.books.read() as tx:
            return HubCard(
                organisation=meta_value(tx, "organisation"),
                organisation_id=meta_value(tx, "organisation_id"),
                epoch=meta_value(tx, "epoch"),
                protocol=PROTOCOL,
                min_protocol=MIN_PROTOCOL,
                mode=meta_value(tx, "mode", NORMAL),
                now=self.books.now,
                version=program_version(),
            )

    def join(self, request: JoinRequest) -> JoinAnswer:
        """Enrol a new terminal."""
        return accounts.join(self.books, request, self._new_id)

    def fork(self, device_id: str, request: ForkRequest) -> JoinAnswer:
        """Give a copied terminal an id of its own."""
        return accounts.fork(self.books, device_id, request, self._new_id)

    def push(self, device_id: str, request: PushRequest, address: str = "") -> PushAnswer:
        """Take commands in, from a program that is too old as well: what was done there is not lost."""
        accounts.check_not_newer(request.protocol)
        try:
            return take(self.books, device_id, request, address)
        except BehindError as behind:
            raise recover_from(self.books, device_id, request.epoch) from behind

    def pull(self, device_id: str, request: PullRequest) -> PullAnswer:
        """Tell what changed; a hub that recovers learns by it that the terminal has sent all it has."""
        accounts.check_protocol(request.protocol)
        try:
            return tell(self.books, device_id, request, self.page)
        except BehindError as behind:
            raise recover_from(self.books, device_id, request.epoch) from behind
        except HubError as no:
            if no.code != Say.RECOVERING or not has_sent_all(self.books, device_id):
                raise
        return tell(self.books, device_id, request, self.page)

    def moved(self, device_id: str, cursors: dict[str, int]) -> bool:
        """Tell whether a space of the device has moved beyond its cursor; raises HubError AUTH, FROZEN."""
        return self._position(device_id) != cursors

    def position(self, device_id: str, _request: PositionRequest) -> PositionAnswer:
        """Tell how far the spaces of the device are; raises HubError AUTH, FROZEN."""
        return PositionAnswer(upto=self._position(device_id))

    def _position(self, device_id: str) -> dict[str, int]:
        with self.books.read() as tx:
            row = accounts.known_device(tx, device_id)
            if row.status == accounts.FROZEN:
                raise HubError(Say.FROZEN)
            return revs_of(tx, spaces_below(tx, row.unit_id))

    def news(self) -> tuple[dict[str, int], set[str]]:
        """Return how far every space is, and which terminals are frozen."""
        with self.books.read() as tx:
            revs = {row.space: row.rev for row in tx.rows(select(space_rev))}
            frozen = set(tx.scalars(select(device.c.device_id).where(device.c.status == accounts.FROZEN)))
        return revs, frozen

    def log_in(self, device_id: str, request: LogInRequest) -> LogInAnswer:
        """Check a person's PIN at a terminal."""
        accounts.check_welcome(self.books, device_id)
        return accounts.log_in(self.books, device_id, request)

    def choose_pin(self, device_id: str, request: LogInRequest) -> LogInAnswer:
        """Set a person's first PIN at a terminal."""
        accounts.check_welcome(self.books, device_id)
        return accounts.choose_pin(self.books, device_id, request)

    def reset_pin(self, device_id: str, request: PinRequest) -> Done:
        """Take a person's PIN away, and the seats with it."""
        accounts.check_welcome(self.books, device_id)
        return accounts.reset_pin(self.books, device_id, request)

    def unlock(self, device_id: str, request: PinRequest) -> Done:
        """Give a person the tries back."""
        accounts.check_welcome(self.books, device_id)
        return accounts.unlock(self.books, device_id, request)

    def lease(self, device_id: str, request: LeaseRequest) -> LeaseAnswer:
        """Take, renew or let go the lease of a customer; only its own device can let it go.

        Raises:
            HubError: AUTH (nobody with this id sits at the device), FROZEN. Refused: as ``edit_leases.take``.
        """
        accounts.check_welcome(self.books, device_id)
        holder, now = f"{device_id} {request.holder}", self.books.clock()
        with self.books.write() as tx:
            if request.done:
                edit_leases.release(tx, request.customer_id, holder, now)
                return LeaseAnswer(mine=False)
            viewer = accounts.sitting(tx, device_id, request.person_id)
            found = edit_leases.take(tx, viewer, request.customer_id, holder, now)
            return LeaseAnswer(mine=found.mine, name=found.name, seconds=found.seconds)

    def devices(self, device_id: str, request: DevicesRequest) -> DevicesAnswer:
        """Tell which terminals there are; see ``tell_devices``."""
        accounts.check_welcome(self.books, device_id)
        return tell_devices(self.books, device_id, request)

    def close(self) -> None:
        """Let the database go."""
        self.books.close()
