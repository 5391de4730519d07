"""Keeping what is derived from the contact log true: one function, called by whoever changes the log.

A late entry, a retraction or an amendment cannot make the figures drift, because they are read from
the log by ``occurred_at`` each time and never from the change itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, case, exists, func, select, update

from crm_tui.domain.overdue import ContactFacts, OverdueRules, due
from crm_tui.store.contact_rules import overdue_rules
from crm_tui.store.tables import contact_plan, customer, deal, follow_up
from crm_tui.store.transaction import Transaction


def refresh_contact_state(tx: Transaction, customer_id: str, rules: OverdueRules | None = None) -> None:
    """Derive the contact columns of a customer, and the due instant of its open deals, from the log."""
    row = tx.get(customer, customer_id)
    if row is None:
        return
    last = _last_contacts(tx, customer_id)
    plan = _plan(tx, customer_id)
    facts = ContactFacts(
        level=row.level,
        active=row.owner_id is not None and row.archived_at is None and _is_active(tx, customer_id),
        created_at=row.created_at,
        last_effective_at=last.effective_at,
        next_contact_at=plan.next_at if plan and row.archived_at is None else None,
        rots_at=_rots_at(tx, customer_id),
    )
    judged = due(facts, rules or overdue_rules(tx))
    due_at = judged.at if judged else None
    tx.update(
        customer,
        customer_id,
        last_follow_up_at=last.at,
        last_effective_at=last.effective_at,
        next_contact_at=facts.next_contact_at,
        next_step=plan.next_step if plan else "",
        due_at=due_at,
        due_reason=judged.reason if judged else "",
    )
    tx.update_where(deal, deal.c.customer_id == customer_id, deal.c.state == "open", due_at=due_at)


def refresh_contact_states(tx: Transaction, customer_ids: Sequence[str], rules: OverdueRules) -> None:
    """Do for many customers what :func:`refresh_contact_state` does for one, in a few statements."""
    if not customer_ids:
        return
    customers = tx.rows(select(customer).where(customer.c.id.in_(customer_ids)).order_by(customer.c.id))
    last = {row.customer_id: row for row in tx.rows(_last_contacts_of(customer_ids))}
    plans = {row.customer_id: row for row in tx.rows(_plans_of(customer_ids))}
    work = {row.customer_id: row for row in tx.rows(_work_of(customer_ids))}
    values = []
    for row in customers:
        said, plan = last.get(row.id), plans.get(row.id)
        active = row.id not in work or work[row.id].open_deals > 0
        facts = ContactFacts(
            level=row.level,
            active=active and row.owner_id is not None and row.archived_at is None,
            created_at=row.created_at,
            last_effective_at=said.effective_at if said else None,
            next_contact_at=plan.next_at if plan and row.archived_at is None else None,
            rots_at=work[row.id].rots_at if row.id in work else None,
        )
        judged = due(facts, rules)
        values.append(
            {
                "id": row.id,
                "last_follow_up_at": said.at if said else None,
                "last_effective_at": facts.last_effective_at,
                "next_contact_at": facts.next_contact_at,
                "next_step": plan.next_step if plan else "",
                "due_at": judged.at if judged else None,
                "due_reason": judged.reason if judged else "",
            }
        )
    tx.update_all(customer, values)
    statement = update(deal).where(deal.c.customer_id == bindparam("the_id"), deal.c.state == "open")
    tx.connection.execute(
        statement.values(due_at=bindparam("due", type_=deal.c.due_at.type)),
        [{"the_id": one["id"], "due": one["due_at"]} for one in values],
    )
    tx.changed.add(deal.name)


def _last_contacts_of(customer_ids: Sequence[str]) -> Select[Any]:
    return (
        select(
            follow_up.c.customer_id,
            func.max(follow_up.c.occurred_at).label("at"),
            func.max(case((follow_up.c.effective, follow_up.c.occurred_at))).label("effective_at"),
        )
        .where(
            follow_up.c.customer_id.in_(customer_ids),
            follow_up.c.replaced_by.is_(None),
            follow_up.c.retracted_at.is_(None),
        )
        .group_by(follow_up.c.customer_id)
    )


def _plans_of(customer_ids: Sequence[str]) -> Select[Any]:
    """Return the plans that stand, a customer's newest last."""
    return (
        select(contact_plan.c.customer_id, contact_plan.c.next_at, contact_plan.c.next_step)
        .where(contact_plan.c.customer_id.in_(customer_ids), contact_plan.c.retracted_at.is_(None))
        .order_by(contact_plan.c.set_at, contact_plan.c.id)
    )


def _work_of(customer_ids: Sequence[str]) -> Select[Any]:
    """Return, for each customer that has any deal, how many are open and when the first of them rots."""
    is_open = deal.c.state == "open"
    return (
        select(
            deal.c.customer_id,
            func.sum(case((is_open, 1), else_=0)).label("open_deals"),
            func.min(case((is_open, deal.c.rots_at))).label("rots_at"),
        )
        .where(deal.c.customer_id.in_(customer_ids), deal.c.archived_at.is_(None))
        .group_by(deal.c.customer_id)
    )


def _last_contacts(tx: Transaction, customer_id: str) -> Row[Any]:
    """Return when the customer was last contacted, and last contacted effectively."""
    stands = and_(follow_up.c.replaced_by.is_(None), follow_up.c.retracted_at.is_(None))
    row = tx.first(
        select(
            func.max(follow_up.c.occurred_at).label("at"),
            func.max(case((follow_up.c.effective, follow_up.c.occurred_at))).label("effective_at"),
        ).where(follow_up.c.customer_id == customer_id, stands)
    )
    assert row is not None
    return row


def _plan(tx: Transaction, customer_id: str) -> Row[Any] | None:
    """Return the newest plan for the next contact that stands."""
    return tx.first(
        select(contact_plan.c.next_at, contact_plan.c.next_step)
        .where(contact_plan.c.customer_id == customer_id, contact_plan.c.retracted_at.is_(None))
        .order_by(contact_plan.c.set_at.desc(), contact_plan.c.id.desc())
        .limit(1)
    )


def _rots_at(tx: Transaction, customer_id: str) -> datetime | None:
    """Return when the first of the customer's open deals has stood too long in its stage."""
    at: datetime | None = tx.scalar(
        select(func.min(deal.c.rots_at)).where(
            deal.c.customer_id == customer_id, deal.c.state == "open", deal.c.archived_at.is_(None)
        )
    )
    return at


def _is_active(tx: Transaction, customer_id: str) -> bool:
    """Tell whether work is open with this customer, or never began."""
    mine = and_(deal.c.customer_id == customer_id, deal.c.archived_at.is_(None))
    row = tx.first(
        select(
            exists().where(mine, deal.c.state == "open").label("open_deal"),
            exists().where(mine).label("any_deal"),
        )
    )
    assert row is not None
    return bool(row.open_deal or not row.any_deal)
