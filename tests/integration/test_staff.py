"""Numbers people log in with, and who reports to whom."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from crm_tui.commands.imports import BeginImport, ImportLinks, ImportRows
from crm_tui.commands.people import CreatePerson, EditPerson
from crm_tui.store.tables import person


def test_a_number_typed_in_full_width_is_the_number(office: Any, books: Any) -> None:
    office.as_person("1001")
    unit = {"role": "clerk", "unit_id": office.units["Xuhui"]}
    office.give(CreatePerson(number="６１００　", name="Nia New", **unit))
    assert books.one(select(person.c.number).where(person.c.name == "Nia New")) == {"number": "6100"}
    assert office.verdict(CreatePerson(number="6100", name="Other", **unit)).code == "number_taken"
    office.give(CreatePerson(number="a7", name="Low", **unit))
    assert office.verdict(CreatePerson(number="Ａ7", name="High", **unit)).code == "number_taken"


def test_nobody_manages_somebody_above_them_over_however_many_steps(office: Any) -> None:
    office.as_person("1001")
    people = office.people
    office.give(EditPerson(person_id=people["5001"], manager_id=people["4001"]))
    office.give(EditPerson(person_id=people["6001"], manager_id=people["5001"]))
    circle = office.verdict(EditPerson(person_id=people["4001"], manager_id=people["6001"]))
    assert circle.code == "manager_circle"
    assert circle.details == {"name": "Bo Jingan", "manager": "陈静"}
    office.give(EditPerson(person_id=people["6002"], manager_id=people["5001"]))


def test_a_table_links_nobody_in_a_circle(office: Any, books: Any) -> None:
    office.as_person("1001")
    batch_id = office.give(BeginImport(rows_kind="people", file_name="staff.csv"))["batch_id"]
    rows = (
        {"line": 2, "number": "８１０１", "name": "Ann", "branch": "Xuhui", "manager": "Bob"},
        {"line": 3, "number": "8102", "name": "Bob", "branch": "Xuhui", "manager": "Ann"},
    )
    answer = office.give(ImportRows(batch_id=batch_id, rows=rows))
    assert answer["became"] == "cc"
    links = tuple((row_id, name) for _, row_id, name in answer["pending"])
    warnings = office.give(ImportLinks(batch_id=batch_id, links=links))["warnings"]
    assert [code for _, code, _ in warnings] == ["manager_circle"]
    staff = {row["name"]: row for row in books.rows(select(person))}
    assert staff["Ann"]["number"] == "8101"
    assert staff["Bob"]["manager_id"] == staff["Ann"]["id"]
    assert staff["Ann"]["manager_id"] is None
