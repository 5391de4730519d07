"""Who may change a customer now: one program at a time, for some minutes since it last said so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, or_, select
from sqlalchemy.dialects import sqlite

from crm_tui.domain.errors import Refused
from crm_tui.store.scope import Viewer
from crm_tui.store.tables import customer, edit_lease, person
from crm_tui.store.transaction import Transaction

DURATION = timedelta(minutes=5)
"""How long a lease lasts that is not renewed: the program that has it may have been killed."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Lease:
    """Whether it is the asker's; ``name`` is who has it, for ``seconds`` more unless it is renewed."""

    mine: bool
    name: str
    seconds: int


def take(tx: Transaction, viewer: Viewer, customer_id: str, holder: str, now: datetime) -> Lease:
    """Take or renew the lease of a customer for a program, ``holder``, unless another one has it.

    One statement decides: of several who ask at the same time exactly one gets it.

    Raises:
        Refused: customer_unknown, the same for one that is not there, archived, or not the viewer's to see.
    """
    seen = (customer.c.id == customer_id, customer.c.archived_at.is_(None), viewer.scope.where(customer))
    if tx.first(select(customer.c.id).where(*seen)) is None:
        raise Refused("customer_unknown")
    insert, key = _ways(tx.dialect)
    fresh = insert(edit_lease).values(
        customer_id=customer_id, holder=holder, person_id=viewer.person_id, until=now + DURATION
    )
    free = or_(edit_lease.c.holder == holder, edit_lease.c.until <= now)
    stands = {
        name: case((free, fresh.excluded[name]), else_=edit_lease.c[name])
        for name in ("holder", "person_id", "until")
    }
    (row,) = tx.rows(fresh.on_conflict_do_update(**key, set_=stands).returning(*edit_lease.c))
    name = tx.scalar(select(person.c.name).where(person.c.id == row.person_id))
    return Lease(row.holder == holder, str(name), -((now - row.until) // _SECOND))


def release(tx: Transaction, customer_id: str, holder: str, now: datetime) -> None:
    """Let a customer go that a program has; leases that have run out are cleared away with it."""
    its = and_(edit_lease.c.customer_id == customer_id, edit_lease.c.holder == holder)
    tx.delete_where(edit_lease, or_(its, edit_lease.c.until <= now))


def _ways(dialect: str) -> tuple[Any, dict[str, Any]]:
    """Return how a database inserts, and how it says which key may be there already."""
    if dialect == "sqlite":
        return sqlite.insert, {"index_elements": [edit_lease.c.customer_id]}
    from sqlalchemy.dialects import postgresql

    # At a hub the organisation leads the key, and fills itself in.
    return postgresql.insert, {"constraint": str(edit_lease.primary_key.name)}
