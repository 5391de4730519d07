"""A mapping says which column fills which field; what it cannot mean is refused by name."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from crm_tui.domain.errors import Refused
from crm_tui.exchange.converting import to_day, to_fen, to_integer
from crm_tui.exchange.fields import FIELDS, KINDS, field_info
from crm_tui.exchange.mapping import (
    DATE_FORMATS,
    Mapping,
    Options,
    guess_mapping,
    load_mapping,
    save_mapping,
)
from crm_tui.exchange.reading import open_table
from crm_tui.exchange.table import Row

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples" / "mappings"
OUTSIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_outside = pytest.mark.skipif(not OUTSIDE.is_dir(), reason="the outside data is not here")
DEALS = 'kind = "deals"\n[columns]\nStage = "stage"\n'


def load(tmp_path: Path, text: str) -> Mapping:
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


def test_a_row_becomes_fields_with_aliases_and_defaults(tmp_path):
    mapping = load(
        tmp_path,
        DEALS + 'Product = "product"\nSource = "source"\n[values.product]\nGTXPro = "GTX Pro"\n'
        '[values.stage]\nWon = "won"\n[defaults]\nsource = "门店"\npipeline = "default"\n',
    )
    bound = mapping.bind(("Stage", "Other", "Product", "Source"))
    assert bound.unused == ("Other",)
    assert bound.record((" won ", "x", "GTXPro", "")) == {
        "stage": "won",
        "product": "GTX Pro",
        "source": "门店",
        "pipeline": "default",
    }
    assert bound.record(("WON", "x", "MG", " 网络 "))["source"] == "网络"
    assert bound.record(("Lost", "x", "MG", ""))["stage"] == "Lost"


def test_one_column_may_fill_two_fields_and_two_columns_the_phones(tmp_path):
    mapping = load(
        tmp_path,
        'kind = "customers"\n[columns]\n"客户" = ["external_id", "name"]\n'
        '"手机" = "phones"\n"座机" = "phones"\n',
    )
    bound = mapping.bind(("座机", "客户", "手机"))
    assert bound.record(("0755-1234567", "张伟", "13800138000")) == {
        "external_id": "张伟",
        "name": "张伟",
        "phones": "0755-1234567; 13800138000",
    }
    assert bound.record(("1", "张", "1"))["phones"] == "1"


def test_extra_fields_have_aliases_and_need_no_declaration(tmp_path):
    mapping = load(tmp_path, DEALS + 'Color = "extra.color"\n[values.extra.color]\nR = "红"\n')
    assert mapping.bind(("Stage", "Color")).record(("won", "R"))["extra.color"] == "红"


def test_a_column_the_file_has_not_is_refused(tmp_path):
    with pytest.raises(Refused) as caught:
        load(tmp_path, DEALS).bind(("阶段",))
    assert (caught.value.code, caught.value.details["columns"]) == ("mapping_column_absent", "Stage")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("kind = ", "mapping_bad_toml"),
        ('kind = "deals"\n[columns]\n阶段 = "stage"', "mapping_bad_toml"),
        ('kind = "orders"\n[columns]\na = "b"', "mapping_unknown_kind"),
        ('[columns]\na = "b"', "mapping_unknown_kind"),
        ('kind = "deals"', "mapping_no_columns"),
        ('kind = "deals"\ncolumns = 5', "mapping_bad_setting"),
        (DEALS + 'a = "colour"', "mapping_unknown_field"),
        (DEALS + 'a = "extra."', "mapping_unknown_field"),
        (DEALS + 'a = "stage"', "mapping_field_twice"),
        ('kind = "deals"\n[columns]\na = "title"', "mapping_field_missing"),
        (DEALS + '[colums]\na = "title"', "mapping_unknown_setting"),
        (DEALS + '[values.colour]\na = "b"', "mapping_unknown_field"),
        (DEALS + '[values]\nstage = "won"', "mapping_bad_setting"),
        (DEALS + "[values.stage]\na = [1]", "mapping_bad_setting"),
        (DEALS + '[defaults]\ncolour = "b"', "mapping_unknown_field"),
        (DEALS + '[dates]\nformats = ["%Y-%m"]', "mapping_bad_date_format"),
        (DEALS + '[dates]\nformats = ["yyyy-mm-dd"]', "mapping_bad_date_format"),
        (DEALS + "[dates]\nformats = []", "mapping_bad_setting"),
        (DEALS + '[dates]\nformat = ["%Y"]', "mapping_unknown_setting"),
        (DEALS + '[options]\nmoney = "dollar"', "mapping_bad_setting"),
        (DEALS + '[options]\nseparator = ";"', "mapping_unknown_setting"),
    ],
)
def test_what_a_mapping_cannot_mean_is_refused(tmp_path, text, code):
    with pytest.raises(Refused) as caught:
        load(tmp_path, text)
    assert caught.value.code == code


def test_a_mapping_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(Refused, match="mapping_unreadable"):
        load_mapping(tmp_path / "none.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refused, match="mapping_bad_toml"):
        load_mapping(tmp_path / "x.toml")


def test_a_saved_mapping_is_loaded_as_it_was(tmp_path):
    mapping = Mapping(
        "customers",
        {'客户 "全称"': ("external_id", "name"), "电话\n手机": ("phones",), "#3": ("extra.a b\x7f",)},
        {"level": {"重点\\": "A", "": "E"}, "extra.a b\x7f": {"x": "y"}},
        ("%d.%m.%Y", *DATE_FORMATS),
        {"kind": "firm"},
        Options(delimiter="\t", encoding="gb18030", sheet="名单", money="fen"),
    )
    save_mapping(tmp_path / "map.toml", mapping)
    assert load_mapping(tmp_path / "map.toml") == mapping


@pytest.mark.parametrize(
    ("kind", "header", "keys"),
    [
        (
            "customers",
            ["姓名", "电话", "身份证号", "地址", "金额", "生日", "备注"],
            ["name", "phones", "resident_id", "address", None, "birthday", "note"],
        ),
        (
            "customers",
            ["Customer Name*", "MOBILE", "e-mail", "Sales_Rep"],
            ["name", "phones", "email", "owner"],
        ),
        (
            "deals",
            ["商机名称", "客户", "阶段", "金额（元）", "负责人"],
            ["title", "customer", "stage", "amount", "owner"],
        ),
        ("people", ["工号", "姓名", "所属门店", "入职日期"], ["number", "name", "branch", "hired_on"]),
        ("products", ["型号", "名称", "品类", "售价"], ["code", "name", "line", "unit_price"]),
        ("leads", ["线索编号", "联系电话", "渠道", "状态"], ["external_id", "phone", "source", "status"]),
    ],
)
def test_usual_headers_are_understood(kind, header, keys):
    guess = guess_mapping(kind, header)
    assert [guess.mapping.columns.get(name, (None,))[0] for name in header] == keys
    assert guess.leftover == tuple(name for name, key in zip(header, keys, strict=True) if key is None)
    assert guess.missing == ()
    assert set(guess.confidence.values()) == {1.0}


def test_a_header_that_only_contains_a_known_word_is_less_sure_and_never_takes_a_sure_place():
    guess = guess_mapping("customers", ["主客户姓名栏", "姓名", "其他联系电话", "电话", "客户的备注"])
    assert guess.mapping.columns == {
        "姓名": ("name",),
        "其他联系电话": ("phones",),
        "电话": ("phones",),
        "客户的备注": ("note",),
    }
    assert guess.confidence == {"姓名": 1.0, "其他联系电话": 0.5, "电话": 1.0, "客户的备注": 0.5}
    assert guess.leftover == ("主客户姓名栏",)


def test_a_guess_tells_what_is_missing():
    assert guess_mapping("deals", ["金额", "has_company"]).missing == ("stage",)
    with pytest.raises(Refused, match="mapping_unknown_kind"):
        guess_mapping("orders", ["a"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_fields_of_a_kind_are_declared_once_and_have_an_external_id(kind):
    keys = [info.key for info in FIELDS[kind]]
    assert len(keys) == len(set(keys))
    assert keys[0] == "external_id"
    assert field_info(kind, "extra.color") is not None
    assert field_info(kind, "color") is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1991-01-01", dt.date(1991, 1, 1)),
        ("1990/3/7", dt.date(1990, 3, 7)),
        ("２０２６年1月31日", dt.date(2026, 1, 31)),
        (" 2018-02-26 19:58:54 ", dt.date(2018, 2, 26)),
        ("2018-02-26T19:58:54+08:00", dt.date(2018, 2, 26)),
        ("", None),
    ],
)
def test_days_are_read_in_the_usual_forms(text, day):
    assert to_day(text, DATE_FORMATS) == day


@pytest.mark.parametrize(
    ("text", "epoch_1904", "day"),
    [
        ("33239", False, dt.date(1991, 1, 1)),
        ("33239.75", False, dt.date(1991, 1, 1)),
        ("1", False, dt.date(1900, 1, 1)),
        ("61", False, dt.date(1900, 3, 1)),
        ("31777", True, dt.date(1991, 1, 1)),
    ],
)
def test_a_serial_number_is_a_day_in_a_workbook_only(text, epoch_1904, day):
    assert to_day(text, DATE_FORMATS, serial=True, epoch_1904=epoch_1904) == day
    with pytest.raises(Refused, match="not_a_day"):
        to_day(text, DATE_FORMATS)


@pytest.mark.parametrize("text", ["2026-02-30", "31/01/2026", "昨天", "0", "9999999"])
def test_what_is_no_day_is_refused(text):
    with pytest.raises(Refused, match="not_a_day"):
        to_day(text, DATE_FORMATS, serial=True)


@pytest.mark.parametrize(
    ("text", "unit", "fen"),
    [
        ("1,234.50", "yuan", 123450),
        ("¥1234.5元", "yuan", 123450),
        ("-¥0.01", "yuan", -1),
        ("１２", "yuan", 1200),
        ("3.2万", "yuan", 3200000),
        (".5", "yuan", 50),
        ("0.005", "yuan", 1),
        ("1054", "fen", 1054),
        ("", "yuan", None),
    ],
)
def test_amounts_become_fen(text, unit, fen):
    assert to_fen(text, unit) == fen


@pytest.mark.parametrize("text", ["abc", "1,23", "1.2.3", "--1", ".", "NaN", "1e3", "9" * 20, "面议"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(Refused, match="not_money"):
        to_fen(text)


def test_whole_numbers_are_read_and_others_refused():
    assert [to_integer(text) for text in ("2822", "2,822.0", " 7 ", "")] == [2822, 2822, 7, None]
    for text in ("1.5", "x", "1,2"):
        with pytest.raises(Refused, match="not_an_integer"):
            to_integer(text)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_mapping_loads(path):
    assert load_mapping(path).columns


@pytest.mark.outside
@needs_outside
@pytest.mark.parametrize(
    ("example", "file"),
    [
        ("maven_sales_teams", "maven/sales_teams.csv"),
        ("maven_products", "maven/products.csv"),
        ("maven_accounts", "maven/accounts.csv"),
        ("maven_sales_pipeline", "maven/sales_pipeline.csv"),
        ("olist_leads", "olist/mql.iso.csv"),
        ("olist_closed_deals", "olist/closed_deals.iso.csv"),
    ],
)
def test_an_example_mapping_takes_in_every_column_and_value_of_its_file(example, file):
    mapping = load_mapping(EXAMPLES / f"{example}.toml")
    table = open_table(OUTSIDE / file)
    bound = mapping.bind(table.header)
    assert bound.unused == ()
    converters = {
        "day": lambda text: to_day(text, mapping.date_formats),
        "money": to_fen,
        "integer": to_integer,
    }
    typed = {info.key: converters[info.type] for info in FIELDS[mapping.kind] if info.type in converters}
    for row in table.rows():
        assert isinstance(row, Row)
        for key, text in bound.record(row.cells).items():
            typed.get(key, str)(text)


@pytest.mark.outside
@needs_outside
def test_the_traps_of_the_public_data_are_met():
    def records(example: str, file: str) -> list[dict[str, str]]:
        table = open_table(OUTSIDE / file)
        bound = load_mapping(EXAMPLES / f"{example}.toml").bind(table.header)
        return [bound.record(row.cells) for row in table.rows() if isinstance(row, Row)]

    deals = records("maven_sales_pipeline", "maven/sales_pipeline.csv")
    products = {each["external_id"] for each in records("maven_products", "maven/products.csv")}
    assert {deal["product"] for deal in deals} <= products
    assert {deal["stage"] for deal in deals} == {"lead", "contact", "won", "lost"}
    assert sum(not deal["customer"] for deal in deals) == 1425
    assert sum(not deal["engaged_on"] and not deal["closed_on"] for deal in deals) == 500
    assert sum(to_fen(deal["amount"]) or 0 for deal in deals if deal["stage"] == "won") == 1_000_553_400
    firms = records("maven_accounts", "maven/accounts.csv")
    assert "technolgy" not in {firm["industry"] for firm in firms}
    sources = [lead["source"] for lead in records("olist_leads", "olist/mql.iso.csv")]
    assert (sources.count(""), sources.count("unknown")) == (60, 1099)
