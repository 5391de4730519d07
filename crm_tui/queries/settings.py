"""What the settings show and what a change of them would do, before it is made.

``roster(view)``, ``open_work(view, person_id)``, ``price_list(view)``, ``pipelines_in_force(view)``,
``rules_in_force(view)``, ``rules_preview(view, rules)``.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from crm_tui.domain.lifecycle import Pipeline
from crm_tui.domain.overdue import ContactFacts, OverdueRules, due
from crm_tui.store.contact_rules import overdue_rules
from crm_tui.store.pipelines import all_pipelines
from crm_tui.store.tables import customer, deal, org_unit, person, product, product_line
from crm_tui.store.view import View


@dataclass(frozen=True)
class PersonLine:
    """Somebody of the organisation, also who is frozen or has left; ``reach`` None follows the role."""

    id: str
    number: str
    name: str
    role: str
    reach: str | None
    unit_id: str
    unit_name: str
    manager_id: str | None
    phone: str
    status: str


@dataclass(frozen=True)
class OpenWork:
    """What a person would leave behind."""

    customers: int
    deals: int


@dataclass(frozen=True)
class PriceLine:
    """A product, sold or not; ``unit_price`` in fen."""

    id: str
    code: str
    name: str
    line_id: str | None
    line_name: str
    unit_price: int | None
    active: bool


@dataclass(frozen=True)
class PipelineInForce:
    """A pipeline and how many open deals of the scope stand in each of its stages, by code."""

    pipeline: Pipeline
    open_deals: dict[str, int]


@dataclass(frozen=True)
class RulesPreview:
    """How many customers are overdue, and how many would be under other rules."""

    now: int
    then: int


def roster(view: View) -> tuple[PersonLine, ...]:
    """Return the people in the scope, active ones first, by number."""
    rows = view.tx.rows(
        select(person, org_unit.c.name.label("unit_name"))
        .join(org_unit, org_unit.c.id == person.c.unit_id)
        .where(view.scope.people_where())
        .order_by(person.c.status, person.c.number)
    )
    return tuple(
        PersonLine(
            id=row.id,
            number=row.number,
            name=row.name,
            role=row.role,
            reach=row.reach,
            unit_id=row.unit_id,
            unit_name=row.unit_name,
            manager_id=row.manager_id,
            phone=row.phone or "",
            status=row.status,
        )
        for row in rows
    )


def open_work(view: View, person_id: str) -> OpenWork:
    """Count the customers and open deals of a person within the scope."""
    customers = view.tx.scalar(
        select(func.count())
        .select_from(customer)
        .where(view.scope.where(customer), customer.c.owner_id == person_id, customer.c.archived_at.is_(None))
    )
    deals = view.tx.scalar(
        select(func.count())
        .select_from(deal)
        .where(
            view.scope.where(deal),
            deal.c.owner_id == person_id,
            deal.c.state == "open",
            deal.c.archived_at.is_(None),
        )
    )
    return OpenWork(customers, deals)


def price_list(view: View) -> tuple[PriceLine, ...]:
    """Return all products by line and name, those no longer sold last."""
    rows = view.tx.rows(
        select(product, product_line.c.name.label("line_name"))
        .outerjoin(product_line, product_line.c.id == product.c.line_id)
        .order_by(product.c.active.desc(), product_line.c.name, product.c.name, product.c.id)
    )
    return tuple(
        PriceLine(
            id=row.id,
            code=row.code,
            name=row.name,
            line_id=row.line_id,
            line_name=row.line_name or "",
            unit_price=row.unit_price,
            active=row.active,
        )
        for row in rows
    )


def pipelines_in_force(view: View) -> tuple[PipelineInForce, ...]:
    """Return all pipelines with the open deals in the scope, by stage; the archived ones last."""
    rows = view.tx.rows(
        select(deal.c.pipeline_id, deal.c.stage, func.count().label("deals"))
        .where(view.scope.where(deal), deal.c.state == "open", deal.c.archived_at.is_(None))
        .group_by(deal.c.pipeline_id, deal.c.stage)
    )
    return tuple(
        PipelineInForce(one, {row.stage: row.deals for row in rows if row.pipeline_id == one.id})
        for one in all_pipelines(view.tx)
    )


def rules_in_force(view: View) -> OverdueRules:
    """Return the overdue rules in force."""
    return overdue_rules(view.tx)


def rules_preview(view: View, rules: OverdueRules) -> RulesPreview:
    """Count who is overdue now and who would be under ``rules``, within the scope.

    A planned contact rules alone and a customer without open work is never due: rules change neither.
    """
    mine = (view.scope.where(customer), customer.c.archived_at.is_(None))
    now = view.tx.scalar(
        select(func.count()).select_from(customer).where(*mine, customer.c.due_at <= view.now)
    )
    planned = view.tx.scalar(
        select(func.count())
        .select_from(customer)
        .where(*mine, customer.c.due_at <= view.now, customer.c.next_contact_at.is_not(None))
    )
    rotting = (
        select(deal.c.customer_id, func.min(deal.c.rots_at).label("rots_at"))
        .where(deal.c.state == "open", deal.c.archived_at.is_(None))
        .group_by(deal.c.customer_id)
        .subquery()
    )
    silent = view.tx.rows(
        select(customer.c.level, customer.c.created_at, customer.c.last_effective_at, rotting.c.rots_at)
        .outerjoin(rotting, rotting.c.customer_id == customer.c.id)
        .where(*mine, customer.c.due_at.is_not(None), customer.c.next_contact_at.is_(None))
    )
    then = 0
    for row in silent:
        facts = ContactFacts(row.level, True, row.created_at, row.last_effective_at, None, row.rots_at)  # noqa: FBT003  # active: it is due
        judged = due(facts, rules)
        then += judged is not None and judged.at <= view.now
    return RulesPreview(now=now, then=planned + then)
