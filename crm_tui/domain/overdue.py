"""When a customer is overdue, and why.

One rule decides for lists, badges, the board and the explanation on screen: :func:`due`. Its answer
is kept beside the customer, so a list of what is overdue reads an index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LEVELS = ("A", "B", "C", "D", "E")


@dataclass(frozen=True)
class OverdueRules:
    """The organisation's patience: days without an effective follow-up, hours to the first contact."""

    days: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(LEVELS, 7))
    first_contact_hours: int = 24
    escalate_days: tuple[int, int, int] = (3, 5, 7)
    """Days overdue after which it is shown to the person, copied to the manager, and free to reassign."""


@dataclass(frozen=True)
class ContactFacts:
    """What the rule looks at; instants are aware UTC, ``active`` means work is open or never began."""

    level: str
    active: bool
    created_at: datetime
    last_effective_at: datetime | None
    next_contact_at: datetime | None
    rots_at: datetime | None = None
    """When the first open deal has stood too long in its stage."""


@dataclass(frozen=True)
class Due:
    """The instant at which a customer becomes overdue and the rule that says so."""

    at: datetime
    reason: str  # next_contact | never_contacted | no_follow_up | rotting


def due(facts: ContactFacts, rules: OverdueRules) -> Due | None:
    """Return when and why this customer becomes overdue; None: never.

    A planned next contact rules alone: while it lies ahead nothing else alarms, and when it has
    passed the customer is overdue since then. Without a plan an active customer is due
    ``first_contact_hours`` after it came in, later ``days[level]`` after the last effective follow-up,
    and at the latest when one of its open deals rots.
    """
    if facts.next_contact_at is not None:
        return Due(facts.next_contact_at, "next_contact")
    if not facts.active:
        return None
    silent = _silent(facts, rules)
    if facts.rots_at is not None and facts.rots_at < silent.at:
        return Due(facts.rots_at, "rotting")
    return silent


def _silent(facts: ContactFacts, rules: OverdueRules) -> Due:
    """Return when nobody has spoken with an active customer for too long."""
    if facts.last_effective_at is None:
        return Due(facts.created_at + timedelta(hours=rules.first_contact_hours), "never_contacted")
    days = rules.days.get(facts.level, max(rules.days.values()))
    return Due(facts.last_effective_at + timedelta(days=days), "no_follow_up")


def rots_at(entered_at: datetime, rotting_days: int) -> datetime | None:
    """Return when a deal has stood too long in its stage; None: this stage does not rot."""
    return entered_at + timedelta(days=rotting_days) if rotting_days else None


def escalation(late: timedelta, rules: OverdueRules) -> int:
    """Return 0 to 3: not yet escalated, to the person, to the manager, free to reassign."""
    return sum(late >= timedelta(days=days) for days in rules.escalate_days)
