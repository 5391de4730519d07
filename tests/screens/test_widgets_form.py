"""Fields and forms: Enter goes on, digits choose, gaps are named, nothing typed is ever markup."""

from typing import Any

import pytest
from rich.cells import cell_len
from textual import events, on
from textual.app import App

from crm_tui import i18n
from crm_tui.widgets.field_row import FieldSpec
from crm_tui.widgets.fields import Choice, ChoiceField, NoteField, TextField, numbered
from crm_tui.widgets.form import Form
from crm_tui.widgets.keys import KeyOrder

OBJECTIONS = (
    Choice("none", "无", "0", alone=True),
    Choice("price", "价格"),
    Choice("style", "款式"),
    Choice("[/]", "[/]"),
)
SPECS = (
    FieldSpec(
        "channel",
        "keys.log",
        "choice",
        mandatory=True,
        choices=(Choice("phone", "电话"), Choice("wecom", "企微")),
    ),
    FieldSpec("need", "keys.find", mandatory=True),
    FieldSpec("objections", "keys.filter", "choices", mandatory=True, choices=OBJECTIONS),
    FieldSpec("note", "keys.values", "multiline"),
    FieldSpec(
        "next",
        "keys.later",
        mandatory=True,
        hint=lambda text: f"-> {text} 天后" if text else "",
        check=lambda text: "" if text.isdigit() else "要数字 [/]",
    ),
)


class FormApp(KeyOrder, App[Any]):
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.form = Form(SPECS, values)
        self.heard: list[Any] = []

    def compose(self):
        yield self.form

    @on(Form.Changed)
    def changed(self, message: Form.Changed) -> None:
        self.heard.append((message.key, message.filled, message.mandatory))

    @on(Form.Ended)
    def ended(self) -> None:
        self.heard.append("ended")


@pytest.fixture(autouse=True)
def chinese():
    i18n.use("zh_CN")
    yield
    i18n.use("en")


def line(app: App[Any], y: int) -> str:
    strips = app.screen._compositor.render_strips()
    return strips[y].text


async def test_a_whole_form_is_filled_with_enter_and_digits():
    app = FormApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "enter", "哑", "光", "ctrl+j", "1", "2", "enter", "记", "ctrl+j", "3", "enter")
        assert app.form.values() == {
            "channel": "wecom",
            "need": "哑光",
            "objections": ("price", "style"),
            "note": "记",
            "next": "3",
        }
        assert app.form.counter() == (4, 4)
        assert app.form.first_gap() is None
        assert app.heard[-1] == "ended"
        assert app.heard[-2] == ("next", 4, 4)


async def test_up_down_and_shift_tab_walk_the_fields():
    app = FormApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "down", "down", "down")
        assert app.focused is app.form.row("next").field
        await pilot.press("up", "up", "shift+tab")
        assert app.focused is app.form.row("need").field


async def test_the_form_starts_at_its_first_gap_and_names_it():
    app = FormApp({"channel": "phone", "need": "哑光"})
    async with app.run_test(size=(80, 24)):
        assert app.focused is app.form.row("objections").field
        assert app.form.first_gap() == "objections"
        assert app.form.gap_words() == "必填: 筛选"


async def test_focus_is_a_mark_and_mandatory_is_a_star():
    app = FormApp()
    async with app.run_test(size=(80, 24)):
        assert line(app, 0).startswith(">跟进      * 1电话 2企微")
        assert line(app, 1).startswith(" 客户      *[")
        assert all(cell_len(line(app, y)) == 80 for y in range(24))


async def test_a_wrong_value_is_said_under_the_field_and_does_not_hold_the_focus():
    app = FormApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.form.row("next").field.focus()
        await pilot.pause()
        await pilot.press("x", "up")
        assert app.focused is app.form.row("note").field
        assert "! 要数字 [/]" in line(app, 7)
        assert "-> x 天后" in line(app, 6)
        assert not app.form.check()
        await pilot.pause()
        assert app.focused is app.form.row("next").field
        await pilot.press("backspace", "3", "up")
        assert "要数字" not in line(app, 7)


async def test_typed_markup_and_control_characters_stay_text():
    app = FormApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.form.fill({"need": "[@click=app.quit()]x\x1b]0;t\x07", "note": "[/]\nzwei\x1b"})
        await pilot.pause()
        assert app.form.values()["need"] == "[@click=app.quit()]x]0;t"
        assert app.form.values()["note"] == "[/]\nzwei"
        assert "[@click=app.quit()]x]0;t" in line(app, 1)
        assert "[/]" in line(app, 3)


async def test_a_paste_into_a_form_goes_field_by_field():
    app = FormApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.post_message(events.Paste("企微\t要哑光\x1b的\t０"))
        await pilot.pause()
        await pilot.pause()
        await pilot.pause()
        assert app.form.values()["channel"] == "wecom"
        assert app.form.values()["need"] == "要哑光的"
        assert app.form.values()["objections"] == ("none",)


async def test_a_paste_with_line_ends_stays_whole_in_a_note():
    app = FormApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.form.row("note").field.focus()
        await pilot.pause()
        app.post_message(events.Paste("a\r\nb\x1b\tc"))
        await pilot.pause()
        await pilot.pause()
        assert app.form.values()["note"] == "a\nb c"
        await pilot.press("up", "up")
        assert app.focused is app.form.row("objections").field


class OneField(App[Any]):
    def __init__(self, field: Any) -> None:
        super().__init__()
        self.field = field

    def compose(self):
        yield self.field


async def test_no_objection_excludes_the_others():
    app = OneField(ChoiceField(OBJECTIONS, multiple=True))
    async with app.run_test() as pilot:
        await pilot.press("1", "2")
        assert app.field.values == ("price", "style")
        await pilot.press("0")
        assert app.field.values == ("none",)
        await pilot.press("３", "1")
        assert app.field.values == ("price", "[/]")
        await pilot.press("1")
        assert app.field.values == ("[/]",)
        assert "[3[/]]" in app.field.render().plain


async def test_arrows_make_a_single_choice():
    app = OneField(ChoiceField(OBJECTIONS))
    async with app.run_test() as pilot:
        await pilot.press("right")
        assert app.field.value == "none"
        await pilot.press("right", "right", "left")
        assert app.field.value == "price"
        assert app.field.render().plain.startswith("0无 [1价格] 2款式")
        await pilot.press("backspace")
        assert app.field.value == ""


@pytest.mark.parametrize("width", [12, 20, 33, 80])
async def test_more_choices_than_fit_are_announced(width):
    many = [Choice(str(n), f"选项{n}") for n in range(12)]
    app = OneField(ChoiceField(many))
    async with app.run_test(size=(width, 5)) as pilot:
        assert cell_len(app.field.render().plain) == width
        assert app.field.render().plain.rstrip().endswith(">>")
        await pilot.press("left")
        assert app.field.value == "11"
        drawn = app.field.render().plain
        assert drawn.startswith("<<")
        assert "选项11" in drawn
        assert cell_len(drawn) == width


def test_digits_are_given_to_choices_that_have_none():
    assert [choice.digit for choice in numbered(OBJECTIONS)] == ["0", "1", "2", "3"]
    assert [choice.digit for choice in numbered([Choice(str(n), "x") for n in range(11)])][8:] == [
        "9",
        "",
        "",
    ]


@pytest.mark.parametrize(("text", "cell"), [("", 0), ("张三丰", 6), ("abc", 3), ("张" * 60, 79)])
async def test_the_cursor_never_leaves_the_field(text, cell):
    app = OneField(TextField())
    async with app.run_test(size=(80, 5)) as pilot:
        app.field.value = text
        await pilot.press("end")
        assert app.field.cursor_screen_offset.x == cell


async def test_a_note_is_left_with_enter_of_either_kind():
    app = OneField(NoteField())
    async with app.run_test() as pilot:
        await pilot.press("a", "enter", "b", "ctrl+j")
        assert app.field.text == "ab"


async def test_a_secret_is_drawn_with_stars_of_one_cell():
    app = OneField(TextField(password=True))
    async with app.run_test(size=(20, 2)) as pilot:
        await pilot.press("1", "2", "3", "4")
        assert app.field.value == "1234"
        assert app.field.render_line(0).text.strip() == "****"
        assert app.field.cursor_screen_offset.x == 4
