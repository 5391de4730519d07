"""Charts of plain characters that stay aligned beside Chinese labels."""

import pytest
from rich.cells import cell_len

from crm_tui.widgets.chart import Bar, bar_cells, bars, funnel, heat, progress, sparkline
from crm_tui.widgets.text import clean, fit, fit_middle, safe_text

STAGES = [
    Bar("线索", 128, "128", "2.1天"),
    Bar("初步接触", 97, "97", "3.4天"),
    Bar("需求确认", 61, "61", "5.2天 !最慢"),
    Bar("[/]\x1b", 0, "0", "-"),
    Bar("成交", 0, "0"),
]


def test_a_funnel_says_what_share_of_the_stage_before_is_left():
    lines = [line.plain for line in funnel(STAGES, 60)]
    assert all(cell_len(line) == 60 for line in lines)
    assert lines[0].startswith("线索     128 ###")
    assert "76%" in lines[1]
    assert "63% 5.2天 !最慢" in lines[2]
    assert lines[3].startswith("[/]        0  ")
    assert " 0% -" in lines[3]
    assert lines[4].split()[-1] == "-"
    assert lines[0].count("#") > lines[1].count("#") > lines[2].count("#") > 0


@pytest.mark.parametrize("width", [10, 20, 34, 80])
def test_bars_are_as_wide_as_they_may_be(width):
    lines = [
        line.plain for line in bars([Bar("李梅", 14, "14/52"), Bar("欧阳建国", 3, "3/20")], width, rest=".")
    ]
    assert all(cell_len(line) == width for line in lines)
    assert bars([], width) == []


def test_something_is_never_drawn_as_nothing_and_the_most_fills_the_line():
    assert [bar_cells(value, 1000, 10) for value in (0, 1, 500, 1000, 2000, -5)] == [0, 1, 5, 10, 10, 0]
    assert bar_cells(1, 0, 10) == 0


def test_progress_beyond_the_goal_stays_at_its_end():
    assert progress(0.5, 10).plain == "#####-----"
    assert progress(1.7, 4).plain == "####"


def test_heat_rows_line_up_under_each_other():
    rows = [
        heat(name, values, 9, label_cells=8).plain
        for name, values in (("周一", (0, 1, 9)), ("Monday", (4, 5, 6)))
    ]
    assert rows[0] == "周一        .. ## "
    assert len({cell_len(row) for row in rows}) == 1


def test_a_sparkline_shows_the_latest_values():
    assert sparkline([5, 5, 5], 10).plain == "___"
    assert sparkline([9, 0, 1, 2, 3], 2).plain == "_#"
    assert sparkline([], 5).plain == ""


def test_text_is_cut_by_cells_and_never_in_half_a_character():
    assert fit("北京恒信装饰", 9) == "北京恒.. "
    assert fit("张三", 6, "right") == "  张三"
    assert [cell_len(fit("中文abc", width)) for width in range(8)] == list(range(8))
    assert fit_middle("北京恒信装饰工程有限公司", 14) == "北京恒..限公司"
    assert fit_middle("张三", 14) == "张三"
    assert [cell_len(fit_middle("北京恒信装饰", width)) <= width for width in range(8)] == [True] * 8


def test_what_was_typed_stays_literal_without_control_and_direction_characters():
    assert clean("\x1b]0;t\x07a\x9bb\u202ec\u200bd\x00") == "]0;tabcd"
    assert clean("a\tb\r\nc") == "a b  c"
    assert clean("x\ud800y") == "x?y"
    assert safe_text("[@click=app.quit()]x[/]").spans == []
    assert safe_text("[/]").plain == "[/]"
