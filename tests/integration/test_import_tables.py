"""What an import of a table does to the rows, on both databases: create, update, refuse, stop, take back."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from crm_tui.commands import execute
from crm_tui.commands.base import Envelope
from crm_tui.commands.imports import ImportRows, UndoImport
from crm_tui.domain.errors import Refused
from crm_tui.exchange.importing import ImportResult, open_for, plan_import, run_import, undo_import
from crm_tui.exchange.mapping import Mapping, Options, guess_mapping
from crm_tui.exchange.reading import open_table
from crm_tui.store.engine import open_engine
from crm_tui.store.tables import contact_point, customer, deal, import_row, outbox, person, stage_visit
from crm_tui.store.transaction import Transaction

Bring = Callable[..., ImportResult]


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write a CSV file of a header and rows."""

    def written(header: str, *rows: str, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join((header, *rows)) + "\n", "utf-8")
        return path

    return written


@pytest.fixture
def bring(office: Any) -> Bring:
    """Import a file by the guessed mapping as a person, the administrator unless said otherwise."""

    def brought(kind: str, path: Path, *, number: str = "1001", options: Any = None, **more: Any) -> Any:
        desk = office.as_person(number)
        guess = guess_mapping(kind, open_table(path).header).mapping
        mapping = Mapping(kind, guess.columns, options=options or Options())
        result = run_import(desk, kind, path, mapping, **more)
        assert result.created + result.updated + result.unchanged + result.refused == result.read
        return result

    return brought


@pytest.fixture
def rows(database: Engine) -> Callable[..., list[Any]]:
    def every(statement: Any) -> list[Any]:
        with database.connect() as connection:
            return list(connection.execute(statement))

    return every


CUSTOMERS = "客户编号,姓名,手机,等级,负责人,地址"
FIRST = ("K1,王小满,13800138000,A,6001,静安路1号", "K2,李想,13900139000,b级,6002,", "K3,张三,139,C,6001,")


def test_what_cannot_be_taken_in_stands_in_the_error_file_and_comes_in_once_corrected(
    bring: Bring, table: Callable[..., Path]
) -> None:
    first = bring("customers", table(CUSTOMERS, *FIRST), describe=lambda code, _: f"because {code}")
    assert (first.read, first.created, first.refused) == (3, 2, 1)
    assert first.error_file is not None
    with first.error_file.open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["error_line"], row["error_reason"]) == ("4", f"because {row['error_code']}")
    corrected = first.error_file.read_text("utf-8-sig").replace(",139,", ",13700137000,")
    again = bring("customers", table(corrected.strip(), name="corrected.csv"))
    assert (again.created, again.refused) == (1, 0)


def test_the_same_file_again_changes_nothing_and_a_new_value_only_its_row(
    bring: Bring, table: Callable[..., Path], rows: Callable[..., list[Any]]
) -> None:
    bring("customers", table(CUSTOMERS, *FIRST[:2]))
    same = bring("customers", table(CUSTOMERS, *FIRST[:2]))
    assert (same.unchanged, same.created, same.updated) == (2, 0, 0)
    changed = bring("customers", table(CUSTOMERS, FIRST[0].replace(",A,", ",D,"), FIRST[1]))
    assert (changed.unchanged, changed.updated) == (1, 1)
    assert {row.external_id: row.level for row in rows(select(customer))} == {"K1": "D", "K2": "B"}


def test_an_update_taken_back_restores_the_old_values_and_numbers(
    bring: Bring, table: Callable[..., Path], office: Any, rows: Callable[..., list[Any]]
) -> None:
    bring("customers", table(CUSTOMERS, *FIRST[:2]))
    before = [tuple(row) for row in rows(select(customer).order_by(customer.c.id))]
    changed = FIRST[0].replace("13800138000", "13600136000").replace("王小满", "王大满").replace(",A,", ",D,")
    update = bring("customers", table(CUSTOMERS, changed, FIRST[1]))
    assert update.updated == 1
    undone = undo_import(office.desk, update.batch_id)
    assert (undone.restored, undone.removed, undone.kept_count) == (1, 0, 0)
    assert [tuple(row) for row in rows(select(customer).order_by(customer.c.id))] == before
    assert {row.normal for row in rows(select(contact_point))} == {"+8613800138000", "+8613900139000"}


def test_an_empty_cell_erases_nothing(
    bring: Bring, table: Callable[..., Path], rows: Callable[..., list[Any]]
) -> None:
    bring("customers", table(CUSTOMERS, FIRST[0]))
    assert bring("customers", table(CUSTOMERS, "K1,王小满,,,,")).unchanged == 1
    (row,) = rows(select(customer))
    assert (row.phone, row.level, row.address) == ("+8613800138000", "A", "静安路1号")


def test_an_import_taken_back_keeps_the_customer_somebody_has_spoken_with(
    bring: Bring, table: Callable[..., Path], office: Any, rows: Callable[..., list[Any]]
) -> None:
    result = bring("customers", table(CUSTOMERS, *FIRST[:2]))
    ids = {row.external_id: row.id for row in rows(select(customer))}
    office.as_person("6001")
    office.give(office.spoken(ids["K1"]))
    undone = undo_import(office.as_person("1001"), result.batch_id)
    assert (undone.removed, undone.kept, undone.kept_count) == (1, (("customer", "王小满"),), 1)
    assert [row.external_id for row in rows(select(customer))] == ["K1"]
    with pytest.raises(Refused, match="import_undone"):
        undo_import(office.desk, result.batch_id)


def test_the_last_import_is_one_step_of_undo(
    bring: Bring, table: Callable[..., Path], office: Any, rows: Callable[..., list[Any]]
) -> None:
    bring("customers", table(CUSTOMERS, *FIRST[:2]))
    office.desk.undo()
    assert rows(select(customer)) == rows(select(contact_point)) == []


def test_a_rehearsal_says_the_same_and_changes_nothing(
    bring: Bring, table: Callable[..., Path], rows: Callable[..., list[Any]], tmp_path: Path
) -> None:
    path = table(CUSTOMERS, *FIRST)
    trial = bring("customers", path, dry_run=True)
    assert rows(select(customer)) == rows(select(import_row)) == []
    assert not list(tmp_path.glob("*.errors.csv"))
    real = bring("customers", path)
    names = ("read", "created", "updated", "unchanged", "refused")
    assert [getattr(trial, name) for name in names] == [getattr(real, name) for name in names]


def test_a_preview_shows_each_row_with_its_fate(table: Callable[..., Path], office: Any) -> None:
    path = table(CUSTOMERS, *FIRST)
    mapping = guess_mapping("customers", open_table(path).header).mapping
    preview = plan_import(office.as_person("1001"), "customers", open_for(path, mapping), mapping)
    assert [(row.line, row.fate) for row in preview.rows] == [(2, "created"), (3, "created"), (4, "refused")]
    assert preview.rows[2].problem is not None
    assert preview.counts["created"] == 2


def test_an_import_that_is_cancelled_leaves_whole_portions_that_can_be_taken_back(
    bring: Bring, table: Callable[..., Path], office: Any, rows: Callable[..., list[Any]]
) -> None:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 1

    path = table("客户编号,姓名", *(f"K{number},客户{number}" for number in range(4600)))
    result = bring("customers", path, cancelled=cancelled)
    assert result.cancelled
    assert result.read == result.created == 4000
    assert len(rows(select(customer.c.id))) == 4000
    assert undo_import(office.desk, result.batch_id).removed == 4000
    assert rows(select(customer.c.id)) == []


def test_an_import_killed_on_the_way_can_be_taken_back(
    bring: Bring, table: Callable[..., Path], office: Any, rows: Callable[..., list[Any]]
) -> None:
    class KilledError(Exception):
        pass

    def kill(_done: int, _total: int | None) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        bring("customers", table(CUSTOMERS, *FIRST[:2]), progress=kill)
    (batch_id,) = {row.batch_id for row in rows(select(import_row))}
    assert undo_import(office.desk, batch_id).removed == 2
    assert rows(select(customer)) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_outbox_of_an_import_leads_another_database_to_the_same_rows(
    bring: Bring, table: Callable[..., Path], office: Any, database: Engine, tmp_path: Path
) -> None:
    bring("people", table("姓名,上级,区域", "新一,新二,North", "新三,新一,North"))
    bring(
        "customers", table(CUSTOMERS + ",上级公司", *(f"{row},母公司" for row in FIRST), "K9,母公司,,,6001,,")
    )
    update = bring("customers", table(CUSTOMERS, FIRST[0].replace(",A,", ",D,")))
    bring("deals", table("商机编号,客户,阶段,金额,成交日期", "D1,K1,won,3万,2025-12-01", "D2,K2,need,,"))
    undo_import(office.desk, update.batch_id)
    elsewhere = open_engine(tmp_path / "other" / "crm.db")
    with database.connect() as here, elsewhere.begin() as there:
        for row in here.execute(select(outbox).order_by(outbox.c.seq)):
            envelope = Envelope(**{name: getattr(row, name) for name in Envelope.__dataclass_fields__})
            assert execute(envelope, Transaction(there)).applied
        for one in (customer, contact_point, deal, stage_visit, person, import_row):
            rows_here = here.execute(select(one).order_by(one.c.id)).all()
            assert rows_here == there.execute(select(one).order_by(one.c.id)).all()
            assert rows_here
    elsewhere.dispose()


def test_a_forged_portion_does_not_pass(
    office: Any, rows: Callable[..., list[Any]], bring: Bring, table: Callable[..., Path]
) -> None:
    batch_id = bring("customers", table("姓名", "王小满")).batch_id
    forged = (
        {"line": 1, "name": "李想", "phones": ["12345"]},
        {"line": 2, "name": "x" * 300},
        {"line": 3, "name": "李想", "owner": "nobody"},
        {"line": 4, "name": "李想", "id": "1"},
        {"line": 5, "name": "李想", "created_on": "9999-12-31"},
        {"line": 6, "name": "李想", "level": "Z"},
    )
    answer = office.give(ImportRows(batch_id=batch_id, rows=forged))
    assert answer["became"] == "rrrrrr"
    assert len(rows(select(customer))) == 1


def test_who_may_not_import_is_refused_before_anything_happens(
    bring: Bring, table: Callable[..., Path]
) -> None:
    with pytest.raises(Refused, match="not_allowed"):
        bring("customers", table("姓名", "王小满"), number="6001")
    with pytest.raises(Refused, match="not_allowed"):
        bring("people", table("姓名", "王小满"), number="4001")


def test_a_branch_manager_cannot_give_customers_to_another_branch_or_take_back_what_is_not_theirs(
    bring: Bring, table: Callable[..., Path], office: Any
) -> None:
    result = bring("customers", table("姓名,负责人", "王小满,6004"), number="4001")
    assert [one.code for one in result.problems] == ["row_person_unknown"]
    admins = bring("customers", table("姓名", "李想"))
    office.as_person("4001")
    assert office.verdict(UndoImport(batch_id=admins.batch_id)).code == "import_unknown"


DEALS = "商机编号,客户,阶段,金额,接触日期,成交日期"


def test_a_closed_deal_gets_a_stage_log_that_agrees_with_its_days(
    bring: Bring, table: Callable[..., Path], rows: Callable[..., list[Any]]
) -> None:
    bring("customers", table(CUSTOMERS, *FIRST[:2]))
    result = bring("deals", table(DEALS, 'D1,王小满,won,"12,000",2025-11-01,2025-12-01'))
    assert result.created == 1
    (row,) = rows(select(deal))
    assert (row.amount, row.state, str(row.engaged_on), str(row.closed_on)) == (
        1_200_000,
        "won",
        "2025-11-01",
        "2025-12-01",
    )
    log = rows(select(stage_visit).order_by(stage_visit.c.entered_at))
    assert [(one.stage, one.kind) for one in log] == [("contact", "start"), ("won", "won")]
    assert log[0].left_at == log[1].entered_at == row.closed_at
    assert log[0].entered_at.isoformat() == "2025-10-31T16:00:00+00:00"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("D1,,won,1,2025-11-01,", "row_close_day_needed"),
        ("D1,,need,1,,2025-12-01", "row_open_with_close_day"),
        ("D1,,won,1,2025-12-02,2025-12-01", "row_days_reversed"),
        ("D1,,won,1,,2026-02-01", "row_day_in_future"),
        ("D1,谁,need,1,,", "row_customer_unknown"),
        ("D1,,nowhere,1,,", "row_stage_unknown"),
        ("D1,,need,-1,,", "money_negative"),
        ("D1,,need,abc,,", "not_money"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_deal_that_contradicts_itself_is_refused(
    bring: Bring, table: Callable[..., Path], row: str, code: str
) -> None:
    result = bring("deals", table(DEALS, row))
    assert [one.code for one in result.problems] == [code]


def test_a_deal_may_create_its_customer_where_the_mapping_allows_it(
    bring: Bring, table: Callable[..., Path], rows: Callable[..., list[Any]], office: Any
) -> None:
    path = table("客户,手机,阶段", "谁,13800138000,need", "谁,13800138000,contact")
    result = bring("deals", path, options=Options(create=("customers",)))
    assert result.created == 2
    assert [row.name for row in rows(select(customer))] == ["谁"]
    assert undo_import(office.desk, result.batch_id).removed == 3
    assert rows(select(func.count()).select_from(customer)) == [(0,)]


def test_a_deal_that_moved_on_in_the_other_system_moves_here_and_back(
    bring: Bring, table: Callable[..., Path], rows: Callable[..., list[Any]], office: Any
) -> None:
    bring("deals", table(DEALS, "D1,,need,1,2025-11-01,"))
    before = (rows(select(deal)), rows(select(stage_visit)))
    moved = bring("deals", table(DEALS, "D1,,lost,1,2025-11-01,2025-12-24"))
    assert moved.updated == 1
    (row,) = rows(select(deal))
    assert (row.stage, row.lost_from, str(row.closed_on)) == ("lost", "need", "2025-12-24")
    undo_import(office.desk, moved.batch_id)
    assert (rows(select(deal)), rows(select(stage_visit))) == before


def test_people_of_one_name_need_a_number(bring: Bring, table: Callable[..., Path]) -> None:
    nameless = bring("people", table("姓名,门店", "张伟,Jingan", "张伟,Xuhui"))
    assert [(one.line, one.code) for one in nameless.problems] == [(3, "row_person_ambiguous")]
    numbered = bring("people", table("工号,姓名,门店", "8001,王芳,Jingan", "8002,王芳,Xuhui"))
    assert numbered.created == 2
