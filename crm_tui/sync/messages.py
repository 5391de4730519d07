"""What a terminal and its hub say to each other, and the one interface that every kind of hub has.

Instants travel as microseconds since 1970 UTC. Rows travel as ``store.replicated`` says. A terminal that
reads a field it does not know leaves it; one that misses a field takes the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

import msgspec

PROTOCOL = 1
"""The version of this conversation; a hub serves ``MIN_PROTOCOL`` to ``PROTOCOL``."""
MIN_PROTOCOL = 1
PUSH_COMMANDS = 200
"""The most commands of one push."""
PUSH_BYTES = 256 * 1024
"""The most bytes of the commands' fields in one push; a single bigger command goes alone."""
PAGE = 5_000
"""The most entries of one page of a pull."""
WIDE = ""
"""The space of what belongs to the whole organisation; every other space is a branch's id."""


class Status(StrEnum):
    """What became of a command at the hub."""

    APPLIED = "applied"
    FLAGGED = "flagged"
    """Applied, though a rule said no: a fact is a fact; somebody should look at it."""
    REJECTED = "rejected"
    HELD = "held"
    """Kept, not applied, until somebody with the right decides."""
    QUARANTINED = "quarantined"
    """Kept, not applied: the hub could not carry it out; a newer hub may."""


class Say(StrEnum):
    """Why a hub does not do what it was asked; each has a sentence ``refused.<code>``."""

    AUTH = "hub_auth"
    FROZEN = "hub_frozen"
    EPOCH = "hub_epoch"
    GAP = "hub_gap"
    FORKED = "hub_forked"
    SCOPE_CHANGED = "hub_scope_changed"
    UPGRADE_REQUIRED = "hub_upgrade_required"
    HUB_OLDER = "hub_older"
    RETRY = "hub_retry"
    RECOVERING = "hub_recovering"
    INVITE = "hub_invite"
    MALFORMED = "hub_malformed"
    TOO_LARGE = "hub_too_large"
    SLOW_DOWN = "hub_slow_down"
    UNREACHABLE = "hub_unreachable"
    NOT_A_HUB = "hub_not_one"
    TLS = "hub_tls"
    DISK_FULL = "disk_full"


class HubError(Exception):
    """The hub, or the way to it, says no; ``code`` is a :class:`Say`, ``details`` fill its sentence."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.details: Mapping[str, Any] = details


class Message(msgspec.Struct, kw_only=True):
    """The base of everything that travels."""


class SealedCommand(Message):
    """A command of an outbox; ``seq`` counts the commands of one device from 1 without a gap."""

    seq: int
    cmd_id: str
    batch_id: str
    actor_id: str
    kind: str
    version: int
    args: dict[str, Any]
    at: int
    supersedes: str = ""


class Ack(Message):
    """What became of one command; it is meant only if ``seq`` and ``cmd_id`` are both the terminal's."""

    seq: int
    cmd_id: str
    status: str
    code: str = ""
    details: dict[str, Any] = {}
    hub_at: int = 0


class PushRequest(Message):
    """Commands in the order of their ``seq``; ``now`` is the terminal's clock, to measure its skew."""

    epoch: str
    protocol: int
    now: int
    commands: list[SealedCommand]
    app_version: str = ""
    recovered: bool = False


class PushAnswer(Message):
    """What became of each command; they count for the terminal once a pull repeats them."""

    acks: list[Ack]
    hub_now: int


class Place(Message):
    """Where a page of a pull has ended."""

    space: str
    rev: int
    table: str
    key: str


class PullRequest(Message):
    """Asks for what changed beyond ``cursors``; ``upto`` and ``after`` are those of the page before.

    ``first_pending`` is the lowest ``seq`` without an answer; ``digests`` asks for those of every table.
    """

    epoch: str
    protocol: int
    scope_hash: str
    cursors: dict[str, int]
    first_pending: int
    upto: dict[str, int] | None = None
    after: Place | None = None
    digests: bool = False


class TableRows(Message):
    """Rows of one table: ``columns`` names the values of each row."""

    table: str
    columns: list[str]
    rows: list[list[Any]]


class Gone(Message):
    """Rows of one table that are no longer there, or no longer for this terminal."""

    table: str
    keys: list[str]


class Digest(Message):
    """How many rows of a table the terminal should have and the sum of their fingerprints."""

    table: str
    rows: int
    sum: int


class PullAnswer(Message):
    """One page. ``acks``, ``seats`` and ``digests`` come only where the whole fits one page: one snapshot.

    ``seats`` names the people for whom the terminal may speak.
    """

    epoch: str
    scope: list[str]
    scope_hash: str
    upto: dict[str, int]
    gone: list[Gone] = []
    put: list[TableRows] = []
    more: Place | None = None
    acks: list[Ack] = []
    seats: list[str] | None = None
    digests: list[Digest] = []
    safe_until: int = 0
    hub_now: int = 0
    hub_schema: int = 1


class JoinRequest(Message):
    """A terminal asks to become one of the organisation's, by a code that works once."""

    code: str
    machine: str
    protocol: int
    app_version: str = ""


class JoinAnswer(Message):
    """The terminal's name at the hub and the secret it proves itself with."""

    device_id: str
    secret: str
    epoch: str
    organisation: str
    unit: str


class ForkRequest(Message):
    """A copy of a terminal asks for a device id of its own."""

    machine: str
    last_seq: int = 0


class TokenRequest(Message):
    """A device asks for a token, good for some minutes, by its secret."""

    device_id: str
    secret: str


class TokenAnswer(Message):
    """A token, and the seconds it is good for."""

    token: str
    seconds: int


class WaitRequest(Message):
    """A device asks to be told when a space has moved beyond its cursor."""

    cursors: dict[str, int]
    seconds: float


class WaitAnswer(Message):
    """Whether something has moved."""

    moved: bool


class Trouble(Message):
    """Why a request was not done: a hub's own code, or the code of a rule that refused."""

    code: str
    details: dict[str, Any] = {}
    refused: bool = False


class LogInRequest(Message):
    """A person proves at this terminal who it is."""

    person_id: str
    pin: str


class LogInAnswer(Message):
    """The verifier under which the person may log in here without the hub, for as long as the lease runs."""

    verifier: str
    lease_until: int


class PinRequest(Message):
    """Somebody with the right, who sits at this terminal, takes a person's PIN or wrong tries away."""

    actor_id: str
    person_id: str


class Done(Message):
    """It was done."""


class HubCard(Message):
    """What a hub tells anybody who asks: enough to say whether one may talk to it."""

    organisation: str
    epoch: str
    protocol: int
    min_protocol: int
    mode: str
    now: int
    version: str = ""


class Hub(Protocol):
    """A hub as one terminal sees it, whatever lies between: HTTP, or a shared file in the same process.

    Every method raises :class:`HubError`.
    """

    def card(self) -> HubCard:
        """Return what the hub says of itself."""
        ...

    def join(self, request: JoinRequest) -> JoinAnswer:
        """Enrol a new terminal."""
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

    def close(self) -> None:
        """Let go of what the way to the hub holds."""
        ...
