"""What somebody at a terminal does next: one command of any family, about rows the terminal holds."""

from __future__ import annotations

import random  # noqa: TID251 - a simulation is made of seeded chance
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from crm_tui.commands import Command
from crm_tui.commands import customers as c
from crm_tui.commands import deals as d
from crm_tui.commands import follow_ups as f
from crm_tui.commands import imports as i
from crm_tui.commands import leads as le
from crm_tui.commands import ownership as o
from crm_tui.commands import people as p
from crm_tui.commands import pipelines as pi
from crm_tui.commands import rules as r
from crm_tui.domain.overdue import LEVELS
from crm_tui.store import tables as t
from crm_tui.store.pipelines import load_pipeline
from crm_tui.store.transaction import Transaction

REASONS = ("", "他要", "price", "leave 🧧", "other")


class NothingThereError(Exception):
    """There is no row to do it with."""


@dataclass
class Bench:
    """What somebody can see from where they stand."""

    rng: random.Random
    tx: Transaction
    now: datetime

    def row(self, table: Any, *where: Any) -> Any:
        """Return any row; raises NothingThereError."""
        ids = list(self.tx.scalars(select(table.c.id).where(*where).order_by(table.c.id)))
        if not ids:
            raise NothingThereError
        recent = ids[-8:] if self.rng.random() < 0.5 else ids
        return self.tx.get(table, self.rng.choice(recent))

    def id(self, table: Any, *where: Any) -> str:
        """Return the id of any row."""
        return str(self.row(table, *where).id)

    def some(self, *words: Any) -> Any:
        """Return one of these."""
        return self.rng.choice(words)

    def phone(self) -> str:
        """Return one of few numbers, so that the same comes twice."""
        return f"139000{self.rng.randint(0, 300):05d}"

    def soon(self) -> datetime:
        """Return an instant of the next days."""
        return self.now + timedelta(hours=self.rng.randint(1, 200))

    def said(self) -> dict[str, Any]:
        """Return what a follow-up answers."""
        return {
            "channel": "phone",
            "result": "reached",
            "need_change": self.some("none", "a larger table"),
            "objections": ("none",),
            "next_step": self.some("send the drawing", "再约"),
            "next_at": self.soon(),
        }


def deed(bench: Bench) -> Sequence[Command]:
    """Return a command, or the commands of a whole import, whose batch has yet to be named."""
    for _ in range(20):
        try:
            made = bench.rng.choices(_DEEDS, _OFTEN)[0](bench)
        except NothingThereError:
            continue
        return made if isinstance(made, tuple) else (made,)
    return (_new_customer(bench),)


def _new_customer(b: Bench) -> Command:
    owner = {"owner_id": b.id(t.person, t.person.c.branch_id.is_not(None))} if b.rng.random() < 0.8 else {}
    return c.CreateCustomer(
        name=b.some("张三", "O'Neil / Söhne", "𠮷野家 🍜", "Ann"),
        phones=(b.phone(),),
        level=b.some("A", "C"),
        **owner,
    )


def _edit_customer(b: Bench) -> Command:
    given = b.some(
        {"name": "新名"}, {"level": "B"}, {"phones": (b.phone(),)}, {"note": "x\ny"}, {"tags": ("a/b",)}
    )
    return c.EditCustomer(customer_id=b.id(t.customer), **given)


def _archive(b: Bench) -> Command:
    row = b.row(t.customer)
    return (c.ArchiveCustomer if row.archived_at is None else c.RestoreCustomer)(customer_id=row.id)


def _contact(b: Bench) -> Command:
    if b.rng.random() < 0.7:
        return c.AddContact(customer_id=b.id(t.customer), name="小王", phone=b.phone())
    row = b.row(t.contact)
    return c.SetContactArchived(
        customer_id=row.customer_id, contact_id=row.id, archived=row.archived_at is None
    )


def _look(b: Bench) -> Command:
    if b.rng.random() < 0.5:
        return le.RevealLead(lead_id=b.id(t.lead))
    return c.RevealIdentity(customer_id=b.id(t.customer))


def _reassign(b: Bench) -> Command:
    row = b.row(t.customer)
    return o.ReassignCustomer(
        customer_id=row.id,
        to_owner_id=b.id(t.person, t.person.c.branch_id.is_not(None)),
        expected_owner_id=row.owner_id,
        reason="other",
    )


def _follow_up(b: Bench) -> Command:
    luck = b.rng.random()
    if luck < 0.6:
        row = b.row(t.customer)
        deals = list(b.tx.scalars(select(t.deal.c.id).where(t.deal.c.customer_id == row.id)))
        about = {"deal_id": b.rng.choice(sorted(deals))} if deals else {}
        return f.LogFollowUp(customer_id=row.id, **b.said(), **about)
    root = b.row(t.follow_up).root_id
    if luck < 0.75:
        return f.AmendFollowUp(follow_up_id=root, **b.said())
    return (f.RetractFollowUp if luck < 0.9 else f.ReinstateFollowUp)(follow_up_id=root)


def _plan(b: Bench) -> Command:
    if b.rng.random() < 0.7:
        return f.PostponeContact(customer_id=b.id(t.customer), next_at=b.soon(), reason="busy")
    row = b.row(t.contact_plan, t.contact_plan.c.follow_up_id.is_(None))
    return f.WithdrawPlan(customer_id=row.customer_id, plan_id=row.id, withdrawn=row.retracted_at is None)


def _new_deal(b: Bench) -> Command:
    return d.CreateDeal(
        customer_id=b.id(t.customer),
        amount=b.some(None, 5_000_00),
        pipeline_id=b.some(None, b.id(t.pipeline)),
    )


def _edit_deal(b: Bench) -> Command:
    row = b.row(t.deal)
    if b.rng.random() < 0.2:
        return d.SetDealArchived(deal_id=row.id, archived=row.archived_at is None)
    given = b.some(
        {"amount": b.rng.randint(0, 10**8)}, {"title": "餐桌"}, {"expected_close_on": b.soon().date()}
    )
    return d.EditDeal(deal_id=row.id, **given)


def _move(b: Bench) -> Command:
    row = b.row(t.deal)
    luck = b.rng.random()
    if luck < 0.15:
        visit = b.row(t.stage_visit, t.stage_visit.c.deal_id == row.id)
        return d.TakeBackMove(deal_id=row.id, visit_id=visit.id)
    path = load_pipeline(b.tx, row.pipeline_id)
    to = b.rng.choice(path.stages).code
    why = {"reason": "大客户"} | ({"lost_reason": "price"} if to == "lost" else {})
    return d.MoveDeal(deal_id=row.id, to_stage=to, expected_stage=row.stage, **why)


def _proof(b: Bench) -> Command:
    if b.rng.random() < 0.2:
        row = b.row(t.stage_evidence)
        return d.SetEvidenceWithdrawn(
            deal_id=row.deal_id, evidence_id=row.id, withdrawn=row.withdrawn_at is None
        )
    row = b.row(t.deal, t.deal.c.state == "open")
    actions = load_pipeline(b.tx, row.pipeline_id).stage(row.stage).required_actions
    if not actions:
        raise NothingThereError
    return d.TickAction(deal_id=row.id, action=b.rng.choice(actions).code, words="seen")


def _import(b: Bench) -> Command | tuple[Command, ...]:
    if b.rng.random() < 0.35:
        return i.UndoImport(batch_id=b.id(t.import_batch))
    kind = b.some("customers", "deals", "leads", "people", "products")
    rows = tuple(_IMPORTED[kind](b, line) for line in range(1, 4))
    closing: tuple[Command, ...] = (i.FinishImport(batch_id=""),)
    if kind == "customers":
        closing = (i.ImportLinks(batch_id="", links=((b.id(t.customer), "张三"),)), *closing)
    return (
        i.BeginImport(rows_kind=kind, file_name="表.csv"),
        i.ImportRows(batch_id="", rows=rows, create=("customers",) if kind == "deals" else ()),
        *closing,
    )


def _row_of_customer(b: Bench, line: int) -> dict[str, Any]:
    owner = b.row(t.person)
    return {
        "line": line,
        "name": b.some("进口一", "进口二"),
        "external_id": f"C{b.rng.randint(0, 40)}",
        "owner": owner.number,
    }


def _row_of_deal(b: Bench, line: int) -> dict[str, Any]:
    whose = b.row(t.customer)
    return {
        "line": line,
        "title": "进口单",
        "stage": b.some("contact", "won"),
        "customer": b.some(whose.external_id or whose.name, f"C{b.rng.randint(0, 40)}"),
        "external_id": f"D{b.rng.randint(0, 30)}",
        "owner": b.row(t.person).number,
        "amount": b.rng.randint(1, 999),
    }


def _row_of_lead(b: Bench, line: int) -> dict[str, Any]:
    branch = b.row(t.org_unit, t.org_unit.c.kind == "branch").name
    owner = b.some({}, {"owner": b.row(t.person).number})
    return {
        "line": line,
        "name": "线索",
        "phone": b.phone(),
        "external_id": f"L{b.rng.randint(0, 60)}",
        "branch": branch,
        **owner,
    }


def _row_of_person(b: Bench, line: int) -> dict[str, Any]:
    return {
        "line": line,
        "name": "新人",
        "number": f"8{b.rng.randint(0, 30):03d}",
        "branch": b.some("Jingan", "Xuhui"),
    }


def _row_of_product(b: Bench, line: int) -> dict[str, Any]:
    return {
        "line": line,
        "name": f"P{b.rng.randint(0, 9)}",
        "code": f"P{b.rng.randint(0, 9)}",
        "line_name": b.some("", "桌"),
    }


_IMPORTED: dict[str, Callable[[Bench, int], dict[str, Any]]] = {
    "customers": _row_of_customer,
    "deals": _row_of_deal,
    "leads": _row_of_lead,
    "people": _row_of_person,
    "products": _row_of_product,
}


def _lead(b: Bench) -> Command:
    row = b.row(t.lead)
    luck = b.rng.random()
    if luck < 0.4:
        known = b.some({}, {"customer_id": b.id(t.customer)})
        return le.ConvertLead(lead_id=row.id, **known)
    if luck < 0.7:
        return le.SetLeadStatus(
            lead_id=row.id, status=b.some("new", "following", "invalid"), expected=row.status
        )
    return le.AssignLead(
        lead_id=row.id, to_owner_id=b.some(None, b.id(t.person)), expected_owner_id=row.owner_id
    )


def _person(b: Bench) -> Command:
    luck = b.rng.random()
    if luck < 0.2:
        return p.CreatePerson(
            number=f"9{b.rng.randint(0, 40):03d}", name="新", role="clerk", unit_id=b.id(t.org_unit)
        )
    row = b.row(t.person, t.person.c.number.not_in(("1001", "2001")))
    if luck < 0.6:
        unit = b.id(t.org_unit, t.org_unit.c.kind.in_(("branch", "team")))
        return p.EditPerson(
            person_id=row.id, **b.some({"unit_id": unit}, {"name": "改名"}, {"unit_id": unit})
        )
    to = "active" if row.status != "active" else b.some("frozen", "left")
    return p.SetPersonStatus(person_id=row.id, status=to, expected=row.status)


def _unit(b: Bench) -> Command:
    if b.rng.random() < 0.5:
        return p.RenameUnit(unit_id=b.id(t.org_unit), name=f"U{b.rng.randint(0, 99)}")
    above = b.id(t.org_unit, t.org_unit.c.kind == "branch")
    return p.CreateUnit(unit_kind="team", name=f"组{b.rng.randint(0, 99)}", parent_id=above)


def _pipeline(b: Bench) -> Command:
    row = b.row(t.pipeline)
    luck = b.rng.random()
    name = f"路{b.rng.randint(0, 20)}"
    if luck < 0.4:
        mine = {"pipeline_id": b.some(None, row.id), "name": name}
        return pi.as_plan(load_pipeline(b.tx, row.id)).model_copy(update=mine)
    if luck < 0.7:
        return pi.RenamePipeline(pipeline_id=row.id, name=name)
    return pi.SetPipelineArchived(pipeline_id=row.id, archived=row.archived_at is None)


def _rule(b: Bench) -> Command:
    luck = b.rng.random()
    if luck < 0.25:
        return r.SetOverdueRules(
            days={level: b.rng.randint(2, 30) for level in LEVELS},
            first_contact_hours=24,
            escalate_days=(1, 3, 7),
        )
    if luck < 0.45:
        return r.CreateProductLine(name=f"线{b.rng.randint(0, 30)}")
    if luck < 0.6:
        return r.RenameProductLine(line_id=b.id(t.product_line), name=f"线{b.rng.randint(0, 30)}")
    if luck < 0.8:
        return r.CreateProduct(name=f"品{b.rng.randint(0, 30)}", code=f"K{b.rng.randint(0, 30)}")
    return r.EditProduct(product_id=b.id(t.product), active=b.rng.random() < 0.5)


_DEEDS = (
    _new_customer,
    _edit_customer,
    _archive,
    _contact,
    _look,
    _reassign,
    _follow_up,
    _plan,
    _new_deal,
    _edit_deal,
    _move,
    _proof,
    _import,
    _lead,
    _person,
    _unit,
    _pipeline,
    _rule,
)
_OFTEN = (12, 8, 2, 5, 2, 10, 14, 4, 10, 5, 12, 8, 4, 8, 4, 3, 4, 5)
