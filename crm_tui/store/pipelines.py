"""Reading pipelines: the stages in force, and what a deal's gate looks at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, bindparam, exists, select

from crm_tui.domain.errors import Refused
from crm_tui.domain.lifecycle import DealFacts, Pipeline, RequiredAction, Stage, StageKind
from crm_tui.store.prepared import Ready
from crm_tui.store.tables import customer, follow_up, pipeline, stage, stage_evidence
from crm_tui.store.transaction import Transaction

_STAGES = Ready(
    select(stage)
    .where(stage.c.pipeline_id == bindparam("the_id"), stage.c.version == bindparam("the_version"))
    .order_by(stage.c.position)
)
_SPOKEN_SINCE = Ready(
    select(
        exists()
        .where(
            follow_up.c.customer_id == bindparam("the_id"),
            follow_up.c.effective,
            follow_up.c.replaced_by.is_(None),
            follow_up.c.retracted_at.is_(None),
            follow_up.c.occurred_at >= bindparam("since", type_=follow_up.c.occurred_at.type),
        )
        .label("spoken")
    )
)
_PROVEN = Ready(
    select(stage_evidence.c.action).where(
        stage_evidence.c.deal_id == bindparam("the_id"),
        stage_evidence.c.cycle == bindparam("the_cycle"),
        stage_evidence.c.stage == bindparam("the_stage"),
        stage_evidence.c.withdrawn_at.is_(None),
    )
)


def load_pipeline(tx: Transaction, pipeline_id: str) -> Pipeline:
    """Return a pipeline with the stages in force; raises Refused pipeline_unknown."""
    return tx.keep(("pipeline", pipeline_id), lambda: _loaded(tx, pipeline_id), pipeline, stage)


def _loaded(tx: Transaction, pipeline_id: str) -> Pipeline:
    row = tx.get(pipeline, pipeline_id)
    if row is None:
        raise Refused("pipeline_unknown")
    stages = tx.rows(_STAGES, {"the_id": pipeline_id, "the_version": row.version})
    return _pipeline(row, stages)


def first_pipeline(tx: Transaction) -> Pipeline:
    """Return the organisation's first pipeline; raises Refused pipeline_unknown where there is none."""
    living = select(pipeline.c.id).where(pipeline.c.archived_at.is_(None))
    pipeline_id = tx.scalar(living.order_by(pipeline.c.position, pipeline.c.id).limit(1))
    return load_pipeline(tx, pipeline_id or "")


def all_pipelines(tx: Transaction) -> tuple[Pipeline, ...]:
    """Return every pipeline with the stages in force: the living ones in their order, then the archived."""
    rows = tx.rows(
        select(pipeline).order_by(pipeline.c.archived_at.is_not(None), pipeline.c.position, pipeline.c.id)
    )
    stages = tx.rows(
        select(stage)
        .join(pipeline, (pipeline.c.id == stage.c.pipeline_id) & (pipeline.c.version == stage.c.version))
        .order_by(stage.c.position)
    )
    return tuple(_pipeline(row, (one for one in stages if one.pipeline_id == row.id)) for row in rows)


def stage_names(tx: Transaction) -> dict[tuple[str, str], str]:
    """Return the name of every stage in force by (pipeline_id, code)."""
    rows = tx.rows(
        select(stage.c.pipeline_id, stage.c.code, stage.c.name).join(
            pipeline, (pipeline.c.id == stage.c.pipeline_id) & (pipeline.c.version == stage.c.version)
        )
    )
    return {(row.pipeline_id, row.code): row.name for row in rows}


def deal_facts(tx: Transaction, row: Row[Any]) -> DealFacts:
    """Return what the gate of a deal's present stage looks at."""
    owner = tx.get(customer, row.customer_id) if row.customer_id else None
    effective = tx.scalar(_SPOKEN_SINCE, {"the_id": row.customer_id, "since": row.stage_entered_at})
    filled = {
        "phone": bool(owner and owner.phone),
        "address": bool(owner and owner.address),
        "level": bool(owner and owner.level),
        "amount": row.amount is not None,
        "product_line": row.line_id is not None,
        "expected_close_on": row.expected_close_on is not None,
        "need": bool(effective),
    }
    return DealFacts(
        stage=row.stage,
        filled=frozenset(name for name, is_there in filled.items() if is_there),
        done=frozenset(proven_actions(tx, row)),
        lost_from=row.lost_from,
    )


def proven_actions(tx: Transaction, row: Row[Any]) -> set[str]:
    """Return the actions of the deal's present stage and cycle that are proven."""
    here = {"the_id": row.id, "the_cycle": row.cycle, "the_stage": row.stage}
    return {one.action for one in tx.rows(_PROVEN, here)}


def _pipeline(row: Row[Any], stages: Iterable[Row[Any]]) -> Pipeline:
    return Pipeline(
        id=row.id,
        name=row.name,
        version=row.version,
        stages=tuple(_stage(one) for one in stages),
        archived=row.archived_at is not None,
    )


def _stage(row: Row[Any]) -> Stage:
    return Stage(
        code=row.code,
        name=row.name,
        kind=StageKind(row.kind),
        position=row.position,
        probability=row.probability,
        rotting_days=row.rotting_days,
        goal=row.goal,
        exit_criteria=row.exit_criteria,
        required_fields=tuple(row.required_fields),
        required_actions=tuple(RequiredAction(**action) for action in row.required_actions),
    )
