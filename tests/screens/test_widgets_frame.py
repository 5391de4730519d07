"""The frame: title, badges, message line, key bar, Esc ladder, small and wide windows."""

from pathlib import Path
from typing import Any, ClassVar

import pytest
from rich.cells import cell_len
from textual.app import App
from textual.binding import ActiveBinding, Binding
from textual.widgets import Static

from crm_tui import i18n
from crm_tui.widgets import frame
from crm_tui.widgets.frame import CrmScreen, MessageLine, TitleLine
from crm_tui.widgets.key_bar import KeyBar, bar_items
from crm_tui.widgets.keys import KeyOrder, digit_of, twins

STYLES = Path(frame.__file__).parent.parent / "styles" / "app.tcss"
F_KEYS = [
    ("f1", "keys.help"),
    ("f2", "keys.find"),
    ("f3", "keys.log"),
    ("f4", "keys.filter"),
    ("f5", "keys.refresh"),
    ("f6", "keys.stage"),
    ("f7", "keys.open"),
    ("f8", "keys.todo"),
    ("f9", "keys.quick"),
    ("f10,ctrl+s", "keys.save"),
    ("ctrl+p", "keys.palette"),
    ("f11", "keys.all"),
]


class Board(CrmScreen):
    BINDINGS: ClassVar = [Binding(key, f"press('{key}')", text) for key, text in F_KEYS]

    def __init__(self) -> None:
        super().__init__()
        self.pressed: list[str] = []
        self.steps = ["popup", "selection"]

    def compose_body(self):
        yield Static("body", markup=False)
        yield Static("pane", classes="side-pane")
        yield Static("extra", classes="optional")

    def escape_steps(self):
        def step() -> bool:
            return bool(self.steps) and bool(self.steps.pop(0))

        return (step,)

    def action_press(self, key: str) -> None:
        self.pressed.append(key)


class FrameApp(KeyOrder, App[Any]):
    CSS_PATH = STYLES
    ENABLE_COMMAND_PALETTE = False

    def on_mount(self) -> None:
        self.push_screen(Board())


@pytest.fixture(autouse=True, params=["zh_CN", "en"])
def language(request):
    i18n.use(request.param)
    yield request.param
    i18n.use("en")


def text_of(screen, kind) -> str:
    return screen.query_one(kind).render().plain


async def test_the_key_bar_names_all_keys_within_80_cells(language):
    app = FrameApp()
    async with app.run_test(size=(80, 24)):
        line = text_of(app.screen, KeyBar)
        assert cell_len(line) <= 80
        if language == "zh_CN":
            assert line == "1帮助 2客户 3跟进 4筛选 5刷新 6移阶 7打开 8待办 9快录 10保存 12返回 ^P命令"
        else:
            assert line == "1Help 2Find 3Log 4Filter 5Load 6Stage 7Open 8Todo 9Quick 10Save 12Back ^PCmd"


@pytest.mark.parametrize("width", range(0, 90, 7))
async def test_the_key_bar_never_cuts_a_label_and_drops_the_least_important_first(width):
    app = FrameApp()
    async with app.run_test(size=(80, 24)):
        bindings = list(app.screen.active_bindings.values())
        whole = {item.key: item for item in bar_items(bindings, 500)}
        items = bar_items(bindings, width)
        assert sum(item.cells for item in items) + max(len(items) - 1, 0) <= width
        assert all(whole[item.key] == item for item in items)
        if items:
            assert items[0].key == "f1"


async def test_f11_and_the_twin_of_an_f_key_are_not_in_the_bar():
    app = FrameApp()
    async with app.run_test(size=(200, 24)):
        keys = [item.key for item in bar_items(list(app.screen.active_bindings.values()), 500)]
        assert "f11" not in keys
        assert "ctrl+s" not in keys
        assert "escape" not in keys


async def test_a_click_on_the_bar_presses_the_key():
    app = FrameApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.click(KeyBar, offset=(1, 0))
        await pilot.click(KeyBar, offset=(7, 0))
        await pilot.click(KeyBar, offset=(5, 0))  # the gap between two keys
        await pilot.pause()
        assert app.screen.pressed == ["f1", "f2"]


async def test_badges_stay_and_the_title_gives_way(language):
    app = FrameApp()
    async with app.run_test(size=(80, 24)):
        app.screen.title = "[/] 看板 \x1b[31m瓷砖零售流程 一个很长很长很长很长很长很长很长的名字"
        app.screen.set_badges(3, 7, "李梅[/]", "同步10:42")
        line = text_of(app.screen, TitleLine)
        assert cell_len(line) == 80
        assert "\x1b" not in line
        assert line.startswith(" [/] 看板 [31m")
        assert ".." in line
        assert line.endswith("| 李梅[/] | 同步10:42")
        if language == "zh_CN":
            assert "逾3! 今7" in line


async def test_a_message_carries_its_mark_and_the_hint_comes_back():
    app = FrameApp()
    async with app.run_test(size=(80, 24)):
        screen = app.screen
        screen.set_hint("回车=打开")
        screen.say("[@click=app.quit()]下一步 未填", "error")
        assert text_of(screen, MessageLine).strip() == "!! [@click=app.quit()]下一步 未填"
        screen.say("")
        assert text_of(screen, MessageLine).strip() == "回车=打开"
        assert cell_len(text_of(screen, MessageLine)) == 80


@pytest.mark.parametrize("key", ["escape", "f12"])
async def test_esc_takes_one_step_at_a_time_and_then_leaves(key):
    app = FrameApp()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await pilot.press(key)
        assert screen.steps == ["selection"]
        await pilot.press(key)
        assert app.screen is screen
        await pilot.press(key)
        assert app.screen is not screen


@pytest.mark.parametrize("size", [(40, 12), (60, 20), (79, 24), (80, 23)])
async def test_a_small_window_keeps_title_body_and_bar(size):
    app = FrameApp()
    async with app.run_test(size=size):
        screen = app.screen
        assert screen.has_class("-small")
        assert "80x24" in text_of(screen, TitleLine)
        assert cell_len(text_of(screen, TitleLine)) == size[0]
        assert not screen.query_one(MessageLine).display
        assert not screen.query_one(".optional").display
        screen.say("必填", "error")
        assert screen.query_one(MessageLine).display
        assert screen.query_one("#body").size.height >= size[1] - 3
        assert cell_len(text_of(screen, KeyBar)) <= size[0]


async def test_the_right_pane_comes_at_110_columns():
    app = FrameApp()
    async with app.run_test(size=(110, 30)) as pilot:
        assert app.screen.query_one(".side-pane").display
        await pilot.resize_terminal(109, 30)
        assert not app.screen.query_one(".side-pane").display


async def test_help_and_bar_read_the_same_translated_words(language):
    app = FrameApp()
    async with app.run_test(size=(80, 24)):
        active: dict[str, ActiveBinding] = app.screen.active_bindings
        assert active["f1"].binding.description == {"zh_CN": "帮助", "en": "Help"}[language]
        assert active["escape"].tooltip == i18n.t("keys.back_tip")


def test_a_key_is_bound_with_its_twins_at_once():
    assert twins("slash") == "slash,ideographic_comma,fullwidth_solidus"
    assert twins("f4", "question_mark") == "f4,question_mark,fullwidth_question_mark"
    assert [digit_of(key) for key in ("7", "７", "f7", "a", "²", "")] == ["7", "7", "", "", "", ""]


def test_bar_labels_are_short_enough_in_both_languages():
    labels = [label for _, label in F_KEYS] + ["keys.back", "keys.confirm", "keys.reassign", "keys.values"]
    i18n.use("zh_CN")
    assert all(cell_len(i18n.t(label)) <= 4 for label in labels)
    i18n.use("en")
    assert all(cell_len(i18n.t(label)) <= 6 for label in labels)


class Twins(App[Any]):
    BINDINGS: ClassVar = [Binding(twins("slash", "question_mark", "greater_than_sign", "5"), "note", "Note")]

    def __init__(self) -> None:
        super().__init__()
        self.notes = 0

    def action_note(self) -> None:
        self.notes += 1


@pytest.mark.parametrize("key", ["/", "、", "?", "？", ">", "》", "5", "５"])
async def test_chinese_punctuation_is_the_key_it_stands_for(key):
    app = Twins()
    async with app.run_test() as pilot:
        await pilot.press(key)
        assert app.notes == 1
