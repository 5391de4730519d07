"""Follow-ups: logged whole, amended by a new version, retracted but never deleted; and postponements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field
from sqlalchemy import Row, bindparam, func, select

from crm_tui.commands.base import Command, Context, Id, Line, Moment, Outcome, Prose
from crm_tui.commands.contact_state import refresh_contact_state
from crm_tui.commands.within import branch_day, living_customer, living_deal
from crm_tui.domain.errors import Refused
from crm_tui.domain.follow_up import FARTHEST, check_follow_up, is_effective
from crm_tui.store.prepared import Ready
from crm_tui.store.tables import contact_plan, follow_up
from crm_tui.store.transaction import Transaction

_TICK = timedelta(microseconds=1)
_LAST_PLAN = Ready(
    select(func.max(contact_plan.c.set_at)).where(
        contact_plan.c.customer_id == bindparam("whose"), contact_plan.c.retracted_at.is_(None)
    )
)


@dataclass(frozen=True)
class _Version:
    """Which version of which follow-up is written, and whose work it is.

    ``said_at`` is when the next contact was first set, None: now.
    """

    id: str
    root_id: str
    number: int
    branch_id: str
    author_id: str
    amended_by: str | None = None
    said_at: datetime | None = None


class LogFollowUp(Command):
    """Log what was said with a customer; every answer but the supplement is mandatory.

    ``need_change`` is ``none`` where the need has not changed, ``objections`` is ``["none"]`` where
    there were none; ``occurred_at`` defaults to now.
    """

    kind: ClassVar[str] = "log_follow_up"
    fact: ClassVar[bool] = True

    customer_id: Id
    deal_id: Id | None = None
    channel: Line
    result: Line
    need_change: Prose
    objections: tuple[Line, ...] = Field(max_length=10)
    objection_note: Prose = ""
    next_step: Line
    next_at: Moment
    occurred_at: Moment | None = None

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Add the first version, the plan it makes, and what follows from both."""
        row = living_customer(tx, context, self.customer_id)
        if self.deal_id and living_deal(tx, context, self.deal_id).customer_id != self.customer_id:
            raise Refused("deal_unknown")
        if self.occurred_at is not None and self.occurred_at > context.at:
            raise Refused("follow_up_in_future")
        root = context.new_id()
        first = _Version(root, root, 1, branch_id=row.branch_id, author_id=context.actor.person_id)
        _write_version(tx, context, self, first)
        refresh_contact_state(tx, self.customer_id)
        return Outcome(
            {"follow_up_id": root, "customer_id": self.customer_id},
            undo=(RetractFollowUp(follow_up_id=root),),
        )


class AmendFollowUp(Command):
    """Correct a follow-up by a new version; the old one stays readable.

    Whoever corrects it, the contact stays the work of its author; ``amended_by`` says who wrote this version.
    """

    kind: ClassVar[str] = "amend_follow_up"

    follow_up_id: Id
    channel: Line
    result: Line
    need_change: Prose
    objections: tuple[Line, ...] = Field(max_length=10)
    objection_note: Prose = ""
    next_step: Line
    next_at: Moment

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Replace the current version of the follow-up by a new one."""
        current = _current(tx, context, self.follow_up_id)
        corrected = LogFollowUp(
            customer_id=current.customer_id,
            deal_id=current.deal_id,
            occurred_at=current.occurred_at,
            **self.model_dump(exclude={"follow_up_id"}),
        )
        version_id = context.new_id()
        said_at = _said_at(tx, current.root_id, self.next_at)
        tx.update(follow_up, current.id, replaced_by=version_id)
        tx.update_where(contact_plan, contact_plan.c.follow_up_id == current.id, retracted_at=context.at)
        version = _Version(
            version_id,
            current.root_id,
            current.version + 1,
            branch_id=current.branch_id,
            author_id=current.author_id,
            amended_by=context.actor.person_id,
            said_at=said_at,
        )
        _write_version(tx, context, corrected, version)
        refresh_contact_state(tx, current.customer_id)
        old = {name: getattr(current, name) for name in type(self).model_fields if name != "follow_up_id"}
        back = AmendFollowUp(follow_up_id=current.root_id, **{**old, "objections": tuple(old["objections"])})
        return Outcome({"follow_up_id": current.root_id}, undo=(back,))


class RetractFollowUp(Command):
    """Take a follow-up back; it stays in the history, marked, and counts no more."""

    kind: ClassVar[str] = "retract_follow_up"

    follow_up_id: Id

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Mark the current version and its plan as retracted."""
        current = _current(tx, context, self.follow_up_id)
        tx.update(follow_up, current.id, retracted_at=context.at)
        tx.update_where(contact_plan, contact_plan.c.follow_up_id == current.id, retracted_at=context.at)
        refresh_contact_state(tx, current.customer_id)
        return Outcome(
            {"customer_id": current.customer_id}, undo=(ReinstateFollowUp(follow_up_id=self.follow_up_id),)
        )


class ReinstateFollowUp(Command):
    """Let a retracted follow-up stand again."""

    kind: ClassVar[str] = "reinstate_follow_up"

    follow_up_id: Id

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Take the retraction away from the version and its plan."""
        current = _current(tx, context, self.follow_up_id, retracted=True)
        tx.update(follow_up, current.id, retracted_at=None)
        tx.update_where(contact_plan, contact_plan.c.follow_up_id == current.id, retracted_at=None)
        refresh_contact_state(tx, current.customer_id)
        return Outcome(
            {"customer_id": current.customer_id}, undo=(RetractFollowUp(follow_up_id=self.follow_up_id),)
        )


class PostponeContact(Command):
    """Set another day for the next contact, at most 90 days ahead; the next step stays unless given."""

    kind: ClassVar[str] = "postpone_contact"

    customer_id: Id
    next_at: Moment
    next_step: Line = ""
    reason: Line = ""

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Add a plan to the log."""
        row = living_customer(tx, context, self.customer_id)
        if self.next_at < context.at:
            raise Refused("next_contact_past")
        if self.next_at > context.at + FARTHEST:
            raise Refused("next_contact_too_far", days=FARTHEST.days)
        plan_id = context.new_id()
        tx.insert(
            contact_plan,
            id=plan_id,
            customer_id=self.customer_id,
            next_at=self.next_at,
            next_step=self.next_step or row.next_step,
            set_at=_after_the_last(tx, self.customer_id, context.at),
            actor_id=context.actor.person_id,
            reason=self.reason,
        )
        refresh_contact_state(tx, self.customer_id)
        return Outcome(
            {"customer_id": self.customer_id},
            undo=(WithdrawPlan(customer_id=self.customer_id, plan_id=plan_id, withdrawn=True),),
        )


class WithdrawPlan(Command):
    """Take a postponement back or let it stand again; refused where that is already so."""

    kind: ClassVar[str] = "withdraw_plan"

    customer_id: Id
    plan_id: Id
    withdrawn: bool

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Set or clear the plan's retraction."""
        living_customer(tx, context, self.customer_id)
        hit = tx.update_where(
            contact_plan,
            contact_plan.c.id == self.plan_id,
            contact_plan.c.customer_id == self.customer_id,
            contact_plan.c.follow_up_id.is_(None),
            contact_plan.c.retracted_at.is_(None)
            if self.withdrawn
            else contact_plan.c.retracted_at.is_not(None),
            retracted_at=context.at if self.withdrawn else None,
        )
        if not hit:
            raise Refused("plan_unknown")
        refresh_contact_state(tx, self.customer_id)
        return Outcome(undo=(self.model_copy(update={"withdrawn": not self.withdrawn}),))


def _current(tx: Transaction, context: Context, root_id: str, *, retracted: bool = False) -> Row[Any]:
    """Return the current version of a follow-up on a customer the actor may see and work on."""
    row = tx.first(
        select(follow_up).where(
            follow_up.c.root_id == root_id,
            follow_up.c.replaced_by.is_(None),
            follow_up.c.retracted_at.is_not(None) if retracted else follow_up.c.retracted_at.is_(None),
        )
    )
    if row is None:
        raise Refused("follow_up_unknown")
    living_customer(tx, context, row.customer_id)
    return row


def _said_at(tx: Transaction, root_id: str, next_at: datetime) -> datetime | None:
    """Return when a version of this follow-up first set the next contact to this instant, None: never.

    A next contact that was sound when it was set stays sound, and does not overrule a later postponement.
    """
    first: datetime | None = tx.scalar(
        select(func.min(contact_plan.c.set_at))
        .join(follow_up, follow_up.c.id == contact_plan.c.follow_up_id)
        .where(follow_up.c.root_id == root_id, contact_plan.c.next_at == next_at)
    )
    return first


def _after_the_last(tx: Transaction, customer_id: str, at: datetime) -> datetime:
    """Return the instant, or one just after the newest plan: a clock set back overrules no decision."""
    last: datetime | None = tx.scalar(_LAST_PLAN, {"whose": customer_id})
    return at if last is None else max(at, last + _TICK)


def _write_version(tx: Transaction, context: Context, said: LogFollowUp, version: _Version) -> None:
    """Add one version of a follow-up and the plan for the next contact that it makes."""
    check_follow_up(
        channel=said.channel,
        result=said.result,
        need_change=said.need_change,
        objections=said.objections,
        next_step=said.next_step,
        next_at=said.next_at,
        at=version.said_at or context.at,
    )
    _insert_words(tx, context, said, version)
    tx.insert(
        contact_plan,
        id=context.new_id(),
        customer_id=said.customer_id,
        next_at=said.next_at,
        next_step=said.next_step,
        set_at=version.said_at or _after_the_last(tx, said.customer_id, context.at),
        actor_id=context.actor.person_id,
        follow_up_id=version.id,
    )


def _insert_words(tx: Transaction, context: Context, said: LogFollowUp, version: _Version) -> None:
    """Add the row that holds what was said, on the branch's day of the contact."""
    occurred_at = said.occurred_at or context.at
    tx.insert(
        follow_up,
        id=version.id,
        root_id=version.root_id,
        version=version.number,
        customer_id=said.customer_id,
        deal_id=said.deal_id,
        branch_id=version.branch_id,
        author_id=version.author_id,
        amended_by=version.amended_by,
        channel=said.channel,
        result=said.result,
        need_change=said.need_change,
        objections=list(said.objections),
        objection_note=said.objection_note,
        next_step=said.next_step,
        next_at=said.next_at,
        occurred_at=occurred_at,
        occurred_on=branch_day(tx, version.branch_id, occurred_at),
        logged_at=context.at,
        effective=is_effective(
            channel=said.channel, result=said.result, need_change=said.need_change, next_step=said.next_step
        ),
    )
