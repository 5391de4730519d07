"""Everything about one customer: ``profile(view, customer_id)`` and ``gate(view, deal_id)`` of a deal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select

from crm_tui.domain.errors import Refused
from crm_tui.domain.lifecycle import GateItem, StageKind, checklist
from crm_tui.domain.permission import Right
from crm_tui.store.pipelines import deal_facts, load_pipeline, stage_names
from crm_tui.store.tables import contact, contact_point, customer, deal, person, product, product_line
from crm_tui.store.view import View


@dataclass(frozen=True)
class Point:
    """A way to reach a customer; ``normal`` is E.164 for kind phone; the face masks it."""

    kind: str
    value: str
    normal: str
    note: str


@dataclass(frozen=True)
class ContactLine:
    """A person at a customer; ``phone`` is E.164 or empty."""

    id: str
    name: str
    title: str
    phone: str
    note: str


@dataclass(frozen=True)
class DealLine:
    """A deal of a customer; ``amount`` in fen, ``dwell`` is how long it has stood in its stage so far."""

    id: str
    title: str
    pipeline_id: str
    stage: str
    stage_name: str
    state: str
    cycle: int
    amount: int | None
    line_id: str | None
    line_name: str
    product_id: str | None
    product_name: str
    source: str
    stage_entered_at: datetime
    dwell: timedelta
    rots_at: datetime | None
    created_on: date
    expected_close_on: date | None
    closed_on: date | None
    lost_reason: str


@dataclass(frozen=True)
class StageBrief:
    """A stage by code and name."""

    code: str
    name: str


@dataclass(frozen=True)
class GateAnswer:
    """What a deal needs to go on: its stage, the checklist, and where it may go.

    ``following`` and ``previous`` are the neighbours on the path, None at its ends; ``may_skip`` tells
    whether the viewer may jump over stages; ``stages`` are all stages in their order. Of a closed deal
    the checklist is empty.
    """

    deal: DealLine
    customer_id: str
    customer_name: str
    goal: str
    exit_criteria: str
    kind: str
    items: tuple[GateItem, ...]
    following: StageBrief | None
    previous: StageBrief | None
    may_skip: bool
    stages: tuple[StageBrief, ...]
    lost: StageBrief


@dataclass(frozen=True)
class Profile:
    """A customer with everything around it; instants are aware UTC, ``resident_id`` is for the face to mask.

    ``deals``: open ones first, newest first. ``gate`` belongs to the newest open deal. ``similar``
    counts other living customers in the scope with the same name or one of the same numbers.
    """

    id: str
    name: str
    kind: str
    level: str
    source: str
    tags: tuple[str, ...]
    address: str
    birthday: date | None
    resident_id: str
    uscc: str
    note: str
    extra: Mapping[str, Any]
    owner_id: str | None
    owner_name: str
    branch_id: str
    created_on: date
    archived: bool
    last_follow_up_at: datetime | None
    last_effective_at: datetime | None
    next_contact_at: datetime | None
    next_step: str
    due_at: datetime | None
    due_reason: str
    points: tuple[Point, ...]
    contacts: tuple[ContactLine, ...]
    deals: tuple[DealLine, ...]
    gate: GateAnswer | None
    similar: int

    @property
    def phones(self) -> tuple[str, ...]:
        """The telephone numbers in E.164."""
        return tuple(point.normal for point in self.points if point.kind == "phone")


def customer_row(view: View, customer_id: str) -> Row[Any]:
    """Return a customer's row; raises Refused customer_unknown where there is none in the scope."""
    row = view.tx.first(
        select(customer, person.c.name.label("owner_name"))
        .outerjoin(person, person.c.id == customer.c.owner_id)
        .where(customer.c.id == customer_id, view.scope.where(customer))
    )
    if row is None:
        raise Refused("customer_unknown")
    return row


def profile(view: View, customer_id: str) -> Profile:
    """Return everything about one customer, an archived one too.

    Raises:
        Refused: customer_unknown, outside the scope as well.
    """
    row = customer_row(view, customer_id)
    points = _points(view, customer_id)
    deals = _deals(view, customer_id)
    newest_open = next((one for one in deals if one.state == "open"), None)
    return Profile(
        id=row.id,
        name=row.name,
        kind=row.kind,
        level=row.level,
        source=row.source,
        tags=tuple(row.tags or ()),
        address=row.address,
        birthday=row.birthday,
        resident_id=row.resident_id or "",
        uscc=row.uscc or "",
        note=row.note,
        extra=dict(row.extra or {}),
        owner_id=row.owner_id,
        owner_name=row.owner_name or "",
        branch_id=row.branch_id,
        created_on=row.created_on,
        archived=row.archived_at is not None,
        last_follow_up_at=row.last_follow_up_at,
        last_effective_at=row.last_effective_at,
        next_contact_at=row.next_contact_at,
        next_step=row.next_step,
        due_at=row.due_at,
        due_reason=row.due_reason,
        points=points,
        contacts=_contacts(view, customer_id),
        deals=deals,
        gate=gate(view, newest_open.id) if newest_open else None,
        similar=_similar(view, row, points),
    )


def gate(view: View, deal_id: str) -> GateAnswer:
    """Return what a deal needs to leave its stage and where it may go.

    Raises:
        Refused: deal_unknown, outside the scope as well.
    """
    row = view.tx.first(
        select(*_DEAL_COLUMNS, customer.c.name.label("customer_name"))
        .outerjoin(customer, customer.c.id == deal.c.customer_id)
        .outerjoin(product, product.c.id == deal.c.product_id)
        .outerjoin(product_line, product_line.c.id == deal.c.line_id)
        .where(deal.c.id == deal_id, view.scope.where(deal))
    )
    if row is None:
        raise Refused("deal_unknown")
    path = load_pipeline(view.tx, row.pipeline_id)
    here = path.stage(row.stage)
    following, previous = path.next_of(here.code), path.previous_of(here.code)
    is_open = here.kind is StageKind.OPEN
    lost = path.of_kind(StageKind.LOST)
    return GateAnswer(
        deal=_deal_line(view, row, {(path.id, stage.code): stage.name for stage in path.stages}),
        customer_id=row.customer_id or "",
        customer_name=row.customer_name or row.title,
        goal=here.goal,
        exit_criteria=here.exit_criteria,
        kind=here.kind.value,
        items=checklist(here, deal_facts(view.tx, row)) if is_open else (),
        following=StageBrief(following.code, following.name) if following else None,
        previous=StageBrief(previous.code, previous.name) if previous else None,
        may_skip=view.viewer.may(Right.SKIP_STAGE),
        stages=tuple(StageBrief(stage.code, stage.name) for stage in path.stages),
        lost=StageBrief(lost.code, lost.name),
    )


_DEAL_COLUMNS = (
    deal,
    product.c.name.label("product_name"),
    product_line.c.name.label("line_name"),
)


def _deals(view: View, customer_id: str) -> tuple[DealLine, ...]:
    rows = view.tx.rows(
        select(*_DEAL_COLUMNS)
        .outerjoin(product, product.c.id == deal.c.product_id)
        .outerjoin(product_line, product_line.c.id == deal.c.line_id)
        .where(deal.c.customer_id == customer_id, deal.c.archived_at.is_(None), view.scope.where(deal))
        .order_by(deal.c.state != "open", deal.c.created_at.desc(), deal.c.id.desc())
    )
    names = stage_names(view.tx)
    return tuple(_deal_line(view, row, names) for row in rows)


def _deal_line(view: View, row: Row[Any], names: Mapping[tuple[str, str], str]) -> DealLine:
    until = row.closed_at if row.closed_at is not None and row.state != "open" else view.now
    return DealLine(
        id=row.id,
        title=row.title,
        pipeline_id=row.pipeline_id,
        stage=row.stage,
        stage_name=names.get((row.pipeline_id, row.stage), row.stage),
        state=row.state,
        cycle=row.cycle,
        amount=row.amount,
        line_id=row.line_id,
        line_name=row.line_name or "",
        product_id=row.product_id,
        product_name=row.product_name or "",
        source=row.source,
        stage_entered_at=row.stage_entered_at,
        dwell=until - row.stage_entered_at,
        rots_at=row.rots_at if row.state == "open" else None,
        created_on=row.created_on,
        expected_close_on=row.expected_close_on,
        closed_on=row.closed_on,
        lost_reason=row.lost_reason,
    )


def _points(view: View, customer_id: str) -> tuple[Point, ...]:
    rows = view.tx.rows(
        select(contact_point)
        .where(contact_point.c.customer_id == customer_id)
        .order_by(contact_point.c.position, contact_point.c.id)
    )
    return tuple(Point(row.kind, row.value, row.normal, row.note) for row in rows)


def _contacts(view: View, customer_id: str) -> tuple[ContactLine, ...]:
    rows = view.tx.rows(
        select(contact)
        .where(contact.c.customer_id == customer_id, contact.c.archived_at.is_(None))
        .order_by(contact.c.id)
    )
    return tuple(ContactLine(row.id, row.name, row.title, row.phone, row.note) for row in rows)


def _similar(view: View, row: Row[Any], points: tuple[Point, ...]) -> int:
    """Count the other living customers in the scope with the same name or one of the same numbers."""
    same_name = select(customer.c.id).where(
        customer.c.archived_at.is_(None), customer.c.sort_name == row.sort_name, customer.c.name == row.name
    )
    same_number = select(contact_point.c.customer_id).where(
        contact_point.c.kind == "phone",
        contact_point.c.normal.in_([point.normal for point in points if point.kind == "phone"]),
    )
    return int(
        view.tx.scalar(
            select(func.count())
            .select_from(customer)
            .where(
                customer.c.id.in_(same_name.union(same_number)),
                customer.c.id != row.id,
                customer.c.archived_at.is_(None),
                view.scope.where(customer),
            )
        )
    )
