"""What every command is made of, and the one place where commands are carried out.

A command is its fields and an ``apply`` in one class. It is the form on the screen, the row in the
outbox, the message to the hub and the line of the audit trail. ``apply`` reads no clock, no random
source, no network and no setting: actor, device, time and ids come in the envelope.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from crm_tui.commands.invalid import objection
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.domain.plausible import day_in_range
from crm_tui.domain.text import clean_text, fold_width
from crm_tui.store.scope import Scope, Viewer, known_viewer
from crm_tui.store.tables import org_unit, person
from crm_tui.store.transaction import Transaction

SYSTEM = "system"
"""The actor of what nobody in particular does: founding an organisation, later the hub's own work."""

APPLIED = "applied"

Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(clean_text)]
"""One line that a person typed, cleaned of control characters."""
StaffNumber = Annotated[Line, AfterValidator(lambda number: fold_width(number).strip())]
"""What a person logs in with: an input method's full-width digits are the digits."""
Prose = Annotated[
    str, StringConstraints(max_length=4000), AfterValidator(lambda text: clean_text(text, multiline=True))
]
"""Several lines that a person typed."""
Id = Annotated[str, StringConstraints(max_length=64), AfterValidator(clean_text)]
"""The id of a row; cleaned, because a database may choke on what JSON can carry."""
Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(1990, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC)),
]
"""An instant that a person gave: aware, and within what every time zone can show."""
Day = Annotated[date, AfterValidator(day_in_range)]
"""A calendar day that a person gave; one that cannot be meant is refused as day_out_of_range."""
Fen = Annotated[int, Field(ge=0, le=10**15)]
"""An amount in fen, up to ten trillion yuan: more is a slip of the finger."""


@dataclass(frozen=True)
class Envelope:
    """A sealed command: who did what where and when; ``args`` are plain JSON values."""

    cmd_id: str
    batch_id: str
    device_id: str
    actor_id: str
    at: datetime
    kind: str
    version: int
    args: Mapping[str, Any]


class Context:
    """What a command may know besides its fields and the rows.

    ``lenient`` is a hub taking in a fact that its rules would refuse: it has happened all the same.
    """

    def __init__(self, actor: Viewer, envelope: Envelope, *, lenient: bool = False) -> None:
        self.actor = actor
        self.at = envelope.at
        self.cmd_id = envelope.cmd_id
        self._lenient = lenient
        self._made = 0

    def object_to(self, no: Refused) -> None:
        """Raise ``no``, unless this is a fact to be taken in all the same."""
        if not self._lenient:
            raise no

    def new_id(self) -> str:
        """Return the next id of this command, the same at every replay."""
        self._made += 1
        return made_id(self.cmd_id, self._made)


def made_id(cmd_id: str, place: int) -> str:
    """Return the id that a command makes as its ``place``-th, from 1: 32 hex digits, ordered by time.

    The form is a UUIDv7's: the first 12 digits are the command's own milliseconds (RFC 9562, 5.7),
    the rest a digest of the command's id and the place.
    """
    digest = hashlib.blake2b(f"{cmd_id}:{place}".encode(), digest_size=10).hexdigest()
    return f"{cmd_id[:12]}7{digest[:3]}8{digest[3:18]}"


@dataclass(frozen=True)
class Outcome:
    """What a command did: ``details`` for the one who asked, and the commands that take it back."""

    details: Mapping[str, Any] = field(default_factory=dict)
    undo: tuple[Command, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The answer to a sealed command: ``code`` is ``applied`` or the refusal's catalog key."""

    code: str
    details: Mapping[str, Any] = field(default_factory=dict)
    undo: tuple[Command, ...] = ()

    @property
    def applied(self) -> bool:
        """Tell whether the command was carried out."""
        return self.code == APPLIED


class Command(BaseModel):
    """A change of the business; subclasses add fields and ``apply``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    right: ClassVar[Right] = Right.WORK
    fact: ClassVar[bool] = False
    """Something that has happened: a hub takes it in even where a rule would have refused to plan it."""

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Change the rows or raise Refused; nothing but ``tx`` and ``context`` is read."""
        raise NotImplementedError(self.kind)

    @classmethod
    def upcast(cls, args: Mapping[str, Any], version: int) -> Mapping[str, Any]:  # noqa: ARG003 - for those who change
        """Return the fields of an older version as this one has them; a command that has changed says how."""
        return args

    def given(self, *, but: str, clears: frozenset[str] = frozenset()) -> set[str]:
        """Return the fields to change: those that were named, None only where it ``clears`` something.

        ``but`` is the field that says which row is meant; what the actor saw (``expected``) changes nothing.

        Raises:
            Refused: nothing_to_change.
        """
        named = {
            name
            for name in self.model_fields_set - {but, "expected"}
            if name in clears or getattr(self, name) is not None
        }
        if not named:
            raise Refused("nothing_to_change")
        return named


def seal(
    command: Command, *, cmd_id: str, batch_id: str, device_id: str, actor_id: str, at: datetime
) -> Envelope:
    """Put a command into its envelope; only the fields that were given travel."""
    return Envelope(
        cmd_id=cmd_id,
        batch_id=batch_id,
        device_id=device_id,
        actor_id=actor_id,
        at=at,
        kind=command.kind,
        version=command.version,
        args=command.model_dump(mode="json", exclude_unset=True),
    )


def open_command(
    known: Mapping[str, type[Command]], kind: str, args: Mapping[str, Any], version: int | None = None
) -> Command:
    """Build the command that an envelope or a person's JSON describes; ``version`` None is the present one.

    Raises:
        Refused: command_unknown (also of a version that is yet to come), command_invalid (field, why
            and its limit, see :mod:`crm_tui.commands.invalid`), day_out_of_range (text, first, last).
    """
    if kind not in known or (version or 0) > known[kind].version:
        raise Refused("command_unknown", kind=kind)
    if version is not None and version < known[kind].version:
        args = known[kind].upcast(args, version)
    try:
        return known[kind].model_validate(args)
    except ValidationError as error:
        raise Refused("command_invalid", kind=kind, **objection(error)) from error


def carry_out(
    command: Command,
    envelope: Envelope,
    tx: Transaction,
    actor: Viewer | None = None,
    *,
    lenient: bool = False,
) -> Verdict:
    """Apply one command in a savepoint and say what became of it; a refusal leaves no trace in the rows."""
    try:
        who = _allowed(actor or actor_of(tx, envelope.actor_id), command)
        if lenient:
            who = replace(who, scope=Scope(everything=True))
        with tx.savepoint():
            outcome = command.apply(tx, Context(who, envelope, lenient=lenient))
    except Refused as no:
        return Verdict(code=no.code, details=no.details)
    return Verdict(code=APPLIED, details=outcome.details, undo=outcome.undo)


def _allowed(who: Viewer, command: Command) -> Viewer:
    if not who.may(command.right):
        raise Refused("not_allowed", right=command.right)
    return who


def actor_of(tx: Transaction, actor_id: str) -> Viewer:
    """Return the one who acts, with rights and scope as they are in this transaction."""
    if actor_id != SYSTEM:
        return tx.keep(("viewer", actor_id), lambda: known_viewer(tx, actor_id), person, org_unit)
    return Viewer(
        person_id=SYSTEM,
        number="",
        name="",
        role=SYSTEM,
        unit_id="",
        unit_name="",
        branch_id=None,
        zone=str(UTC),
        rights=frozenset(Right),
        scope=Scope(everything=True),
    )


def only(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict of a single command."""
    (verdict,) = verdicts
    return verdict
