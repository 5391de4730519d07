"""The rows that the commands of a story make, without asking the database: many customers at once.

Each method does what ``apply`` of its command does; a test carries the same stories out by the real
commands and compares every row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table

from crm_tui.commands.base import made_id
from crm_tui.commands.contact_points import contact_points, first_phone
from crm_tui.commands.customers import AddContact, CreateCustomer
from crm_tui.commands.deals import CreateDeal, EditDeal, MoveDeal, TickAction
from crm_tui.commands.follow_ups import LogFollowUp
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.demo.days import Days
from crm_tui.demo.story import Step
from crm_tui.domain.follow_up import is_effective
from crm_tui.domain.identity import sort_key
from crm_tui.domain.lifecycle import MoveKind, Pipeline, StageKind
from crm_tui.domain.overdue import ContactFacts, Due, OverdueRules, due, rots_at
from crm_tui.store.search import index_new
from crm_tui.store.tables import (
    contact,
    contact_plan,
    contact_point,
    customer,
    deal,
    follow_up,
    ownership_event,
    stage_evidence,
    stage_visit,
)
from crm_tui.store.transaction import Transaction

Rows = dict[str, Any]
ORDER: tuple[Table, ...] = (
    customer,
    contact_point,
    contact,
    ownership_event,
    deal,
    stage_visit,
    stage_evidence,
    follow_up,
    contact_plan,
)
"""The tables of a story, each after those it refers to."""


@dataclass
class _Life:
    """One customer while its story is carried out."""

    row: Rows
    deals: dict[str, Rows] = field(default_factory=dict)
    visits: dict[str, Rows] = field(default_factory=dict)
    """The visit of each deal that is going on."""
    spoken_at: datetime | None = None
    effective_at: datetime | None = None
    plan: Rows | None = None


class Book:
    """Rows waiting to be written."""

    def __init__(
        self, pipeline: Pipeline, lines: Mapping[str, str], branches: Mapping[str, str], days: Days
    ) -> None:
        self._pipeline, self._lines, self._branches, self._days = pipeline, lines, branches, days
        self._rules = OverdueRules()
        self._rows: dict[str, list[Rows]] = defaultdict(list)
        self._life = _Life({})

    def add(self, story: list[Step]) -> None:
        """Take in the story of one customer."""
        for step in story:
            getattr(self, f"_{step.command.kind}")(step, step.command)
        self._settle()

    @property
    def customers(self) -> int:
        """How many customers are waiting."""
        return len(self._rows[customer.name])

    def write(self, tx: Transaction) -> None:
        """Write what waits, and the search index of it."""
        for table in ORDER:
            tx.insert_all(table, self._rows[table.name])
        reach: defaultdict[str, list[Rows]] = defaultdict(list)
        for point in self._rows[contact_point.name]:
            reach[point["customer_id"]].append(point)
        for one in self._rows[contact.name]:
            reach[one["customer_id"]].append({"kind": contact.name, "value": one["name"]})
        index_new(tx, ((row, reach[row["id"]]) for row in self._rows[customer.name]))
        self._rows.clear()

    def _create_customer(self, step: Step, said: CreateCustomer) -> None:
        customer_id = made_id(step.cmd_id, 1)
        points = contact_points(said.phones, said.wechat, said.email)
        owner_id = said.owner_id or step.actor_id
        row = {
            "id": customer_id,
            "branch_id": self._branches[owner_id],
            "owner_id": owner_id,
            "kind": said.customer_kind,
            "name": said.name,
            "sort_name": sort_key(said.name),
            "level": said.level,
            "source": said.source,
            "tags": list(said.tags),
            "address": said.address,
            "note": said.note,
            "extra": {},
            "created_at": step.at,
            "created_on": self._days.day(step.at),
            "phone": first_phone(points),
        }
        self._life = _Life(row)
        self._put(customer, row)
        for place, point in enumerate(points, start=2):
            self._put(contact_point, {"id": made_id(step.cmd_id, place), "customer_id": customer_id, **point})
        event = {"kind": "create", "from_owner_id": None, "to_owner_id": owner_id, "reason": ""}
        self._put(ownership_event, self._owned(step, len(points) + 2, **event))

    def _add_contact(self, step: Step, said: AddContact) -> None:
        row = {"id": made_id(step.cmd_id, 1), "customer_id": said.customer_id, "name": said.name}
        self._put(contact, {**row, "title": said.title, "phone": "", "note": said.note})

    def _reassign_customer(self, step: Step, said: ReassignCustomer) -> None:
        new = {"owner_id": said.to_owner_id, "branch_id": self._branches[said.to_owner_id]}
        self._life.row |= new
        for one in self._life.deals.values():
            if one["state"] == "open":
                one.update(new)
        event = {"from_owner_id": said.expected_owner_id, "to_owner_id": said.to_owner_id}
        self._put(ownership_event, self._owned(step, 1, kind="assign", reason=said.reason, **event))

    def _create_deal(self, step: Step, said: CreateDeal) -> None:
        owner, start = self._life.row, self._pipeline.stages[0]
        row = {
            "id": made_id(step.cmd_id, 1),
            "customer_id": owner["id"],
            "branch_id": owner["branch_id"],
            "owner_id": owner["owner_id"],
            "pipeline_id": self._pipeline.id,
            "title": said.title,
            "stage": start.code,
            "state": "open",
            "cycle": 1,
            "stage_entered_at": step.at,
            "rots_at": rots_at(step.at, start.rotting_days),
            "due_at": None,
            "amount": said.amount,
            "product_id": said.product_id,
            "line_id": self._lines[said.product_id or ""],
            "source": said.source or owner["source"],
            "created_at": step.at,
            "created_on": self._days.day(step.at),
            "engaged_on": None,
            "expected_close_on": said.expected_close_on,
            "closed_at": None,
            "closed_on": None,
            "lost_reason": "",
            "lost_from": "",
            "extra": {},
        }
        self._life.deals[row["id"]] = row
        self._put(deal, row)
        self._enter(step, row, 2, from_stage="", kind=MoveKind.START, reason="")

    def _edit_deal(self, step: Step, said: EditDeal) -> None:
        given = said.model_fields_set - {"deal_id"}
        self._life.deals[said.deal_id] |= {name: getattr(said, name) for name in given}

    def _tick_action(self, step: Step, said: TickAction) -> None:
        one = self._life.deals[said.deal_id]
        row = {
            "id": made_id(step.cmd_id, 1),
            "deal_id": said.deal_id,
            "cycle": one["cycle"],
            "stage": one["stage"],
            "action": said.action,
            "words": said.words,
            "at": step.at,
            "actor_id": step.actor_id,
        }
        self._put(stage_evidence, row)

    def _move_deal(self, step: Step, said: MoveDeal) -> None:
        one = self._life.deals[said.deal_id]
        here, there = self._pipeline.stage(one["stage"]), self._pipeline.stage(said.to_stage)
        kind = self._kind(here.code, there.code)
        lost, closed = there.kind is StageKind.LOST, there.kind is not StageKind.OPEN
        begun = there.code != self._pipeline.stages[0].code and not lost
        today = self._days.day(step.at)
        before = self._judged()  # a deal keeps the due instant it had when it was closed
        for other in self._life.deals.values():
            if other["state"] == "open":
                other["due_at"] = before.at if before else None
        one |= {
            "stage": there.code,
            "state": there.kind.value,
            "cycle": one["cycle"] + (kind is MoveKind.REOPEN),
            "stage_entered_at": step.at,
            "rots_at": rots_at(step.at, there.rotting_days),
            "engaged_on": one["engaged_on"] or (today if begun else None),
            "closed_at": step.at if closed else None,
            "closed_on": today if closed else None,
            "lost_reason": said.lost_reason if lost else "",
            "lost_from": here.code if lost else "",
        }
        self._life.visits[said.deal_id]["left_at"] = step.at
        reason = said.lost_reason if lost else said.reason
        self._enter(step, one, 1, from_stage=here.code, kind=kind, reason=reason)

    def _log_follow_up(self, step: Step, said: LogFollowUp) -> None:
        life, version_id = self._life, made_id(step.cmd_id, 1)
        words = {"channel": said.channel, "result": said.result, "need_change": said.need_change}
        effective = is_effective(**words, next_step=said.next_step)
        row = {
            "id": version_id,
            "root_id": version_id,
            "version": 1,
            "customer_id": said.customer_id,
            "deal_id": said.deal_id,
            "branch_id": life.row["branch_id"],
            "author_id": step.actor_id,
            **words,
            "objections": list(said.objections),
            "objection_note": said.objection_note,
            "next_step": said.next_step,
            "next_at": said.next_at,
            "occurred_at": step.at,
            "occurred_on": self._days.day(step.at),
            "logged_at": step.at,
            "effective": effective,
        }
        self._put(follow_up, row)
        plan = {
            "id": made_id(step.cmd_id, 2),
            "customer_id": said.customer_id,
            "next_at": said.next_at,
            "next_step": said.next_step,
            "set_at": step.at,
            "actor_id": step.actor_id,
            "follow_up_id": version_id,
        }
        self._put(contact_plan, plan)
        life.spoken_at = step.at
        life.effective_at = step.at if effective else life.effective_at
        if life.plan is None or (plan["set_at"], plan["id"]) > (life.plan["set_at"], life.plan["id"]):
            life.plan = plan

    def _settle(self) -> None:
        """Write what is derived from the log, as ``refresh_contact_state`` does."""
        life, judged = self._life, self._judged()
        due_at = judged.at if judged else None
        life.row |= {
            "last_follow_up_at": life.spoken_at,
            "last_effective_at": life.effective_at,
            "next_contact_at": life.plan["next_at"] if life.plan else None,
            "next_step": life.plan["next_step"] if life.plan else "",
            "due_at": due_at,
            "due_reason": judged.reason if judged else "",
        }
        for one in life.deals.values():
            if one["state"] == "open":
                one["due_at"] = due_at

    def _judged(self) -> Due | None:
        life = self._life
        running = [one["rots_at"] for one in life.deals.values() if one["state"] == "open"]
        facts = ContactFacts(
            level=life.row["level"],
            active=bool(running) or not life.deals,
            created_at=life.row["created_at"],
            last_effective_at=life.effective_at,
            next_contact_at=life.plan["next_at"] if life.plan else None,
            rots_at=min((at for at in running if at is not None), default=None),
        )
        return due(facts, self._rules)

    def _kind(self, here: str, there: str) -> MoveKind:
        path = self._pipeline
        before, after = path.stage(here), path.stage(there)
        if before.kind is not StageKind.OPEN:
            return MoveKind.REOPEN
        if after.kind is not StageKind.OPEN:
            return MoveKind(after.kind.value)
        if after.position < before.position:
            return MoveKind.BACK
        return MoveKind.ADVANCE if after.position == before.position + 1 else MoveKind.SKIP

    def _enter(
        self, step: Step, one: Rows, place: int, *, from_stage: str, kind: MoveKind, reason: str
    ) -> None:
        visit = {
            "id": made_id(step.cmd_id, place),
            "deal_id": one["id"],
            "cycle": one["cycle"],
            "stage": one["stage"],
            "from_stage": from_stage,
            "kind": kind.value,
            "entered_at": step.at,
            "left_at": None,
            "actor_id": step.actor_id,
            "reason": reason,
        }
        self._life.visits[one["id"]] = visit
        self._put(stage_visit, visit)

    def _owned(self, step: Step, place: int, **words: str | None) -> Rows:
        return {
            "id": made_id(step.cmd_id, place),
            "customer_id": self._life.row["id"],
            "at": step.at,
            "actor_id": step.actor_id,
            **words,
        }

    def _put(self, table: Table, row: Rows) -> None:
        self._rows[table.name].append(row)
