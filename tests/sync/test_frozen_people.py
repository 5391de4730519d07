"""Who is frozen at the hub changes nothing any more, whatever the hub remembers of people."""

from __future__ import annotations

from typing import Any

from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.commands.people import SetPersonStatus


def test_a_command_of_a_person_frozen_by_the_push_before_is_held_not_applied(organisation: Any) -> None:
    till = organisation.terminal("till", log_in="6001")
    head = organisation.terminal("head", "Haitang", log_in="1001")
    made = till.give(CreateCustomer(name="张三"))["customer_id"]
    till.sync()
    clerk = organisation.people["6001"]
    head.give(SetPersonStatus(person_id=clerk, status="frozen", expected="active"))
    head.sync()
    till.give(EditCustomer(customer_id=made, name="李四"))
    till.sync()
    assert [(row.state, row.code) for row in till.outbox()] == [
        ("applied", ""),
        ("held", "person_frozen"),
    ]
