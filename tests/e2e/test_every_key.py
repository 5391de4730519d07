"""Every F-key on every screen, in both languages and without colour: nothing ends, nothing fails unseen."""

import re

import pytest
from rich.cells import cell_len

pytestmark = pytest.mark.e2e

F_KEYS = [f"f{number}" for number in range(1, 13)]
PLACES = {
    "board": (),
    "customers": ("f2",),
    "todo": ("f8",),
    "panel": ("ctrl+g", "5"),
    "settings": ("ctrl+g", "s"),
    "import": ("ctrl+g", "n"),
    "profile": ("enter",),
    "follow-up": ("f3",),
    "customer form": ("f7",),
    "quick": ("f9",),
    "help": ("f1",),
    "palette": ("ctrl+p",),
    "jump": ("ctrl+g",),
}


def to_the_board(terminal, first):
    """Back to the board from wherever a key has led, drafts and dialogs included."""
    for _ in range(8):
        terminal.press("escape")
        terminal.settle()
        if first in terminal.lines[2] and "+---" not in terminal.text:
            return
    raise AssertionError(f"no way back to the board:\n{terminal.text}")


def test_a_row_of_all_f_keys_on_any_screen_ends_nothing_and_fails_nowhere_unseen(at_board):
    board = at_board()
    for keys in PLACES.values():
        board.press(*keys, *F_KEYS)
        board.settle()
        assert board.child.isalive()
        assert not board.trouble, f"after {keys}"
        to_the_board(board, "线索")


def test_every_screen_says_the_same_without_colour_and_in_ascii(at_board):
    coloured, plain = at_board(), at_board(environment={"NO_COLOR": "1"})
    for keys in PLACES.values():
        seen = []
        for terminal in (coloured, plain):
            terminal.press(*keys)
            terminal.settle()
            seen.append(terminal)
        coloured.until(lambda me: me.text == plain.settle())
        for terminal in seen:
            to_the_board(terminal, "线索")
    assert "!" in plain.text
    assert b"\x1b[3" in coloured.written


def test_english_has_the_same_keys(at_board):
    chinese, english = at_board(), at_board(language="en")
    numbers = [re.findall(r"(?:^| )(\d+|\^P)", one.lines[-1]) for one in (chinese, english)]
    assert set(numbers[1]) <= set(numbers[0])
    assert {"1", "2", "3", "10", "12"} <= set(numbers[1])
    assert all(cell_len(line) <= 80 for line in english.lines)
    english.press("shift+right")
    english.until("Ctrl+Z")
    english.press("f1")
    english.until("Help")
