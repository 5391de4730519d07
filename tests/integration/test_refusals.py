"""Every refusal of every command, that it changes nothing, and that both languages can say it."""
# ruff: noqa: ARG005 - every case is given what is there and the office, whether it needs them or not

from __future__ import annotations

import ast
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from crm_tui import i18n
from crm_tui.commands import Envelope, execute
from crm_tui.commands import customers as c
from crm_tui.commands import deals as d
from crm_tui.commands import follow_ups as f
from crm_tui.commands import people as p
from crm_tui.commands import rules as r
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.commands.pipelines import PublishPipeline, SetPipelineArchived, as_plan
from crm_tui.domain.lifecycle import StageKind
from crm_tui.store.pipelines import first_pipeline
from crm_tui.store.tables import person

PACKAGE = Path(i18n.__file__).parents[1]
PHONE = "13800138000"
NOBODY = "0" * 32


class Mine:
    """What the clerk 6001 has: two customers, one archived; deals in every state; a follow-up and a plan."""

    def __init__(self, office: Any) -> None:
        give, self.office = office.give, office
        self.customer = office.customer(phones=(PHONE,))
        self.gone = office.customer("Gone", phones=("13900139000",))
        self.mate = give(c.AddContact(customer_id=self.gone, name="Mate"))["contact_id"]
        self.root_gone = give(office.spoken(self.gone))["follow_up_id"]
        give(c.ArchiveCustomer(customer_id=self.gone))
        self.was_e1 = office.customer("Was first", external_id="E-1")
        give(c.ArchiveCustomer(customer_id=self.was_e1))
        self.took_over = office.customer("Heir", phones=("13900139000",), external_id="E-1")
        self.fresh, self.put_away = office.deal(self.customer), office.deal(self.customer)
        give(d.SetDealArchived(deal_id=self.put_away, archived=True))
        self.deal = office.deal(self.customer)
        give(d.MoveDeal(deal_id=self.deal, to_stage="contact", expected_stage="lead"))
        self.lost = office.deal(self.customer)
        give(d.MoveDeal(deal_id=self.lost, to_stage="lost", expected_stage="lead", lost_reason="price"))
        self.need = self.in_need()
        self.said = office.spoken(self.customer)
        self.root = give(self.said)["follow_up_id"]
        office.as_person("6005")
        self.elsewhere = office.customer("Far away", phones=("13700137000",))
        self.deal_elsewhere = office.deal(self.elsewhere)
        self.root_elsewhere = give(office.spoken(self.elsewhere))["follow_up_id"]
        office.as_person("1001")
        give(p.SetPersonStatus(person_id=office.people["6003"], status="frozen", expected="active"))
        self.line = give(r.CreateProductLine(name="Tables"))["line_id"]
        self.product = give(r.CreateProduct(code="T-1", name="Table", external_id="A-1"))["product_id"]
        self.old = give(r.CreateProduct(name="Stool"))["product_id"]
        give(r.EditProduct(product_id=self.old, active=False))
        give(p.CreateUnit(**TEAM, name="Team five", parent_id=office.units["Jingan"], external_id="U-1"))
        self.hired = give(
            p.CreatePerson(
                **HIRE | {"number": "6011"},
                unit_id=office.units["Jingan"],
                manager_id=office.people["6001"],
                external_id="P-1",
            )
        )["person_id"]
        self.plan = as_plan(office.desk.answer_anyone(first_pipeline))
        self.path = self.plan.pipeline_id
        other = self.plan.model_copy(update={"pipeline_id": None, "name": "Other"})
        self.old_path = give(other)["pipeline_id"]
        give(SetPipelineArchived(pipeline_id=self.old_path, archived=True))

    def in_need(self) -> str:
        """Open a deal that waits for proof of its measuring, with the reception proven."""
        office = self.office
        deal_id = office.deal(self.customer)
        office.give(d.MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
        office.give(d.TickAction(deal_id=deal_id, action="reception"))
        return deal_id

    def move(self, deal_id: str, to: str, seen: str, **more: Any) -> d.MoveDeal:
        """Return a move."""
        return d.MoveDeal(deal_id=deal_id, to_stage=to, expected_stage=seen, **more)

    def stages(self, **changes: Any) -> PublishPipeline:
        """Return the pipeline as it is, with its first stage changed."""
        first = self.plan.stages[0].model_copy(update=changes)
        return self.plan.model_copy(update={"stages": (first, *self.plan.stages[1:])})

    def assign(self, to: str, seen: str = "6001", reason: str = "leave", **more: Any) -> ReassignCustomer:
        """Return a reassignment of the customer."""
        people = self.office.people
        return ReassignCustomer(
            customer_id=self.customer,
            to_owner_id=people.get(to, to),
            expected_owner_id=people[seen],
            reason=reason,
            **more,
        )

    def amended(self, root: str, **more: Any) -> f.AmendFollowUp:
        """Return an amendment of a follow-up."""
        said = self.said.model_dump(exclude={"customer_id", "deal_id", "occurred_at"})
        return f.AmendFollowUp(follow_up_id=root, **(said | more))


DAY = timedelta(days=1)
RULES = {"days": dict.fromkeys("ABCDE", 7), "first_contact_hours": 24, "escalate_days": (3, 5, 7)}
FAR = date(2076, 1, 1)
TEAM = {"unit_kind": "team"}
HIRE = {"number": "6010", "name": "New", "role": "clerk"}
FOUND = {"company": "A", "region": "B", "branch": "C", "team": "D", "administrator": "E", "pipeline": "F"}

# who gives the command, what is expected, and the command
CASES: list[tuple[str, str, Any]] = [
    ("6001", "name_needed", lambda m, o: c.CreateCustomer(name=" ")),
    ("6001", "external_id_taken", lambda m, o: c.CreateCustomer(name="X", external_id="E-1")),
    ("1001", "name_needed", lambda m, o: m.stages(name="")),
    ("6001", "level_unknown", lambda m, o: c.CreateCustomer(name="X", level="Z")),
    ("6001", "phone_taken", lambda m, o: c.CreateCustomer(name="X", phones=("+86 138-0013-8000",))),
    ("6001", "phone_taken", lambda m, o: c.CreateCustomer(name="X", phones=("13700137000",))),
    ("6001", "person_unknown", lambda m, o: c.CreateCustomer(name="X", owner_id=o.people["6005"])),
    ("4001", "owner_away", lambda m, o: c.CreateCustomer(name="X", owner_id=o.people["6003"])),
    ("6001", "customer_archived", lambda m, o: c.CreateCustomer(name="X", parent_id=m.gone)),
    ("6001", "birthday_in_future", lambda m, o: c.CreateCustomer(name="X", birthday=date(2026, 1, 9))),
    ("6001", "birthday_in_future", lambda m, o: c.EditCustomer(customer_id=m.customer, birthday=FAR)),
    ("2001", "person_without_branch", lambda m, o: c.CreateCustomer(name="X")),
    ("6001", "customer_unknown", lambda m, o: c.CreateCustomer(name="X", parent_id=m.elsewhere)),
    ("7001", "not_allowed", lambda m, o: c.CreateCustomer(name="X")),
    ("6001", "customer_unknown", lambda m, o: c.EditCustomer(customer_id=m.elsewhere, name="X")),
    ("6001", "nothing_to_change", lambda m, o: c.EditCustomer(customer_id=m.customer)),
    ("6001", "nothing_to_change", lambda m, o: c.EditCustomer(customer_id=m.customer, source=None)),
    ("6001", "name_needed", lambda m, o: c.EditCustomer(customer_id=m.customer, name="")),
    (
        "6001",
        "field_changed",
        lambda m, o: c.EditCustomer(customer_id=m.customer, note="X", expected={"note": "not so"}),
    ),
    ("6001", "phone_taken", lambda m, o: c.EditCustomer(customer_id=m.customer, phones=("13900139000",))),
    ("6001", "customer_archived", lambda m, o: c.EditCustomer(customer_id=m.gone, name="X")),
    ("6001", "customer_archived", lambda m, o: c.ArchiveCustomer(customer_id=m.gone)),
    ("6001", "customer_not_archived", lambda m, o: c.RestoreCustomer(customer_id=m.customer)),
    ("6001", "phone_taken", lambda m, o: c.RestoreCustomer(customer_id=m.gone)),
    ("6001", "name_needed", lambda m, o: c.AddContact(customer_id=m.customer, name="")),
    ("6001", "customer_archived", lambda m, o: c.AddContact(customer_id=m.gone, name="X")),
    (
        "6001",
        "contact_unknown",
        lambda m, o: c.SetContactArchived(customer_id=m.customer, contact_id=NOBODY, archived=True),
    ),
    (
        "6001",
        "customer_archived",
        lambda m, o: c.SetContactArchived(customer_id=m.gone, contact_id=m.mate, archived=True),
    ),
    ("6001", "external_id_taken", lambda m, o: c.RestoreCustomer(customer_id=m.was_e1)),
    ("6001", "customer_unknown", lambda m, o: c.RevealIdentity(customer_id=m.elsewhere)),
    ("6001", "not_allowed", lambda m, o: m.assign("6002")),
    ("5001", "person_unknown", lambda m, o: m.assign("6003")),
    ("4001", "owner_away", lambda m, o: m.assign("6003")),
    ("4001", "deal_unknown", lambda m, o: m.assign("6002", deal_owners={m.deal_elsewhere: o.people["6002"]})),
    ("2001", "person_without_branch", lambda m, o: m.assign("2001")),
    ("5001", "owner_same", lambda m, o: m.assign("6001")),
    ("5001", "owner_changed", lambda m, o: m.assign("6002", seen="6004")),
    ("5001", "reason_needed", lambda m, o: m.assign("6002", reason="")),
    ("6001", "customer_archived", lambda m, o: m.office.spoken(m.gone)),
    ("6001", "customer_archived", lambda m, o: m.amended(m.root_gone)),
    ("6001", "customer_archived", lambda m, o: f.RetractFollowUp(follow_up_id=m.root_gone)),
    (
        "6001",
        "customer_archived",
        lambda m, o: f.WithdrawPlan(customer_id=m.gone, plan_id=NOBODY, withdrawn=True),
    ),
    ("6001", "deal_archived", lambda m, o: o.spoken(m.customer, deal_id=m.put_away)),
    ("6001", "customer_unknown", lambda m, o: m.office.spoken(m.elsewhere)),
    ("6001", "deal_unknown", lambda m, o: m.office.spoken(m.took_over, deal_id=m.deal)),
    ("6001", "follow_up_in_future", lambda m, o: o.spoken(m.customer, occurred_at=o.clock.now + DAY)),
    ("6001", "follow_up_incomplete", lambda m, o: o.spoken(m.customer, need_change=" ")),
    ("6001", "follow_up_incomplete", lambda m, o: o.spoken(m.customer, objections=())),
    ("6001", "follow_up_incomplete", lambda m, o: o.spoken(m.customer, channel="pigeon")),
    ("6001", "objection_contradicts", lambda m, o: o.spoken(m.customer, objections=("none", "price"))),
    ("6001", "next_contact_past", lambda m, o: o.spoken(m.customer, next_at=o.clock.now - DAY)),
    ("6001", "next_contact_too_far", lambda m, o: o.spoken(m.customer, next_at=o.clock.now + 91 * DAY)),
    ("6001", "follow_up_unknown", lambda m, o: m.amended(NOBODY)),
    ("6001", "customer_unknown", lambda m, o: m.amended(m.root_elsewhere)),
    ("6001", "next_contact_past", lambda m, o: m.amended(m.root, next_at=o.clock.now - DAY)),
    ("6001", "customer_unknown", lambda m, o: f.RetractFollowUp(follow_up_id=m.root_elsewhere)),
    ("6001", "follow_up_unknown", lambda m, o: f.ReinstateFollowUp(follow_up_id=m.root)),
    (
        "6001",
        "next_contact_past",
        lambda m, o: f.PostponeContact(customer_id=m.customer, next_at=o.clock.now - DAY),
    ),
    (
        "6001",
        "next_contact_too_far",
        lambda m, o: f.PostponeContact(customer_id=m.customer, next_at=o.clock.now + 91 * DAY),
    ),
    (
        "6001",
        "plan_unknown",
        lambda m, o: f.WithdrawPlan(customer_id=m.customer, plan_id=NOBODY, withdrawn=True),
    ),
    ("6001", "customer_unknown", lambda m, o: d.CreateDeal(customer_id=m.elsewhere)),
    ("6001", "customer_archived", lambda m, o: d.CreateDeal(customer_id=m.gone)),
    ("6001", "pipeline_unknown", lambda m, o: d.CreateDeal(customer_id=m.customer, pipeline_id=NOBODY)),
    ("6001", "product_unknown", lambda m, o: d.CreateDeal(customer_id=m.customer, product_id=NOBODY)),
    ("6001", "product_unknown", lambda m, o: d.CreateDeal(customer_id=m.customer, line_id=NOBODY)),
    ("6001", "product_inactive", lambda m, o: d.CreateDeal(customer_id=m.customer, product_id=m.old)),
    ("6001", "product_inactive", lambda m, o: d.EditDeal(deal_id=m.deal, product_id=m.old)),
    ("6001", "close_too_far", lambda m, o: d.CreateDeal(customer_id=m.customer, expected_close_on=FAR)),
    ("6001", "close_too_far", lambda m, o: d.EditDeal(deal_id=m.deal, expected_close_on=FAR)),
    ("6001", "deal_closed", lambda m, o: d.SetDealArchived(deal_id=m.lost, archived=True)),
    (
        "6001",
        "deal_archived",
        lambda m, o: d.SetEvidenceWithdrawn(deal_id=m.put_away, evidence_id=NOBODY, withdrawn=True),
    ),
    ("6001", "deal_unknown", lambda m, o: d.EditDeal(deal_id=m.deal_elsewhere, title="X")),
    ("6001", "deal_archived", lambda m, o: d.EditDeal(deal_id=m.put_away, title="X")),
    ("6001", "nothing_to_change", lambda m, o: d.EditDeal(deal_id=m.deal, title=None)),
    ("6001", "deal_archived", lambda m, o: d.SetDealArchived(deal_id=m.put_away, archived=True)),
    ("6001", "deal_not_archived", lambda m, o: d.SetDealArchived(deal_id=m.deal, archived=False)),
    ("6001", "action_unknown", lambda m, o: d.TickAction(deal_id=m.deal, action="dance")),
    ("6001", "action_done", lambda m, o: d.TickAction(deal_id=m.need, action="reception")),
    (
        "6001",
        "action_unknown",
        lambda m, o: d.SetEvidenceWithdrawn(deal_id=m.deal, evidence_id=NOBODY, withdrawn=True),
    ),
    ("6001", "deal_unknown", lambda m, o: m.move(m.deal_elsewhere, "contact", "lead")),
    ("6001", "stage_changed", lambda m, o: m.move(m.deal, "need", "lead")),
    ("6001", "stage_unknown", lambda m, o: m.move(m.deal, "heaven", "contact")),
    ("6001", "stage_same", lambda m, o: m.move(m.deal, "contact", "contact")),
    ("6001", "gate_unmet", lambda m, o: m.move(m.deal, "need", "contact")),
    ("6001", "skip_not_allowed", lambda m, o: m.move(m.deal, "proposal", "contact", reason="hurry")),
    ("5001", "reason_needed", lambda m, o: m.move(m.deal, "proposal", "contact")),
    ("6001", "lost_reason_needed", lambda m, o: m.move(m.deal, "lost", "contact", lost_reason="moon")),
    ("6001", "deal_closed", lambda m, o: m.move(m.lost, "won", "lost", reason="wrong key")),
    ("6001", "reason_needed", lambda m, o: m.move(m.lost, "lead", "lost")),
    ("6001", "skip_not_allowed", lambda m, o: m.move(m.lost, "contact", "lost", reason="back")),
    ("6001", "deal_archived", lambda m, o: m.move(m.put_away, "contact", "lead")),
    ("6001", "move_not_last", lambda m, o: d.TakeBackMove(deal_id=m.deal, visit_id=NOBODY)),
    ("6001", "not_allowed", lambda m, o: p.RenameUnit(unit_id=o.units["East"], name="X")),
    ("1001", "unit_unknown", lambda m, o: p.RenameUnit(unit_id=NOBODY, name="X")),
    ("1001", "name_needed", lambda m, o: p.RenameUnit(unit_id=o.units["East"], name="")),
    (
        "1001",
        "unit_misplaced",
        lambda m, o: p.CreateUnit(unit_kind="team", name="X", parent_id=o.units["East"]),
    ),
    (
        "1001",
        "time_zone_unknown",
        lambda m, o: p.CreateUnit(
            unit_kind="team", name="X", parent_id=o.units["Xuhui"], time_zone="Moon/Sea"
        ),
    ),
    ("1001", "number_taken", lambda m, o: p.CreatePerson(**HIRE | {"number": "6001"}, unit_id=NOBODY)),
    ("1001", "number_taken", lambda m, o: p.CreatePerson(**HIRE | {"number": "６００１"}, unit_id=NOBODY)),
    ("1001", "external_id_taken", lambda m, o: p.CreatePerson(**HIRE, external_id="P-1", unit_id=NOBODY)),
    ("1001", "manager_circle", lambda m, o: p.EditPerson(person_id=m.hired, manager_id=m.hired)),
    ("1001", "manager_circle", lambda m, o: p.EditPerson(person_id=o.people["6001"], manager_id=m.hired)),
    ("1001", "unit_taken", lambda m, o: p.CreateUnit(**TEAM, name="Team two", parent_id=o.units["Jingan"])),
    ("1001", "unit_taken", lambda m, o: p.RenameUnit(unit_id=o.units["Team two"], name="Team one")),
    (
        "1001",
        "external_id_taken",
        lambda m, o: p.CreateUnit(**TEAM, name="X", parent_id=o.units["Jingan"], external_id="U-1"),
    ),
    ("1001", "unit_unknown", lambda m, o: p.CreatePerson(**HIRE, unit_id=NOBODY)),
    ("1001", "name_needed", lambda m, o: p.CreatePerson(**HIRE | {"name": ""}, unit_id=NOBODY)),
    (
        "1001",
        "person_unknown",
        lambda m, o: p.CreatePerson(**HIRE, unit_id=o.units["Xuhui"], manager_id=NOBODY),
    ),
    ("1001", "person_unknown", lambda m, o: p.EditPerson(person_id=o.people["6001"], manager_id=NOBODY)),
    ("1001", "nothing_to_change", lambda m, o: p.EditPerson(person_id=o.people["6001"], role=None)),
    ("1001", "administrator_last", lambda m, o: p.EditPerson(person_id=o.people["1001"], role="clerk")),
    (
        "1001",
        "person_self",
        lambda m, o: p.SetPersonStatus(person_id=o.people["1001"], status="left", expected="active"),
    ),
    (
        "1001",
        "person_changed",
        lambda m, o: p.SetPersonStatus(person_id=o.people["6001"], status="left", expected="frozen"),
    ),
    ("1001", "organisation_exists", lambda m, o: p.FoundOrganisation(**FOUND, stages=m.plan.stages)),
    ("1001", "product_line_taken", lambda m, o: r.CreateProductLine(name="Tables")),
    ("1001", "product_taken", lambda m, o: r.CreateProduct(code="T-1", name="X")),
    ("1001", "external_id_taken", lambda m, o: r.CreateProduct(name="X", external_id="A-1")),
    ("1001", "product_unknown", lambda m, o: r.CreateProduct(name="X", line_id=NOBODY)),
    ("1001", "product_unknown", lambda m, o: r.EditProduct(product_id=NOBODY, name="X")),
    ("1001", "product_unknown", lambda m, o: r.EditProduct(product_id=m.product, line_id=NOBODY)),
    ("1001", "name_needed", lambda m, o: r.EditProduct(product_id=m.product, name="")),
    ("1001", "rules_days", lambda m, o: r.SetOverdueRules(**RULES | {"days": {"A": 1}})),
    ("1001", "rules_escalation", lambda m, o: r.SetOverdueRules(**RULES | {"escalate_days": (3, 2, 1)})),
    ("1001", "pipeline_unknown", lambda m, o: m.plan.model_copy(update={"pipeline_id": NOBODY, "name": "N"})),
    ("1001", "pipeline_taken", lambda m, o: m.plan.model_copy(update={"pipeline_id": None})),
    ("1001", "pipeline_in_use", lambda m, o: SetPipelineArchived(pipeline_id=m.path, archived=True)),
    ("1001", "pipeline_not_archived", lambda m, o: SetPipelineArchived(pipeline_id=m.path, archived=False)),
    ("1001", "pipeline_archived", lambda m, o: SetPipelineArchived(pipeline_id=m.old_path, archived=True)),
    ("6001", "pipeline_archived", lambda m, o: d.CreateDeal(customer_id=m.customer, pipeline_id=m.old_path)),
    ("1001", "product_line_unknown", lambda m, o: r.RenameProductLine(line_id=NOBODY, name="X")),
    ("1001", "stage_twice", lambda m, o: m.stages(code="contact")),
    ("1001", "stage_order", lambda m, o: m.stages(kind=StageKind.LOST)),
    ("1001", "stage_field_unknown", lambda m, o: m.stages(required_fields=("shoe_size",))),
    ("1001", "stage_in_use", lambda m, o: m.stages(code="inquiry")),
    ("4001", "not_allowed", lambda m, o: r.CreateProductLine(name="X")),
]


def test_every_refusal_says_why_and_changes_nothing(office, books, subtests):
    mine = Mine(office)
    before = books.everything()
    for at, (who, code, command) in enumerate(CASES):
        with subtests.test(msg=f"{code}-{at}"):
            office.as_person(who)
            verdict = office.verdict(command(mine, office))
            assert verdict.code == code
            assert books.everything() == before
            for language in i18n.LANGUAGES:
                i18n.use(language)
                assert i18n.t(f"refused.{code}", **verdict.details)


def test_evidence_is_needed_where_the_action_asks_for_it(office):
    mine = Mine(office)
    office.as_person("4001")
    skip = {"to_stage": "need", "expected_stage": "contact"}
    office.give(f.LogFollowUp(**mine.said.model_dump(exclude_unset=True)))
    office.give(d.MoveDeal(deal_id=mine.need, **skip))
    assert office.verdict(d.TickAction(deal_id=mine.need, action="measure")).code == "evidence_needed"
    office.give(d.TickAction(deal_id=mine.need, action="measure", words="drawing 17"))


def test_somebody_elses_customer_is_named_to_nobody_who_may_not_see_it(office):
    mine = Mine(office)
    office.as_person("6001")
    verdict = office.verdict(c.CreateCustomer(name="X", phones=("13700137000",)))
    assert verdict.code == "phone_taken"
    assert mine.elsewhere not in map(str, verdict.details.values())
    assert "Far away" not in map(str, verdict.details.values())
    assert "13700137000" not in str(verdict.details)


def test_a_frozen_administrator_may_leave_while_another_one_works(office):
    office.as_person("1001")
    second = office.give(p.CreatePerson(**HIRE | {"role": "administrator"}, unit_id=office.units["Jingan"]))[
        "person_id"
    ]
    office.give(p.SetPersonStatus(person_id=second, status="frozen", expected="active"))
    office.give(p.SetPersonStatus(person_id=second, status="left", expected="frozen"))


def test_the_founder_needs_a_name(desk):
    stages = [
        {"code": code, "name": code, "kind": kind, "probability": 1}
        for code, kind in (("a", "open"), ("won", "won"), ("lost", "lost"))
    ]
    (verdict,) = desk.carry_out_as_system(
        p.FoundOrganisation(**FOUND | {"administrator": " "}, stages=stages)
    )
    assert verdict.code == "name_needed"


def test_a_sealed_command_of_an_unknown_kind_or_shape_is_refused(office):
    def ask(kind: str, args: dict[str, Any]) -> str:
        envelope = Envelope(
            cmd_id="1" * 32,
            batch_id="2" * 32,
            device_id="3" * 32,
            actor_id=office.people["6001"],
            at=office.clock.now,
            kind=kind,
            version=1,
            args=args,
        )
        with office.desk._books.write() as tx:
            return execute(envelope, tx).code

    assert ask("fly", {}) == "command_unknown"
    assert ask("create_customer", {}) == "command_invalid"
    assert ask("create_customer", {"name": "X", "wings": 2}) == "command_invalid"
    assert ask("create_customer", {"name": "X", "owner_id": "\ud800"}) == "command_invalid"
    assert ask("edit_customer", {"customer_id": "\x00", "name": "X"}) == "customer_unknown"
    assert ask("create_deal", {"customer_id": "x", "amount": 10**30}) == "command_invalid"
    assert ask("postpone_contact", {"customer_id": "x", "next_at": "0001-01-01T00:00:00+14:00"}) == (
        "command_invalid"
    )


def test_a_person_with_an_unknown_role_may_do_nothing(office):
    with office.desk._books.write() as tx:
        tx.update(person, office.people["6001"], role="wizard")
    assert office.verdict(c.CreateCustomer(name="X")).code == "not_allowed"


def test_every_refusal_of_the_commands_is_provoked_above():
    files = [*(PACKAGE / "commands").glob("*.py"), *(PACKAGE / "domain").glob("[fl]*.py")]
    raised = set().union(*(_codes(file) for file in files if file.stem not in {"imports", "leads"}))
    elsewhere = {"command_unknown", "command_invalid", "evidence_needed", "pipeline_last"}
    assert raised - {code for _, code, _ in CASES} - elsewhere == set()


def _codes(file: Path) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return {
        code.value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "Refused" and call.args
        for code in ast.walk(call.args[0])
        if isinstance(code, ast.Constant) and isinstance(code.value, str)
    }
