"""What somebody else has changed since the form was read is not overwritten unseen, field by field."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from crm_tui.commands.customers import EditCustomer
from crm_tui.queries.profile import profile

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
