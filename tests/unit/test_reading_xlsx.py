"""Workbooks come in with the values a person sees, and nothing unsafe is unpacked."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from crm_tui.domain.errors import Refused
from crm_tui.exchange.reading import open_table
from crm_tui.exchange.table import Row, RowProblem

OUTSIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_outside = pytest.mark.skipif(not OUTSIDE.is_dir(), reason="the outside data is not here")
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEADER_ROW = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>姓名</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>电话</t></is></c></row>'
)
BIRTHDAY = dt.date(1991, 1, 1)


def book(tmp_path: Path, sheet_data: str, *, prolog: str = "", state: str = "visible") -> Path:
    """Write the smallest workbook around the given rows of XML."""
    path = tmp_path / "book.xlsx"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" '
        f'ContentType="{kind}sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" '
        f'ContentType="{kind}worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{REL}"><sheets><sheet name="名单" sheetId="1" '
        f'state="{state}" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{REL}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'{prolog}<worksheet xmlns="{MAIN}"><sheetData>{sheet_data}</sheetData>'
        "</worksheet>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return path


def written(tmp_path: Path, rows: list[list[object]], **formats: str) -> Path:
    path = tmp_path / "written.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        page = workbook.add_worksheet("名单")
        styles = {name: workbook.add_format({"num_format": layout}) for name, layout in formats.items()}
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                style = styles.get("day") if isinstance(value, dt.date) else None
                page.write(at, column, value, style)
    return path


def refusal(path: Path, **options: str) -> Refused:
    with pytest.raises(Refused) as caught:
        open_table(path, **options)
    return caught.value


def test_numbers_and_days_read_as_a_person_sees_them(tmp_path):
    path = written(
        tmp_path,
        [
            ["姓名", "电话", "金额", "生日", "在职"],
            ["张伟", 13800138000, 1234.5, BIRTHDAY, True],
            ["李", 7, 0.1 + 0.2, "", False],
        ],
        day="yyyy-mm-dd",
    )
    table = open_table(path)
    assert table.header == ("姓名", "电话", "金额", "生日", "在职")
    assert table.serial_days
    assert list(table.rows()) == [
        Row(2, ("张伟", "13800138000", "1234.5", "1991-01-01", "TRUE")),
        Row(3, ("李", "7", "0.3", "", "FALSE")),
    ]


@pytest.mark.parametrize("number", ["360426199101010071", "3.6042619910101e+17", "1000000000000000"])
def test_a_number_of_more_than_15_digits_is_reported_not_read(tmp_path, number):
    row = f'<row r="2"><c r="A2" t="inlineStr"><is><t>张</t></is></c><c r="B2"><v>{number}</v></c></row>'
    [problem] = open_table(book(tmp_path, HEADER_ROW + row)).rows()
    assert (problem.line, problem.code) == (2, "row_digits_lost")
    assert problem.details["column"] == "B2"


def test_an_id_stored_as_text_keeps_all_its_digits(tmp_path):
    [row] = open_table(written(tmp_path, [["姓名", "身份证号"], ["张", "360426199101010071"]])).rows()
    assert row == Row(2, ("张", "360426199101010071"))


@pytest.mark.parametrize("cell", ["<f>1+1</f><v></v>", "<f>1+1</f><v/>", "<f>1+1</f>", "<f/><v> </v>"])
def test_a_formula_nobody_calculated_is_reported(tmp_path, cell):
    row = (
        f'<row r="2"><c r="A2"><v>1</v></c><c r="B2">{cell}</c></row><row r="3"><c r="A3"><v>5</v></c></row>'
    )
    problem, good = open_table(book(tmp_path, HEADER_ROW + row)).rows()
    assert (problem.line, problem.code, problem.details) == (2, "row_formula_uncached", {"cell": "B2"})
    assert good == Row(3, ("5", ""))


def test_a_formula_with_its_result_is_read_even_if_that_is_an_empty_text(tmp_path):
    row = '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="str"><f>""</f><v></v></c></row>'
    assert list(open_table(book(tmp_path, HEADER_ROW + row)).rows()) == [Row(2, ("2", ""))]


def test_an_error_value_is_reported(tmp_path):
    row = '<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="e"><v>#N/A</v></c></row>'
    [problem] = open_table(book(tmp_path, HEADER_ROW + row)).rows()
    assert problem.code == "row_cell_error"


def test_lines_are_the_row_numbers_of_the_sheet_and_blank_rows_pass(tmp_path):
    path = written(tmp_path, [[], ["", "姓名", "电话"], [], ["", "张", "1"], ["", " ", ""], ["", "李", "2"]])
    table = open_table(path)
    assert table.header == ("姓名", "电话")
    assert [record.line for record in table.rows()] == [4, 6]


def test_the_sheet_may_be_named_and_defaults_to_the_first_visible(tmp_path):
    path = tmp_path / "two.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        for name in ("草稿", "名单", "旧"):
            workbook.add_worksheet(name).write_row(0, 0, ["姓名", name])
        workbook.get_worksheet_by_name("名单").activate()
        workbook.get_worksheet_by_name("名单").set_first_sheet()
        workbook.get_worksheet_by_name("草稿").hide()
    table = open_table(path)
    assert (table.sheet, table.sheets) == ("名单", ("名单", "旧"))
    assert open_table(path, sheet="旧").header == ("姓名", "旧")
    assert refusal(path, sheet="无").code == "import_sheet_missing"


def test_the_1904_epoch_of_a_workbook_is_told(tmp_path):
    path = tmp_path / "mac.xlsx"
    with xlsxwriter.Workbook(path, {"date_1904": True}) as workbook:
        page = workbook.add_worksheet()
        page.write_row(0, 0, ["姓名", "生日"])
        page.write_datetime(1, 1, BIRTHDAY, workbook.add_format({"num_format": "yyyy-mm-dd"}))
    table = open_table(path)
    assert table.epoch_1904
    assert list(table.rows()) == [Row(2, ("", "1991-01-01"))]


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE worksheet SYSTEM "http://127.0.0.1/x.dtd">',
        '<?xml version="1.0"?><!-- a remark --><!DOCTYPE x>',
    ],
)
def test_a_part_with_a_document_type_is_refused(tmp_path, prolog):
    refused = refusal(book(tmp_path, HEADER_ROW, prolog=prolog))
    assert (refused.code, refused.details["part"]) == ("import_xml_forbidden", "xl/worksheets/sheet1.xml")


def test_a_zip_bomb_is_refused_by_what_it_declares(tmp_path):
    path = book(tmp_path, HEADER_ROW)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/sharedStrings.xml", bytes(8_000_000))
    assert refusal(path).code == "import_unpacks_too_big"


def test_a_part_larger_than_it_declares_is_refused(tmp_path):
    path = book(tmp_path, HEADER_ROW + '<row r="2"><c r="A2"><v>12345</v></c></row>' * 50)
    content = path.read_bytes()
    with zipfile.ZipFile(path) as package:
        size = package.getinfo("xl/worksheets/sheet1.xml").file_size
    lie = content.replace(size.to_bytes(4, "little"), (300).to_bytes(4, "little"))
    assert lie != content
    path.write_bytes(lie)
    assert refusal(path).code in ("import_not_workbook", "import_workbook_broken")


@pytest.mark.parametrize("far", ["XFD2", "ALM900000", "Z1048577"])
def test_a_stray_cell_far_away_is_refused_before_the_area_is_allocated(tmp_path, far):
    row = far.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    stray = f'<row r="{row}"><c r="{far}"><v>1</v></c></row>'
    assert refusal(book(tmp_path, HEADER_ROW + stray)).code == "import_sheet_too_big"


def test_a_reference_that_contradicts_its_form_is_refused(tmp_path):
    row = '<row r="2"><c r="-4"><v>1</v></c></row>'
    assert refusal(book(tmp_path, HEADER_ROW + row)).code == "import_workbook_broken"


def test_broken_xml_is_refused(tmp_path):
    assert refusal(book(tmp_path, "<row")).code == "import_workbook_broken"


def test_a_workbook_without_a_visible_sheet_is_refused(tmp_path):
    assert refusal(book(tmp_path, HEADER_ROW, state="hidden")).code == "import_not_workbook"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import_not_workbook"),
        ("姓名,电话\n".encode(), "import_not_workbook"),
        (b"PK\x03\x04 cut off", "import_not_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "import_old_xls"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "import_file_encrypted",
        ),
    ],
)
def test_what_is_no_workbook_is_refused_by_what_it_is(tmp_path, content, code):
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)
    assert refusal(path).code == code


def test_another_zip_is_no_workbook(tmp_path):
    path = tmp_path / "x.xlsx"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("content.xml", "<x/>")
    assert refusal(path).code == "import_not_workbook"


def test_an_empty_sheet_is_refused_and_a_header_alone_told(tmp_path):
    assert refusal(written(tmp_path, [])).code == "import_file_empty"
    assert open_table(written(tmp_path, [["姓名", "电话"]])).messages == ("import_header_only",)


def test_a_cell_beside_the_header_is_a_column_without_a_name(tmp_path):
    table = open_table(written(tmp_path, [["姓名", "电话"], ["张", "1", "旁注"]]))
    assert table.header == ("姓名", "电话", "#3")
    assert list(table.rows()) == [Row(2, ("张", "1", "旁注"))]


@pytest.mark.outside
@needs_outside
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("zip_bomb_512MB.xlsx", "import_unpacks_too_big"),
        ("xxe.xlsx", "import_xml_forbidden"),
        ("billion_laughs.xlsx", "import_xml_forbidden"),
    ],
)
def test_a_hostile_workbook_is_refused(name, code):
    assert refusal(OUTSIDE / "hostile" / name).code == code


@pytest.mark.outside
@needs_outside
def test_the_numeric_cells_of_the_hostile_workbook_are_reported():
    lost, formula = open_table(OUTSIDE / "hostile" / "numeric_cells.xlsx").rows()
    assert isinstance(lost, RowProblem)
    assert (lost.line, lost.code, lost.details["column"]) == (2, "row_digits_lost", "C2")
    assert (lost.cells[1], lost.cells[5]) == ("13800138000", "33239")
    assert (formula.line, formula.code, formula.details) == (3, "row_formula_uncached", {"cell": "E3"})
