"""CSV files come in as they are meant, and what is damaged is reported by its line."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from crm_tui.domain.errors import Refused
from crm_tui.exchange.reading import open_table
from crm_tui.exchange.table import CELL_LIMIT, Row, RowProblem, Table

OUTSIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_outside = pytest.mark.skipif(not OUTSIDE.is_dir(), reason="the outside data is not here")
HEADER = "姓名,电话,备注\n"


def write(tmp_path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path = tmp_path / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def rows(table: Table) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.line, row.cells) for row in table.rows() if isinstance(row, Row)]


def problems(table: Table) -> list[tuple[int, str]]:
    return [(each.line, each.code) for each in table.rows() if isinstance(each, RowProblem)]


def refusal(path: Path, **options: str) -> Refused:
    with pytest.raises(Refused) as caught:
        open_table(path, **options)
    return caught.value


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
        ("utf-16", "utf-16"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_encoding_and_newline_of_the_region_gives_the_same_rows(tmp_path, encoding, name, newline):
    text = newline.join(["姓名,电话,备注", "张伟,13800138000,正常", "单小明,13900139000,"])
    table = open_table(write(tmp_path, text, encoding))
    assert table.encoding == name
    assert table.header == ("姓名", "电话", "备注")
    assert rows(table) == [(2, ("张伟", "13800138000", "正常")), (3, ("单小明", "13900139000", ""))]


def test_a_big_endian_utf16_file_is_read_by_its_mark(tmp_path):
    table = open_table(write(tmp_path, b"\xfe\xff" + (HEADER + "张伟,1,\n").encode("utf-16-be")))
    assert rows(table) == [(2, ("张伟", "1", ""))]


def test_mixed_newlines_count_lines_as_an_editor_does(tmp_path):
    table = open_table(write(tmp_path, "姓名,电话\r\n张,1\n李,2\r王,3\r\n\r\n赵,4"))
    assert rows(table) == [(2, ("张", "1")), (3, ("李", "2")), (4, ("王", "3")), (6, ("赵", "4"))]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header_outside_quotes(tmp_path, delimiter):
    header = delimiter.join(['"姓名,;|全称"', "电话", "备注"])
    table = open_table(write(tmp_path, header + "\n" + delimiter.join(["张", "1", "无"])))
    assert table.delimiter == delimiter
    assert table.header == ("姓名,;|全称", "电话", "备注")
    assert len(rows(table)) == 1


def test_a_delimiter_and_an_encoding_may_be_said(tmp_path):
    table = open_table(write(tmp_path, "姓名:地址\n陳:台\n", "big5"), encoding="big5", delimiter=":")
    assert rows(table) == [(2, ("陳", "台"))]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"encoding": "base64"}, "import_unknown_encoding"),
        ({"encoding": "klingon"}, "import_unknown_encoding"),
        ({"delimiter": '"'}, "import_bad_delimiter"),
        ({"delimiter": "::"}, "import_bad_delimiter"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path, options, code):
    assert refusal(write(tmp_path, HEADER), **options).code == code


def test_quotes_follow_the_rfc_and_the_line_is_where_the_record_starts(tmp_path):
    table = open_table(write(tmp_path, 'a,b\n"x\r\ny","say ""hi"", ok"\n5" pipe,"z"\n'))
    assert rows(table) == [(2, ("x\r\ny", 'say "hi", ok')), (4, ('5" pipe', "z"))]
    assert problems(table) == []


def test_an_unclosed_quote_is_an_error_at_the_line_where_it_opens(tmp_path):
    body = "王,1,\n" + '李,"没有结束,\n' + "".join(f"客{n},{n},\n" for n in range(20_000))
    table = open_table(write(tmp_path, HEADER + body))
    assert rows(table) == [(2, ("王", "1", ""))]
    [problem] = [each for each in table.rows() if isinstance(each, RowProblem)]
    assert (problem.line, problem.code) == (3, "row_quote_open")
    assert problem.details == {"opened": 3, "last": 20_003}


def test_a_quote_that_a_later_row_closes_is_still_reported_where_it_opens(tmp_path):
    table = open_table(write(tmp_path, HEADER + '"张,1,\n李,2,\n王,"深圳",x\n赵,4,\n'))
    assert problems(table) == [(2, "row_quote_open")]
    assert rows(table) == [(5, ("赵", "4", ""))]


def test_text_after_a_closing_quote_damages_only_its_row(tmp_path):
    table = open_table(write(tmp_path, HEADER + '"张"伟,1,\n李,2,\n'))
    assert problems(table) == [(2, "row_quote_stray")]
    assert rows(table) == [(3, ("李", "2", ""))]


def test_short_and_long_rows_are_reported_and_keep_what_they_hold(tmp_path):
    table = open_table(write(tmp_path, HEADER + "张,1\n李,2,x,多余\n王,3,x,,\n"))
    short, long, good = table.rows()
    assert short == RowProblem(2, "row_too_short", {"expected": 3, "found": 2}, ("张", "1"))
    assert long == RowProblem(3, "row_too_long", {"expected": 3, "found": 4}, ("李", "2", "x", "多余"))
    assert good == Row(4, ("王", "3", "x"))


def test_damaged_bytes_are_reported_by_line_and_the_others_read(tmp_path):
    good = "单小明,13900139000,正常情况\n".encode()
    table = open_table(write(tmp_path, HEADER.encode() + good + "张".encode()[:2] + b",1,\n" + good))
    assert table.encoding == "utf-8"
    assert problems(table) == [(3, "row_undecodable")]
    assert [line for line, _ in rows(table)] == [2, 4]


def test_damaged_bytes_in_gb18030_are_reported_by_line(tmp_path):
    good = "单小明,13900139000,正常情况\n".encode("gb18030")
    table = open_table(write(tmp_path, HEADER.encode("gb18030") + good + b"\xff,1,\n" + good))
    assert table.encoding == "gb18030"
    assert problems(table) == [(3, "row_undecodable")]
    assert len(rows(table)) == 2


def test_half_a_character_at_the_end_of_utf16_is_reported(tmp_path):
    table = open_table(write(tmp_path, (HEADER + "张,1,\n李,2,x").encode("utf-16")[:-1]))
    assert problems(table) == [(3, "row_undecodable")]
    assert rows(table) == [(2, ("张", "1", ""))]


def test_what_shows_of_damaged_cells_can_be_written_again(tmp_path):
    table = open_table(write(tmp_path, HEADER.encode() + "好好好好".encode() + b"\xff,1,\n"))
    [problem] = table.rows()
    assert problem.cells == ("好好好好\ufffd", "1", "")


def test_a_replacement_character_that_stands_in_the_file_is_no_damage(tmp_path):
    assert rows(open_table(write(tmp_path, "a,b\n37\ufffd,1\n"))) == [(2, ("37\ufffd", "1"))]


def test_a_nul_deep_in_a_file_damages_its_row(tmp_path):
    filler = "".join(f"客{n},{n},\n" for n in range(200))
    table = open_table(write(tmp_path, HEADER + filler + "张\0,1,\n李,2,\n"))
    assert problems(table) == [(202, "row_nul")]
    assert len(rows(table)) == 201


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("size", [CELL_LIMIT + 1, 3_000_000])
def test_a_cell_beyond_the_limit_is_refused_with_its_row(tmp_path, quote, size):
    table = open_table(write(tmp_path, f"{HEADER}张,1,{quote}{'长' * size}{quote}\n李,2,{quote}短{quote}\n"))
    big, good = table.rows()
    assert big == RowProblem(2, "row_cell_too_long", {"limit": CELL_LIMIT})
    assert good == Row(3, ("李", "2", "短"))


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_of_just_the_limit_is_read(tmp_path, quote):
    [row] = open_table(write(tmp_path, f"{HEADER}张,1,{quote}{'长' * CELL_LIMIT}{quote}\n")).rows()
    assert isinstance(row, Row)
    assert len(row.cells[2]) == CELL_LIMIT


def test_a_header_alone_has_no_rows_and_says_so(tmp_path):
    table = open_table(write(tmp_path, HEADER))
    assert list(table.rows()) == []
    assert table.messages == ("import_header_only",)


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", " , ,\n"])
def test_an_empty_file_is_refused(tmp_path, content):
    assert refusal(write(tmp_path, content)).code == "import_file_empty"


@pytest.mark.parametrize(
    "first",
    [
        "张伟,13800138000,深圳",
        "张伟,+86 138-0013-8000,深圳",
        "张伟,,1991-01-01",
        "张伟,1234.50,",
        "张伟,li@example.com,",
        "张伟,36042619910101007X,",
    ],
)
def test_a_first_row_that_looks_like_a_customer_is_not_swallowed(tmp_path, first):
    path = write(tmp_path, first + "\n李娜,x,y\n")
    refused = refusal(path)
    assert refused.code == "import_no_header"
    assert refused.details["line"] == 1
    assert open_table(path, trust_header=True).header[0] == "张伟"


@pytest.mark.parametrize("first", ["姓名,2024,2025", "客户姓名*,联系电话（必填）", "first,last,zip", "a,b,c"])
def test_a_header_is_known_by_its_words_or_by_the_lack_of_figures(tmp_path, first):
    assert open_table(write(tmp_path, first + "\n")).messages == ("import_header_only",)


@pytest.mark.parametrize(
    ("first", "names"),
    [("姓名,电话,电话", "电话"), ("Name,phone, PHONE ", "phone, PHONE"), ("a,a,b,b", "a, b")],
)
def test_a_column_name_that_occurs_twice_is_refused_and_named(tmp_path, first, names):
    refused = refusal(write(tmp_path, first + "\n张,1,2\n"))
    assert (refused.code, refused.details["names"]) == ("import_duplicate_headers", names)


def test_a_column_without_a_name_is_called_after_its_place(tmp_path):
    table = open_table(write(tmp_path, "姓名,,电话,\n张,x,1,y\n"))
    assert table.header == ("姓名", "#2", "电话", "#4")
    assert rows(table) == [(2, ("张", "x", "1", "y"))]


def test_a_damaged_header_is_refused(tmp_path):
    assert refusal(write(tmp_path, '姓名,"电话\n张,1\n')).code == "import_header_damaged"


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"PK\x03\x04 a zip",
        b"\xd0\xcf\x11\xe0 an old workbook",
        b"%PDF-1.7\n",
        "姓名,电话\n张,1\n".encode("utf-16-le"),
        "姓名,电话\n".encode("utf-32"),
        bytes(range(256)) * 8,
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content):
    assert refusal(write(tmp_path, content)).code == "import_binary_file"


def test_a_file_that_is_not_there_is_refused_not_a_traceback(tmp_path):
    assert refusal(tmp_path / "none.csv").code == "import_file_unreadable"
    assert refusal(tmp_path).code == "import_file_unreadable"


def test_a_number_the_spreadsheet_shortened_is_reported(tmp_path):
    table = open_table(write(tmp_path, HEADER + "张,3.60426E+17,\n李,1.38E+10,\n王,13800138000,1E+2x\n"))
    assert problems(table) == [(2, "row_digits_lost"), (3, "row_digits_lost")]
    assert len(rows(table)) == 1


def test_the_rows_can_be_read_again_for_the_import_after_the_preview(tmp_path):
    table = open_table(write(tmp_path, HEADER + "张,1,\n李,2,\n"))
    next(table.rows())
    assert list(table.rows()) == list(table.rows())


def test_memory_stays_flat_however_long_the_file(tmp_path):
    path = write(tmp_path, HEADER + "客户,13800138000,很普通的一行\n" * 80_000)
    tracemalloc.start()
    try:
        count = sum(1 for _ in open_table(path).rows())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 80_000
    assert path.stat().st_size > 2_500_000
    assert peak < 3_000_000, "one chunk of the encoding check, its text, and a few lines"


def spectrum() -> list[Path]:
    return sorted((OUTSIDE / "csv_spectrum").glob("*.csv"))


@pytest.mark.outside
@needs_outside
@pytest.mark.parametrize("path", spectrum(), ids=lambda path: path.stem)
def test_the_csv_spectrum_is_read_as_its_json_says(path):
    table = open_table(path)
    expected = json.loads(path.with_suffix(".json").read_bytes())
    expected = expected if isinstance(expected, list) else [expected]
    found = [dict(zip(table.header, row.cells, strict=True)) for row in table.rows() if isinstance(row, Row)]
    if path.stem == "location_coordinates":  # the pair's file hides the number that its JSON has
        expected[0]["Contact Phone Number"] = found[0]["Contact Phone Number"]
    if path.stem == "newlines_crlf":  # the JSON was made before the file lost its CRLF
        expected[1]["a"] = expected[1]["a"].replace("\r\n", "\n")
    assert found == expected
    assert problems(table) == []


@pytest.mark.outside
@needs_outside
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("png_named.csv", "import_binary_file"),
        ("no_header.csv", "import_no_header"),
        ("duplicate_headers.csv", "import_duplicate_headers"),
    ],
)
def test_a_hostile_file_is_refused(name, code):
    assert refusal(OUTSIDE / "hostile" / name).code == code


@pytest.mark.outside
@needs_outside
@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("newline_in_cell.csv", 1, []),
        ("truncated_multibyte.csv", 1, [(3, "row_quote_open")]),
        ("header_only.csv", 0, []),
        ("ragged.csv", 0, [(2, "row_too_short"), (3, "row_too_long")]),
        ("unclosed_quote.csv", 0, [(2, "row_quote_open")]),
        ("big_cell_10MB.csv", 0, [(2, "row_cell_too_long")]),
        ("csv_200k_rows_same_phone.csv", 200_000, []),
        ("formula_injection.csv", 7, []),
    ],
)
def test_a_hostile_file_gives_its_good_rows_and_reports_the_others(name, good, bad):
    table = open_table(OUTSIDE / "hostile" / name)
    assert len(rows(table)) == good
    assert problems(table) == bad


@pytest.mark.outside
@needs_outside
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("maven/sales_teams.csv", 35),
        ("maven/products.csv", 7),
        ("maven/accounts.csv", 85),
        ("maven/sales_pipeline.csv", 8800),
        ("olist/mql.iso.csv", 8000),
        ("olist/closed_deals.iso.csv", 842),
    ],
)
def test_the_public_data_sets_are_read_whole(name, count):
    table = open_table(OUTSIDE / name)
    assert len(rows(table)) == count
    assert problems(table) == []
