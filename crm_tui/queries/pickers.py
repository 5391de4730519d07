"""What the value lists of forms and filters offer, within the viewer's scope.

``people(view)``, ``pipelines(view)``, ``stages(view, pipeline_id)``, ``product_lines(view)``,
``products(view, line_id)``, ``sources(view)``, ``tags(view)``, ``units(view)``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, text

from crm_tui.store.pipelines import first_pipeline, load_pipeline
from crm_tui.store.sql import alive
from crm_tui.store.tables import (
    customer,
    customer_tally,
    deal,
    deal_tally,
    org_unit,
    person,
    pipeline,
    product,
    product_line,
    tag_tally,
)
from crm_tui.store.tables.deals import STANDING
from crm_tui.store.view import View

MOST = 200
"""Sources and tags offered; the most used ones come first."""


@dataclass(frozen=True)
class PersonChoice:
    """Somebody active; ``initials`` are pinyin initials separated by blanks, ``open_deals`` the open work."""

    id: str
    number: str
    name: str
    initials: str
    role: str
    unit_id: str
    unit_name: str
    branch_id: str | None
    open_deals: int


@dataclass(frozen=True)
class StageChoice:
    """A stage of the pipeline in force; ``kind`` is open, won or lost."""

    code: str
    name: str
    kind: str
    probability: int
    rotting_days: int


@dataclass(frozen=True)
class Choice:
    """Something to choose by name; ``count`` is how often it is used, 0 where that is not counted."""

    id: str
    name: str
    count: int = 0


@dataclass(frozen=True)
class ProductChoice:
    """A product that is sold; ``unit_price`` in fen."""

    id: str
    code: str
    name: str
    line_id: str | None
    unit_price: int | None


@dataclass(frozen=True)
class UnitChoice:
    """A unit of the organisation; ``depth`` 0 is the company, units stand below their parents in order."""

    id: str
    parent_id: str | None
    kind: str
    name: str
    depth: int


def people(view: View, *, with_branch: bool = True) -> tuple[PersonChoice, ...]:
    """Return the active people in the scope by unit and number; ``with_branch``: who can own customers."""
    limits = [person.c.status == "active", view.scope.people_where()]
    if with_branch:
        limits.append(person.c.branch_id.is_not(None))
    rows = view.tx.rows(
        select(person, org_unit.c.name.label("unit_name"))
        .join(org_unit, org_unit.c.id == person.c.unit_id)
        .where(*limits)
        .order_by(org_unit.c.name, person.c.number)
    )
    work = _open_work(view, [row.id for row in rows])
    return tuple(
        PersonChoice(
            id=row.id,
            number=row.number,
            name=row.name,
            initials=row.initials,
            role=row.role,
            unit_id=row.unit_id,
            unit_name=row.unit_name,
            branch_id=row.branch_id,
            open_deals=work.get(row.id, 0),
        )
        for row in rows
    )


def _open_work(view: View, people_ids: Sequence[str]) -> dict[str, int]:
    """Return how many deals each person has in hand; where whole branches are seen, by the tally."""
    if view.tx.dialect == "sqlite" and view.scope.is_by_branch:
        question = (
            select(deal_tally.c.owner_id, func.sum(deal_tally.c.uses).label("uses"))
            .where(deal_tally.c.pipeline_id.in_(select(pipeline.c.id)), deal_tally.c.state == "open")
            .group_by(deal_tally.c.owner_id)
        )
    else:
        question = (
            select(deal.c.owner_id, func.count().label("uses"))
            .where(
                deal.c.owner_id.in_(people_ids),
                deal.c.pipeline_id.in_(select(pipeline.c.id)),
                text(STANDING),
            )
            .group_by(deal.c.owner_id)
        )
    return {row.owner_id: row.uses for row in view.tx.rows(question)}


def pipelines(view: View) -> tuple[Choice, ...]:
    """Return the pipelines that take deals, in their order: the first one is meant where none is named."""
    living = select(pipeline.c.id, pipeline.c.name).where(pipeline.c.archived_at.is_(None))
    rows = view.tx.rows(living.order_by(pipeline.c.position, pipeline.c.id))
    return tuple(Choice(row.id, row.name) for row in rows)


def stages(view: View, pipeline_id: str | None = None) -> tuple[StageChoice, ...]:
    """Return the stages in force of a pipeline, the first one where none is named.

    Raises:
        Refused: pipeline_unknown.
    """
    path = load_pipeline(view.tx, pipeline_id) if pipeline_id else first_pipeline(view.tx)
    return tuple(
        StageChoice(one.code, one.name, one.kind.value, one.probability, one.rotting_days)
        for one in path.stages
    )


def product_lines(view: View) -> tuple[Choice, ...]:
    """Return the product lines by name."""
    rows = view.tx.rows(select(product_line).order_by(product_line.c.name))
    return tuple(Choice(row.id, row.name) for row in rows)


def products(view: View, line_id: str = "") -> tuple[ProductChoice, ...]:
    """Return the products still sold by name, those of one line where one is named."""
    limits: list[ColumnElement[bool]] = [product.c.active.is_(True)]
    if line_id:
        limits.append(product.c.line_id == line_id)
    rows = view.tx.rows(select(product).where(*limits).order_by(product.c.name, product.c.id))
    return tuple(ProductChoice(row.id, row.code, row.name, row.line_id, row.unit_price) for row in rows)


def sources(view: View) -> tuple[Choice, ...]:
    """Return the sources of customers in use in the scope, the most used first."""
    uses: ColumnElement[int]
    if view.tx.dialect == "sqlite" and view.scope.is_by_branch:
        source, uses = customer_tally.c.source, func.sum(customer_tally.c.uses)
        living = [view.scope.where(customer_tally), customer_tally.c.uses > 0]
    else:
        source, uses = customer.c.source, func.count()
        living = [view.scope.where(customer), alive(customer)]
    rows = view.tx.rows(
        select(source, uses.label("uses"))
        .where(*living, source != "")
        .group_by(source)
        .order_by(uses.desc(), source)
        .limit(MOST)
    )
    return tuple(Choice(row.source, row.source, row.uses) for row in rows)


def tags(view: View) -> tuple[Choice, ...]:
    """Return the tags of customers in use in the scope, the most used first."""
    used: Counter[str] = Counter()
    if view.tx.dialect == "sqlite" and view.scope.is_by_branch:
        used.update(
            {
                row.tag: row.uses
                for row in view.tx.rows(
                    select(tag_tally.c.tag, func.sum(tag_tally.c.uses).label("uses"))
                    .where(view.scope.where(tag_tally), tag_tally.c.uses > 0)
                    .group_by(tag_tally.c.tag)
                )
            }
        )
    else:
        rows = view.tx.rows(
            select(customer.c.tags, func.count().label("uses"))
            .where(view.scope.where(customer), alive(customer), customer.c.tags != [])
            .group_by(customer.c.tags)
        )
        for row in rows:
            used.update(dict.fromkeys(row.tags, row.uses))
    ranked = sorted(used.items(), key=lambda one: (-one[1], one[0]))
    return tuple(Choice(tag, tag, count) for tag, count in ranked[:MOST])


def units(view: View) -> tuple[UnitChoice, ...]:
    """Return the units in the scope as a tree from above, siblings by name.

    A viewer who sees everything is offered all units, one who sees branches those branches and what is
    below them, anybody else the own unit.
    """
    rows = {row.id: row for row in view.tx.rows(select(org_unit).order_by(org_unit.c.name, org_unit.c.id))}
    below: dict[str | None, list[str]] = {}
    for row in rows.values():
        below.setdefault(row.parent_id, []).append(row.id)
    if view.scope.everything:
        tops = below.get(None, [])
    elif view.scope.branches:
        tops = [one for one in rows if one in view.scope.branches]
    else:
        tops = [view.viewer.unit_id]
    found: list[UnitChoice] = []
    waiting = [(one, 0) for one in reversed(tops)]
    while waiting:
        unit_id, depth = waiting.pop()
        row = rows[unit_id]
        found.append(UnitChoice(row.id, row.parent_id, row.kind, row.name, depth))
        waiting += [(one, depth + 1) for one in reversed(below.get(unit_id, []))]
    return tuple(found)
