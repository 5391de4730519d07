"""The board: one column per stage, its sums, its cards page by page, and one card in detail.

``board(view, pipeline_id, owner_id)`` answers the columns, ``board_cards(view, pipeline_id, stage,
...)`` a page of one column, ``cards_after`` the same by the last card seen, ``card_detail`` what the
right pane shows. The won column holds what was won in the last WON_DAYS days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Row,
    Select,
    TextClause,
    and_,
    cast,
    func,
    or_,
    select,
    text,
    type_coerce,
)

from crm_tui.domain.lifecycle import Pipeline, Stage, StageKind
from crm_tui.queries.profile import GateAnswer, gate
from crm_tui.queries.timeline import Entry, timeline
from crm_tui.store.pipelines import first_pipeline, load_pipeline
from crm_tui.store.tables import customer, deal, deal_tally, person, product, product_line
from crm_tui.store.tables.deals import STANDING
from crm_tui.store.types import EPOCH
from crm_tui.store.view import View

WON_DAYS = 30
LATEST_ENTRIES = 3
_MILLISECOND = 1_000.0
"""What the tally counts in, in microseconds."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class BoardColumn:
    """One stage: ``amount`` is the sum in fen, ``dwell_days`` the mean stay so far of who stands there."""

    code: str
    name: str
    kind: str
    count: int
    amount: int
    dwell_days: float | None


@dataclass(frozen=True)
class StageName:
    """A stage of the pipeline; ``kind`` is open, won or lost."""

    code: str
    name: str
    kind: str


@dataclass(frozen=True)
class BoardAnswer:
    """The columns of a pipeline in order; the totals are those of the open stages.

    ``stages`` are all stages, the lost one too, which has no column.
    """

    pipeline_id: str
    pipeline_name: str
    columns: tuple[BoardColumn, ...]
    stages: tuple[StageName, ...]
    total_count: int
    total_amount: int


@dataclass(frozen=True)
class CardLine:
    """One deal on the board; ``product_name`` is the product's or else its line's, ``amount`` in fen.

    Of a deal without a customer ``customer_id`` and ``level`` are empty and ``customer_name`` is the title.
    """

    deal_id: str
    customer_id: str
    customer_name: str
    title: str
    product_name: str
    line_name: str
    stage: str
    amount: int | None
    due_at: datetime | None
    due_reason: str
    rots_at: datetime | None
    stage_entered_at: datetime
    closed_on: date | None
    tags: tuple[str, ...]
    owner_id: str | None
    owner_name: str
    level: str
    next_step: str


@dataclass(frozen=True)
class CardDetail:
    """One card in full: the deal's gate, the customer's number and the latest entries of its timeline."""

    gate: GateAnswer
    phone: str
    level: str
    owner_name: str
    next_step: str
    next_contact_at: datetime | None
    due_at: datetime | None
    due_reason: str
    last_follow_up_at: datetime | None
    entries: tuple[Entry, ...]


def board(view: View, pipeline_id: str | None = None, owner_id: str | None = None) -> BoardAnswer:
    """Return the columns of a pipeline with their sums; of the first one where it is archived or not named.

    Raises:
        Refused: pipeline_unknown.
    """
    path = load_pipeline(view.tx, pipeline_id) if pipeline_id else first_pipeline(view.tx)
    if path.archived:
        path = first_pipeline(view.tx)
    sums = _sums(view, path, owner_id)
    columns = tuple(_column(view, stage, sums.get(stage.code)) for stage in path.path)
    standing = [column for column in columns if column.kind == StageKind.OPEN]
    return BoardAnswer(
        pipeline_id=path.id,
        pipeline_name=path.name,
        columns=columns,
        stages=tuple(StageName(stage.code, stage.name, stage.kind.value) for stage in path.stages),
        total_count=sum(column.count for column in standing),
        total_amount=sum(column.amount for column in standing),
    )


def board_cards(
    view: View, pipeline_id: str, stage: str, *, offset: int = 0, limit: int = 50, owner_id: str | None = None
) -> tuple[CardLine, ...]:
    """Return one page of a column: open deals by ``due_at`` (never due last) and id; won ones latest first.

    A page of an open column costs as much as its offset is long; for a walk use :func:`cards_after`.

    Raises:
        Refused: pipeline_unknown, stage_unknown.
    """
    here = load_pipeline(view.tx, pipeline_id).stage(stage)
    limits = _limits(view, pipeline_id, here, owner_id)
    if here.kind is not StageKind.OPEN:
        order: Sequence[ColumnElement[Any]] = (deal.c.closed_on.desc(), deal.c.id)
        return _cards(view, _ids(view, limits, order, offset, limit))
    dated = [*limits, deal.c.due_at.is_not(None)]
    ids = _ids(view, dated, (deal.c.due_at, deal.c.id), offset, limit)
    if len(ids) < limit:
        before = int(view.tx.scalar(select(func.count()).select_from(deal).where(and_(*dated))))
        undated = [*limits, deal.c.due_at.is_(None)]
        ids += _ids(view, undated, (deal.c.id,), max(0, offset - before), limit - len(ids))
    return _cards(view, ids)


def cards_after(
    view: View, pipeline_id: str, stage: str, last: CardLine, *, limit: int = 50, owner_id: str | None = None
) -> tuple[CardLine, ...]:
    """Return the cards of an open column that follow ``last``, as fast at the end as at the beginning.

    Raises:
        Refused: pipeline_unknown, stage_unknown.
    """
    here = load_pipeline(view.tx, pipeline_id).stage(stage)
    limits = _limits(view, pipeline_id, here, owner_id)
    undated = [*limits, deal.c.due_at.is_(None)]
    if last.due_at is None:
        return _cards(view, _ids(view, [*undated, deal.c.id > last.deal_id], (deal.c.id,), 0, limit))
    later = or_(deal.c.due_at > last.due_at, deal.c.id > last.deal_id)
    dated = [*limits, deal.c.due_at >= last.due_at, later]
    ids = _ids(view, dated, (deal.c.due_at, deal.c.id), 0, limit)
    if len(ids) < limit:
        ids += _ids(view, undated, (deal.c.id,), 0, limit - len(ids))
    return _cards(view, ids)


def card_place(
    view: View, deal_id: str, *, pipeline_id: str | None = None, owner_id: str | None = None
) -> tuple[str, int] | None:
    """Return the stage of a deal and how many cards stand before it; None: it is not on that board."""
    row = view.tx.first(select(deal).where(deal.c.id == deal_id, view.scope.where(deal)))
    if row is None or pipeline_id not in {None, row.pipeline_id}:
        return None
    here = load_pipeline(view.tx, row.pipeline_id).stage(row.stage)
    limits = _limits(view, row.pipeline_id, here, owner_id)
    if view.tx.first(select(deal.c.id).where(deal.c.id == deal_id, *limits)) is None:
        return None
    before = select(func.count()).select_from(deal).where(*limits, _stands_before(row, here))
    return row.stage, int(view.tx.scalar(before))


def _stands_before(row: Row[Any], here: Stage) -> ColumnElement[bool]:
    """Return what the cards have in common that stand before this one in its column."""
    smaller = deal.c.id < row.id
    if here.kind is not StageKind.OPEN:
        return or_(deal.c.closed_on > row.closed_on, and_(deal.c.closed_on == row.closed_on, smaller))
    if row.due_at is None:
        return or_(deal.c.due_at.is_not(None), smaller)
    return or_(deal.c.due_at < row.due_at, and_(deal.c.due_at == row.due_at, smaller))


def card_detail(view: View, deal_id: str) -> CardDetail:
    """Return one card in full.

    Raises:
        Refused: deal_unknown, outside the scope as well.
    """
    asked = gate(view, deal_id)
    row = view.tx.first(
        select(customer, person.c.name.label("owner_name"))
        .outerjoin(person, person.c.id == customer.c.owner_id)
        .where(customer.c.id == asked.customer_id, view.scope.where(customer))
    )
    if row is None:
        return CardDetail(asked, "", "", "", "", None, None, "", None, ())
    return CardDetail(
        gate=asked,
        phone=row.phone,
        level=row.level,
        owner_name=row.owner_name or "",
        next_step=row.next_step,
        next_contact_at=row.next_contact_at,
        due_at=row.due_at,
        due_reason=row.due_reason,
        last_follow_up_at=row.last_follow_up_at,
        entries=timeline(view, row.id, limit=LATEST_ENTRIES).entries,
    )


def _limits(view: View, pipeline_id: str, here: Stage, owner_id: str | None) -> list[ColumnElement[bool]]:
    """Return what makes a deal stand in a column of the board."""
    limits = [
        deal.c.pipeline_id == pipeline_id,
        deal.c.state == here.kind.value,
        deal.c.stage == here.code,
        deal.c.archived_at.is_(None),
        view.scope.where(deal),
    ]
    if here.kind is not StageKind.OPEN:
        limits.append(deal.c.closed_on > view.today - timedelta(days=WON_DAYS))
    if owner_id:
        limits.append(deal.c.owner_id == owner_id)
    return limits


def _sums(view: View, path: Pipeline, owner_id: str | None) -> dict[str, Row[Any]]:
    """Return count, sum and mean entry of each column: one question for the open stages, one for the won.

    What whole branches have is kept in the tally; one person's deals are few and added up.
    """
    since = view.today - timedelta(days=WON_DAYS)
    if view.tx.dialect == "sqlite" and view.scope.is_by_branch and not owner_id:
        asked = (
            _tallied(view, path, StageKind.OPEN, deal_tally.c.closed_on == ""),
            _tallied(view, path, StageKind.WON, deal_tally.c.closed_on > since.isoformat()),
        )
    else:
        owned = [deal.c.owner_id == owner_id] if owner_id else []
        asked = (
            _added_up(view, path, text(STANDING), *owned),
            _added_up(view, path, deal.c.state == StageKind.WON.value, deal.c.closed_on > since, *owned),
        )
    return {row.stage: row for question in asked for row in view.tx.rows(question)}


def _tallied(view: View, path: Pipeline, kind: StageKind, days: ColumnElement[bool]) -> Select[Any]:
    entered = func.sum(cast(deal_tally.c.entered, Float)) * _MILLISECOND
    return (
        select(
            deal_tally.c.stage,
            func.sum(deal_tally.c.uses).label("uses"),
            func.sum(deal_tally.c.amount).label("amount"),
            (entered / func.sum(deal_tally.c.uses)).label("entered"),
        )
        .where(
            deal_tally.c.pipeline_id == path.id,
            deal_tally.c.state == kind.value,
            days,
            deal_tally.c.uses > 0,
            view.scope.where(deal_tally),
        )
        .group_by(deal_tally.c.stage)
    )


def _added_up(view: View, path: Pipeline, *where: ColumnElement[bool] | TextClause) -> Select[Any]:
    return (
        select(
            deal.c.stage,
            func.count().label("uses"),
            func.coalesce(func.sum(deal.c.amount), 0).label("amount"),
            func.avg(type_coerce(deal.c.stage_entered_at, BigInteger)).label("entered"),
        )
        .where(deal.c.pipeline_id == path.id, deal.c.archived_at.is_(None), view.scope.where(deal), *where)
        .group_by(deal.c.stage)
    )


def _column(view: View, stage: Stage, sums: Row[Any] | None) -> BoardColumn:
    dwell = None
    if sums is not None and stage.kind is StageKind.OPEN:
        now = (view.now - EPOCH) // _MICROSECOND
        dwell = (now - float(sums.entered)) * _MICROSECOND / timedelta(days=1)
    return BoardColumn(
        code=stage.code,
        name=stage.name,
        kind=stage.kind.value,
        count=sums.uses if sums is not None else 0,
        amount=int(sums.amount) if sums is not None else 0,
        dwell_days=dwell,
    )


def _ids(
    view: View,
    limits: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    offset: int,
    limit: int,
) -> list[str]:
    return list(
        view.tx.scalars(select(deal.c.id).where(and_(*limits)).order_by(*order).offset(offset).limit(limit))
    )


def _cards(view: View, deal_ids: Sequence[str]) -> tuple[CardLine, ...]:
    """Return the cards of these deals in this order, by one question."""
    rows = view.tx.rows(
        select(
            deal,
            customer.c.name.label("customer_name"),
            customer.c.tags,
            customer.c.level,
            customer.c.due_reason,
            customer.c.next_step,
            person.c.name.label("owner_name"),
            func.coalesce(product.c.name, product_line.c.name, "").label("product_name"),
            func.coalesce(product_line.c.name, "").label("line_name"),
        )
        .outerjoin(customer, customer.c.id == deal.c.customer_id)
        .outerjoin(person, person.c.id == deal.c.owner_id)
        .outerjoin(product, product.c.id == deal.c.product_id)
        .outerjoin(product_line, product_line.c.id == deal.c.line_id)
        .where(deal.c.id.in_(list(deal_ids)))
    )
    found = {row.id: _card(row) for row in rows}
    return tuple(found[one] for one in deal_ids)


def _card(row: Row[Any]) -> CardLine:
    is_open = row.state == StageKind.OPEN
    return CardLine(
        deal_id=row.id,
        customer_id=row.customer_id or "",
        customer_name=row.customer_name or row.title,
        title=row.title,
        product_name=row.product_name,
        line_name=row.line_name,
        stage=row.stage,
        amount=row.amount,
        due_at=row.due_at if is_open else None,
        due_reason=(row.due_reason or "") if is_open else "",
        rots_at=row.rots_at if is_open else None,
        stage_entered_at=row.stage_entered_at,
        closed_on=row.closed_on,
        tags=tuple(row.tags or ()),
        owner_id=row.owner_id,
        owner_name=row.owner_name or "",
        level=row.level or "",
        next_step=row.next_step or "",
    )
