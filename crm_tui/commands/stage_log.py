"""The stage log of a deal: when it came into which stage and when it left; written here and read back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update

from crm_tui.commands.base import Context
from crm_tui.domain.lifecycle import MoveKind, Pipeline, StageKind
from crm_tui.store.prepared import Ready
from crm_tui.store.tables import person, stage_visit
from crm_tui.store.transaction import Transaction

_LEAVE = Ready(
    update(stage_visit)
    .where(stage_visit.c.deal_id == bindparam("the_id"), stage_visit.c.left_at.is_(None))
    .values(left_at=bindparam("the_end", type_=stage_visit.c.left_at.type))
)


def enter_stage(
    tx: Transaction,
    context: Context,
    deal_id: str,
    *,
    at: datetime,
    cycle: int,
    stage: str,
    kind: MoveKind,
    from_stage: str = "",
    reason: str = "",
) -> str:
    """Add a stage visit that begins at an instant; return its id."""
    visit_id = context.new_id()
    tx.insert(
        stage_visit,
        id=visit_id,
        deal_id=deal_id,
        cycle=cycle,
        stage=stage,
        from_stage=from_stage,
        kind=kind.value,
        entered_at=at,
        actor_id=context.actor.person_id,
        reason=reason,
    )
    return visit_id


def leave_stage(tx: Transaction, deal_id: str, at: datetime) -> None:
    """Close the visit that is going on."""
    tx.change(stage_visit, _LEAVE, {"the_id": deal_id, "the_end": at})


def last_visits(tx: Transaction, deal_id: str) -> tuple[Row[Any] | None, Row[Any] | None]:
    """Return the last visit that stands and the one before it."""
    rows = tx.rows(
        select(stage_visit)
        .where(stage_visit.c.deal_id == deal_id, stage_visit.c.taken_back_at.is_(None))
        .order_by(stage_visit.c.entered_at.desc(), stage_visit.c.id.desc())
        .limit(2)
    )
    return (rows[0] if rows else None), (rows[1] if len(rows) > 1 else None)


def last_mover(tx: Transaction, deal_id: str) -> str:
    """Return the name of whoever brought the deal where it stands, a move that was taken back included.

    ? where nobody is known to have moved it.
    """
    mover = func.coalesce(stage_visit.c.taken_back_by, stage_visit.c.actor_id)
    asked = select(person.c.name).join_from(stage_visit, person, mover == person.c.id)
    newest = stage_visit.c.entered_at.desc(), stage_visit.c.id.desc()
    return tx.scalar(asked.where(stage_visit.c.deal_id == deal_id).order_by(*newest).limit(1)) or "?"


def has_begun(tx: Transaction, deal_id: str, path: Pipeline) -> bool:
    """Tell whether a visit that stands was in any other stage than the first and the lost one."""
    idle = [path.stages[0].code, path.of_kind(StageKind.LOST).code]
    standing = (stage_visit.c.deal_id == deal_id) & stage_visit.c.taken_back_at.is_(None)
    return tx.first(select(stage_visit.c.id).where(standing, stage_visit.c.stage.not_in(idle))) is not None
