"""What a terminal and its hub say to each other, and the one interface that every kind of hub has.

Instants travel as microseconds since 1970 UTC. Rows travel as ``store.replicated`` says. A terminal that
reads a field it does not know leaves it; one that misses a field takes the default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec

PROTOCOL = 1
"""The version of this conversation; a hub serves ``MIN_PROTOCOL`` to ``PROTOCOL``."""
MIN_PROTOCOL = 1
SCHEMA = 1
"""The version of the rows; a terminal that learns a newer one fetches them anew, to have all of each."""
PUSH_COMMANDS = 200
"""The most commands of one push."""
PUSH_BYTES = 256 * 1024
"""The most bytes of the commands' fields in one push; a single bigger command goes alone."""
PAGE = 5_000
"""The most entries of one page of a pull."""
WIDE = ""
"""The space of what belongs to the whole organisation; every other space is a branch's id."""


Word = Annotated[str, msgspec.Meta(max_length=200, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
"""An id, a code or a name: short, and without signs that no database takes."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
At = Annotated[int, msgspec.Meta(ge=-62_135_596_800_000_000, le=253_402_300_799_999_999)]
"""An instant of the years 1 to 9999, in microseconds since 1970 UTC."""


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
    TLS_NAME = "hub_tls_name"
    TLS_TIME = "hub_tls_time"
    NO_TLS = "hub_no_tls"
    WANTS_TLS = "hub_wants_tls"
    OTHER = "hub_other"
    DISK_FULL = "hub_disk_full"


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

    seq: Count
    cmd_id: Word
    batch_id: Word
    actor_id: Word
    kind: Word
    version: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    args: dict[str, Any]
    at: At
    supersedes: Word = ""
    hub_at: At = 0
    """When the hub took it in, as it told before it was put back; 0 for a command that it never answered."""
    told: Word = ""
    """What became of it then, a :class:`Status`."""
    given_up: bool = False
    """Whether a person has given it up since the hub refused it: it is counted and never carried out."""


class Ack(Message):
    """What became of one command; it is meant only if ``seq`` and ``cmd_id`` are both the terminal's."""

    seq: Count
    cmd_id: str
    status: str
    code: str = ""
    details: dict[str, Any] = {}
    hub_at: At = 0


class PushRequest(Message):
    """Commands in the order of their ``seq``; ``now`` is the terminal's clock, to measure its skew.

    ``answered`` is the highest ``seq`` that the hub has answered, ``newest`` the newest command whose effects
    the terminal has seen: a hub that knows less was put back.
    """

    epoch: Word
    protocol: int
    now: At
    commands: list[SealedCommand]
    app_version: Word = ""
    answered: Count = 0
    newest: Word = ""


class PushAnswer(Message):
    """What became of each command; they count for the terminal once a pull repeats them.

    ``kept`` is the last ``seq`` of the device that a recovering hub has: it need not come again.
    """

    acks: list[Ack]
    hub_now: At
    kept: Count = 0


class Place(Message):
    """Where a page of a pull has ended."""

    space: Word
    rev: Count
    table: Word
    key: Annotated[str, msgspec.Meta(max_length=1_000, pattern=r"\A[^\x00]*\Z")]


class PullRequest(Message):
    """Asks for what changed beyond ``cursors``; ``upto`` and ``after`` are those of the page before.

    ``first_pending`` is the lowest ``seq`` without an answer; ``digests`` asks for those of every table, or
    of the ``tables`` that are named. ``decided`` is the number of the last answer that the terminal knows to
    have been changed by a review, ``newest`` the id of the newest command whose effects it has seen, whoever
    gave it.
    """

    epoch: Word
    protocol: int
    scope_hash: Word
    cursors: dict[Word, Count]
    first_pending: Count
    upto: dict[Word, Count] | None = None
    after: Place | None = None
    digests: bool = False
    tables: Annotated[list[Word], msgspec.Meta(max_length=64)] = []
    decided: Count = 0
    newest: Word = ""


class TableRows(Message):
    """Rows of one table: ``columns`` names the values of each row."""

    table: str
    columns: list[str]
    rows: Sequence[Sequence[Any]]


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
    """One page. ``acks``, ``seats`` and ``digests`` come only with what is whole: one page, one snapshot.

    ``seats`` names the people for whom the terminal may speak. ``safe_seq`` is the last of its commands that
    a checked backup of the hub holds, -1 for none; ``decided`` counts the answers that reviews have changed;
    ``newest`` is the id of the newest command of all.
    """

    epoch: str
    scope: list[str]
    scope_hash: str
    upto: dict[str, Count]
    gone: list[Gone] = []
    put: list[TableRows] = []
    more: Place | None = None
    acks: list[Ack] = []
    seats: list[str] | None = None
    digests: list[Digest] = []
    safe_until: At = 0
    safe_seq: int = -1
    decided: int = 0
    newest: str = ""
    hub_now: At = 0
    hub_schema: int = SCHEMA


class JoinRequest(Message):
    """A terminal asks to become one of the organisation's, by a code that works once."""

    code: Word
    machine: Word
    protocol: int
    app_version: Word = ""


class JoinAnswer(Message):
    """The terminal's id at the hub, the secret it proves itself with, and what people there call it."""

    device_id: str
    secret: str
    epoch: str
    organisation: str
    unit: str
    organisation_id: str = ""
    name: str = ""


class ForkRequest(Message):
    """A copy of a terminal asks for a device id of its own; ``instead``: the old one speaks no more here."""

    machine: Word
    last_seq: Count = 0
    instead: bool = False


class TokenRequest(Message):
    """A device asks for a token, good for some minutes, by its secret."""

    device_id: Word
    secret: Word


class TokenAnswer(Message):
    """A token, and the seconds it is good for."""

    token: str
    seconds: int


class WaitRequest(Message):
    """A device asks to be told when a space has moved beyond its cursor."""

    cursors: dict[Word, Count]
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

    person_id: Word
    pin: Word


class LogInAnswer(Message):
    """The verifier under which the person may log in here without the hub, for as long as the lease runs."""

    verifier: str
    lease_until: int


class PinRequest(Message):
    """Somebody with the right, who sits at this terminal, takes a person's PIN or wrong tries away."""

    actor_id: Word
    person_id: Word


class LeaseRequest(Message):
    """Somebody who sits at this terminal changes a customer, in a program that calls itself ``holder``.

    ``done``: and is no longer doing so.
    """

    person_id: Word
    customer_id: Word
    holder: Word
    done: bool = False


class LeaseAnswer(Message):
    """Whether the customer is the asker's to change; if not, who has it and for how many seconds at most."""

    mine: bool
    name: str = ""
    seconds: int = 0


class PositionRequest(Message):
    """A device asks how far its spaces are at the hub."""


class PositionAnswer(Message):
    """The hub's revision of every space that is the device's now, as a pull would tell it."""

    upto: dict[str, Count]


class DevicesRequest(Message):
    """Somebody with the right to manage people, who sits at this terminal, asks which terminals there are."""

    person_id: Word


class KnownDevice(Message):
    """A terminal as its hub knows it, ``last_seen`` 0 for never.

    ``skew`` is its clock minus the hub's in seconds, measured when it sent the last of its ``commands``.
    """

    device_id: str
    name: str
    unit: str
    status: str
    last_seen: At = 0
    skew: int = 0
    version: str = ""
    commands: Count = 0


class DevicesAnswer(Message):
    """Every terminal of the hub, by the name of its unit and its own, and the version of the hub."""

    devices: list[KnownDevice]
    version: str = ""


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
    organisation_id: str = ""

    @property
    def recovering(self) -> bool:
        """Whether the hub was put back, and takes in again what it lost before it answers."""
        return self.mode == "recovering"
