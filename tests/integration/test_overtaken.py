"""What somebody else has changed since the form was read is not overwritten unseen, field by field."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from crm_tui.commands.customers import EditCustomer
from crm_tui.commands.deals import EditDeal
from crm_tui.commands.people import EditPerson
from crm_tui.commands.rules import CreateProduct, CreateProductLine, EditProduct
from crm_tui.queries.profile import gate, profile
from crm_tui.queries.settings import price_list, roster

ID, OTHER_ID = "11010519491231002X", "440524188001010014"
FIELDS: tuple[tuple[str, Any, str, Any, str, Any], ...] = (
    ("name", "甲", "甲", "乙", "乙", "丙"),
    ("customer_kind", "person", "person", "firm", "firm", "person"),
    ("level", "C", "C", "A", "A", "B"),
    ("tags", ("急", "复式"), "急 复式", ("复式",), "复式", ("急",)),
    ("wechat", "wx_one", "wx_one", "wx_two", "wx_two", "wx_three"),
    ("email", "a@example.com", "a@example.com", "b@example.com", "b@example.com", "c@example.com"),
    ("birthday", None, "", date(1990, 2, 3), "1990-02-03", date(1991, 2, 3)),
    ("uscc", "", "", "91350100M000100Y43", "91350100M000100Y43", "91110000600037341L"),
    ("resident_id", ID, "1101**********002X", OTHER_ID, "4405**********0014", ID),
    ("phones", ("13800138000",), "138****8000", ("13900139001",), "139****9001", ("13700137000",)),
)
"""A field: what it holds and shows, what somebody else writes and how that shows, what is given."""


@pytest.mark.parametrize("case", FIELDS, ids=lambda case: case[0])
def test_a_field_that_was_changed_meanwhile_keeps_what_stands_there(office, case):
    field, before, seen, between, now, given = case
    one = office.customer("Somebody", note="old")
    if before:
        office.give(EditCustomer(customer_id=one, **{field: before}))
    edit = EditCustomer(customer_id=one, **{field: given}, note="new", expected={field: seen, "note": "old"})
    office.give(EditCustomer(customer_id=one, **{field: between}))
    stands = office.desk.answer(profile, one)
    verdict = office.verdict(edit)
    assert (verdict.code, verdict.details) == ("field_changed", {"field": field, "now": now})
    assert office.desk.answer(profile, one) == stands
    office.give(edit.model_copy(update={"expected": {field: now, "note": "old"}}))
    assert office.desk.answer(profile, one).note == "new"


def test_what_another_one_has_written_as_well_is_in_nobodys_way(office):
    one = office.customer("Somebody", tags=("旧",))
    office.give(EditCustomer(customer_id=one, tags=("新", "急")))
    office.give(
        EditCustomer(customer_id=one, tags=("新", "急"), note="x", expected={"tags": "旧", "note": ""})
    )
    assert office.desk.answer(profile, one).note == "x"


def sold(office: Any, name: str) -> dict[str, str]:
    """Add a product line and a product of it, both called that."""
    line = office.give(CreateProductLine(name=name))["line_id"]
    return {"line": line, "product": office.give(CreateProduct(name=name, line_id=line))["product_id"]}


DEAL_FIELDS = (
    ("title", "甲", "乙", "乙", "丙"),
    ("source", "", "展会", "展会", "网络"),
    ("amount", None, 1_200_000, "¥12,000.00", 900_000),
    ("amount", 0, None, "", 900_000),
    ("expected_close_on", None, date(2026, 2, 1), "2026-02-01", date(2026, 3, 1)),
    ("line_id", None, "line", "地板", None),
    ("product_id", None, "product", "地板", None),
)
"""A field of a deal: what it holds, what somebody else writes, how that reads, what is given."""


@pytest.mark.parametrize("case", DEAL_FIELDS, ids=lambda case: f"{case[0]}-{case[1]}")
def test_a_deal_that_was_changed_meanwhile_keeps_what_stands_there(office, case):
    field, before, between, now, given = case
    office.as_person("1001")
    made = sold(office, "地板")
    office.as_person("6001")
    one = office.deal(office.customer())
    if before is not None:
        office.give(EditDeal(deal_id=one, **{field: before}))
    edit = EditDeal(deal_id=one, **{field: given}, expected={field: before})
    other = made.get(between, between) if isinstance(between, str) else between
    office.give(EditDeal(deal_id=one, **{field: other}))
    stands = office.desk.answer(gate, one)
    if given is None:  # it is emptied by naming it: what was seen is not what stands
        edit = edit.model_copy(update={"expected": {field: "01999999-0000-7000-8000-000000000000"}})
    verdict = office.verdict(edit)
    assert (verdict.code, verdict.details) == ("field_changed", {"field": field, "now": now})
    assert office.desk.answer(gate, one) == stands
    seen = other.isoformat() if isinstance(other, date) else other
    assert office.verdict(edit.model_copy(update={"expected": {field: seen}})).applied


def test_a_person_who_was_changed_meanwhile_stays_so(office):
    office.as_person("1001")
    clerk = office.people["6001"]
    seen = next(one for one in office.desk.answer(roster) if one.id == clerk)
    boss, other = office.people["4001"], office.people["4002"]
    office.give(EditPerson(person_id=clerk, manager_id=boss, phone="138 0013 8000", role="supervisor"))
    names = {one.id: one.name for one in office.desk.answer(roster)}
    for field, given, saw, now in (
        ("manager_id", other, seen.manager_id, names[boss]),
        ("phone", "13900139001", seen.phone, "+8613800138000"),
        ("role", "branch_manager", seen.role, "supervisor"),
    ):
        verdict = office.verdict(EditPerson(person_id=clerk, **{field: given}, expected={field: saw}))
        assert (verdict.code, verdict.details) == ("field_changed", {"field": field, "now": now})
    assert office.verdict(
        EditPerson(person_id=clerk, phone="13900139001", expected={"phone": "138-0013-8000"})
    ).applied


def test_a_product_that_was_changed_meanwhile_stays_so(office):
    office.as_person("1001")
    made, others = sold(office, "地板"), sold(office, "瓷砖")
    office.give(
        EditProduct(product_id=made["product"], unit_price=9_900, active=False, line_id=others["line"])
    )
    for field, given, saw, now in (
        ("unit_price", 8_800, None, "¥99.00"),
        ("line_id", None, made["line"], "瓷砖"),
    ):
        verdict = office.verdict(
            EditProduct(product_id=made["product"], **{field: given}, expected={field: saw})
        )
        assert (verdict.code, verdict.details) == ("field_changed", {"field": field, "now": now})
    stands = next(one for one in office.desk.answer(price_list) if one.id == made["product"])
    assert (stands.unit_price, stands.line_id) == (9_900, others["line"])
    again = EditProduct(product_id=made["product"], active=True, expected={"active": False})
    assert office.verdict(again).applied


def test_taking_an_edit_back_does_not_overwrite_what_somebody_else_has_written_since(office):
    customer_id = office.customer(note="旧", phones=("13800138000",), tags=("急",))
    deal_id = office.deal(customer_id, amount=100)
    mine = (
        EditCustomer(customer_id=customer_id, note="我", phones=("13900139001",), tags=()),
        EditDeal(deal_id=deal_id, amount=200),
    )
    theirs = (EditCustomer(customer_id=customer_id, note="他"), EditDeal(deal_id=deal_id, amount=300))
    for command, other in zip(mine, theirs, strict=True):
        office.give(command)
        assert [one.code for one in office.desk.undo()] == ["applied"]
        assert [one.code for one in office.desk.redo()] == ["applied"]
        office.as_person("5001")
        office.give(other)
        office.as_person("6001")
        (no,) = office.desk.undo()
        assert no.code == "field_changed"
    assert office.desk.answer(profile, customer_id).note == "他"
    assert office.desk.answer(gate, deal_id).deal.amount == 300
