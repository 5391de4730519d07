"""The list of customers: searched, filtered, ordered and paged.

``customers_page(view, typed=..., filters=CustomerFilter(...), offset=0, limit=50, order="due")``
answers ``Page(count, lines, exact)``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, func, select, text, type_coerce

from crm_tui.queries.customer_lines import CustomerLine, customer_lines
from crm_tui.queries.finding import NARROWED_CANDIDATES, among_found, find_customers, ids_of
from crm_tui.store.sql import alive, one_of
from crm_tui.store.tables import customer, customer_tally, deal, pipeline, search_entry
from crm_tui.store.tables.deals import STANDING
from crm_tui.store.view import View

ORDERS = ("due", "name")


@dataclass(frozen=True)
class CustomerFilter:
    """What a list is narrowed to; every field that is set must hold.

    ``stage`` is a stage code in which an open deal stands; ``unassigned`` means without an owner;
    ``never_contacted`` without an effective follow-up; ``overdue_only`` due by now; ``level`` may be
    several letters (``AB``).
    """

    owner_id: str = ""
    level: str = ""
    source: str = ""
    tag: str = ""
    stage: str = ""
    kind: str = ""
    overdue_only: bool = False
    never_contacted: bool = False
    unassigned: bool = False


@dataclass(frozen=True)
class Page:
    """Some lines of a list of ``count``; ``exact`` is False where more match than the list holds."""

    count: int
    lines: tuple[CustomerLine, ...]
    exact: bool = True


NO_FILTER = CustomerFilter()


def customers_page(
    view: View,
    *,
    typed: str = "",
    filters: CustomerFilter = NO_FILTER,
    offset: int = 0,
    limit: int = 50,
    order: str = "due",
) -> Page:
    """Return one page of the living customers in the viewer's scope.

    With something typed: the order of :func:`find_customers`, one's own customers first. Else ``order``
    due: what is due longest first and what is never due last, by name; or name: by pinyin.
    """
    narrowed = filters != NO_FILTER
    living = alive(customer) if narrowed or typed.strip() else customer.c.archived_at.is_(None)
    if filters.overdue_only:  # which nobody archived is: an index alone can answer
        living = customer.c.due_at.is_not(None)
    limits = [living, view.scope.where(customer), *_conditions(view, filters)]
    if typed.strip():
        return _searched(view, typed, limits, narrowed=narrowed, offset=offset, limit=limit)
    ids = customer_ids(view, limits, order, offset, limit)
    return Page(_count(view, filters, limits), customer_lines(view, ids))


def matching_ids(
    view: View, filters: CustomerFilter, *, typed: str = "", most: int = 1000
) -> tuple[str, ...]:
    """Return the ids of at most ``most`` customers of a filter, due first: what a mass command is given."""
    limits = [alive(customer), view.scope.where(customer), *_conditions(view, filters)]
    limits += among_found(view, typed)
    return tuple(customer_ids(view, limits, "due", 0, most))


def customer_ids(
    view: View, limits: Sequence[ColumnElement[bool]], order: str, offset: int, limit: int
) -> list[str]:
    """Return the ids of one page; the two parts of the order ``due`` each read an index.

    The first of ``limits`` is that a customer is not archived: one with a due instant never is.
    """
    by_name = (customer.c.sort_name, customer.c.id)
    if order == "name":
        return _ids(view, limits, by_name, offset, limit)
    dated = [*limits[1:], customer.c.due_at.is_not(None)]
    first = _ids(view, dated, (customer.c.due_at, customer.c.id), offset, limit)
    if len(first) == limit:
        return first
    before = int(view.tx.scalar(select(func.count()).select_from(customer).where(and_(*dated))))
    rest = [*limits, customer.c.due_at.is_(None)]
    return first + _ids(view, rest, by_name, max(0, offset - before), limit - len(first))


def _ids(
    view: View,
    limits: Sequence[ColumnElement[bool]],
    by: Sequence[ColumnElement[Any]],
    offset: int,
    limit: int,
) -> list[str]:
    return list(
        view.tx.scalars(select(customer.c.id).where(and_(*limits)).order_by(*by).offset(offset).limit(limit))
    )


def _count(view: View, filters: CustomerFilter, limits: Sequence[ColumnElement[bool]]) -> int:
    """Return how many customers a filter has: from the tally where that knows, else by counting."""
    tallied = replace(NO_FILTER, level=filters.level, source=filters.source, kind=filters.kind)
    if filters != tallied or view.tx.dialect != "sqlite" or not view.scope.is_by_branch:
        return int(view.tx.scalar(select(func.count()).select_from(customer).where(and_(*limits))))
    told: list[ColumnElement[bool]] = []
    if filters.level:
        told.append(customer_tally.c.level.in_(list(filters.level.upper())))
    if filters.source:
        told.append(customer_tally.c.source == filters.source)
    if filters.kind:
        told.append(customer_tally.c.kind == filters.kind)
    uses = func.coalesce(func.sum(customer_tally.c.uses), 0)
    return int(view.tx.scalar(select(uses).where(view.scope.where(customer_tally), *told)))


def _searched(
    view: View, typed: str, limits: list[ColumnElement[bool]], *, narrowed: bool, offset: int, limit: int
) -> Page:
    found = find_customers(view, typed, NARROWED_CANDIDATES if narrowed else 0)
    numbers: Sequence[int] = found.numbers
    if narrowed:
        kept = set(
            view.tx.scalars(
                select(search_entry.c.no)
                .join(customer, customer.c.id == search_entry.c.customer_id)
                .where(one_of(search_entry.c.no, numbers, view.tx.dialect), *limits)
            )
        )
        numbers = [one for one in numbers if one in kept]
    lines = customer_lines(view, ids_of(view.tx, numbers[offset : offset + limit]))
    return Page(len(numbers), lines, found.exact)


def _conditions(view: View, filters: CustomerFilter) -> list[ColumnElement[bool]]:
    """Return what the set fields of a filter ask for."""
    wanted: tuple[tuple[object, ColumnElement[bool]], ...] = (
        (filters.owner_id, customer.c.owner_id == filters.owner_id),
        (filters.level, customer.c.level.in_(list(filters.level.upper()))),
        (filters.source, customer.c.source == filters.source),
        (filters.tag, _has_tag(filters.tag)),
        (filters.stage, customer.c.id.in_(_standing_in(filters.stage))),
        (filters.kind, customer.c.kind == filters.kind),
        (filters.overdue_only, customer.c.due_at <= view.now),
        (filters.never_contacted, customer.c.last_effective_at.is_(None)),
        (filters.unassigned, customer.c.owner_id.is_(None)),
    )
    return [condition for is_set, condition in wanted if is_set]


def _has_tag(tag: str) -> ColumnElement[bool]:
    """Return the condition that a customer carries a tag; tags are kept as a JSON list of strings."""
    return type_coerce(customer.c.tags, Text).contains(json.dumps(tag, ensure_ascii=False), autoescape=True)


def _standing_in(stage: str) -> Select[Any]:
    """Return the customers with an open deal in a stage, by the board's index."""
    return select(deal.c.customer_id).where(
        deal.c.pipeline_id.in_(select(pipeline.c.id)),
        deal.c.stage == stage,
        text(STANDING),
    )


__all__ = ["NO_FILTER", "ORDERS", "CustomerFilter", "CustomerLine", "Page", "customers_page", "matching_ids"]
