"""Who sees what: for every role and every question, what lies outside the scope changes no answer."""

# ruff: noqa: ARG005 - every question is handed the same three things

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from crm_tui import queries
from crm_tui.commands.customers import ArchiveCustomer, CreateCustomer
from crm_tui.commands.deals import MoveDeal
from crm_tui.commands.people import CreatePerson
from crm_tui.domain.errors import Refused
from crm_tui.domain.overdue import OverdueRules
from crm_tui.metrics.filters import Filters
from crm_tui.queries.customers import CustomerFilter
from crm_tui.queries.reports import REPORTS
from crm_tui.queries.todo import TABS
from crm_tui.store.pipelines import first_pipeline
from crm_tui.store.scope import viewer_of
from crm_tui.store.tables import customer, lead, org_unit, outbox, person
from crm_tui.store.view import View

PHONE = "13800138000"
SHARED = {
    "pipelines",
    "pipelines_in_force",
    "this_device",
    "reached",
    "stages",
    "product_lines",
    "products",
    "units",
    "price_list",
    "rules_in_force",
}
"""What the organisation decided for everybody: no customer, deal or person stands in the answer."""
BUILDING = {
    "among_found",
    "late_deals",
    "rotting_deals",
    "tab_condition",
    "customer_ids",
    "panel_window",
    "cards_after",
    "start_elsewhere",
}
"""Parts of other questions: they return conditions, or are given rows that the viewer already has."""

COMMANDS_OF = {
    "answered_commands",
    "last_commands",
    "lost_drafts",
    "sync_lines",
    "open_commands",
    "drafts_kept",
}
"""What was done or begun at this terminal: others' commands only for who may reassign their work."""

Ask = Callable[[View, str, str], Any]
QUESTIONS: dict[str, Ask] = {
    "badges": lambda v, c, d: _call("badges", "badges", v),
    "board": lambda v, c, d: _call("board", "board", v),
    "board_cards": lambda v, c, d: _call("board", "board_cards", v, first_pipeline(v.tx).id, "contact"),
    "card_place": lambda v, c, d: _call("board", "card_place", v, d),
    "card_detail": lambda v, c, d: _call("board", "card_detail", v, d),
    "customer_lines": lambda v, c, d: _call("customer_lines", "customer_lines", v, [c]),
    "customers_page": lambda v, c, d: [
        _call("customers", "customers_page", v, typed=typed, order=order)
        for typed in ("", "Visible", PHONE, "8000")
        for order in ("due", "name")
    ],
    "matching_ids": lambda v, c, d: _call("customers", "matching_ids", v, CustomerFilter()),
    "find_customers": lambda v, c, d: [
        _call("finding", "find_customers", v, typed) for typed in ("Visible", PHONE, "#oak")
    ],
    "who_has_phone": lambda v, c, d: getattr(_call("finding", "who_has_phone", v, PHONE), "name", ""),
    "follow_up_start": lambda v, c, d: _call("follow_ups", "follow_up_start", v, c),
    "last_follow_ups": lambda v, c, d: _call("follow_ups", "last_follow_ups", v, c, 5),
    "panel": lambda v, c, d: replace(_call("panel", "panel", v, Filters()), unsynced=0),
    "people": lambda v, c, d: _call("pickers", "people", v),
    "sources": lambda v, c, d: _call("pickers", "sources", v),
    "tags": lambda v, c, d: _call("pickers", "tags", v),
    "customer_row": lambda v, c, d: _call("profile", "customer_row", v, c),
    "profile": lambda v, c, d: _call("profile", "profile", v, c),
    "gate": lambda v, c, d: _call("profile", "gate", v, d),
    "timeline": lambda v, c, d: _call("timeline", "timeline", v, c),
    "todo_page": lambda v, c, d: [_call("todo", "todo_page", v, tab) for tab in TABS],
    "todo_counts": lambda v, c, d: _call("todo", "todo_counts", v),
    "by_person": lambda v, c, d: _call("todo", "by_person", v),
    "why": lambda v, c, d: _call("todo", "why", v, c),
    "rows_behind": lambda v, c, d: [
        _call("behind", "rows_behind", v, figure, Filters()) for figure in ("won", "stage_contact", "overdue")
    ],
    "roster": lambda v, c, d: _call("settings", "roster", v),
    "open_work": lambda v, c, d: [
        _call("settings", "open_work", v, one) for one in v.tx.scalars(select(person.c.id))
    ],
    "leads_page": lambda v, c, d: _call("leads", "leads_page", v, typed="Visible"),
    "lead_line": lambda v, c, d: _call("leads", "lead_line", v, c),
    "sync_lines": lambda v, c, d: _call("outbox", "sync_lines", v),
    "lost_drafts": lambda v, c, d: _call("outbox", "lost_drafts", v),
    "open_commands": lambda v, c, d: _call("outbox", "open_commands", v),
    "drafts_kept": lambda v, c, d: _call("outbox", "drafts_kept", v),
    "answered_commands": lambda v, c, d: _call("outbox", "answered_commands", v),
    "last_commands": lambda v, c, d: _call("outbox", "last_commands", v),
    "rules_preview": lambda v, c, d: _call("settings", "rules_preview", v, OverdueRules()),
    "report": lambda v, c, d: [_call("reports", "report", v, name, Filters()) for name in REPORTS],
}


def _call(module: str, name: str, view: View, *args: Any, **more: Any) -> Any:
    return getattr(importlib.import_module(f"crm_tui.queries.{module}"), name)(view, *args, **more)


def _entry_points() -> set[str]:
    """Return the name of every public question that takes a View."""
    found = set()
    for module in pkgutil.iter_modules(queries.__path__):
        here = importlib.import_module(f"crm_tui.queries.{module.name}")
        for name, function in vars(here).items():
            if not inspect.isfunction(function) or function.__module__ != here.__name__ or name[0] == "_":
                continue
            first = next(iter(inspect.signature(function).parameters.values()), None)
            if first is not None and first.annotation in {"View", View}:
                found.add(name)
    return found


def test_every_question_is_in_the_table():
    missing = _entry_points() - set(QUESTIONS) - SHARED - BUILDING - set(REPORTS)
    assert missing == set()


def _answers(office: Any, customer_id: str, deal_id: str) -> dict[str, str]:
    def ask(question: Ask) -> str:
        try:
            return repr(office.desk.answer(question, customer_id, deal_id))
        except Refused as no:
            return no.code

    return {name: ask(question) for name, question in QUESTIONS.items()}


def _planted(office: Any, number: str) -> tuple[str, str]:
    """Let somebody take in a customer with a deal that has moved and a follow-up."""
    office.as_person(number)
    customer_id = office.customer("Visible Vera", phones=(PHONE,), tags=("oak",), source="secret fair")
    deal_id = office.deal(customer_id, amount=777_700)
    office.give(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
    office.give(office.spoken(customer_id, next_at=office.clock.now + timedelta(hours=2)))
    _plant_lead(office, customer_id)
    return customer_id, deal_id


def _plant_lead(office: Any, lead_id: str) -> None:
    """Let a lead of the same person stand there, and let the hub have refused the last command."""
    me = office.desk.viewer
    with office.desk._books.write() as tx:
        tx.insert(
            lead,
            id=lead_id,
            branch_id=me.branch_id,
            owner_id=me.person_id,
            name="Visible lead",
            phone=PHONE,
            source="secret fair",
            status="new",
            created_on=me.day(office.clock.now),
            extra={},
        )
        last = tx.scalar(select(func.max(outbox.c.seq)))
        tx.update_where(outbox, outbox.c.seq == last, state="rejected", code="owner_changed")


# who looks, and whose customer must stay unseen, and whose must be seen
OUTSIDE = [
    ("6001", "6002", "6001"),
    ("6001", "6004", "6001"),
    ("5001", "6003", "6002"),
    ("4001", "6004", "6003"),
    ("4002", "6001", "6004"),
    ("3001", "6005", "6004"),
    ("3002", "6001", "6005"),
]


@pytest.mark.parametrize(("viewer", "outside", "inside"), OUTSIDE)
def test_what_lies_outside_the_scope_changes_no_answer(viewer, outside, inside, office):
    office.as_person(viewer)
    nothing = _answers(office, "0" * 32, "0" * 32)
    customer_id, deal_id = _planted(office, outside)
    office.as_person(viewer)
    assert _answers(office, customer_id, deal_id) == nothing
    office.as_person(outside)
    office.give(ArchiveCustomer(customer_id=customer_id))
    seen_customer, seen_deal = _planted(office, inside)
    office.as_person(viewer)
    seen = _answers(office, seen_customer, seen_deal)
    blind = {"people", "roster", "rules_preview", *COMMANDS_OF} | {
        name for name in seen if seen[name] != nothing[name]
    }
    assert set(seen) - blind == set()


@pytest.mark.parametrize("number", ["2001", "7001", "1001"])
def test_director_finance_and_administrator_see_every_branch(number, office):
    ids = {_planted_with(office, who, n) for n, who in enumerate(("6001", "6004", "6005"))}
    office.as_person(number)
    assert set(office.desk.answer(QUESTIONS["matching_ids"], "", "")) == ids


def _planted_with(office: Any, number: str, n: int) -> str:
    office.as_person(number)
    return office.customer(f"Customer {n}")


@pytest.mark.parametrize("change", [{"role": "wizard"}, {"reach": "galaxy"}, {"reach": "none"}])
def test_an_unknown_role_or_reach_sees_nothing_of_its_own_work(change, office):
    office.as_person("6001")
    with office.desk._books.write() as tx:
        tx.update(person, office.people["6001"], reach="none")
    nothing = _answers(office, "0" * 32, "0" * 32)
    with office.desk._books.write() as tx:
        tx.update(person, office.people["6001"], reach=None)
    mine = _planted(office, "6001")
    with office.desk._books.write() as tx:
        tx.update(person, office.people["6001"], **change)
    assert _answers(office, *mine) == nothing


@pytest.mark.outside
def test_the_visible_customers_of_the_chinook_staff_are_as_published(office, outside_data):
    people, customers = _chinook(office, outside_data / "chinook" / "Chinook_Sqlite.sqlite")
    cases = (outside_data / "cases" / "visibility.jsonl").read_text("utf-8").splitlines()
    chinook = [case for case in map(json.loads, cases) if case["dataset"] == "chinook"]
    assert chinook
    for case in chinook:
        office.people["who"] = people[case["params"]["viewer"]]
        office.desk.log_out()
        with office.desk._books.read() as tx:
            viewer = viewer_of(tx, office.people["who"])
            ids = set(tx.scalars(select(customer.c.id).where(viewer.scope.where(customer))))
        assert {customers[one] for one in ids} == set(case["expected"]["visible_customer_ids"])


def _chinook(office: Any, path: Any) -> tuple[dict[str, str], dict[str, int]]:
    """Bring the staff and their customers in; return people by name and customers by id."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as plain:
        staff = plain.execute(
            "SELECT EmployeeId, FirstName || ' ' || LastName, ReportsTo FROM Employee"
        ).fetchall()
        served = plain.execute("SELECT CustomerId, SupportRepId FROM Customer").fetchall()
    branch_id = office.units["Jingan"]
    ids: dict[int, str] = {}
    office.as_person("1001")
    for number, name, boss in sorted(staff, key=lambda row: (row[2] is not None, row[2] or 0)):
        ids[number] = office.give(
            CreatePerson(
                number=f"c{number}",
                name=name,
                role="clerk",
                reach="subordinates",
                unit_id=branch_id,
                manager_id=ids.get(boss),
            )
        )["person_id"]
    customers = {
        office.give(CreateCustomer(name=f"C{number}", owner_id=ids[rep]))["customer_id"]: number
        for number, rep in served
    }
    return {name: ids[number] for number, name, _ in staff}, customers


def test_a_circle_of_managers_ends(office):
    office.as_person("1001")
    with office.desk._books.write() as tx:
        for one, boss in (("6001", "6002"), ("6002", "6001")):
            tx.update(person, office.people[one], manager_id=office.people[boss], reach="subordinates")
    office.as_person("6001")
    people = office.desk.viewer.scope.people
    assert people == {office.people["6001"], office.people["6002"]}
    assert office.desk.answer_anyone(lambda tx: len(tx.rows(select(org_unit)))) > 5
