"""Who may do what, and how far each person sees."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What a person is employed as; decides rights and the default data scope."""

    CLERK = "clerk"
    SUPERVISOR = "supervisor"
    BRANCH_MANAGER = "branch_manager"
    REGIONAL_MANAGER = "regional_manager"
    DIRECTOR = "director"
    FINANCE = "finance"
    ADMINISTRATOR = "administrator"


class Reach(StrEnum):
    """How far a person sees: the data scope."""

    NONE = "none"
    SELF = "self"
    SUBORDINATES = "subordinates"
    TEAM = "team"
    BRANCH = "branch"
    REGION = "region"
    ALL = "all"


class Right(StrEnum):
    """One thing a person may do; each command names the right it needs."""

    WORK = "work"  # customers, deals and follow-ups of one's own scope
    SKIP_STAGE = "skip_stage"
    REASSIGN = "reassign"
    REVEAL = "reveal"  # phone and identity numbers in clear text
    IMPORT = "import"
    EXPORT = "export"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_RULES = "manage_rules"


REACH: Mapping[Role, Reach] = {
    Role.CLERK: Reach.SELF,
    Role.SUPERVISOR: Reach.TEAM,
    Role.BRANCH_MANAGER: Reach.BRANCH,
    Role.REGIONAL_MANAGER: Reach.REGION,
    Role.DIRECTOR: Reach.ALL,
    Role.FINANCE: Reach.ALL,
    Role.ADMINISTRATOR: Reach.ALL,
}

_CLERK = frozenset({Right.WORK, Right.REVEAL, Right.EXPORT})
_LEAD = _CLERK | {Right.SKIP_STAGE, Right.REASSIGN}

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.CLERK: _CLERK,
    Role.SUPERVISOR: _LEAD,
    Role.BRANCH_MANAGER: _LEAD | {Right.IMPORT},
    Role.REGIONAL_MANAGER: _LEAD | {Right.IMPORT},
    Role.DIRECTOR: _LEAD | {Right.IMPORT},
    Role.FINANCE: frozenset({Right.REVEAL, Right.EXPORT}),
    Role.ADMINISTRATOR: frozenset(Right),
}


def reach_of(role: str, own: str | None) -> Reach:
    """Return a person's reach: the one set for the person, else the role's; unknown words see nothing."""
    try:
        return Reach(own) if own else REACH[Role(role)]
    except ValueError:
        return Reach.NONE


def rights_of(role: str) -> frozenset[Right]:
    """Return the rights of a role; an unknown role has none."""
    try:
        return RIGHTS[Role(role)]
    except ValueError:
        return frozenset()
