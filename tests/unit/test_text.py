"""What a person typed is stored as typed, minus what acts on a terminal."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crm_tui.domain.text import clean_text, fold, fold_width, safe_text

OUTSIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cases" / "hostile-value.jsonl"
NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            "\x1b[]0;31mP\\\x07\x9b\x9d\x9c\r\n\t\u200b\u200c\u200d\ufe0f\u202e\u2066\ufeff\u3000 ❤👩👧张A"
        ),
        st.characters(),
    )
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\x1b[31m张伟\x1b[0m", "张伟"),
        ("\x1b]0;title\x07张伟", "张伟"),
        ("\x1b]8;;http://x\x1b\\张伟\x1b]8;;\x1b\\", "张伟"),
        ("\x1bP+q544e\x1b\\张伟", "张伟"),
        ("\x9b31m张伟", "张伟"),
        ("\x1bc张伟", "张伟"),
        ("张\x1b伟", "张伟"),
        ("张\x00伟\x7f", "张伟"),
    ],
)
def test_an_escape_sequence_goes_whole(typed, kept):
    assert clean_text(typed) == kept


def test_a_sequence_that_never_ends_does_not_eat_the_name_behind_it():
    assert clean_text("\x1b]0;张伟") == "0;张伟"
    assert clean_text("\x9d张伟") == "张伟"


@pytest.mark.parametrize("control", ["\u202e", "\u202c", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c"])
def test_a_bidi_control_cannot_swap_the_neighbours(control):
    assert clean_text(f"a{control}b") == "ab"


@pytest.mark.parametrize(
    "name",
    ["👩🏽‍🚒", "e\u0301", "Z̴̡a̵l̶g̸o̶", "שלום", "张　伟", "ﬁ", "Ｚｈａｎｇ", "𠮷", "㐂", "①", "阿迪力·买买提",
     "葛\U000e0100",
     "👩‍❤️‍👩", "می‌خواهم", "क्‍ष", "[bold]张伟[/bold]", "{name}", "a'b\"c`d", "\ue000"],
)  # fmt: skip
def test_a_name_is_stored_exactly(name):
    assert clean_text(name) == name


@pytest.mark.parametrize(
    "nothing", ["", " ", "　", "\u00a0", "\u200d", "\u200b\ufeff", "\f", "\ufe0f", "\u2800", "\u3164"]
)
def test_a_name_with_nothing_to_show_is_empty(nothing):
    assert clean_text(nothing) == ""


def test_outer_blanks_of_every_kind_are_trimmed():
    assert clean_text("\u00a0　 张伟\u2003\u2028") == "张伟"


def test_line_ends_and_tabs_become_one_blank_on_one_line():
    assert clean_text("a\r\nb\tc\fd\u2029e") == "a b c d e"


def test_a_note_keeps_its_lines():
    assert clean_text(" a\r\nb\rc\n\nd\te \n", multiline=True) == "a\nb\nc\n\nd e"


def test_a_lone_surrogate_goes():
    assert clean_text("a\ud800b") == "ab"


def test_an_emoji_sequence_keeps_its_joiner_and_a_word_does_not():
    assert clean_text("张\u200d伟") == "张伟"


@given(value=NASTY, multiline=st.booleans())
@example(value="\u200d\ufe0f👩", multiline=False)
@example(value="\x1b\u200b[31m", multiline=False)
def test_cleaning_twice_changes_nothing_more(value, multiline):
    once = clean_text(value, multiline=multiline)
    assert clean_text(once, multiline=multiline) == once


@given(NASTY)
def test_a_clean_text_holds_no_control_character(value):
    assert not [c for c in clean_text(value) if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]


@pytest.mark.parametrize(
    ("typed", "sought"),
    [
        ("Ｚｈａｎｇ", "zhang"),
        ("张　伟", "张伟"),
        ("e\u0301", "é"),
        ("ﬁ", "FI"),
        ("①", "1"),
        ("STRASSE", "straße"),
        ("张\u200b伟", "张伟"),
    ],
)
def test_a_search_finds_what_looks_the_same(typed, sought):
    assert fold(typed) == fold(sought)


@given(NASTY)
def test_folding_twice_changes_nothing_more(value):
    assert fold(fold(value)) == fold(value)


def test_quick_entry_folds_width_and_nothing_else():
    assert fold_width("１３８　￥１２：ＡＢ ①ﬁ豈") == "138 ¥12:AB ①ﬁ豈"


@given(st.text())
def test_folding_width_keeps_every_character_at_its_place(value):
    assert len(fold_width(value)) == len(value)


def test_what_is_shown_has_one_line_and_symbols_for_what_acts():
    assert safe_text("a\x1b[31m\nb\u202e\x9b\ud800") == "a␛[31m␊b␦␦␦"


def test_marks_piled_on_a_letter_stay_within_the_line():
    assert safe_text("a" + "\u0335" * 50 + "b") == "a" + "\u0335" * 4 + "b"


def test_an_ordinary_name_is_shown_as_it_is():
    assert safe_text("👩🏽‍🚒 [bold]张伟[/] e\u0301") == "👩🏽‍🚒 [bold]张伟[/] e\u0301"


@given(NASTY)
def test_what_is_shown_is_printable_without_a_terminal_noticing(value):
    shown = safe_text(value)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
    assert safe_text(shown) == shown


@pytest.mark.outside
@pytest.mark.skipif(not OUTSIDE.exists(), reason="the outside data is not beside the checkout")
def test_hostile_names_lose_only_what_acts():
    rows = [json.loads(line) for line in OUTSIDE.read_text(encoding="utf-8").split("\n") if line]
    names = [row["params"]["value"] for row in rows if row["params"]["field"] == "name"]
    assert names
    for name in names:
        cleaned = clean_text(name)
        assert safe_text(cleaned) == cleaned or "Z" in cleaned
        visible = [c for c in name if unicodedata.category(c) not in {"Cc", "Cf", "Zl", "Zs"}]
        if "\x1b" not in name:
            assert [c for c in cleaned if unicodedata.category(c) not in {"Cf", "Zs"}] == visible
