"""The first run in a real terminal: set-up, practice, and back to one's own empty board."""

import sqlite3

import pytest

pytestmark = pytest.mark.e2e


def test_the_set_up_leads_through_the_practice_to_an_empty_board(start, tmp_path, restored):
    home = tmp_path / "fresh"
    shop = start(at=home)
    shop.until("第 1 步")
    shop.press("f10")
    shop.until("第 2 步", "单独使用")
    shop.press("f10")
    shop.until("第 3 步", "公司")
    shop.press("海棠", "enter", "enter", "静安店", "enter", "enter", "enter", "陈静", "enter", "enter")
    shop.press("2468", "enter", "2468", "f10")
    shop.until("第 4 步")
    shop.press("f10")
    shop.until("第 5 步")
    shop.press("f10")
    shop.until("练习 1/3", "李梅")
    shop.press("f2")
    shop.until("练习 1/3", "首字母")
    shop.press("escape")
    shop.until("按 F2", "[线索]")
    shop.press("escape")
    shop.until("陈静", lambda me: "李梅" not in me.text)
    shop.press("f7")
    shop.until("新建客户", "电话")
    shop.press("ctrl+c")
    shop.ended()
    restored(shop)
    with sqlite3.connect(home / "crm.db") as plain:
        (customers,) = plain.execute("SELECT count(*) FROM customer").fetchone()
        people = [name for (name,) in plain.execute("SELECT name FROM person")]
    plain.close()
    assert (customers, people) == (0, ["陈静"])


def test_a_terminal_that_measures_one_cell_gets_lines_and_loses_no_key(start, facts):
    shop = start()
    shop.until(lambda me: b"\x1b[6n" in me.written)
    shop.press("\x1b[2;2R", facts.number, "enter", facts.pin, "enter")
    shop.until("[线索]", "───", "│")
