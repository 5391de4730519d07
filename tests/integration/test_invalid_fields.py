"""What is wrong with a field is said in the person's language, never in pydantic's."""

import re

import pytest

from crm_tui import i18n
from crm_tui.commands import by_kind, open_command
from crm_tui.domain.errors import Refused
from crm_tui.widgets.refusal import refused

CASES = [
    ("create_customer", {}, {"field": "name", "why": "field_missing"}),
    ("create_customer", {"name": "X", "wings": 2}, {"field": "wings", "why": "field_unknown"}),
    ("create_customer", {"name": "X" * 201}, {"field": "name", "why": "text_too_long", "most": 200}),
    ("create_customer", {"name": 7}, {"field": "name", "why": "not_a_text"}),
    ("create_customer", {"name": "X", "phones": "1"}, {"field": "phones", "why": "not_a_list"}),
    ("create_customer", {"name": "X", "birthday": "soon"}, {"field": "birthday", "why": "not_a_day"}),
    ("create_deal", {"customer_id": "x", "amount": -1}, {"field": "amount", "why": "too_small", "least": 0}),
    (
        "create_deal",
        {"customer_id": "x", "amount": 10**16},
        {"field": "amount", "why": "too_large", "most": 10**15},
    ),
    (
        "create_deal",
        {"customer_id": "x", "amount": "a lot"},
        {"field": "amount", "why": "not_a_whole_number"},
    ),
    (
        "set_person_status",
        {"person_id": "x", "status": "asleep", "expected": "active"},
        {"field": "status", "why": "not_offered", "offered": "active, frozen, left"},
    ),
    (
        "postpone_contact",
        {"customer_id": "x", "next_at": "2026-01-09T10:00:00"},
        {"field": "next_at", "why": "not_a_moment"},
    ),
]


@pytest.mark.parametrize(("kind", "args", "wrong"), CASES)
def test_a_field_that_is_wrong_is_named_with_our_code_and_its_limit(kind, args, wrong):
    with pytest.raises(Refused) as no:
        open_command(by_kind(), kind, args)
    assert no.value.code == "command_invalid"
    assert no.value.details == {"kind": kind, **wrong}


@pytest.mark.parametrize(("kind", "args", "wrong"), CASES)
def test_the_sentence_is_chinese_but_for_names_and_values(kind, args, wrong):
    i18n.use("zh_CN")
    with pytest.raises(Refused) as no:
        open_command(by_kind(), kind, args)
    said = refused(no.value)
    assert not re.search(r"[Ii]nput|should|String|Field|Extra", said)
    assert wrong["why"] not in said
    assert str(wrong.get("most", wrong.get("least", wrong.get("offered", "")))) in said


def test_a_field_is_called_what_the_form_calls_it():
    i18n.use("zh_CN")
    with pytest.raises(Refused) as no:
        open_command(by_kind(), "create_customer", {"name": "X", "note": "x" * 5000})
    assert refused(no.value) == "「备注」填写有误：太长，最多 4000 个字。"
