"""One customer as a line of a list: the same line in every list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from crm_tui.store.pipelines import stage_names
from crm_tui.store.sql import alive
from crm_tui.store.tables import customer, deal, person
from crm_tui.store.transaction import Transaction
from crm_tui.store.view import View


@dataclass(frozen=True)
class CustomerLine:
    """A customer in a list.

    ``phone`` is E.164 or empty; the face masks it. ``stage``, ``stage_name``, ``amount`` (fen) and
    ``deal_id`` are those of the newest open deal, empty or None where there is none. ``due_at`` is
    when the customer becomes or became overdue and ``due_reason`` why: next_contact,
    never_contacted, no_follow_up or rotting; None and empty where nothing is to be done.
    """

    id: str
    name: str
    phone: str
    level: str
    kind: str
    stage: str
    stage_name: str
    amount: int | None
    deal_id: str | None
    last_follow_up_at: datetime | None
    next_contact_at: datetime | None
    next_step: str
    due_at: datetime | None
    due_reason: str
    owner_id: str | None
    owner_name: str
    source: str
    tags: tuple[str, ...]


_COLUMNS = (
    customer.c.id,
    customer.c.branch_id,
    customer.c.owner_id,
    customer.c.name,
    customer.c.phone,
    customer.c.level,
    customer.c.kind,
    customer.c.last_follow_up_at,
    customer.c.next_contact_at,
    customer.c.next_step,
    customer.c.due_at,
    customer.c.due_reason,
    customer.c.source,
    customer.c.tags,
)


def customer_lines(view: View, customer_ids: Sequence[str]) -> tuple[CustomerLine, ...]:
    """Return the lines of these customers in this order; who is outside the scope is left out.

    Three questions whatever the number of customers; meant for a page, not for a whole list.
    """
    if not customer_ids:
        return ()
    rows = view.tx.rows(
        select(*_COLUMNS, person.c.name.label("owner_name"))
        .outerjoin(person, person.c.id == customer.c.owner_id)
        .where(customer.c.id.in_(list(customer_ids)))
    )
    found = {row.id: row for row in rows if view.scope.covers(owner_id=row.owner_id, branch_id=row.branch_id)}
    deals = newest_open_deals(view.tx, list(found))
    names = stage_names(view.tx)
    return tuple(_line(found[one], deals.get(one), names) for one in customer_ids if one in found)


def newest_open_deals(tx: Transaction, customer_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return the newest open deal of each of these customers that has one."""
    rows = tx.rows(
        select(deal.c.id, deal.c.customer_id, deal.c.pipeline_id, deal.c.stage, deal.c.amount)
        .where(deal.c.customer_id.in_(list(customer_ids)), deal.c.state == "open", alive(deal))
        .order_by(deal.c.created_at, deal.c.id)
    )
    return {row.customer_id: row for row in rows}


def _line(row: Row[Any], newest: Row[Any] | None, names: dict[tuple[str, str], str]) -> CustomerLine:
    return CustomerLine(
        id=row.id,
        name=row.name,
        phone=row.phone,
        level=row.level,
        kind=row.kind,
        stage=newest.stage if newest else "",
        stage_name=names.get((newest.pipeline_id, newest.stage), newest.stage) if newest else "",
        amount=newest.amount if newest else None,
        deal_id=newest.id if newest else None,
        last_follow_up_at=row.last_follow_up_at,
        next_contact_at=row.next_contact_at,
        next_step=row.next_step,
        due_at=row.due_at,
        due_reason=row.due_reason,
        owner_id=row.owner_id,
        owner_name=row.owner_name or "",
        source=row.source,
        tags=tuple(row.tags or ()),
    )
