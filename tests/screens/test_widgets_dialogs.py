"""Picker, confirmation, jump list and the themes."""

from typing import Any

import pytest
from rich.cells import cell_len
from textual.app import App
from textual.color import Color

from crm_tui import i18n
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.fields import Choice, TextField
from crm_tui.widgets.keys import KeyOrder
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.themes import HIGH_CONTRAST, THEMES, register_themes
from crm_tui.widgets.which_key import Jump, WhichKey

STAFF = [
    PickRow("1", "李梅", "lm", "14/52"),
    PickRow("2", "刘敏[/]", "lm", "3/20"),
    PickRow("3", "周强", "zq", "\x1b[31m"),
    *(PickRow(str(n), f"店员{n}", f"dy{n}") for n in range(4, 14)),
]
JUMPS = [
    Jump("board", "1", "b", "看板"),
    Jump("todo", "3", "o", "待办[/]", "3!"),
    Jump("sync", "0", "i", "同步"),
]
REASONS = (Choice("left", "离职"), Choice("busy", "太忙"))


class DialogApp(KeyOrder, App[Any]):
    CSS_PATH = None
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, dialog: Any) -> None:
        super().__init__()
        self.dialog = dialog
        self.results: list[Any] = []

    def compose(self):
        yield TextField()

    def on_mount(self) -> None:
        register_themes(self)
        self.push_screen(self.dialog, self.results.append)


@pytest.fixture(autouse=True)
def chinese():
    i18n.use("zh_CN")
    yield
    i18n.use("en")


def shown(app: App[Any]) -> list[str]:
    return [strip.text for strip in app.screen._compositor.render_strips()]


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        (["3"], "3"),
        (["２"], "2"),
        (["enter"], "1"),
        (["down", "ctrl+j"], "2"),
        (["l", "m", "2"], "2"),
        (["z", "q", "enter"], "3"),
        (["周", "enter"], "3"),
        (["敏", "1"], "2"),
        (["escape"], None),
        (["f12"], None),
        (["x", "x", "enter", "1", "escape"], None),
    ],
)
async def test_a_digit_letters_or_chinese_pick(keys, result):
    app = DialogApp(Picker("改派给[/]", STAFF))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*keys)
        assert app.results == [result]


async def test_the_picker_numbers_nine_rows_and_shows_names_literally():
    app = DialogApp(Picker("改派给[/]", STAFF))
    async with app.run_test(size=(80, 24)) as pilot:
        text = "\n".join(shown(app))
        assert "改派给[/]" in text
        assert "> 1  李梅" in text
        assert "9  店员9" in text
        assert "10 店员10" not in text
        assert "刘敏[/]" in text
        assert "\x1b" not in text
        await pilot.press("没")
        assert "没有匹配" in "\n".join(shown(app))


@pytest.mark.parametrize(
    ("keys", "results"),
    [
        (["enter"], [None]),
        (["escape"], [None]),
        (["f10"], [""]),
        (["ctrl+s"], [""]),
        (["2", "ctrl+j"], [""]),
        (["right", "left", "enter"], [None]),
    ],
)
async def test_cancel_is_the_default_and_f10_confirms(keys, results):
    app = DialogApp(Confirm("改派 20 个客户 -> 刘敏[/]?"))
    async with app.run_test(size=(80, 24)) as pilot:
        assert "改派 20 个客户 -> 刘敏[/]?" in "\n".join(shown(app))
        assert "[1取消 Esc]" in "\n".join(shown(app))
        await pilot.press(*keys)
        assert app.results == results


async def test_a_reason_that_is_asked_for_must_be_given():
    app = DialogApp(Confirm("退款 3,200?", ask_reason=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f10")
        assert app.results == []
        assert "必填: 原因" in "\n".join(shown(app))
        await pilot.press("客", "诉", "f10")
        assert app.results == ["客诉"]


async def test_a_reason_is_chosen_by_its_digit():
    app = DialogApp(Confirm("改派?", reasons=REASONS))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("1", "f10")
        assert app.results == ["left"]


@pytest.mark.parametrize(
    ("key", "target"),
    [("3", "todo"), ("０", "sync"), ("b", "board"), ("escape", None), ("x", None), ("enter", None)],
)
async def test_one_key_after_ctrl_g_jumps(key, target):
    app = DialogApp(WhichKey(JUMPS, delay=600))
    async with app.run_test(size=(80, 24)) as pilot:
        assert "看板" not in "\n".join(shown(app))
        await pilot.press(key)
        assert app.results == [target]


async def test_who_hesitates_sees_the_places_and_their_badges():
    app = DialogApp(WhichKey(JUMPS, delay=0))
    async with app.run_test(size=(80, 24)):
        assert any("3 o  待办[/]" in line and "3!" in line for line in shown(app))
        assert all(cell_len(line) == 80 for line in shown(app))


def contrast(one: str, two: str) -> float:
    def light(text: str) -> float:
        parts = [part / 255 for part in Color.parse(text).rgb]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


PAIRS = [
    ("foreground", "background"),
    ("foreground", "panel"),
    ("foreground", "surface"),
    ("text-muted", "background"),
    ("text-error", "background"),
    ("text-warning", "background"),
    ("text-success", "background"),
    ("accent", "panel"),
    ("block-cursor-foreground", "block-cursor-background"),
    ("input-cursor-foreground", "input-cursor-background"),
]


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
async def test_every_theme_is_readable_and_the_high_contrast_one_more_so(theme):
    app: App[Any] = App()
    async with app.run_test():
        register_themes(app, theme.name)
        values = app.get_css_variables()
        least = 7.0 if theme is HIGH_CONTRAST else 4.5
        poor = {pair: contrast(values[pair[0]], values[pair[1]]) for pair in PAIRS}
        assert {pair: ratio for pair, ratio in poor.items() if ratio < least} == {}
        assert app.animation_level == "none"
    assert len({theme.name for theme in THEMES}) == 5
