"""Pipelines as rows: publishing a new version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row, func, select

from crm_tui.commands.base import Command, Context, Id, Line, Outcome, Prose
from crm_tui.domain.errors import Refused
from crm_tui.domain.lifecycle import FIELDS, Pipeline, StageKind
from crm_tui.domain.permission import Right
from crm_tui.store.pipelines import load_pipeline
from crm_tui.store.tables import deal, pipeline, stage
from crm_tui.store.transaction import Transaction


class ActionPlan(BaseModel):
    """A required action as it is typed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Line
    name: Line
    evidence: bool = False


class StagePlan(BaseModel):
    """One stage of a pipeline as it is typed; probability in percent, rotting in days (0: never)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Line = Field(min_length=1, pattern=r"^[a-z][a-z0-9_]*$")
    name: Line = Field(min_length=1)
    kind: StageKind
    probability: int = Field(ge=0, le=100)
    rotting_days: int = Field(default=0, ge=0, le=365)
    goal: Prose = ""
    exit_criteria: Prose = ""
    required_fields: tuple[Line, ...] = ()
    required_actions: tuple[ActionPlan, ...] = ()


class PublishPipeline(Command):
    """Put a new version of a pipeline in force, or a new pipeline; old versions stay for the history.

    A stage in which open deals stand cannot be left out.
    """

    kind: ClassVar[str] = "publish_pipeline"
    right: ClassVar[Right] = Right.MANAGE_RULES

    pipeline_id: Id | None = None
    name: Line
    stages: tuple[StagePlan, ...] = Field(min_length=3, max_length=12)

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Check the stages and write them as the next version."""
        if not self.name or not all(one.code and one.name for one in self.stages):
            raise Refused("name_needed")
        _check(self.stages)
        _refuse_name_taken(tx, self.name, but=self.pipeline_id)
        if self.pipeline_id is None:
            pipeline_id, version = context.new_id(), 1
            back: tuple[Command, ...] = (SetPipelineArchived(pipeline_id=pipeline_id, archived=True),)
            behind = tx.scalar(select(func.count()).select_from(pipeline))
            tx.insert(pipeline, id=pipeline_id, name=self.name, version=version, position=behind)
        else:
            current = load_pipeline(tx, self.pipeline_id)
            pipeline_id, version = current.id, _last_version(tx, current.id) + 1
            _refuse_stranded(tx, current.id, {one.code for one in self.stages})
            tx.update(pipeline, current.id, name=self.name, version=version)
            back = (as_plan(current),)
        tx.insert_all(
            stage, [_row(pipeline_id, version, place, one) for place, one in enumerate(self.stages, start=1)]
        )
        return Outcome({"pipeline_id": pipeline_id, "version": version}, undo=back)


class RenamePipeline(Command):
    """Give a pipeline another name; its stages and its version stay."""

    kind: ClassVar[str] = "rename_pipeline"
    right: ClassVar[Right] = Right.MANAGE_RULES

    pipeline_id: Id
    name: Line

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Write the name unless another pipeline has it."""
        row = _known(tx, self.pipeline_id)
        if not self.name:
            raise Refused("name_needed")
        _refuse_name_taken(tx, self.name, but=row.id)
        tx.update(pipeline, row.id, name=self.name)
        back = RenamePipeline(pipeline_id=row.id, name=row.name)
        return Outcome({"pipeline_id": row.id}, undo=(back,))


class SetPipelineArchived(Command):
    """Put a pipeline away that takes no more deals, or bring it back; closed deals stay in the figures."""

    kind: ClassVar[str] = "set_pipeline_archived"
    right: ClassVar[Right] = Right.MANAGE_RULES

    pipeline_id: Id
    archived: bool

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Set or clear the archive mark; one with open deals and the last one stay."""
        row = _known(tx, self.pipeline_id)
        if (row.archived_at is not None) is self.archived:
            raise Refused("pipeline_archived" if self.archived else "pipeline_not_archived", name=row.name)
        if self.archived:
            _refuse_needed(tx, row)
        else:
            _refuse_name_taken(tx, row.name, but=row.id)
        tx.update(pipeline, row.id, archived_at=context.at if self.archived else None)
        back = self.model_copy(update={"archived": not self.archived})
        return Outcome({"pipeline_id": row.id}, undo=(back,))


def as_plan(current: Pipeline) -> PublishPipeline:
    """Return the command that publishes this version again."""
    return PublishPipeline(
        pipeline_id=current.id,
        name=current.name,
        stages=tuple(
            StagePlan(
                code=one.code,
                name=one.name,
                kind=one.kind,
                probability=one.probability,
                rotting_days=one.rotting_days,
                goal=one.goal,
                exit_criteria=one.exit_criteria,
                required_fields=one.required_fields,
                required_actions=tuple(
                    ActionPlan(code=action.code, name=action.name, evidence=action.evidence)
                    for action in one.required_actions
                ),
            )
            for one in current.stages
        ),
    )


def _check(stages: Sequence[StagePlan]) -> None:
    """Refuse stages that are not a path of open ones, then one won, then one lost."""
    codes = [one.code for one in stages]
    if len(set(codes)) != len(codes):
        raise Refused("stage_twice")
    kinds = [one.kind for one in stages]
    if kinds[-2:] != [StageKind.WON, StageKind.LOST] or set(kinds[:-2]) != {StageKind.OPEN}:
        raise Refused("stage_order")
    for one in stages:
        unknown = set(one.required_fields) - set(FIELDS)
        if unknown:
            raise Refused("stage_field_unknown", stage=one.name, field=", ".join(sorted(unknown)))


def _refuse_stranded(tx: Transaction, pipeline_id: str, kept: set[str]) -> None:
    left_behind = tx.scalars(
        select(deal.c.stage).where(deal.c.pipeline_id == pipeline_id, deal.c.state == "open").distinct()
    )
    stranded = set(left_behind) - kept
    if stranded:
        raise Refused("stage_in_use", stage=", ".join(sorted(stranded)))


def _known(tx: Transaction, pipeline_id: str) -> Row[Any]:
    row = tx.get(pipeline, pipeline_id)
    if row is None:
        raise Refused("pipeline_unknown")
    return row


def _refuse_name_taken(tx: Transaction, name: str, *, but: str | None) -> None:
    """Refuse the name of another living pipeline: tables and quick entry name pipelines."""
    living = tx.rows(select(pipeline.c.id, pipeline.c.name).where(pipeline.c.archived_at.is_(None)))
    if any(one.name.casefold() == name.casefold() and one.id != but for one in living):
        raise Refused("pipeline_taken", name=name)


def _refuse_needed(tx: Transaction, row: Row[Any]) -> None:
    """Refuse to put away a pipeline in which deals are open, archived ones too, or the only one."""
    deals = tx.scalar(
        select(func.count())
        .select_from(deal)
        .where(deal.c.pipeline_id == row.id, deal.c.state == StageKind.OPEN.value)
    )
    if deals:
        raise Refused("pipeline_in_use", name=row.name, count=deals)
    living = tx.scalar(select(func.count()).select_from(pipeline).where(pipeline.c.archived_at.is_(None)))
    if living == 1:
        raise Refused("pipeline_last")


def _last_version(tx: Transaction, pipeline_id: str) -> int:
    versions = tx.scalars(select(stage.c.version).where(stage.c.pipeline_id == pipeline_id).distinct())
    return int(max(versions))


def _row(pipeline_id: str, version: int, place: int, one: StagePlan) -> dict[str, Any]:
    return {
        "pipeline_id": pipeline_id,
        "version": version,
        "position": place,
        **one.model_dump(mode="json"),
    }
