"""Which keys reach the program: the trial of the doctor, and keys that may not mean two things."""

from typing import ClassVar

import pytest
from textual.binding import Binding, BindingType

from crm_tui.cli.doctor import examine, try_keys
from crm_tui.cli.key_check import conflicts, jump_conflicts, key_lines
from crm_tui.cli.key_trial import KeyTrial, eaten, keypad_as
from crm_tui.screens import SCREENS, Place
from crm_tui.screens.board import BoardScreen


class Crossed(BoardScreen):
    """A screen that wants a letter which moves."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("j", "new", "keys.new")]


async def test_the_trial_ticks_what_arrives_and_names_what_does_not(lines):
    app = KeyTrial()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f1", "f2", "f12", "ctrl+j")
        await pilot.pause()
        shown = "\n".join(lines(app))
        assert "[x] F1 " in shown
        assert "[ ] F3 " in shown
        assert "[x] Enter of the keypad" in shown
        await pilot.press("escape")
    arrived = app.return_value
    assert eaten(arrived) == ["F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11"]
    assert keypad_as(arrived) == "ctrl+j"
    assert keypad_as(frozenset({"f1"})) == ""


def test_without_a_terminal_the_trial_says_so_and_asks_nothing():
    assert [(one.name, one.state) for one in try_keys()] == [("f_keys", "note")]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"COLORTERM": "truecolor", "TERM": "xterm"}, "24 bits (xterm truecolor)"),
        ({"TERM": "xterm-256color"}, "8 bits (xterm-256color)"),
        ({"TERM": "xterm"}, "4 bits (xterm)"),
        ({"TERM": "dumb"}, "0 bits (dumb)"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "NO_COLOR"),
    ],
)
def test_the_doctor_says_how_many_colours_there_are(home, monkeypatch, environment, said):
    for name in ("COLORTERM", "TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = {one.name: one.value for one in examine(home)}
    assert found["colour"].startswith(said)
    assert found["border"] == "as measured: Frames are drawn with - and |."


def test_a_letter_that_moves_may_mean_nothing_else():
    assert conflicts([BoardScreen]) == []
    assert conflicts([Crossed]) == ["Crossed: j moves where vim is on, but is bound to new"]


def test_a_digit_or_letter_leads_to_one_place():
    assert jump_conflicts() == []
    twice = (*SCREENS, Place("other", "board", "BoardScreen", digit="1", letter="c"))
    assert jump_conflicts(twice) == [
        "board and other are both reached by Ctrl+G 1",
        "customers and other are both reached by Ctrl+G c",
    ]


def test_the_letters_are_listed_where_they_move():
    assert [line for line in key_lines([BoardScreen]) if line.startswith("*")] == []
    listed = [line for line in key_lines([BoardScreen], vim=True) if line.startswith("*")]
    assert [line.split("\t")[1] for line in listed] == ["h", "j", "k", "l", "g"]
