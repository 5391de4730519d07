"""Who has which number: one living customer each, however many hub workers take commands in at once (I8).

The handlers ask whether a number is free by looking at the rows, and see no row that another transaction is
just writing. The key of ``identity_key`` is what makes that other one wait, and the second of the two learn
that it came second: its portion begins anew, and the handler then finds the first one's customer.

Several have one number where a fact was taken in with a mark. The first of them has the key, and when that
one gives the number up nobody has, until another of them is written again: the rows alone say what is taken.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from crm_tui.hub.books import meta_value
from crm_tui.hub.tables import identity_key, key_of
from crm_tui.hub.touched import Touched
from crm_tui.store.tables import contact_point, customer
from crm_tui.store.transaction import Transaction

Key = tuple[str, str]
"""A kind (phone, wechat, email, external, resident, uscc) and the digest of what identifies."""

_PORTION = 500
_SHARED = frozenset({"resident", "uscc"})
"""Kinds that the handlers let two customers have: the first one keeps the key."""


def claim(tx: Transaction, touched: Touched) -> set[Key]:
    """Let the touched customers keep the numbers they have now; return those that somebody else has.

    An archived customer gives its numbers back, as the handlers' own rule has it.
    """
    ids = sorted(touched.get(customer.name, ()))
    taken: set[Key] = set()
    if not ids:
        return taken
    secret = meta_value(tx, "key").encode()
    for start in range(0, len(ids), _PORTION):
        taken |= _claim(tx, secret, ids[start : start + _PORTION])
    return {key for key in taken if key[0] not in _SHARED}


def _claim(tx: Transaction, secret: bytes, ids: Sequence[str]) -> set[Key]:
    wanted: dict[Key, str] = {}
    for kind, plain, customer_id in _identities(tx, ids):
        wanted.setdefault((kind, _digest(secret, kind, plain)), customer_id)
    mine = identity_key.c.customer_id.in_(ids)
    held = {(row.kind, row.hmac): row.customer_id for row in tx.rows(select(identity_key).where(mine))}
    for kind, digest in sorted(key for key, owner in held.items() if wanted.get(key) != owner):
        tx.connection.execute(delete(identity_key).where(*_is(kind, digest), mine))
    fresh = {key: owner for key, owner in wanted.items() if held.get(key) != owner}
    return set(fresh) - _added(tx, fresh)


def _added(tx: Transaction, fresh: Mapping[Key, str]) -> set[Key]:
    """Enter keys, waiting for whoever is just entering one of them; return those that were free."""
    if not fresh:
        return set()
    dialect = sqlite if tx.dialect == "sqlite" else postgresql
    rows = [
        {"kind": kind, "hmac": digest, "customer_id": owner}
        for (kind, digest), owner in sorted(fresh.items())  # in one order, so that two do not wait in a ring
    ]
    entered = (
        dialect.insert(identity_key)
        .values(rows)
        .on_conflict_do_nothing(index_elements=key_of(tx.dialect, identity_key))
        .returning(identity_key.c.kind, identity_key.c.hmac)
    )
    return {(row.kind, row.hmac) for row in tx.rows(entered)}


def _identities(tx: Transaction, ids: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield what identifies the living ones of these customers: kind, plain value, customer."""
    living = customer.c.archived_at.is_(None)
    columns = (customer.c.id, customer.c.external_id, customer.c.resident_id, customer.c.uscc)
    for row in tx.rows(select(*columns).where(customer.c.id.in_(ids), living).order_by(customer.c.id)):
        for kind, plain in (("external", row.external_id), ("resident", row.resident_id), ("uscc", row.uscc)):
            if plain:
                yield kind, plain, row.id
    points = (
        select(contact_point.c.kind, contact_point.c.normal, contact_point.c.customer_id)
        .join(customer, customer.c.id == contact_point.c.customer_id)
        .where(contact_point.c.customer_id.in_(ids), living)
        .order_by(contact_point.c.customer_id)
    )
    for row in tx.rows(points):
        yield row.kind, row.normal, row.customer_id


def _is(kind: str, digest: str) -> tuple[ColumnElement[Any], ...]:
    return identity_key.c.kind == kind, identity_key.c.hmac == digest


def _digest(secret: bytes, kind: str, plain: str) -> str:
    return hmac.new(secret, f"{kind}\x1f{plain}".encode(), hashlib.sha256).hexdigest()[:32]
