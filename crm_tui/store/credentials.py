"""PIN verifiers of this terminal, and the lock-out that outlives a restart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select

from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.store.scope import Viewer
from crm_tui.store.tables import credential, person
from crm_tui.store.transaction import Transaction

TRIES = 5
LOCKED = timedelta(minutes=15)
SHORTEST, LONGEST = 4, 6


def has_pin(tx: Transaction, person_id: str) -> bool:
    """Tell whether the person has chosen a PIN on this terminal."""
    return tx.first(select(credential.c.person_id).where(credential.c.person_id == person_id)) is not None


def check_shape(pin: str) -> None:
    """Refuse what cannot be a PIN; raises Refused pin_shape."""
    if not (SHORTEST <= len(pin) <= LONGEST and pin.isascii() and pin.isdigit()):
        raise Refused("pin_shape", shortest=SHORTEST, longest=LONGEST)


def hash_pin(pin: str, hasher: PasswordHasher | None = None) -> str:
    """Return the argon2id verifier of a PIN; about 0.2 s of work, so call it off the screen's thread.

    Raises:
        Refused: pin_shape.
    """
    check_shape(pin)
    return (hasher or PasswordHasher()).hash(pin)


def set_verifier(tx: Transaction, person_id: str, verifier: str) -> None:
    """Keep a verifier and forget earlier wrong tries."""
    tx.delete_where(credential, credential.c.person_id == person_id)
    tx.insert(credential, person_id=person_id, verifier=verifier, failures=0)


def drop_verifier(tx: Transaction, person_id: str) -> None:
    """Forget a person's PIN."""
    tx.delete_where(credential, credential.c.person_id == person_id)


def keep_only(tx: Transaction, person_ids: Iterable[str]) -> None:
    """Forget the PINs of everybody else here: the hub has taken them back."""
    tx.delete_where(credential, credential.c.person_id.not_in(sorted(person_ids)))


def unlock(tx: Transaction, person_id: str) -> None:
    """Forget the wrong tries of a person."""
    tx.update_where(credential, credential.c.person_id == person_id, failures=0, locked_until=None)


def person_of(tx: Transaction, number: str) -> str:
    """Return the id of the person with this number; raises Refused person_unknown."""
    person_id = tx.scalar(select(person.c.id).where(person.c.number == number))
    if person_id is None:
        raise Refused("person_unknown")
    return str(person_id)


def unlock_within(tx: Transaction, manager: Viewer, person_id: str) -> None:
    """Forget the wrong tries of somebody else whom a manager sees.

    Raises:
        Refused: not_allowed (right), person_self, person_unknown.
    """
    if not (manager.may(Right.REASSIGN) or manager.may(Right.MANAGE_PEOPLE)):
        raise Refused("not_allowed", right=Right.MANAGE_PEOPLE)
    if manager.person_id == person_id:
        raise Refused("person_self")
    seen = manager.scope.people_where()
    if tx.first(select(person.c.id).where(person.c.id == person_id, seen)) is None:
        raise Refused("person_unknown")
    unlock(tx, person_id)


def locked_until(tx: Transaction, person_id: str, now: datetime) -> datetime | None:
    """Return until when the person is locked out, None where the person may try."""
    until: datetime | None = tx.scalar(
        select(credential.c.locked_until).where(credential.c.person_id == person_id)
    )
    return until if until and until > now else None


def tries_left(tx: Transaction, person_id: str) -> int:
    """Return how many wrong tries remain before the lock-out."""
    failures = tx.scalar(select(credential.c.failures).where(credential.c.person_id == person_id))
    return TRIES - int(failures or 0)


@dataclass(frozen=True)
class PinTry:
    """A try that has been counted: ``no`` is what to say if the PIN is not that of ``verifier``.

    Without a verifier there is nothing to try. ``left`` tries remain after this one, locked ``until`` then.
    """

    no: str
    verifier: str = ""
    left: int = TRIES
    until: datetime | None = None


def begin_try(tx: Transaction, person_id: str, now: datetime) -> PinTry:
    """Count a try before the PIN is looked at: many at once are as many tries; a right one is forgiven."""
    row = tx.first(select(credential).where(credential.c.person_id == person_id).with_for_update())
    if row is None:
        return PinTry("pin_unset")
    if row.locked_until and row.locked_until > now:
        return PinTry("pin_locked", left=0, until=row.locked_until)
    failures = (0 if row.locked_until else row.failures) + 1
    until = now + LOCKED if failures >= TRIES else None
    tx.update_where(credential, credential.c.person_id == person_id, failures=failures, locked_until=until)
    return PinTry("pin_locked" if until else "pin_wrong", row.verifier, TRIES - failures, until)


def proves(verifier: str, pin: str) -> bool:
    """Tell whether a PIN is the verifier's; about 0.2 s of work, so hold no lock meanwhile."""
    try:
        return PasswordHasher().verify(verifier, pin)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def check_pin(tx: Transaction, person_id: str, pin: str, now: datetime) -> str | None:
    """Check a PIN and count the try; return None where it is right, else the refusal's code.

    The caller commits whatever comes back: a wrong try that is rolled back was never counted.
    """
    attempt = begin_try(tx, person_id, now)
    if not (attempt.verifier and proves(attempt.verifier, pin)):
        return attempt.no
    unlock(tx, person_id)
    return None
