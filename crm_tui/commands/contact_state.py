"""Keeping what is derived from the contact log true: one function, called by whoever changes the log.

A late entry, a retraction or an amendment cannot make the figures drift, because they are read from
the log by ``occurred_at`` each time and never from the change itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, exists, func, literal_column, select, update

from crm_tui.domain.overdue import ContactFacts, OverdueRules, due
from crm_tui.store.contact_rules import overdue_rules
from crm_tui.store.prepared import Ready
from crm_tui.store.tables import contact_plan, customer, deal, follow_up
from crm_tui.store.transaction import Transaction


def refresh_contact_state(tx: Transaction, customer_id: str) -> None:
    """Derive the contact columns of a customer, and the due instant of its open deals, from the log."""
    row = tx.first(_STATE, {"the_id": customer_id})
    if row is None:
        return
    living = row.archived_at is None
    facts = ContactFacts(
        level=row.level,
        active=row.owner_id is not None and living and bool(row.open_deal or not row.any_deal),
        created_at=row.created_at,
        last_effective_at=row.effective_at,
        next_contact_at=row.next_at if living else None,
        rots_at=row.rots_at,
    )
    judged = due(facts, overdue_rules(tx))
    due_at = judged.at if judged else None
    tx.update(
        customer,
        customer_id,
        last_follow_up_at=row.at,
        last_effective_at=row.effective_at,
        next_contact_at=facts.next_contact_at,
        next_step=row.planned_step or "",
        due_at=due_at,
        due_reason=judged.reason if judged else "",
    )
    tx.change(deal, _DEALS_DUE, {"the_id": customer_id, "due": due_at})


def refresh_contact_states(tx: Transaction, customer_ids: Sequence[str], rules: OverdueRules) -> None:
    """Do for many customers what :func:`refresh_contact_state` does for one, in a few statements."""
    if not customer_ids:
        return
    these = select(customer).where(customer.c.id.in_(customer_ids)).order_by(customer.c.id)
    customers = tx.rows(these.with_for_update(key_share=True))
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
    tx.change_all(deal, _DEALS_DUE, [{"the_id": one["id"], "due": one["due_at"]} for one in values])


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


def _state() -> Select[Any]:
    """Return all that is derived from, in one question: when contacted, the plan that stands, the deals."""
    said = (
        follow_up.c.customer_id == customer.c.id,
        follow_up.c.replaced_by.is_(None),
        follow_up.c.retracted_at.is_(None),
    )
    other = contact_plan.alias()
    newest = (
        select(other.c.id)
        .where(other.c.customer_id == customer.c.id, other.c.retracted_at.is_(None))
        .order_by(other.c.set_at.desc(), other.c.id.desc())
        .limit(1)
        .correlate(customer)
        .scalar_subquery()
    )
    mine, is_open = and_(deal.c.customer_id == customer.c.id, deal.c.archived_at.is_(None)), _OPEN
    return (
        select(
            customer.c.level,
            customer.c.owner_id,
            customer.c.archived_at,
            customer.c.created_at,
            select(func.max(follow_up.c.occurred_at)).where(*said).scalar_subquery().label("at"),
            select(func.max(follow_up.c.occurred_at))
            .where(*said, follow_up.c.effective)
            .scalar_subquery()
            .label("effective_at"),
            contact_plan.c.next_at,
            contact_plan.c.next_step.label("planned_step"),
            select(func.min(deal.c.rots_at)).where(mine, is_open).scalar_subquery().label("rots_at"),
            exists().where(mine, is_open).label("open_deal"),
            exists().where(mine).label("any_deal"),
        )
        .select_from(customer.outerjoin(contact_plan, contact_plan.c.id == newest))
        .where(customer.c.id == bindparam("the_id"))
    )


# Every save runs these: to build such a statement takes longer than to run it.
# The state stands in the text: were it a value, SQLite would plan the statement anew at every run, because
# some indexes are only for rows of one state.
_OPEN = deal.c.state == literal_column("'open'")
_STATE = Ready(_state())
_DEALS_DUE = Ready(
    update(deal)
    .where(deal.c.customer_id == bindparam("the_id"), _OPEN)
    .values(due_at=bindparam("due", type_=deal.c.due_at.type))
)
