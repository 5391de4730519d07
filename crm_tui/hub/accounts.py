"""The door of the hub: devices and their secrets, invitations, and people's PINs."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select

from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.hub.books import RECOVERING, HubBooks, meta_value, new_secret
from crm_tui.hub.tables import awaited, device, invite, seat
from crm_tui.store import credentials
from crm_tui.store.scope import Viewer, viewer_of
from crm_tui.store.tables import credential, org_unit
from crm_tui.store.transaction import Transaction
from crm_tui.store.types import microseconds
from crm_tui.sync.messages import (
    MIN_PROTOCOL,
    PROTOCOL,
    Done,
    ForkRequest,
    HubError,
    JoinAnswer,
    JoinRequest,
    LogInAnswer,
    LogInRequest,
    PinRequest,
    Say,
)

_WAYS = 10
"""The most paths that a refusal lists."""
LEASE = timedelta(days=7)
"""How long a terminal may let people in without having met its hub."""
INVITATION = timedelta(hours=24)
ACTIVE, FROZEN = "active", "frozen"
REPLACED = "replaced"
"""The terminal has begun anew under another id: nobody waits for this one."""
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no sign that is taken for another one


@dataclass(frozen=True)
class Invitation:
    """A code that lets one terminal join, and until when."""

    code: str
    expires_at: datetime


def invite_terminal(books: HubBooks, unit_id: str, name: str, *, valid: timedelta = INVITATION) -> Invitation:
    """Make a code with which one terminal may join at a unit; only its hash is kept.

    Raises:
        Refused: unit_unknown.
    """
    code = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))
    expires_at = books.clock() + valid
    with books.write() as tx:
        if tx.get(org_unit, unit_id) is None:
            raise Refused("unit_unknown")
        tx.insert(invite, code_hash=_code_hash(code), unit_id=unit_id, name=name, expires_at=expires_at)
    return Invitation(code, expires_at)


def unit_named(books: HubBooks, word: str) -> Row[Any]:
    """Return the unit with this id, whole path (``/Haitang/East/Jingan``), or end of it (``East/Jingan``).

    Raises:
        Refused: unit_unnamed for none, unit_ambiguous for several (name, and the paths to choose from).
    """
    with books.read() as tx:
        units = {one.id: one for one in tx.rows(select(org_unit))}
    paths = {key: _path(units, one) for key, one in units.items()}
    meant = [key for key, path in paths.items() if word in {key, path}]
    found = meant or [key for key, path in paths.items() if word and path.endswith(f"/{word}")]
    if len(found) != 1:
        ways = sorted(paths[key] for key in found or paths)
        shown = [*ways[:_WAYS], *(["..."] if len(ways) > _WAYS else [])]
        raise Refused("unit_ambiguous" if found else "unit_unnamed", name=word, paths=", ".join(shown))
    return units[found[0]]


def _path(units: Mapping[str, Row[Any]], one: Row[Any]) -> str:
    """Return the names from the company down to a unit, a slash before each."""
    above = units.get(one.parent_id)
    return f"{'' if above is None else _path(units, above)}/{one.name}"


def join(books: HubBooks, request: JoinRequest, new_id: Callable[[], str]) -> JoinAnswer:
    """Enrol a terminal by its invitation.

    Whoever could not hear or keep the answer asks again, from the same machine with the same code, and is
    the same device with another secret: as long as nobody has spoken as that device.

    Raises:
        HubError: INVITE (unknown, used or expired), UPGRADE_REQUIRED, HUB_OLDER.
    """
    check_protocol(request.protocol)
    now = books.clock()
    with books.write() as tx:
        good = (invite.c.code_hash == _code_hash(request.code), invite.c.expires_at > now)
        fresh = tx.update_where(invite, *good, invite.c.used_at.is_(None), used_at=now, device_id=new_id())
        found = tx.first(select(invite).where(*good))
        if found is None:
            raise HubError(Say.INVITE)
        if not fresh:
            return _enrol_again(tx, found.device_id, request)
        return enrol(
            tx,
            now,
            device_id=found.device_id,
            unit_id=found.unit_id,
            name=found.name,
            machine=request.machine,
            app_version=request.app_version,
        )


def _enrol_again(tx: Transaction, device_id: str, request: JoinRequest) -> JoinAnswer:
    """Give another secret to a device of this machine that has never spoken; it stays where it stands now.

    Raises:
        HubError: INVITE where it is none.
    """
    secret = new_secret()
    silent = (
        device.c.device_id == device_id,
        device.c.machine == request.machine,
        device.c.status == ACTIVE,
        device.c.last_seen_at.is_(None),
        device.c.last_seq == 0,
    )
    if not tx.update_where(
        device, *silent, secret_hash=_secret_hash(secret), app_version=request.app_version
    ):
        raise HubError(Say.INVITE)
    tx.delete_where(seat, seat.c.device_id == device_id)
    row = tx.first(select(device).where(device.c.device_id == device_id))
    assert row is not None
    return _welcome(tx, row.device_id, secret, row.unit_id, row.name)


def enrol(tx: Transaction, now: datetime, *, last_seq: int = 0, **facts: str) -> JoinAnswer:
    """Add a device; return its id and the secret, of which only the hash stays here."""
    secret = new_secret()
    tx.insert(
        device,
        **facts,
        secret_hash=_secret_hash(secret),
        last_seq=last_seq,
        last_hash="",
        status=ACTIVE,
        enrolled_at=now,
        skew=0,
        safe_seq=-1,
    )
    return _welcome(tx, facts["device_id"], secret, facts["unit_id"], facts["name"])


def _welcome(tx: Transaction, device_id: str, secret: str, unit_id: str, name: str) -> JoinAnswer:
    unit = tx.get(org_unit, unit_id)
    return JoinAnswer(
        device_id=device_id,
        secret=secret,
        epoch=meta_value(tx, "epoch"),
        organisation=meta_value(tx, "organisation"),
        organisation_id=meta_value(tx, "organisation_id"),
        unit=unit.name if unit is not None else "",
        name=name,
    )


def fork(books: HubBooks, device_id: str, request: ForkRequest, new_id: Callable[[], str]) -> JoinAnswer:
    """Give a copy of a terminal a device id of its own, with the seats of the original.

    Raises:
        HubError: AUTH, FROZEN.
    """
    with books.write() as tx:
        original = tx.first(select(device).where(device.c.device_id == device_id))
        if original is None:
            raise HubError(Say.AUTH)
        if original.status == FROZEN:
            raise HubError(Say.FROZEN)
        answer = enrol(
            tx,
            books.clock(),
            device_id=new_id(),
            unit_id=original.unit_id,
            name=original.name,
            machine=request.machine,
            app_version=original.app_version,
            forked_from=device_id,
        )
        people = list(tx.scalars(select(seat.c.person_id).where(seat.c.device_id == device_id)))
        tx.insert_all(
            seat,
            [{"device_id": answer.device_id, "person_id": one, "since": books.clock()} for one in people],
        )
        if request.instead:
            tx.update_where(device, device.c.device_id == device_id, status=REPLACED)
        if meta_value(tx, "mode") == RECOVERING:
            tx.insert(awaited, device_id=answer.device_id)
        return answer


def authenticate(books: HubBooks, device_id: str, secret: str) -> bool:
    """Check a device's secret, in constant time.

    Returns:
        Whether it has been here before.

    Raises:
        HubError: AUTH, the same for a device that is not known and for a wrong secret.
    """
    with books.read() as tx:
        known = tx.first(
            select(device.c.secret_hash, device.c.last_seen_at).where(device.c.device_id == device_id)
        )
    if not hmac.compare_digest(known.secret_hash if known is not None else "", _secret_hash(secret)):
        raise HubError(Say.AUTH)
    assert known is not None, "nobody has the secret of a device that is not known"
    return known.last_seen_at is not None


def note_seen(books: HubBooks, device_id: str) -> None:
    """Note that a device was here, for those who look after the hub; where nothing can be noted it is not."""
    with contextlib.suppress(HubError), books.write() as tx:
        tx.update_where(device, device.c.device_id == device_id, last_seen_at=books.clock())


def check_welcome(books: HubBooks, device_id: str) -> None:
    """Refuse a device that is not known or was frozen; raises HubError AUTH, FROZEN."""
    with books.read() as tx:
        if known_device(tx, device_id).status == FROZEN:
            raise HubError(Say.FROZEN)


def log_in(books: HubBooks, device_id: str, request: LogInRequest) -> LogInAnswer:
    """Check a person's PIN, counting the try, and give the person a seat at this device.

    Raises:
        HubError: RETRY. Refused: pin_unset, pin_wrong (left), pin_locked (minutes), person_unknown,
            person_frozen.
    """
    with books.write() as tx:
        viewer_of(tx, request.person_id)
        attempt = credentials.begin_try(tx, request.person_id, now := books.clock())
    # The hub has one writer: nobody waits for it while the PIN is being proven.
    if not (attempt.verifier and credentials.proves(attempt.verifier, request.pin)):
        minutes = -(-(attempt.until - now) // timedelta(minutes=1)) if attempt.until else 0
        raise Refused(attempt.no, left=attempt.left, minutes=minutes)
    with books.write() as tx:
        viewer_of(tx, request.person_id)
        if _verifier(tx, request.person_id, hold=True) != attempt.verifier:  # reset or chosen anew meanwhile
            raise HubError(Say.RETRY)
        credentials.unlock(tx, request.person_id)
        return _seated(tx, device_id, request.person_id, now)


def choose_pin(books: HubBooks, device_id: str, request: LogInRequest) -> LogInAnswer:
    """Set the first PIN of a person who has none, and give the person a seat at this device.

    Raises:
        Refused: pin_shape, pin_set, person_unknown, person_frozen; pin_elsewhere (unit) at a terminal that
            does not stand where the person works, or above.
    """
    verifier = credentials.hash_pin(request.pin)
    with books.write() as tx:
        viewer = viewer_of(tx, request.person_id)
        if known_device(tx, device_id).unit_id not in _units_up(tx, viewer.unit_id):
            raise Refused("pin_elsewhere", unit=viewer.unit_name)
        if credentials.has_pin(tx, request.person_id):
            raise Refused("pin_set")
        credentials.set_verifier(tx, request.person_id, verifier)
        return _seated(tx, device_id, request.person_id, books.clock())


def reset_pin(books: HubBooks, device_id: str, request: PinRequest) -> Done:
    """Take a person's PIN away, and with it every seat: no terminal lets the person in or speaks for them.

    Raises:
        HubError: AUTH (the actor has no seat here). Refused: not_allowed (right), person_unknown.
    """
    with books.write() as tx:
        actor = sitting(tx, device_id, request.actor_id)
        if not actor.may(Right.MANAGE_PEOPLE):
            raise Refused("not_allowed", right=Right.MANAGE_PEOPLE)
        credentials.drop_verifier(tx, request.person_id)
        tx.delete_where(seat, seat.c.person_id == request.person_id)
    return Done()


def unlock(books: HubBooks, device_id: str, request: PinRequest) -> Done:
    """Give a person the tries back; raises as ``credentials.unlock_within`` does, HubError AUTH."""
    with books.write() as tx:
        credentials.unlock_within(tx, sitting(tx, device_id, request.actor_id), request.person_id)
    return Done()


def seats_at(tx: Transaction, device_id: str) -> list[str]:
    """Return the people for whom a device may speak."""
    return sorted(tx.scalars(select(seat.c.person_id).where(seat.c.device_id == device_id)))


def sitting(tx: Transaction, device_id: str, person_id: str) -> Viewer:
    """Return somebody who has proven the PIN at this device; raises HubError AUTH."""
    if person_id not in seats_at(tx, device_id):
        raise HubError(Say.AUTH)
    return viewer_of(tx, person_id)


def check_protocol(spoken: int) -> None:
    """Refuse a conversation that this hub cannot hold; raises HubError UPGRADE_REQUIRED, HUB_OLDER."""
    if spoken < MIN_PROTOCOL:
        raise HubError(Say.UPGRADE_REQUIRED, least=MIN_PROTOCOL)
    check_not_newer(spoken)


def check_not_newer(spoken: int) -> None:
    """Refuse a conversation of later days than this hub's; raises HubError HUB_OLDER."""
    if spoken > PROTOCOL:
        raise HubError(Say.HUB_OLDER, most=PROTOCOL)


def known_device(tx: Transaction, device_id: str) -> Row[Any]:
    """Return a device; raises HubError AUTH."""
    row = tx.first(select(device).where(device.c.device_id == device_id))
    if row is None:
        raise HubError(Say.AUTH)
    return row


def _units_up(tx: Transaction, unit_id: str) -> Iterator[str]:
    """Yield a unit and those above it."""
    up: str | None = unit_id
    while up:
        yield up
        up = tx.scalar(select(org_unit.c.parent_id).where(org_unit.c.id == up))


def _seated(tx: Transaction, device_id: str, person_id: str, now: datetime) -> LogInAnswer:
    tx.delete_where(seat, seat.c.device_id == device_id, seat.c.person_id == person_id)
    tx.insert(seat, device_id=device_id, person_id=person_id, since=now)
    return LogInAnswer(verifier=_verifier(tx, person_id), lease_until=microseconds(now + LEASE))


def _verifier(tx: Transaction, person_id: str, *, hold: bool = False) -> str:
    asked = select(credential.c.verifier).where(credential.c.person_id == person_id)
    return str(tx.scalar(asked.with_for_update() if hold else asked) or "")


def _secret_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _code_hash(code: str) -> str:
    plain = "".join(sign for sign in code.upper() if sign.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
