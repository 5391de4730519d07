"""Days are those of the branch a row belongs to, and only days that somebody can mean."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crm_tui import i18n
from crm_tui.commands.customers import CreateCustomer
from crm_tui.commands.deals import CreateDeal
from crm_tui.commands.imports import BeginImport, ImportRows
from crm_tui.commands.people import CreatePerson, CreateUnit, SetPersonStatus
from crm_tui.domain.errors import Refused
from crm_tui.store.tables import customer, deal, lead, person

DAY = timedelta(days=1)


@pytest.fixture
def urumqi(office: Any) -> str:
    """A branch two hours west of everybody else, with the clerk 6100; the importer sits in Shanghai."""
    office.as_person("1001")
    parent = {"parent_id": office.units["East"], "time_zone": "Asia/Urumqi"}
    unit_id = office.give(CreateUnit(unit_kind="branch", name="Urumqi", **parent))["unit_id"]
    hired = CreatePerson(number="6100", name="Ulla Urumqi", role="clerk", unit_id=unit_id)
    return str(office.give(hired)["person_id"])


def _take_in(office: Any, kind: str, *rows: dict[str, Any]) -> list[str]:
    """Import rows of a kind as the administrator; return the codes of what was refused."""
    office.as_person("1001")
    batch_id = office.give(BeginImport(rows_kind=kind, file_name="table.csv"))["batch_id"]
    numbered = [{"line": line} | row for line, row in enumerate(rows, start=2)]
    answer = office.give(ImportRows(batch_id=batch_id, rows=numbered, create=("customers",)))
    return [code for _, code, _ in answer["refused"]]


# 17:30 UTC is 01:30 of the 9th in Shanghai and 23:30 of the 8th in Urumqi; an hour on it is the 9th in both.
EDGES = pytest.mark.parametrize(
    ("instant", "there"),
    [
        (datetime(2026, 1, 8, 17, 30, tzinfo=UTC), date(2026, 1, 8)),
        (datetime(2026, 1, 8, 18, 30, tzinfo=UTC), date(2026, 1, 9)),
    ],
    ids=["23:30", "00:30"],
)


@EDGES
@pytest.mark.usefixtures("urumqi")
def test_a_table_without_days_gets_those_of_the_branch_and_not_of_the_importer(
    instant: datetime, there: date, office: Any, books: Any
) -> None:
    office.clock.now = instant
    assert _take_in(office, "customers", {"name": "Karim", "owner": "6100"}) == []
    assert _take_in(office, "leads", {"name": "Aygul", "branch": "Urumqi"}) == []
    opened = {"title": "Shelf", "stage": "lead", "owner": "6100"}
    begun = {"title": "Table", "stage": "contact", "customer": "Karim"}
    assert _take_in(office, "deals", opened, begun) == []
    staff = {"name": "Ural", "region": "East", "branch": "Urumqi"}
    assert _take_in(office, "people", staff) == []
    assert books.one(select(customer.c.created_on)) == {"created_on": there}
    assert books.one(select(lead.c.created_on)) == {"created_on": there}
    assert {row["created_on"] for row in books.rows(select(deal.c.created_on))} == {there}
    assert books.one(select(deal.c.engaged_on).where(deal.c.title == "Table")) == {"engaged_on": there}
    assert books.one(select(person.c.hired_on).where(person.c.name == "Ural")) == {"hired_on": there}


@EDGES
@pytest.mark.usefixtures("urumqi")
def test_a_day_of_a_table_lies_in_the_future_when_the_branch_has_not_reached_it(
    instant: datetime, there: date, office: Any
) -> None:
    office.clock.now = instant
    day = (there + DAY).isoformat()
    ahead = ["row_day_in_future"]
    assert _take_in(office, "customers", {"name": "Karim", "owner": "6100", "created_on": day}) == ahead
    assert _take_in(office, "leads", {"name": "Aygul", "branch": "Urumqi", "created_on": day}) == ahead
    won = {"title": "Shelf", "stage": "won", "owner": "6100", "closed_on": day}
    assert _take_in(office, "deals", won) == ahead
    today = {"title": "Shelf", "stage": "won", "owner": "6100", "closed_on": there.isoformat()}
    assert _take_in(office, "deals", today) == []


@EDGES
@pytest.mark.usefixtures("urumqi")
def test_a_deal_that_a_table_moves_began_on_the_branchs_day(
    instant: datetime, there: date, office: Any, books: Any
) -> None:
    first = {"external_id": "D-1", "title": "Shelf", "owner": "6100", "created_on": "2026-01-02"}
    assert _take_in(office, "deals", first | {"stage": "lead"}) == []
    office.clock.now = instant
    assert _take_in(office, "deals", first | {"stage": "contact"}) == []
    assert books.one(select(deal.c.engaged_on)) == {"engaged_on": there}
    ahead = first | {"stage": "won", "closed_on": (there + DAY).isoformat()}
    assert _take_in(office, "deals", ahead) == ["row_day_in_future"]


def test_who_is_taken_on_or_leaves_does_so_on_the_day_of_the_branch(
    office: Any, books: Any, urumqi: str
) -> None:
    office.clock.now = datetime(2026, 1, 8, 17, 30, tzinfo=UTC)
    unit_id = books.one(select(person.c.unit_id).where(person.c.id == urumqi))["unit_id"]
    office.give(CreatePerson(number="6101", name="Umut", role="clerk", unit_id=unit_id))
    office.give(SetPersonStatus(person_id=urumqi, status="left", expected="active"))
    assert books.one(select(person.c.hired_on).where(person.c.number == "6101"))["hired_on"] == date(
        2026, 1, 8
    )
    assert books.one(select(person.c.left_on).where(person.c.id == urumqi))["left_on"] == date(2026, 1, 8)


@pytest.mark.parametrize(
    ("model", "field", "more"),
    [
        (CreateCustomer, "birthday", {"name": "X"}),
        (CreatePerson, "hired_on", {"number": "1", "name": "X", "role": "clerk", "unit_id": "x"}),
        (CreateDeal, "expected_close_on", {"customer_id": "x"}),
    ],
)
@pytest.mark.parametrize("day", ["1026-01-08", "2206-01-08"])
def test_a_day_that_nobody_can_mean_is_refused_in_words(
    model: Any, field: str, more: dict[str, Any], day: str
) -> None:
    with pytest.raises(Refused) as no:
        model.model_validate(more | {field: day})
    assert no.value.code == "day_out_of_range"
    for language in i18n.LANGUAGES:
        i18n.use(language)
        assert day in i18n.t("refused.day_out_of_range", **no.value.details)


def test_a_table_brings_no_birthday_that_has_not_come_and_no_absurd_expectation(office: Any) -> None:
    born = {"name": "Karim", "owner": "6001", "birthday": "2026-01-09"}
    assert _take_in(office, "customers", born) == ["birthday_in_future"]
    assert _take_in(office, "customers", born | {"birthday": "1850-01-09"}) == ["day_out_of_range"]
    hoped = {"title": "Shelf", "stage": "lead", "owner": "6001", "expected_close_on": "2062-01-08"}
    assert _take_in(office, "deals", hoped) == ["close_too_far"]


def test_a_table_that_updates_a_customer_brings_no_birthday_that_has_not_come(office: Any) -> None:
    known = {"external_id": "C-1", "name": "Karim", "owner": "6001"}
    assert _take_in(office, "customers", known) == []
    assert _take_in(office, "customers", known | {"birthday": "2026-01-09"}) == ["birthday_in_future"]


def test_a_table_that_updates_a_deal_brings_no_absurd_expectation(office: Any) -> None:
    known = {"external_id": "D-1", "title": "Shelf", "stage": "lead", "owner": "6001"}
    assert _take_in(office, "deals", known) == []
    assert _take_in(office, "deals", known | {"expected_close_on": "2062-01-08"}) == ["close_too_far"]
