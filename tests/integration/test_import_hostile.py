"""Hostile files at the door of the database: refused or taken literally, each row accounted for."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from crm_tui.domain.errors import Refused
from crm_tui.domain.text import clean_text
from crm_tui.exchange.importing import ImportResult, open_for, run_import
from crm_tui.exchange.mapping import Mapping, guess_mapping
from crm_tui.exchange.reading import open_table
from crm_tui.store.tables import contact_point, customer

MEGABYTE = 1024 if sys.platform != "darwin" else 1024 * 1024

Bring = Callable[..., ImportResult]


@pytest.fixture
def bring(office: Any, tmp_path: Path) -> Bring:
    """Import a file of customers by the guessed mapping, errors into the test's folder."""

    def brought(path: Path, **more: Any) -> ImportResult:
        desk = office.as_person("1001")
        header = open_table(path).header
        mapping = guess_mapping("customers", header).mapping
        result = run_import(desk, "customers", path, mapping, errors_in=tmp_path, **more)
        assert result.stopped is None
        assert result.created + result.updated + result.unchanged + result.refused == result.read
        return result

    return brought


@pytest.fixture
def customers(database: Engine) -> Callable[[], list[Any]]:
    def every() -> list[Any]:
        with database.connect() as connection:
            return list(connection.execute(select(customer).order_by(customer.c.id)))

    return every


def hostile(outside_data: Path, name: str) -> Path:
    return outside_data / "hostile" / name


@pytest.mark.outside
def test_a_line_break_in_a_name_is_a_blank_and_an_address_keeps_its_lines(
    bring: Bring, customers: Callable[[], list[Any]], outside_data: Path
) -> None:
    assert bring(hostile(outside_data, "newline_in_cell.csv")).created == 1
    (row,) = customers()
    assert "\n" not in row.name
    assert row.address.count("\n") == 1


@pytest.mark.outside
def test_a_damaged_row_is_reported_and_the_others_come_in(bring: Bring, outside_data: Path) -> None:
    result = bring(hostile(outside_data, "truncated_multibyte.csv"))
    assert result.refused == 1
    assert result.created == result.read - 1 > 0
    assert result.problems[0].code in {"row_undecodable", "row_quote_open"}


@pytest.mark.outside
def test_a_file_with_a_header_only_brings_nothing_and_says_so(bring: Bring, outside_data: Path) -> None:
    result = bring(hostile(outside_data, "header_only.csv"))
    assert result.read == 0
    assert result.messages == ("import_header_only",)


@pytest.mark.outside
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("no_header.csv", "import_no_header"),
        ("duplicate_headers.csv", "import_duplicate_headers"),
        ("png_named.csv", "import_binary_file"),
        ("zip_bomb_512MB.xlsx", "import_unpacks_too_big"),
        ("xxe.xlsx", "import_xml_forbidden"),
        ("billion_laughs.xlsx", "import_xml_forbidden"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_file_that_cannot_be_trusted_changes_nothing(
    office: Any, customers: Callable[[], list[Any]], outside_data: Path, name: str, code: str
) -> None:
    mapping = Mapping("customers", {"name": ("name",)})
    with pytest.raises(Refused) as no:
        run_import(office.as_person("1001"), "customers", hostile(outside_data, name), mapping)
    assert no.value.code == code
    assert customers() == []


@pytest.mark.outside
def test_ragged_rows_are_reported_with_their_lines(bring: Bring, outside_data: Path) -> None:
    result = bring(hostile(outside_data, "ragged.csv"))
    assert {one.code for one in result.problems} == {"row_too_short", "row_too_long"}
    assert all(one.line > 1 for one in result.problems)
    assert result.refused == len(result.problems)


@pytest.mark.outside
def test_an_unclosed_quote_is_an_error_with_its_line_and_not_one_giant_customer(
    bring: Bring, customers: Callable[[], list[Any]], outside_data: Path
) -> None:
    result = bring(hostile(outside_data, "unclosed_quote.csv"))
    assert [one.code for one in result.problems] == ["row_quote_open"]
    assert all(len(row.name) < 100 for row in customers())


@pytest.mark.outside
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_cell_of_ten_megabytes_is_refused_in_bounded_memory(bring: Bring, outside_data: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = bring(hostile(outside_data, "big_cell_10MB.csv"))
    assert [one.code for one in result.problems] == ["row_cell_too_long"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * MEGABYTE


@pytest.mark.outside
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_two_hundred_thousand_rows_of_one_phone_are_one_customer(
    bring: Bring, customers: Callable[[], list[Any]], outside_data: Path
) -> None:
    result = bring(hostile(outside_data, "csv_200k_rows_same_phone.csv"))
    assert (result.created, result.refused) == (1, 199_999)
    assert len(customers()) == 1
    assert {one.code for one in result.problems} == {"row_duplicate"}
    assert {one.details["line"] for one in result.problems} == {2}
    assert result.error_file is not None
    with result.error_file.open(encoding="utf-8-sig") as lines:
        assert sum(1 for _ in lines) == 200_000


@pytest.mark.outside
def test_what_looks_like_a_formula_is_stored_as_typed(
    bring: Bring, customers: Callable[[], list[Any]], outside_data: Path
) -> None:
    path = hostile(outside_data, "formula_injection.csv")
    result = bring(path)
    assert result.created == 7
    typed = [[clean_text(cell) for cell in row.cells] for row in open_table(path).rows()]
    names = [row.name for row in customers()]
    assert all(any(name in cells for cells in typed) for name in names)
    assert any(name.startswith("=") for name in names)


@pytest.mark.outside
def test_numbers_of_a_workbook_become_phones_and_birthdays_and_lost_digits_are_reported(
    bring: Bring, database: Engine, outside_data: Path
) -> None:
    result = bring(hostile(outside_data, "numeric_cells.xlsx"))
    assert {one.code for one in result.problems} <= {"row_digits_lost", "row_formula_uncached"}
    assert result.refused >= 1
    with database.connect() as connection:
        phones = set(connection.scalars(select(contact_point.c.normal)))
        ids = [one for one in connection.scalars(select(customer.c.resident_id)) if one]
    assert phones <= {"+8613800138000"}
    assert not [one for one in ids if one.endswith(("0070", "0000"))]


def test_hostile_values_stay_literal(
    bring: Bring, customers: Callable[[], list[Any]], tmp_path: Path
) -> None:
    values = [
        "[bold red]x[/]",
        "[@click=app.quit()]x",
        "{customer.name}",
        "%s%n",
        "Robert'); DROP TABLE--",
        "$(id)",
    ]
    path = tmp_path / "literal.csv"
    path.write_text("姓名\n" + "\n".join(f'"{value}"' for value in values) + "\n", "utf-8")
    assert bring(path).created == len(values)
    assert sorted(row.name for row in customers()) == sorted(values)


def test_escape_sequences_do_not_reach_the_database(
    bring: Bring, customers: Callable[[], list[Any]], tmp_path: Path
) -> None:
    path = tmp_path / "escape.csv"
    path.write_text("姓名\n王\x1b]0;owned\x07小满\n", "utf-8")
    bring(path)
    assert [row.name for row in customers()] == ["王小满"]


def test_the_rows_of_a_duplicate_phone_name_the_customer_who_has_it(
    bring: Bring, office: Any, tmp_path: Path, database: Engine
) -> None:
    office.as_person("6001")
    office.customer("陈先生", phones=("13800138000",))
    path = tmp_path / "again.csv"
    path.write_text("姓名,手机\n陈先,13800138000\n", "utf-8")
    (problem,) = bring(path).problems
    assert (problem.code, problem.details["customer"]) == ("phone_taken", "陈先生")
    with database.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(customer)) == 1
    assert open_for(path, Mapping("customers", {"姓名": ("name",)})).header == ("姓名", "手机")
