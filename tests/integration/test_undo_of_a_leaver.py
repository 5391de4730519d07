"""Taking back what cannot go back: the one it fails for is named, and the step before comes next."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from crm_tui.commands.customers import EditCustomer
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.store.tables import customer, person


def _given_away(office: Any) -> str:
    """Edit the customer of 6001 as the supervisor and give it to 6002; then 6001 leaves."""
    customer_id = office.customer(source="fair")
    office.as_person("5001")
    office.give(EditCustomer(customer_id=customer_id, source="friend"))
    office.give(
        ReassignCustomer(
            customer_id=customer_id,
            to_owner_id=office.people["6002"],
            expected_owner_id=office.people["6001"],
            reason="left",
        )
    )
    with office.desk._books.write() as tx:
        tx.update(person, office.people["6001"], status="left")
    return str(customer_id)


def test_a_customer_does_not_go_back_to_somebody_who_has_left(office: Any, books: Any) -> None:
    _given_away(office)
    (verdict,) = office.desk.undo()
    assert (verdict.code, verdict.details) == ("owner_away", {"name": "陈静"})
    assert books.one(select(customer.c.owner_id)) == {"owner_id": office.people["6002"]}


def test_the_step_before_one_that_cannot_be_taken_back_can(office: Any, books: Any) -> None:
    _given_away(office)
    office.desk.undo()
    assert all(verdict.applied for verdict in office.desk.undo())
    assert books.one(select(customer.c.source)) == {"source": "fair"}
