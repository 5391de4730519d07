"""What a follow-up form starts from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select

from crm_tui.domain.errors import Refused
from crm_tui.store.tables import customer, deal, follow_up, pipeline, stage
from crm_tui.store.view import View


@dataclass(frozen=True)
class Said:
    """One follow-up as it stands."""

    follow_up_id: str
    occurred_at: datetime
    channel: str
    result: str
    need_change: str
    objections: tuple[str, ...]
    objection_note: str
    next_step: str
    next_at: datetime


@dataclass(frozen=True)
class FollowUpStart:
    """The customer, the deal that is worked on and what was said last; ``zone`` is the viewer's."""

    customer_id: str
    name: str
    phone: str
    zone: str
    deal_id: str | None
    stage: str
    stage_name: str
    next_stage: str
    next_stage_name: str
    last: tuple[Said, ...]


def follow_up_start(view: View, customer_id: str, deal_id: str | None = None) -> FollowUpStart:
    """Return what the form shows around its fields: the deal given, else the newest open one.

    Raises:
        Refused: customer_unknown.
    """
    row = view.tx.first(select(customer).where(customer.c.id == customer_id, view.scope.where(customer)))
    if row is None:
        raise Refused("customer_unknown")
    deals = (
        select(deal.c.id, deal.c.stage, deal.c.pipeline_id)
        .where(deal.c.customer_id == customer_id, deal.c.state == "open", deal.c.archived_at.is_(None))
        .order_by(deal.c.created_at.desc())
    )
    here = view.tx.first(deals.where(deal.c.id == deal_id) if deal_id else deals)
    names = _stage_names(view, here.pipeline_id) if here else []
    codes = [code for code, _ in names]
    place = codes.index(here.stage) if here and here.stage in codes else -1
    following = names[place + 1] if 0 <= place < len(names) - 1 else ("", "")
    return FollowUpStart(
        customer_id=row.id,
        name=row.name,
        phone=row.phone,
        zone=view.viewer.zone,
        deal_id=here.id if here else None,
        stage=here.stage if here else "",
        stage_name=names[place][1] if place >= 0 else "",
        next_stage=following[0],
        next_stage_name=following[1],
        last=last_follow_ups(view, customer_id, 3),
    )


def start_elsewhere(view: View, customer_id: str, name: str, deal_id: str | None) -> FollowUpStart:
    """Return what the form shows for a customer who is not here any more, by the name known last."""
    return FollowUpStart(
        customer_id=customer_id,
        name=name,
        phone="",
        zone=view.viewer.zone,
        deal_id=deal_id,
        stage="",
        stage_name="",
        next_stage="",
        next_stage_name="",
        last=(),
    )


def last_follow_ups(view: View, customer_id: str, limit: int) -> tuple[Said, ...]:
    """Return the newest follow-ups of a customer that stand; none of a customer outside the scope."""
    rows = view.tx.rows(
        select(follow_up)
        .join(customer, customer.c.id == follow_up.c.customer_id)
        .where(
            view.scope.where(customer),
            follow_up.c.customer_id == customer_id,
            follow_up.c.replaced_by.is_(None),
            follow_up.c.retracted_at.is_(None),
        )
        .order_by(follow_up.c.occurred_at.desc())
        .limit(limit)
    )
    return tuple(
        Said(
            follow_up_id=row.root_id,
            occurred_at=row.occurred_at,
            channel=row.channel,
            result=row.result,
            need_change=row.need_change,
            objections=tuple(row.objections),
            objection_note=row.objection_note,
            next_step=row.next_step,
            next_at=row.next_at,
        )
        for row in rows
    )


def _stage_names(view: View, pipeline_id: str) -> list[tuple[str, str]]:
    """Return (code, name) of the stages on the way to a win, in order."""
    return [
        (row.code, row.name)
        for row in view.tx.rows(
            select(stage.c.code, stage.c.name)
            .join(
                pipeline,
                and_(pipeline.c.id == stage.c.pipeline_id, pipeline.c.version == stage.c.version),
            )
            .where(stage.c.pipeline_id == pipeline_id, stage.c.kind != "lost")
            .order_by(stage.c.position)
        )
    ]
