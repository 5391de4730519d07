"""A name is found by what people type for it, and stands where people look for it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_tui.domain.identity import full, initials, readings, sort_key, spell, surname_reading
from crm_tui.domain.identity.pinyin import MOST_SPELLINGS

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cases" / "pinyin.jsonl"


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("张伟", "zw"),
        ("曾伟", "zw"),
        ("单雄信", "sxx"),
        ("单雄信", "dxx"),
        ("尉迟恭", "ycg"),
        ("万俟卨", "mqx"),
        ("欧阳-李", "oyl"),
        ("ABC贸易", "abcmy"),
        ("阿迪力·买买提", "adlmmt"),
        ("𠮷野家", "jyj"),
        ("重庆银行", "cqyh"),
        ("John Smith", "johnsmith"),
        ("Ｚｈａｎｇ３", "zhang3"),
        ("曾　伟", "zw"),
    ],
)
def test_a_name_is_found_by_its_initials(name, typed):
    assert typed in initials(name)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("张伟", "zhangwei"),
        ("吕布", "lvbu"),
        ("翟天临", "zhaitianlin"),
        ("华为技术有限公司", "huaweijishuyouxiangongsi"),
        ("长沙银行股份有限公司", "changshayinhanggufenyouxiangongsi"),
        ("John Smith", "johnsmith"),
        ("3M中国", "3mzhongguo"),
    ],
)
def test_a_name_is_found_by_its_full_spelling(name, typed):
    assert typed in full(name)


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("单", "shàn"),
        ("曾国藩", "zēng"),
        ("仇英", "qiú"),
        ("解缙", "xiè"),
        ("区", "ōu"),
        ("查良镛", "zhā"),
        ("任", "rén"),
        ("华佗", "huà"),
        ("盖", "gě"),
        ("朴", "piáo"),
        ("翟", "zhái"),
        ("覃", "qín"),
        ("缪", "miào"),
        ("乐", "yuè"),
        ("尉迟恭", "yù chí"),
        ("万俟卨", "mò qí"),
        ("歐陽修", "ōu yáng"),
        ("张", "zhāng"),
        ("John", ""),
        ("", ""),
    ],
)
def test_a_surname_has_its_own_reading(name, reading):
    assert surname_reading(name) == reading


def test_a_firms_name_keeps_the_ordinary_reading_first():
    assert readings("解放汽车贸易公司")[0].startswith("jiě fàng")


def test_a_list_is_in_the_order_of_syllables_and_tones():
    names = ["曾伟", "章一", "张三", "张伟", "张", "安娜", "王五", "Zoe", "翟天临"]
    assert sorted(names, key=sort_key) == [
        "安娜",
        "王五",
        "曾伟",
        "翟天临",
        "张",
        "张三",
        "张伟",
        "章一",
        "Zoe",
    ]


def test_the_order_key_carries_the_tones():
    assert sort_key("吕布") == "lv3 bu4"
    assert sort_key("ABC 贸易3部") == "abc mao4 yi4 3 bu4"


def test_what_has_no_letters_has_no_spelling():
    assert initials("…… 👩") == full("") == frozenset()
    assert sort_key("") == ""


def test_the_likeliest_spelling_comes_alone_too():
    assert spell("解缙") == ("xj", "xiejin", ["xiè jìn", "jiě jìn", "jiè jìn"])
    assert spell("单于") == ("cy", "chanyu", spell("单于").readings)
    assert spell("") == ("", "", [])


@given(st.text(st.one_of(st.sampled_from("单曾行长重乐都和着了 abZ9·"), st.characters()), max_size=80))
def test_any_name_has_few_spellings(name):
    assert len(initials(name)) <= MOST_SPELLINGS
    assert len(full(name)) <= MOST_SPELLINGS
    assert len(readings(name)) <= MOST_SPELLINGS
    assert sort_key(name) == sort_key(f" {name} ")


def test_every_character_of_the_common_set_has_a_spelling():
    cells = (bytes([row, cell]) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    common = "".join(cell.decode("gb2312", errors="ignore") for cell in cells)
    assert len(common) == 6763
    unspelt = [
        character
        for character in common
        if not all(one.isascii() and one.isalpha() for one in full(character) or ["?"])
    ]
    assert unspelt == []


@pytest.mark.outside
@pytest.mark.skipif(not CASES.exists(), reason="the outside data is not beside the checkout")
def test_the_outside_readings_agree():
    rows = [json.loads(line)["expected"] for line in CASES.read_text(encoding="utf-8").split("\n") if line]
    agreed = [row for row in rows if row["agreed"]]
    assert agreed
    for row in agreed:
        assert surname_reading(row["surname"]) == row["agreed"]
        assert readings(row["surname"])[0] == row["agreed"]
        assert spell(row["surname"]).initials == row["key_letters"]
