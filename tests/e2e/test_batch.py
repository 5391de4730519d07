"""Many customers at once, in a real terminal: the manager's eight keys, postponing in three."""

import sqlite3

import pytest

pytestmark = pytest.mark.e2e


def rows(home, question, *values):
    with sqlite3.connect(home / "crm.db") as data:
        return data.execute(question, values).fetchall()


def owners(home):
    return dict(rows(home, "SELECT id, owner_id FROM customer"))


def test_a_manager_reassigns_all_overdue_in_eight_keys_and_takes_it_back_in_one(at_board, home, facts):
    board = at_board(facts.manager_number)
    before = owners(home)
    board.press("f8", "ctrl+a", "ctrl+r", "l", "m", "enter", "1", "f10")
    board.until("已改派", "李梅")
    changed = [one for one, owner in owners(home).items() if owner != before[one]]
    assert len(changed) >= 5
    board.press("ctrl+z")
    board.until("Ctrl+Y", lambda _: owners(home) == before)


@pytest.mark.parametrize("day", ["周五", "3"])
def test_a_contact_is_postponed_in_three_keys(at_board, home, day):
    board = at_board()
    before = rows(home, "SELECT count(*) FROM contact_plan WHERE retracted_at IS NULL")[0][0]
    board.press("f8", "ctrl+n", day, "enter")
    board.until(
        lambda _: (
            rows(home, "SELECT count(*) FROM contact_plan WHERE retracted_at IS NULL")[0][0] == before + 1
        )
    )
    board.press("ctrl+z")
    board.until("Ctrl+Y")
