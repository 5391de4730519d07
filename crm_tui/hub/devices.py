"""The terminals of a hub, for those who look after it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.hub.accounts import ACTIVE, FROZEN, sitting
from crm_tui.hub.books import HubBooks
from crm_tui.hub.tables import device, seat
from crm_tui.store.tables import org_unit, person
from crm_tui.store.transaction import Transaction
from crm_tui.store.types import microseconds
from crm_tui.sync.machine import program_version
from crm_tui.sync.messages import DevicesAnswer, DevicesRequest, KnownDevice


@dataclass(frozen=True)
class Device:
    """A terminal: ``skew`` is its clock minus the hub's, in whole seconds; ``people`` have a seat there."""

    device_id: str
    name: str
    unit: str
    status: str
    last_seen: datetime | None
    skew: int
    version: str
    commands: int
    people: int

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Seat:
    """A person who has proven the PIN at a terminal, which may speak for the person since then."""

    device: str
    number: str
    person: str
    status: str
    since: datetime

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def devices(books: HubBooks) -> list[Device]:
    """Return every terminal, by the name of its unit and its own."""
    people = (
        select(seat.c.device_id, func.count().label("people")).group_by(seat.c.device_id).subquery("people")
    )
    question = (
        select(device, org_unit.c.name.label("unit"), people.c.people)
        .outerjoin(org_unit, org_unit.c.id == device.c.unit_id)
        .outerjoin(people, people.c.device_id == device.c.device_id)
        .order_by(org_unit.c.name, device.c.name, device.c.device_id)
    )
    with books.read() as tx:
        return [
            Device(
                device_id=row.device_id,
                name=row.name,
                unit=row.unit or "",
                status=row.status,
                last_seen=row.last_seen_at,
                skew=round(row.skew / 1_000_000),
                version=row.app_version,
                commands=row.last_seq,
                people=row.people or 0,
            )
            for row in tx.rows(question)
        ]


def tell_devices(books: HubBooks, device_id: str, request: DevicesRequest) -> DevicesAnswer:
    """Tell a person who sits at a terminal and may manage people which terminals there are.

    Raises:
        HubError: AUTH (nobody with this id sits there). Refused: not_allowed (right), person_frozen.
    """
    with books.read() as tx:
        if not sitting(tx, device_id, request.person_id).may(Right.MANAGE_PEOPLE):
            raise Refused("not_allowed", right=Right.MANAGE_PEOPLE)
    told = [
        KnownDevice(
            device_id=one.device_id,
            name=one.name,
            unit=one.unit,
            status=one.status,
            last_seen=microseconds(one.last_seen) if one.last_seen else 0,
            skew=one.skew,
            version=one.version,
            commands=one.commands,
        )
        for one in devices(books)
    ]
    return DevicesAnswer(devices=told, version=program_version())


def seats(books: HubBooks) -> list[Seat]:
    """Return who may be spoken for at which terminal."""
    question = (
        select(device.c.name, person.c.number, person.c.name.label("person"), person.c.status, seat.c.since)
        .join(device, device.c.device_id == seat.c.device_id)
        .join(person, person.c.id == seat.c.person_id)
        .order_by(device.c.name, device.c.device_id, person.c.number)
    )
    with books.read() as tx:
        return [
            Seat(device=row.name, number=row.number, person=row.person, status=row.status, since=row.since)
            for row in tx.rows(question)
        ]


def set_frozen(books: HubBooks, word: str, *, frozen: bool) -> None:
    """Freeze a terminal, given by name or id, or let it work again; both at its next contact.

    Raises:
        Refused: device_unknown, device_ambiguous (name).
    """
    with books.write() as tx:
        found = _device_named(tx, word)
        tx.update_where(device, device.c.device_id == found.device_id, status=FROZEN if frozen else ACTIVE)


def move(books: HubBooks, word: str, unit_id: str) -> None:
    """Let a terminal stand at another unit: at its next contact it drops what it has and fetches that.

    Raises:
        Refused: device_unknown, device_ambiguous (name), unit_unknown.
    """
    with books.write() as tx:
        found = _device_named(tx, word)
        if tx.get(org_unit, unit_id) is None:
            raise Refused("unit_unknown")
        tx.update_where(device, device.c.device_id == found.device_id, unit_id=unit_id)


def _device_named(tx: Transaction, word: str) -> Row[Any]:
    found = tx.rows(select(device.c.device_id).where((device.c.device_id == word) | (device.c.name == word)))
    if not found:
        raise Refused("device_unknown", name=word)
    if len(found) > 1:
        raise Refused("device_ambiguous", name=word)
    return found[0]
