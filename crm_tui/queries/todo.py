"""What has to be done: who is overdue, who is next, why, and how it stands person by person.

A customer's ``due_at`` is the one definition of overdue (``domain.overdue.due``); an archived
customer has none. The badges count exactly what the tabs list.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, literal_column, select

from crm_tui.domain.calendar import WEEK, day_window
from crm_tui.domain.overdue import OverdueRules, escalation
from crm_tui.queries.customer_lines import CustomerLine, customer_lines
from crm_tui.queries.finding import among_found
from crm_tui.queries.profile import customer_row
from crm_tui.store.contact_rules import overdue_rules
from crm_tui.store.pipelines import stage_names
from crm_tui.store.sql import alive
from crm_tui.store.tables import customer, deal, person
from crm_tui.store.view import View

TABS = ("overdue", "today", "upcoming", "never", "escalated")
NOTHING = timedelta(0)


@dataclass(frozen=True)
class TodoLine:
    """A customer to contact; ``late`` is zero for one not yet due, ``escalation`` 0 to 3."""

    customer: CustomerLine
    late: timedelta
    escalation: int


@dataclass(frozen=True)
class TodoPage:
    """Some lines of a tab that has ``count``."""

    count: int
    lines: tuple[TodoLine, ...]


@dataclass(frozen=True)
class TodoCounts:
    """How many customers each tab of TABS has."""

    overdue: int
    today: int
    upcoming: int
    never: int
    escalated: int


@dataclass(frozen=True)
class PersonLoad:
    """How a person stands: customers overdue, and customers owned."""

    person_id: str
    name: str
    overdue: int
    owned: int


@dataclass(frozen=True)
class Why:
    """Why a customer is due: ``reason`` (empty: it is not), since when, and the rule's numbers.

    ``since`` is the instant of becoming overdue, which may lie ahead. ``days`` is the limit of the
    customer's level without an effective follow-up, ``hours`` that of the first contact, ``stage_name``
    and ``rotting_since`` belong to the open deal that has stood too long. ``escalation`` is 0 to 3,
    ``escalate_days`` the organisation's three limits.
    """

    reason: str
    since: datetime | None
    late: timedelta
    level: str
    days: int
    hours: int
    last_effective_at: datetime | None
    next_contact_at: datetime | None
    rotting_since: datetime | None
    stage_name: str
    escalation: int
    escalate_days: tuple[int, int, int]


def todo_page(
    view: View,
    tab: str,
    *,
    owner_id: str = "",
    owner_ids: Collection[str] | None = None,
    typed: str = "",
    least: timedelta = NOTHING,
    offset: int = 0,
    limit: int = 50,
) -> TodoPage:
    """Return one page of a tab, what is due longest first; ``least`` asks for at least so much lateness.

    ``typed`` narrows it as :func:`find_customers` finds them: by name, pinyin, digits of a number or tag.

    Tabs: overdue; today (due before midnight); upcoming (due in the seven days after); never (nobody
    ever spoke with them and nothing is planned); escalated (overdue past the first limit).
    """
    rules = overdue_rules(view.tx)
    limits = [view.scope.where(customer), tab_condition(view, tab, rules), *among_found(view, typed)]
    if owner_id:
        limits.append(customer.c.owner_id == owner_id)
    if owner_ids is not None:
        limits.append(customer.c.owner_id.in_(sorted(owner_ids)))
    if least > NOTHING:
        limits.append(customer.c.due_at <= view.now - least)
    count = int(view.tx.scalar(select(func.count()).select_from(customer).where(and_(*limits))))
    ids = view.tx.scalars(
        select(customer.c.id)
        .where(and_(*limits))
        .order_by(customer.c.due_at, customer.c.id)
        .offset(offset)
        .limit(limit)
    )
    return TodoPage(count, tuple(_todo_line(view, line, rules) for line in customer_lines(view, list(ids))))


def todo_counts(view: View, *, owner_id: str = "", typed: str = "") -> TodoCounts:
    """Count every tab, narrowed as :func:`todo_page` is."""
    rules = overdue_rules(view.tx)
    limits = [view.scope.where(customer), *among_found(view, typed)]
    if owner_id:
        limits.append(customer.c.owner_id == owner_id)
    counts = {
        tab: int(
            view.tx.scalar(
                select(func.count()).select_from(customer).where(*limits, tab_condition(view, tab, rules))
            )
        )
        for tab in TABS
    }
    return TodoCounts(**counts)


def by_person(view: View) -> tuple[PersonLoad, ...]:
    """Return how everybody in the scope who owns customers stands, most overdue first."""
    rows = view.tx.rows(
        select(
            customer.c.owner_id,
            func.count().label("owned"),
        )
        .where(view.scope.where(customer), alive(customer), customer.c.owner_id.is_not(None))
        .group_by(customer.c.owner_id)
    )
    overdue = {
        row.owner_id: row.overdue
        for row in view.tx.rows(
            select(customer.c.owner_id, func.count().label("overdue"))
            .where(view.scope.where(customer), customer.c.due_at <= view.now)
            .group_by(customer.c.owner_id)
        )
    }
    names = {
        row.id: row.name
        for row in view.tx.rows(
            select(person.c.id, person.c.name).where(person.c.id.in_([row.owner_id for row in rows]))
        )
    }
    loads = [
        PersonLoad(row.owner_id, names[row.owner_id], overdue.get(row.owner_id, 0), row.owned) for row in rows
    ]
    return tuple(sorted(loads, key=lambda one: (-one.overdue, -one.owned, one.name)))


def why(view: View, customer_id: str) -> Why:
    """Explain why a customer is or becomes overdue.

    Raises:
        Refused: customer_unknown, outside the scope as well.
    """
    row = customer_row(view, customer_id)
    rules = overdue_rules(view.tx)
    rotting = view.tx.first(
        select(deal.c.rots_at, deal.c.stage, deal.c.pipeline_id)
        .where(
            deal.c.customer_id == customer_id,
            deal.c.state == "open",
            deal.c.archived_at.is_(None),
            deal.c.rots_at <= view.now,
        )
        .order_by(deal.c.rots_at)
    )
    late = _late(view, row.due_at)
    return Why(
        reason=row.due_reason,
        since=row.due_at,
        late=late,
        level=row.level,
        days=rules.days.get(row.level, max(rules.days.values())),
        hours=rules.first_contact_hours,
        last_effective_at=row.last_effective_at,
        next_contact_at=row.next_contact_at,
        rotting_since=rotting.rots_at if rotting else None,
        stage_name=stage_names(view.tx)[rotting.pipeline_id, rotting.stage] if rotting else "",
        escalation=escalation(late, rules),
        escalate_days=rules.escalate_days,
    )


def tab_condition(view: View, tab: str, rules: OverdueRules) -> ColumnElement[bool]:
    """Return what makes a customer stand in a tab of TABS; raises KeyError for another word."""
    due = customer.c.due_at
    _, midnight = day_window(view.today, view.viewer.zone)
    tabs: Mapping[str, Callable[[], ColumnElement[bool]]] = {
        "overdue": lambda: due <= view.now,
        "today": lambda: and_(due > view.now, due < midnight),
        "upcoming": lambda: and_(due >= midnight, due < midnight + WEEK),
        "never": lambda: customer.c.due_reason == literal_column("'never_contacted'"),
        "escalated": lambda: due <= view.now - timedelta(days=rules.escalate_days[0]),
    }
    return tabs[tab]()


def _todo_line(view: View, line: CustomerLine, rules: OverdueRules) -> TodoLine:
    late = _late(view, line.due_at)
    return TodoLine(line, late, escalation(late, rules))


def _late(view: View, due_at: datetime | None) -> timedelta:
    return max(NOTHING, view.now - due_at) if due_at else NOTHING
