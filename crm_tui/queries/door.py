"""What the log-in screen may know before anybody has logged in: names, never customers."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from crm_tui.store.credentials import has_pin, tries_left
from crm_tui.store.tables import credential, org_unit, person
from crm_tui.store.transaction import Transaction


@dataclass(frozen=True)
class AtDoor:
    """Somebody who may log in here; ``initials`` are pinyin initials separated by blanks."""

    person_id: str
    number: str
    name: str
    role: str
    unit: str
    initials: str


@dataclass(frozen=True)
class Door:
    """The people of this terminal; ``founded`` is False before the first set-up.

    ``frozen`` have an account out of use: they are told so by name, and are on no list.
    """

    founded: bool
    people: tuple[AtDoor, ...]
    frozen: tuple[AtDoor, ...] = ()

    def out_of_use(self, typed: str) -> list[AtDoor]:
        """Return whose account out of use has this number or whole name; initials mean those who work."""
        return [one for one in self.frozen if typed in {one.number.casefold(), one.name.casefold()}]


@dataclass(frozen=True)
class Tries:
    """How a person stands with the PIN: whether there is one, and the tries that are left."""

    has_pin: bool
    left: int


def door(tx: Transaction) -> Door:
    """Return who may log in, people with a PIN here first, then by number."""
    rows = tx.rows(
        select(
            person.c.id,
            person.c.number,
            person.c.name,
            person.c.role,
            person.c.initials,
            person.c.status,
            org_unit.c.name.label("unit"),
            credential.c.person_id.label("known"),
        )
        .join(org_unit, org_unit.c.id == person.c.unit_id)
        .outerjoin(credential, credential.c.person_id == person.c.id)
        .order_by(credential.c.person_id.is_(None), person.c.number)
    )
    known = [
        (row.status, AtDoor(row.id, row.number, row.name, row.role, row.unit, row.initials)) for row in rows
    ]
    return Door(
        founded=tx.first(select(org_unit.c.id).limit(1)) is not None,
        people=tuple(one for status, one in known if status == "active"),
        frozen=tuple(one for status, one in known if status != "active"),
    )


def tries(tx: Transaction, person_id: str) -> Tries:
    """Return how a person stands with the PIN."""
    return Tries(has_pin=has_pin(tx, person_id), left=tries_left(tx, person_id))
