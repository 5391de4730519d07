"""What a terminal asks of a hub, whatever lies between."""

from __future__ import annotations

from typing import Protocol

from crm_tui.sync.messages import (
    DevicesAnswer,
    DevicesRequest,
    Done,
    ForkRequest,
    HubCard,
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
)


class Hub(Protocol):
    """A hub as one terminal sees it, whatever lies between: HTTP, or a shared file in the same process.

    Every method raises :class:`~crm_tui.sync.messages.HubError`.
    """

    def card(self) -> HubCard:
        """Return what the hub says of itself."""
        ...

    def join(self, request: JoinRequest) -> JoinAnswer:
        """Enrol a new terminal."""
        ...

    def speak_as(self, device_id: str, secret: str) -> None:
        """Be this device from now on."""
        ...

    def fork(self, request: ForkRequest) -> JoinAnswer:
        """Give a copied terminal an id of its own."""
        ...

    def push(self, request: PushRequest) -> PushAnswer:
        """Hand commands over."""
        ...

    def pull(self, request: PullRequest) -> PullAnswer:
        """Return a page of what changed."""
        ...

    def wait(self, cursors: dict[str, int], seconds: float) -> bool:
        """Return True as soon as a space has moved beyond its cursor, False after ``seconds``."""
        ...

    def log_in(self, request: LogInRequest) -> LogInAnswer:
        """Check a person's PIN."""
        ...

    def choose_pin(self, request: LogInRequest) -> LogInAnswer:
        """Set the first PIN of a person who has none."""
        ...

    def reset_pin(self, request: PinRequest) -> Done:
        """Take a person's PIN away everywhere."""
        ...

    def unlock(self, request: PinRequest) -> Done:
        """Give a person the tries back."""
        ...

    def lease(self, request: LeaseRequest) -> LeaseAnswer:
        """Take, renew or let go the lease of a customer that a person changes."""
        ...

    def position(self, request: PositionRequest) -> PositionAnswer:
        """Return how far the spaces of this terminal are at the hub."""
        ...

    def devices(self, request: DevicesRequest) -> DevicesAnswer:
        """Return every terminal of the hub, for a person who may know them."""
        ...

    def close(self) -> None:
        """Let go of what the way to the hub holds."""
        ...
