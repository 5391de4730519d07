"""Deals: opened, edited, moved through the gates, closed and opened again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field
from sqlalchemy import Row

from crm_tui.commands.base import Command, Context, Day, Fen, Id, Line, Outcome, Prose
from crm_tui.commands.contact_state import refresh_contact_state
from crm_tui.commands.overtaken import Seen, refuse_row_overtaken, seen_of
from crm_tui.commands.stage_log import enter_stage, has_begun, last_mover, last_visits, leave_stage
from crm_tui.commands.within import branch_day, deal_within, living_customer, living_deal
from crm_tui.domain.errors import Refused
from crm_tui.domain.lifecycle import MoveKind, Pipeline, Stage, StageKind, check_move
from crm_tui.domain.overdue import rots_at
from crm_tui.domain.permission import Right
from crm_tui.domain.plausible import check_expected_close
from crm_tui.store.pipelines import deal_facts, first_pipeline, load_pipeline, proven_actions
from crm_tui.store.tables import deal, product, product_line, stage_evidence, stage_visit
from crm_tui.store.transaction import Transaction

CLEARED = frozenset({"amount", "product_id", "line_id", "expected_close_on"})
"""What an edit empties by naming it without a value."""
_TICK = timedelta(microseconds=1)


class CreateDeal(Command):
    """Open a deal for a customer in the first stage of a pipeline; ``amount`` in fen."""

    kind: ClassVar[str] = "create_deal"

    customer_id: Id
    title: Line = ""
    pipeline_id: Id | None = None
    amount: Fen | None = None
    product_id: Id | None = None
    line_id: Id | None = None
    source: Line = ""
    expected_close_on: Day | None = None

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Add the deal and its first stage visit."""
        row = living_customer(tx, context, self.customer_id)
        pipeline = load_pipeline(tx, self.pipeline_id) if self.pipeline_id else first_pipeline(tx)
        _refuse_archived(pipeline)
        start = pipeline.stages[0]
        line_id = _line_of(tx, self.product_id, self.line_id)
        today = branch_day(tx, row.branch_id, context.at)
        check_expected_close(self.expected_close_on, today)
        deal_id = context.new_id()
        tx.insert(
            deal,
            id=deal_id,
            customer_id=row.id,
            branch_id=row.branch_id,
            owner_id=row.owner_id,
            pipeline_id=pipeline.id,
            title=self.title or row.name,
            stage=start.code,
            state="open",
            stage_entered_at=context.at,
            rots_at=rots_at(context.at, start.rotting_days),
            amount=self.amount,
            product_id=self.product_id,
            line_id=line_id,
            source=self.source or row.source,
            created_at=context.at,
            created_on=today,
            expected_close_on=self.expected_close_on,
            extra={},
        )
        enter_stage(tx, context, deal_id, at=context.at, cycle=1, stage=start.code, kind=MoveKind.START)
        refresh_contact_state(tx, row.id)
        return Outcome({"deal_id": deal_id}, undo=(SetDealArchived(deal_id=deal_id, archived=True),))


class EditDeal(Command):
    """Change what is known of a deal; only the fields that are given change.

    ``expected`` says what the actor saw in fields; one that holds something else by now is not overwritten.
    """

    kind: ClassVar[str] = "edit_deal"

    deal_id: Id
    title: Line | None = None
    amount: Fen | None = None
    product_id: Id | None = None
    line_id: Id | None = None
    source: Line | None = None
    expected_close_on: Day | None = None
    expected: Seen = Field(default_factory=dict)

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Write the given fields; the way back carries the old ones."""
        row = living_deal(tx, context, self.deal_id)
        given = self.given(but="deal_id", clears=CLEARED)
        values = {name: getattr(self, name) for name in given}
        check_expected_close(self.expected_close_on, row.created_on)
        if given & {"product_id", "line_id"}:
            values["line_id"] = _line_of(tx, self.product_id, self.line_id, had=row.product_id)
        refuse_row_overtaken(tx, self.expected, row, values)
        tx.update(deal, self.deal_id, **values)
        back = {name: getattr(row, name) for name in values}
        return Outcome(
            {"deal_id": self.deal_id},
            undo=(EditDeal(deal_id=self.deal_id, **back, expected=seen_of(values)),),
        )


class SetDealArchived(Command):
    """Put a deal away that should never have been opened, or bring it back."""

    kind: ClassVar[str] = "set_deal_archived"

    deal_id: Id
    archived: bool

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Set or clear the archive mark."""
        row = deal_within(tx, context, self.deal_id)
        if (row.archived_at is not None) is self.archived:
            raise Refused("deal_archived" if self.archived else "deal_not_archived")
        if self.archived and row.state != StageKind.OPEN.value:
            raise Refused("deal_closed")
        if row.customer_id and not self.archived:
            living_customer(tx, context, row.customer_id)
        tx.update(deal, self.deal_id, archived_at=context.at if self.archived else None)
        if row.customer_id:
            refresh_contact_state(tx, row.customer_id)
        return Outcome(undo=(self.model_copy(update={"archived": not self.archived}),))


class TickAction(Command):
    """Record that a required action of the deal's present stage was done; some need words as evidence."""

    kind: ClassVar[str] = "tick_action"

    deal_id: Id
    action: Line
    words: Prose = ""

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Add the evidence for this stage and cycle."""
        row = living_deal(tx, context, self.deal_id)
        stage = load_pipeline(tx, row.pipeline_id).stage(row.stage)
        wanted = next((one for one in stage.required_actions if one.code == self.action), None)
        if wanted is None:
            raise Refused("action_unknown", action=self.action)
        if wanted.evidence and not self.words:
            raise Refused("evidence_needed", action=wanted.name)
        if self.action in proven_actions(tx, row):
            raise Refused("action_done", action=wanted.name)
        evidence_id = context.new_id()
        tx.insert(
            stage_evidence,
            id=evidence_id,
            deal_id=row.id,
            cycle=row.cycle,
            stage=row.stage,
            action=self.action,
            words=self.words,
            at=context.at,
            actor_id=context.actor.person_id,
        )
        back = SetEvidenceWithdrawn(deal_id=row.id, evidence_id=evidence_id, withdrawn=True)
        return Outcome({"evidence_id": evidence_id}, undo=(back,))


class SetEvidenceWithdrawn(Command):
    """Take the proof of an action back, or let it stand again."""

    kind: ClassVar[str] = "set_evidence_withdrawn"

    deal_id: Id
    evidence_id: Id
    withdrawn: bool

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Set or clear the withdrawal."""
        living_deal(tx, context, self.deal_id)
        hit = tx.update_where(
            stage_evidence,
            stage_evidence.c.id == self.evidence_id,
            stage_evidence.c.deal_id == self.deal_id,
            stage_evidence.c.withdrawn_at.is_(None)
            if self.withdrawn
            else stage_evidence.c.withdrawn_at.is_not(None),
            withdrawn_at=context.at if self.withdrawn else None,
        )
        if not hit:
            raise Refused("action_unknown", action=self.evidence_id)
        return Outcome(undo=(self.model_copy(update={"withdrawn": not self.withdrawn}),))


class MoveDeal(Command):
    """Move a deal to another stage.

    ``expected_stage`` is the stage the actor saw; ``reason`` is needed for a skip and to open a closed
    deal again, ``lost_reason`` to lose it.
    """

    kind: ClassVar[str] = "move_deal"

    deal_id: Id
    to_stage: Line
    expected_stage: Line
    reason: Line = ""
    lost_reason: Line = ""

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Check the gate, close the present visit, open the next."""
        row = living_deal(tx, context, self.deal_id)
        pipeline = load_pipeline(tx, row.pipeline_id)
        if row.stage != self.expected_stage:
            raise Refused("stage_changed", stage=pipeline.stage(row.stage).name, by=last_mover(tx, row.id))
        kind = check_move(
            pipeline,
            deal_facts(tx, row),
            self.to_stage,
            reason=self.reason,
            lost_reason=self.lost_reason,
            may_skip=context.actor.may(Right.SKIP_STAGE),
        )
        if kind is MoveKind.REOPEN:
            _refuse_archived(pipeline)
        cycle = row.cycle + (kind is MoveKind.REOPEN)
        there = pipeline.stage(self.to_stage)
        at = max(context.at, row.stage_entered_at + _TICK)  # no stay ends before it began
        leave_stage(tx, row.id, at)
        visit_id = enter_stage(
            tx,
            context,
            row.id,
            at=at,
            cycle=cycle,
            stage=there.code,
            from_stage=row.stage,
            kind=kind,
            reason=self.lost_reason if kind is MoveKind.LOST else self.reason,
        )
        today = branch_day(tx, row.branch_id, context.at)
        tx.update(deal, row.id, **_columns(self, row, pipeline, cycle, at=at, today=today))
        if row.customer_id:
            refresh_contact_state(tx, row.customer_id)
        return Outcome(
            {"deal_id": row.id, "stage": there.name, "move": kind.value},
            undo=(TakeBackMove(deal_id=row.id, visit_id=visit_id),),
        )


class TakeBackMove(Command):
    """Take the last move of a deal back: the visit it began is marked, the one before goes on."""

    kind: ClassVar[str] = "take_back_move"

    deal_id: Id
    visit_id: Id

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Restore the deal to the visit before, unless it has moved on."""
        row = living_deal(tx, context, self.deal_id)
        last, before = last_visits(tx, row.id)
        if last is None or before is None or last.id != self.visit_id:
            raise Refused("move_not_last", by=last_mover(tx, row.id))
        pipeline = load_pipeline(tx, row.pipeline_id)
        here = pipeline.stage(before.stage)
        if here.kind is StageKind.OPEN and row.state != StageKind.OPEN.value:
            _refuse_archived(pipeline)
        by = context.actor.person_id
        tx.update(stage_visit, last.id, taken_back_at=context.at, taken_back_by=by, left_at=context.at)
        tx.update(stage_visit, before.id, left_at=None)
        restored = _restored(before, here, branch_day(tx, row.branch_id, before.entered_at))
        moved_on = branch_day(tx, row.branch_id, last.entered_at)
        if moved_on == row.engaged_on and not has_begun(tx, row.id, pipeline):
            restored["engaged_on"] = None
        tx.update(deal, row.id, **restored)
        if row.customer_id:
            refresh_contact_state(tx, row.customer_id)
        again = MoveDeal(
            deal_id=row.id,
            to_stage=last.stage,
            expected_stage=here.code,
            reason="" if last.kind == MoveKind.LOST else last.reason,
            lost_reason=last.reason if last.kind == MoveKind.LOST else "",
        )
        return Outcome({"deal_id": row.id, "stage": here.name}, undo=(again,))


def _refuse_archived(path: Pipeline) -> None:
    """Keep a pipeline that was put away free of open deals."""
    if path.archived:
        raise Refused("pipeline_archived", name=path.name)


def _columns(
    move: MoveDeal, row: Row[Any], path: Pipeline, cycle: int, *, at: datetime, today: date
) -> dict[str, Any]:
    """Return what a move writes into the deal; the day it was won or lost is the day of this move."""
    there = path.stage(move.to_stage)
    closed, lost = there.kind is not StageKind.OPEN, there.kind is StageKind.LOST
    begun = there.code != path.stages[0].code and not lost
    return {
        "stage": there.code,
        "state": there.kind.value,
        "cycle": cycle,
        "stage_entered_at": at,
        "rots_at": rots_at(at, there.rotting_days),
        "engaged_on": row.engaged_on or (today if begun else None),
        "closed_at": at if closed else None,
        "closed_on": today if closed else None,
        "lost_reason": move.lost_reason if lost else "",
        "lost_from": row.stage if lost else "",
    }


def _restored(before: Row[Any], here: Stage, entered_on: date) -> dict[str, Any]:
    """Return what taking the last move back writes into the deal: it stands as in the visit before."""
    closed, lost = here.kind is not StageKind.OPEN, here.kind is StageKind.LOST
    return {
        "stage": here.code,
        "state": here.kind.value,
        "cycle": before.cycle,
        "stage_entered_at": before.entered_at,
        "rots_at": rots_at(before.entered_at, here.rotting_days),
        "closed_at": before.entered_at if closed else None,
        "closed_on": entered_on if closed else None,
        "lost_reason": before.reason if lost else "",
        "lost_from": before.from_stage if lost else "",
    }


def _line_of(
    tx: Transaction, product_id: str | None, line_id: str | None, *, had: str | None = None
) -> str | None:
    """Return the product line of a deal: the product's own, else the one given.

    A product that is no longer sold may stay where a deal ``had`` it.
    """
    if product_id:
        found = tx.get(product, product_id)
        if found is None:
            raise Refused("product_unknown")
        if not found.active and product_id != had:
            raise Refused("product_inactive", name=found.name)
        return str(found.line_id) if found.line_id else line_id
    if line_id and tx.get(product_line, line_id) is None:
        raise Refused("product_unknown")
    return line_id
