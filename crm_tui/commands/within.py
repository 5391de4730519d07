"""Rows a command may touch: looked up through the actor's scope, refused as unknown outside of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Table, bindparam, select

from crm_tui.commands.base import Context
from crm_tui.domain.calendar import business_date
from crm_tui.domain.errors import Refused
from crm_tui.store.prepared import Ready
from crm_tui.store.tables import customer, deal, org_unit, person
from crm_tui.store.transaction import Transaction

_ZONE = Ready(select(org_unit.c.time_zone).where(org_unit.c.id == bindparam("the_id")))


def customer_within(tx: Transaction, context: Context, customer_id: str) -> Row[Any]:
    """Return a customer the actor may see.

    Raises:
        Refused: customer_unknown, the same for one that is not there and one that is not the actor's to see.
    """
    row = tx.hold(customer, customer_id)
    if row is None or not context.actor.scope.covers(owner_id=row.owner_id, branch_id=row.branch_id):
        raise Refused("customer_unknown")
    return row


def living_customer(tx: Transaction, context: Context, customer_id: str) -> Row[Any]:
    """Return a customer the actor may see and work on.

    Raises:
        Refused: customer_unknown, customer_archived.
    """
    row = customer_within(tx, context, customer_id)
    if row.archived_at is not None:
        context.object_to(Refused("customer_archived"))
    return row


def living_deal(tx: Transaction, context: Context, deal_id: str) -> Row[Any]:
    """Return a deal the actor may see and work on.

    Raises:
        Refused: deal_unknown, deal_archived.
    """
    row = deal_within(tx, context, deal_id)
    if row.archived_at is not None:
        raise Refused("deal_archived")
    return row


def deal_within(tx: Transaction, context: Context, deal_id: str) -> Row[Any]:
    """Return a deal the actor may see.

    Raises:
        Refused: deal_unknown.
    """
    row = tx.get(deal, deal_id)
    if row is not None and tx.dialect == "postgresql":
        if row.customer_id is not None:  # always first the customer, so that two do not wait in a ring
            tx.hold(customer, row.customer_id)
        row = tx.hold(deal, deal_id)
    if row is None or not context.actor.scope.covers(owner_id=row.owner_id, branch_id=row.branch_id):
        raise Refused("deal_unknown")
    return row


def owner_within(tx: Transaction, context: Context, owner_id: str) -> Row[Any]:
    """Return an active person who may be given a customer by the actor.

    Raises:
        Refused: person_unknown, owner_away (name), person_without_branch.
    """
    row = tx.get(person, owner_id)
    if row is None or not context.actor.scope.covers_person(row.id, row.branch_id):
        raise Refused("person_unknown")
    if row.status != "active":
        context.object_to(Refused("owner_away", name=row.name))
    if row.branch_id is None:
        raise Refused("person_without_branch", name=row.name)
    return row


def branch_day(tx: Transaction, branch_id: str, at: datetime) -> date:
    """Return the business date of an instant at the branch a row belongs to, wherever the actor sits."""
    zone = tx.keep(("zone", branch_id), lambda: tx.scalar(_ZONE, {"the_id": branch_id}), org_unit)
    return business_date(at, zone)


def refuse_used_id(tx: Transaction, context: Context, table: Table, external_id: str | None) -> None:
    """Refuse the id of another system that a living row of the same kind has: tables are matched by it.

    Raises:
        Refused: external_id_taken (external_id).
    """
    if not external_id:
        return
    has_it = table.c.external_id == external_id
    if "archived_at" in table.c:
        has_it &= table.c.archived_at.is_(None)
    if tx.first(select(table.c.id).where(has_it)):
        context.object_to(Refused("external_id_taken", external_id=external_id))
