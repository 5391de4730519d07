"""Leads: found within the scope, judged, given away, and turned into customers with deals."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from crm_tui.commands.leads import AssignLead, ConvertLead, RevealLead, SetLeadStatus
from crm_tui.domain.errors import Refused
from crm_tui.queries.leads import lead_line, leads_page
from crm_tui.queries.profile import profile
from crm_tui.store.tables import customer, lead


@pytest.fixture
def came(office: Any) -> Any:
    """Return the way to let a lead come in; 6001 has it unless somebody else is named."""

    def come(name: str = "刘先生", *, owner: str | None = "6001", **more: Any) -> str:
        values: dict[str, Any] = {
            "id": f"lead-{name}",
            "branch_id": office.units["Jingan"],
            "owner_id": office.people[owner] if owner else None,
            "name": name,
            "phone": "+8613800138000",
            "source": "fair",
            "status": "new",
            "created_on": date(2026, 1, 5),
            "extra": {"note": "asked for oak", "hall": "3"},
        }
        with office.desk._books.write() as tx:
            tx.insert(lead, **(values | more))
        return str((values | more)["id"])

    return come


def test_a_converted_lead_is_a_customer_with_a_deal_and_says_so(office, came, books):
    done = office.give(ConvertLead(lead_id=came(), amount=120_000))
    found = office.desk.answer(profile, done["customer_id"])
    assert (found.name, found.source, found.note) == ("刘先生", "fair", "asked for oak")
    assert [(one.id, one.amount, one.stage) for one in found.deals] == [(done["deal_id"], 120_000, "lead")]
    row = books.one(select(lead))
    assert (row["status"], row["converted_on"], row["customer_id"]) == (
        "converted",
        date(2026, 1, 8),
        done["customer_id"],
    )
    assert books.one(select(customer.c.extra))["extra"] == {"hall": "3"}


def test_a_lead_is_converted_once(office, came):
    lead_id = came()
    office.give(ConvertLead(lead_id=lead_id))
    assert office.verdict(ConvertLead(lead_id=lead_id)).code == "lead_converted"


def test_a_known_number_makes_no_second_customer(office, came, books):
    customer_id = office.customer("老刘", phones=("13800138000",))
    lead_id = came()
    verdict = office.verdict(ConvertLead(lead_id=lead_id))
    assert (verdict.code, verdict.details["customer_id"]) == ("phone_taken", customer_id)
    done = office.give(ConvertLead(lead_id=lead_id, customer_id=customer_id))
    assert done["customer_id"] == customer_id
    assert len(books.rows(select(customer))) == 1
    office.desk.undo()
    assert office.desk.answer(profile, customer_id).deals == ()
    assert office.desk.answer(lead_line, lead_id).status == "new"


def test_a_lead_outside_the_scope_is_unknown_to_every_command_and_list(office, came):
    lead_id = came(owner="6002")
    for command in (
        ConvertLead(lead_id=lead_id),
        SetLeadStatus(lead_id=lead_id, status="invalid", expected="new"),
        RevealLead(lead_id=lead_id),
    ):
        assert office.verdict(command).code == "lead_unknown"
    assert office.desk.answer(leads_page).count == 0
    with pytest.raises(Refused):
        office.desk.answer(lead_line, lead_id)
    office.as_person("4001")
    assert office.desk.answer(leads_page).count == 1


def test_a_clerk_gives_no_lead_away(office, came):
    lead_id = came()
    give = AssignLead(
        lead_id=lead_id, to_owner_id=office.people["6002"], expected_owner_id=office.people["6001"]
    )
    assert office.verdict(give).code == "not_allowed"
    office.as_person("4001")
    office.give(give)
    assert office.verdict(give).code == "lead_changed"


def test_a_lead_without_an_owner_waits_in_its_branch_again_when_it_is_taken_back(office, came, books):
    lead_id = came(owner=None)
    office.as_person("3001")
    office.give(AssignLead(lead_id=lead_id, to_owner_id=office.people["6004"], expected_owner_id=None))
    assert books.one(select(lead))["branch_id"] == office.units["Xuhui"]
    office.desk.undo()
    row = books.one(select(lead))
    assert (row["owner_id"], row["branch_id"]) == (None, office.units["Jingan"])


def test_a_status_somebody_else_has_changed_is_not_overwritten(office, came):
    lead_id = came()
    office.give(SetLeadStatus(lead_id=lead_id, status="following", expected="new"))
    again = SetLeadStatus(lead_id=lead_id, status="invalid", expected="new")
    assert office.verdict(again).code == "lead_changed"
    as_customer = SetLeadStatus(lead_id=lead_id, status="converted", expected="following")
    assert office.verdict(as_customer).code == "lead_needs_customer"


@pytest.mark.parametrize(
    ("typed", "hits"),
    [("刘", 1), ("FAIR", 2), ("8000", 1), ("138 0013", 1), ("100%", 0), ("１３９", 1), ("", 2)],
)
def test_leads_are_found_by_name_source_and_number(office, came, typed, hits):
    came()
    came("Anna", phone="+8613900139000")
    came("gone", status="invalid")
    assert office.desk.answer(leads_page, typed=typed).count == hits


def test_leads_are_listed_by_how_they_stand_the_newest_first(office, came):
    came("old", created_on=date(2025, 12, 1), status="following")
    came("new")
    came("done", status="converted")
    names = [one.name for one in office.desk.answer(leads_page).lines]
    assert names == ["new", "old"]
    assert [one.name for one in office.desk.answer(leads_page, status="converted").lines] == ["done"]
    assert office.desk.answer(leads_page, status="all").count == 3
