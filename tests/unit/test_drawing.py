"""What frames are drawn with, and signs of doubtful width."""

import unicodedata

import pytest

from crm_tui.widgets import drawing
from crm_tui.widgets.text import fit, safe_text


@pytest.mark.parametrize(
    ("border", "cells", "lines"),
    [
        ("auto", 1, True),
        ("auto", 2, False),
        ("auto", 0, False),
        ("line", 2, True),
        ("ascii", 1, False),
        ("baroque", 1, True),
    ],
)
def test_lines_are_drawn_where_they_are_asked_for_or_measure_one_cell(border, cells, lines):
    drawing.use(border)
    drawing.note_width(cells)
    assert drawing.line_art() is lines
    assert drawing.rule(3) == ("───" if lines else "---")
    assert drawing.separator() == (" │ " if lines else " | ")


def test_every_sign_of_doubtful_width_has_a_stand_in_of_one_cell_in_ascii():
    drawing.use("ascii")
    doubtful = [
        char
        for char in map(chr, range(0xA0, 0x10000))
        if unicodedata.east_asian_width(char) == "A" and unicodedata.category(char)[0] in "PSN"
    ]
    assert "·" in doubtful
    shown = drawing.drawable("".join(doubtful))
    assert shown.isascii()
    assert len(shown) == len(doubtful)


def test_letters_keep_their_spelling_and_lines_of_one_cell_keep_every_sign():
    drawing.use("ascii")
    assert drawing.drawable("阿迪力·买买提 José Иван ①号") == "阿迪力.买买提 José Иван 1号"
    drawing.use("line")
    assert drawing.drawable("阿迪力·买买提") == "阿迪力·买买提"


def test_a_text_cut_before_is_cut_anew_when_the_frames_change():
    drawing.use("line")
    assert fit("阿迪力·买买提", 9) == "阿迪力·.."
    drawing.use("ascii")
    assert fit("阿迪力·买买提", 9) == "阿迪力..."
    assert safe_text("“好”").plain == '"好"'
