"""What every command does, and that taking it back restores the rows, on both databases."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crm_tui.commands import COMMANDS, Command, by_kind
from crm_tui.commands.customers import (
    AddContact,
    ArchiveCustomer,
    CreateCustomer,
    EditCustomer,
    RestoreCustomer,
    RevealIdentity,
    SetContactArchived,
)
from crm_tui.commands.deals import (
    CreateDeal,
    EditDeal,
    MoveDeal,
    SetDealArchived,
    SetEvidenceWithdrawn,
    TickAction,
)
from crm_tui.commands.follow_ups import (
    AmendFollowUp,
    PostponeContact,
    ReinstateFollowUp,
    RetractFollowUp,
    WithdrawPlan,
)
from crm_tui.commands.leads import AssignLead, ConvertLead, RevealLead, SetLeadStatus
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.commands.people import CreatePerson, CreateUnit, EditPerson, RenameUnit, SetPersonStatus
from crm_tui.commands.pipelines import RenamePipeline, SetPipelineArchived, as_plan
from crm_tui.commands.rules import (
    CreateProduct,
    CreateProductLine,
    EditProduct,
    RenameProductLine,
    SetOverdueRules,
)
from crm_tui.store.pipelines import first_pipeline
from crm_tui.store.tables import (
    contact_plan,
    customer,
    deal,
    follow_up,
    lead,
    outbox,
    ownership_event,
    person,
)

OWN_TESTS = ("crm_tui.commands.imports", "crm_tui.commands.intake")
"""Commands of the import are tested beside the import."""
PHONE = "13800138000"


def _pipeline(office: Any) -> Any:
    return office.desk.answer_anyone(first_pipeline)


def _moved(office: Any) -> tuple[str, str]:
    """Return a deal that has left its first stage, and the visit that began."""
    deal_id = office.deal(office.customer(phones=(PHONE,)))
    office.give(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
    return deal_id, ""


def _ticked(office: Any) -> tuple[str, str]:
    deal_id, _ = _moved(office)
    return deal_id, office.give(TickAction(deal_id=deal_id, action="reception"))["evidence_id"]


def _product(office: Any) -> tuple[str, str]:
    office.as_person("1001")
    line = office.give(CreateProductLine(name="Tables"))["line_id"]
    return office.give(CreateProduct(code="T-1", name="Table", line_id=line, unit_price=500_000))[
        "product_id"
    ], line


def _second_pipeline(office: Any) -> str:
    office.as_person("1001")
    plan = as_plan(_pipeline(office)).model_copy(update={"pipeline_id": None, "name": "Contracts"})
    return str(office.give(plan)["pipeline_id"])


def _lead(office: Any) -> str:
    """Return a lead of the clerk 6001, who is logged in."""
    with office.desk._books.write() as tx:
        tx.insert(
            lead,
            id="lead-1",
            branch_id=office.units["Jingan"],
            owner_id=office.people["6001"],
            name="刘先生",
            phone="+8613800138000",
            source="fair",
            status="new",
            created_on=date(2026, 1, 5),
            extra={"note": "asked for oak", "hall": "3"},
        )
    return "lead-1"


class Deeds:
    """One sound use of every command; each method returns the command after what must come before it."""

    def found_organisation(self, office: Any) -> None:
        """The fixture itself carries it out, as the system, and nothing takes it back."""

    def create_unit(self, office: Any) -> Command:
        office.as_person("1001")
        return CreateUnit(unit_kind="team", name="Team four", parent_id=office.units["Xuhui"])

    def rename_unit(self, office: Any) -> Command:
        office.as_person("1001")
        return RenameUnit(unit_id=office.units["Xuhui"], name="Xuhui riverside")

    def create_person(self, office: Any) -> Command:
        office.as_person("1001")
        return CreatePerson(
            number="6009",
            name="赵新",
            role="clerk",
            unit_id=office.units["Team two"],
            manager_id=office.people["4001"],
            phone=PHONE,
        )

    def edit_person(self, office: Any) -> Command:
        office.as_person("1001")
        return EditPerson(
            person_id=office.people["6002"],
            name="李敏敏",
            role="supervisor",
            reach="branch",
            unit_id=office.units["Xuhui"],
            manager_id=office.people["4002"],
            phone="13900139000",
        )

    def set_person_status(self, office: Any) -> Command:
        office.as_person("1001")
        return SetPersonStatus(person_id=office.people["6002"], status="frozen", expected="active")

    def create_product_line(self, office: Any) -> Command:
        office.as_person("1001")
        return CreateProductLine(name="Beds")

    def rename_product_line(self, office: Any) -> Command:
        return RenameProductLine(line_id=_product(office)[1], name="Tables and desks")

    def create_product(self, office: Any) -> Command:
        office.as_person("1001")
        return CreateProduct(code="B-1", name="Bed", unit_price=1)

    def edit_product(self, office: Any) -> Command:
        product_id, _ = _product(office)
        return EditProduct(product_id=product_id, name="Long table", line_id=None, unit_price=None)

    def publish_pipeline(self, office: Any) -> Command:
        office.as_person("1001")
        plan = as_plan(_pipeline(office))
        return plan.model_copy(update={"name": "Sales again", "stages": plan.stages[1:]})

    def rename_pipeline(self, office: Any) -> Command:
        office.as_person("1001")
        return RenamePipeline(pipeline_id=_pipeline(office).id, name="Shop sales")

    def set_pipeline_archived(self, office: Any) -> Command:
        return SetPipelineArchived(pipeline_id=_second_pipeline(office), archived=True)

    def set_overdue_rules(self, office: Any) -> Command:
        office.customer()
        office.as_person("1001")
        return SetOverdueRules(
            days={"A": 1, "B": 2, "C": 3, "D": 4, "E": 5}, first_contact_hours=2, escalate_days=(1, 2, 3)
        )

    def create_customer(self, office: Any) -> Command:
        return CreateCustomer(
            name="海棠木业",
            customer_kind="firm",
            phones=("138 0013 8000", "021-64170000"),
            wechat="Haitang_1",
            email="A@example.com",
            level="b",
            tags=("oak", "oak", ""),
            birthday=date(1990, 2, 3),
            resident_id="11010519491231002X",
            uscc="91350100M000100Y43",
            extra={"hall": "3"},
        )

    def edit_customer(self, office: Any) -> Command:
        customer_id = office.customer(phones=(PHONE,), email="a@example.com", birthday=date(1990, 1, 1))
        return EditCustomer(
            customer_id=customer_id,
            name="王大满",
            customer_kind="firm",
            phones=("13900139000",),
            wechat="wang",
            level="A",
            tags=("x",),
            note="two\nlines",
            birthday=None,
            uscc="91350100M000100Y43",
        )

    def archive_customer(self, office: Any) -> Command:
        customer_id = office.customer(phones=(PHONE,))
        office.deal(customer_id)
        office.give(office.spoken(customer_id))
        return ArchiveCustomer(customer_id=customer_id)

    def restore_customer(self, office: Any) -> Command:
        command = self.archive_customer(office)
        office.give(command)
        return RestoreCustomer(customer_id=command.customer_id)

    def add_contact(self, office: Any) -> Command:
        return AddContact(customer_id=office.customer(), name="刘会计", title="accounts", phone=PHONE)

    def set_contact_archived(self, office: Any) -> Command:
        command = self.add_contact(office)
        contact_id = office.give(command)["contact_id"]
        return SetContactArchived(customer_id=command.customer_id, contact_id=contact_id, archived=True)

    def reveal_identity(self, office: Any) -> Command:
        return RevealIdentity(customer_id=office.customer(phones=(PHONE,)))

    def reassign_customer(self, office: Any) -> Command:
        customer_id = office.customer(phones=(PHONE,))
        office.deal(customer_id)
        office.as_person("5001")
        return ReassignCustomer(
            customer_id=customer_id,
            to_owner_id=office.people["6002"],
            expected_owner_id=office.people["6001"],
            reason="leave",
        )

    def log_follow_up(self, office: Any) -> Command:
        customer_id = office.customer()
        return office.spoken(customer_id, deal_id=office.deal(customer_id))

    def amend_follow_up(self, office: Any) -> Command:
        root = office.give(self.log_follow_up(office))["follow_up_id"]
        office.clock.move(hours=1)
        said = office.spoken("", need_change="none", result="missed", objections=("price", "style"))
        answers = said.model_dump(exclude={"customer_id", "deal_id", "occurred_at"})
        return AmendFollowUp(follow_up_id=root, **answers)

    def retract_follow_up(self, office: Any) -> Command:
        return RetractFollowUp(follow_up_id=office.give(self.log_follow_up(office))["follow_up_id"])

    def reinstate_follow_up(self, office: Any) -> Command:
        command = self.retract_follow_up(office)
        office.give(command)
        return ReinstateFollowUp(follow_up_id=command.follow_up_id)

    def postpone_contact(self, office: Any) -> Command:
        customer_id = office.customer()
        office.give(office.spoken(customer_id))
        office.clock.move(hours=1)
        return PostponeContact(customer_id=customer_id, next_at=office.clock.now + timedelta(days=9))

    def withdraw_plan(self, office: Any) -> Command:
        command = self.postpone_contact(office)
        office.give(command)
        with office.desk._books._reading.connect() as connection:
            plan_id = connection.execute(
                select(contact_plan.c.id).where(contact_plan.c.follow_up_id.is_(None))
            ).scalar()
        return WithdrawPlan(customer_id=command.customer_id, plan_id=plan_id, withdrawn=True)

    def create_deal(self, office: Any) -> Command:
        product_id, line_id = _product(office)
        office.as_person("6001")
        return CreateDeal(
            customer_id=office.customer(), amount=1_234_500, product_id=product_id, line_id=line_id
        )

    def edit_deal(self, office: Any) -> Command:
        product_id, _ = _product(office)
        office.as_person("6001")
        deal_id = office.deal(office.customer(), amount=5, expected_close_on=date(2026, 2, 1))
        return EditDeal(
            deal_id=deal_id, title="Whole house", amount=None, product_id=product_id, source="fair"
        )

    def set_deal_archived(self, office: Any) -> Command:
        return SetDealArchived(deal_id=office.deal(office.customer()), archived=True)

    def tick_action(self, office: Any) -> Command:
        return TickAction(deal_id=_moved(office)[0], action="reception")

    def set_evidence_withdrawn(self, office: Any) -> Command:
        deal_id, evidence_id = _ticked(office)
        return SetEvidenceWithdrawn(deal_id=deal_id, evidence_id=evidence_id, withdrawn=True)

    def move_deal(self, office: Any) -> Command:
        deal_id = office.deal(office.customer(phones=(PHONE,)))
        office.clock.move(minutes=1)
        return MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead")

    def convert_lead(self, office: Any) -> Command:
        return ConvertLead(lead_id=_lead(office), name="刘大有", amount=120_000, level="B")

    def set_lead_status(self, office: Any) -> Command:
        return SetLeadStatus(lead_id=_lead(office), status="following", expected="new")

    def assign_lead(self, office: Any) -> Command:
        lead_id = _lead(office)
        office.as_person("5001")
        return AssignLead(
            lead_id=lead_id, to_owner_id=office.people["6002"], expected_owner_id=office.people["6001"]
        )

    def reveal_lead(self, office: Any) -> Command:
        return RevealLead(lead_id=_lead(office))

    def take_back_move(self, office: Any) -> Command:
        deal_id = office.deal(office.customer(phones=(PHONE,)))
        office.clock.move(minutes=1)
        (verdict,) = office.desk.carry_out(
            MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead")
        )
        return verdict.undo[0]


WITHOUT_UNDO = {"found_organisation", "create_unit", "create_product_line", "reveal_identity", "reveal_lead"}
MOVES_AGAIN = {"take_back_move"}
"""Taken back by a new move, which happens when it happens."""
KINDS = [command.kind for command in COMMANDS if not command.__module__.startswith(OWN_TESTS)]


def _subclasses(top: type[Command]) -> set[type[Command]]:
    return {one for direct in top.__subclasses__() for one in {direct} | _subclasses(direct)}


def test_the_list_of_commands_holds_every_command_there_is():
    ours = {one for one in _subclasses(Command) if one.__module__.startswith("crm_tui.")}
    assert ours == set(COMMANDS)


def test_every_command_has_a_kind_of_its_own():
    assert len(by_kind()) == len(COMMANDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_has_a_deed_in_these_tests(kind):
    assert hasattr(Deeds, kind)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in WITHOUT_UNDO])
def test_taking_a_command_back_restores_the_rows_and_doing_it_again_redoes_them(kind, office, books):
    command = getattr(Deeds(), kind)(office)
    timeless = kind in MOVES_AGAIN
    before = books.living(timeless=timeless)
    office.give(command)
    after = books.living(timeless=True)
    office.clock.move(minutes=3)
    assert all(verdict.applied for verdict in office.desk.undo())
    assert books.living(timeless=timeless) == before
    assert books.living(timeless=True) != after
    office.clock.move(minutes=3)
    assert all(verdict.applied for verdict in office.desk.redo())
    assert books.living(timeless=True) == after
    assert all(verdict.applied for verdict in office.desk.undo())
    assert books.living(timeless=timeless) == before


@pytest.mark.parametrize("kind", sorted(WITHOUT_UNDO - {"found_organisation"}))
def test_what_cannot_be_taken_back_leaves_the_step_before_it_on_top(kind, office):
    verdict = office.verdict(getattr(Deeds(), kind)(office))
    assert verdict.applied
    assert verdict.undo == ()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "found_organisation"])
def test_an_applied_command_stands_in_the_outbox_with_the_fields_that_were_given(kind, office, books):
    command = getattr(Deeds(), kind)(office)
    office.give(command)
    last = books.rows(select(outbox).order_by(outbox.c.seq))[-1]
    assert last["kind"] == kind
    assert last["actor_id"] == office.desk.viewer.person_id
    assert by_kind()[kind].model_validate(last["args"]) == command


def test_a_new_customer_is_normalised_owned_and_logged(office, books):
    customer_id = office.give(Deeds().create_customer(office))["customer_id"]
    row = books.one(select(customer).where(customer.c.id == customer_id))
    assert (row["phone"], row["level"], row["tags"]) == ("+8613800138000", "B", ["oak"])
    assert (row["owner_id"], row["branch_id"]) == (office.people["6001"], office.units["Jingan"])
    assert (row["created_on"], row["due_reason"]) == (date(2026, 1, 8), "never_contacted")
    event = books.one(select(ownership_event))
    assert (event["kind"], event["to_owner_id"]) == ("create", office.people["6001"])


def test_an_edit_changes_only_what_is_named(office, books):
    customer_id = office.customer(note="keep me", level="A", phones=(PHONE,))
    office.give(EditCustomer(customer_id=customer_id, source="fair", note=None))
    row = books.one(select(customer))
    assert (row["source"], row["note"], row["level"], row["phone"]) == (
        "fair",
        "keep me",
        "A",
        "+8613800138000",
    )


def test_an_archived_customer_takes_its_deals_along_and_brings_only_those_back(office, books):
    customer_id = office.customer()
    put_away, alive = office.deal(customer_id), office.deal(customer_id)
    office.give(SetDealArchived(deal_id=put_away, archived=True))
    office.give(ArchiveCustomer(customer_id=customer_id))
    assert all(row["archived_at"] for row in books.rows(select(deal)))
    office.give(RestoreCustomer(customer_id=customer_id))
    living = books.rows(select(deal.c.id).where(deal.c.archived_at.is_(None)))
    assert [row["id"] for row in living] == [alive]


def test_an_amendment_is_a_new_version_and_the_old_one_stays_readable(office, books):
    office.give(Deeds().amend_follow_up(office))
    old, new = books.rows(select(follow_up).order_by(follow_up.c.version))
    assert (old["version"], new["version"]) == (1, 2)
    assert old["replaced_by"] == new["id"]
    assert (old["need_change"], new["need_change"]) == ("wants a larger table", "none")
    assert old["occurred_at"] == new["occurred_at"]


def test_amending_a_word_does_not_overrule_a_later_postponement(office, books):
    customer_id = office.customer()
    said = office.spoken(customer_id)
    root = office.give(said)["follow_up_id"]
    office.clock.move(hours=1)
    later = office.clock.now + timedelta(days=9)
    office.give(PostponeContact(customer_id=customer_id, next_at=later))
    office.clock.move(hours=1)
    answers = said.model_dump(exclude={"customer_id", "deal_id", "occurred_at"}) | {"next_step": "call him"}
    office.give(AmendFollowUp(follow_up_id=root, **answers))
    assert books.one(select(customer))["next_contact_at"] == later


def test_an_amendment_may_keep_a_next_contact_that_has_passed(office):
    said = office.spoken(office.customer())
    root = office.give(said)["follow_up_id"]
    office.clock.move(days=5)
    answers = said.model_dump(exclude={"customer_id", "deal_id", "occurred_at"})
    office.give(AmendFollowUp(follow_up_id=root, **(answers | {"need_change": "none at all"})))


def test_a_reassignment_takes_the_open_deals_along_and_leaves_the_closed_ones(office, books):
    customer_id = office.customer()
    is_open, closed = office.deal(customer_id), office.deal(customer_id)
    office.give(MoveDeal(deal_id=closed, to_stage="lost", expected_stage="lead", lost_reason="price"))
    office.as_person("5001")
    office.give(
        ReassignCustomer(
            customer_id=customer_id,
            to_owner_id=office.people["6002"],
            expected_owner_id=office.people["6001"],
            reason="leave",
        )
    )
    owners = {row["id"]: row["owner_id"] for row in books.rows(select(deal))}
    assert owners == {is_open: office.people["6002"], closed: office.people["6001"]}


def test_taking_a_reassignment_back_gives_a_deal_to_the_colleague_who_had_it(office, books):
    customer_id = office.customer()
    deal_id = office.deal(customer_id)
    with office.desk._books.write() as tx:
        tx.update(deal, deal_id, owner_id=office.people["6003"])
    office.as_person("4001")
    office.give(
        ReassignCustomer(
            customer_id=customer_id,
            to_owner_id=office.people["6002"],
            expected_owner_id=office.people["6001"],
            reason="left",
        )
    )
    office.desk.undo()
    assert books.one(select(deal))["owner_id"] == office.people["6003"]
    assert books.one(select(customer))["owner_id"] == office.people["6001"]


def test_who_leaves_gets_a_last_day_and_the_count_of_open_work(office, books):
    office.deal(office.customer())
    office.as_person("1001")
    details = office.give(SetPersonStatus(person_id=office.people["6001"], status="left", expected="active"))
    assert details["open_work"] == {"customers": 1, "deals": 1}
    assert books.one(select(person).where(person.c.number == "6001"))["left_on"] == date(2026, 1, 8)


def test_a_person_who_changes_team_changes_branch_with_it(office, books):
    office.as_person("1001")
    office.give(EditPerson(person_id=office.people["6001"], unit_id=office.units["Team three"]))
    moved = books.one(select(person).where(person.c.number == "6001"))
    assert moved["branch_id"] == office.units["Tianhe"]


def test_looking_at_masked_numbers_is_what_is_recorded(office, books):
    details = office.give(Deeds().reveal_identity(office))
    assert details["phones"] == ["+8613800138000"]
    assert books.rows(select(outbox).order_by(outbox.c.seq))[-1]["kind"] == "reveal_identity"


def test_new_overdue_rules_judge_every_customer_anew(office, books):
    customer_id = office.customer()
    office.as_person("1001")
    office.give(
        SetOverdueRules(days=dict.fromkeys("ABCDE", 7), first_contact_hours=2, escalate_days=(1, 2, 3))
    )
    row = books.one(select(customer).where(customer.c.id == customer_id))
    assert row["due_at"] == row["created_at"] + timedelta(hours=2)


def test_a_batch_is_taken_back_as_one_step(office, books):
    before = books.living()
    office.desk.carry_out(*(CreateCustomer(name=f"Guest {n}") for n in range(3)))
    assert len(office.desk.undo()) == 3
    assert books.living() == before
    assert len(office.desk.redo()) == 3
    assert len(books.rows(select(customer).where(customer.c.archived_at.is_(None)))) == 3


def test_in_a_batch_each_command_is_applied_or_refused_on_its_own(office, books):
    good, bad, better = office.desk.carry_out(
        CreateCustomer(name="Good", phones=(PHONE,)),
        CreateCustomer(name="Bad", phones=(PHONE,)),
        CreateCustomer(name="Better"),
    )
    assert (good.code, bad.code, better.code) == ("applied", "phone_taken", "applied")
    assert {row["name"] for row in books.rows(select(customer))} == {"Good", "Better"}
    assert len(books.rows(select(outbox).where(outbox.c.kind == "create_customer"))) == 2
