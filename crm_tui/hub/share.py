"""A hub in a shared database file: the terminal runs the hub's own code, in its own process, on that file."""

from __future__ import annotations

import time

from crm_tui.hub import accounts
from crm_tui.hub.authority import Authority
from crm_tui.sync.messages import (
    Done,
    ForkRequest,
    HubCard,
    JoinAnswer,
    JoinRequest,
    LogInAnswer,
    LogInRequest,
    PinRequest,
    PullAnswer,
    PullRequest,
    PushAnswer,
    PushRequest,
)

_LOOK_SECONDS = 1.0


class SharedHub:
    """One terminal's way to a hub in the same process."""

    def __init__(self, authority: Authority, device_id: str = "", secret: str = "") -> None:
        self._authority = authority
        self._device = device_id
        self._secret = secret

    def card(self) -> HubCard:
        """Return what the hub says of itself."""
        return self._authority.card()

    def join(self, request: JoinRequest) -> JoinAnswer:
        """Enrol this terminal."""
        return self._authority.join(request)

    def fork(self, request: ForkRequest) -> JoinAnswer:
        """Get a device id of its own for a copy."""
        answer = self._authority.fork(self._proven(), request)
        self._device, self._secret = answer.device_id, answer.secret
        return answer

    def push(self, request: PushRequest) -> PushAnswer:
        """Hand commands over."""
        return self._authority.push(self._proven(), request)

    def pull(self, request: PullRequest) -> PullAnswer:
        """Return a page of what changed."""
        return self._authority.pull(self._proven(), request)

    def wait(self, cursors: dict[str, int], seconds: float) -> bool:
        """Look into the file now and then until something has changed."""
        until = time.monotonic() + seconds
        while not self._authority.moved(self._proven(), cursors):
            if time.monotonic() + _LOOK_SECONDS > until:
                return False
            time.sleep(_LOOK_SECONDS)
        return True

    def log_in(self, request: LogInRequest) -> LogInAnswer:
        """Check a person's PIN."""
        return self._authority.log_in(self._proven(), request)

    def choose_pin(self, request: LogInRequest) -> LogInAnswer:
        """Set a person's first PIN."""
        return self._authority.choose_pin(self._proven(), request)

    def reset_pin(self, request: PinRequest) -> Done:
        """Take a person's PIN away everywhere."""
        return self._authority.reset_pin(self._proven(), request)

    def unlock(self, request: PinRequest) -> Done:
        """Give a person the tries back."""
        return self._authority.unlock(self._proven(), request)

    def close(self) -> None:
        """Let the file go."""
        self._authority.close()

    def _proven(self) -> str:
        accounts.authenticate(self._authority.books, self._device, self._secret)
        return self._device
