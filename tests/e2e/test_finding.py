"""Finding and writing customers in a real terminal: scanner bursts, full width, one line, hostile names."""

import sqlite3

import pytest

pytestmark = pytest.mark.e2e

HOSTILE = (
    "[/]",
    "[@click=app.quit()]",
    "\x1b]0;owned\x07王\x1b[31m",
    "\U00020000\U00020001",
    "张\U0001f600",
    "abc\u202edef",
)


def rows(home, question, *values):
    with sqlite3.connect(home / "crm.db") as data:
        return data.execute(question, values).fetchall()


def own_phone(home, facts):
    """Name and mobile number of a customer of the clerk."""
    return rows(
        home,
        "SELECT c.name, p.normal FROM customer c JOIN contact_point p ON p.customer_id = c.id"
        " WHERE c.owner_id = ? AND c.archived_at IS NULL AND p.kind = 'phone' ORDER BY c.id LIMIT 1",
        facts.person_id,
    )[0]


def digits(normal):
    return normal.removeprefix("+86")


def test_a_scanned_number_opens_its_customer_and_four_digits_find_it(at_board, home, facts):
    name, phone = own_phone(home, facts)
    board = at_board()
    board.press(*digits(phone), "enter")
    board.until(name, "时间线", lambda me: "看板" not in me.lines[0] and "列表" not in me.lines[0])
    board.press("escape", "escape", "escape")
    board.until("移阶")
    board.press(digits(phone)[-4:])
    board.until(digits(phone)[-4:], name)
    board.press("enter")
    board.until(name, "时间线")


def test_an_unknown_number_offers_a_new_customer_and_makes_one_record(at_board, home):
    board = at_board()
    board.press(*"13912345678", "enter")
    board.until("新建客户", "13912345678")
    board.press("新来的", "f10")
    board.until(
        "新来的", lambda _: rows(home, "SELECT name FROM customer WHERE name = '新来的'") == [("新来的",)]
    )
    assert rows(home, "SELECT count(*) FROM contact_point WHERE normal LIKE '%13912345678'") == [(1,)]


def test_letters_filter_the_customers_by_pinyin_and_esc_takes_one_step_at_a_time(at_board):
    board = at_board()
    board.press("f2", "z", "h")
    shown = board.until("zh", lambda me: me.line_of("zh") == 2)
    everybody = shown
    board.until(lambda me: me.text == me.settle())
    names = [line[2:].split()[0] for line in board.lines[4:20] if line[2:].strip()]
    assert names
    board.press("tab", "space")
    board.until(lambda me: ">*" in me.text)
    board.press("escape")
    board.until(lambda me: ">*" not in me.text)
    assert "zh" in board.text
    board.press("escape")
    board.until(lambda me: "zh" not in me.lines[2])
    board.press("escape")
    board.until("移阶")
    assert everybody


def test_a_line_in_full_width_makes_the_same_record_as_in_half_width(at_board, home):
    board = at_board()
    board.press("f9")
    board.until("快录")
    board.press("１３８００１３８０００　张三　＃瓷砖　￥1.2万　！3天　电话：想看样品")
    board.until("12,000.00")
    board.press("enter")
    board.until(lambda _: bool(rows(home, "SELECT 1 FROM customer WHERE name = '张三'")))
    assert rows(home, "SELECT tags FROM customer WHERE name = '张三'") == [('["瓷砖"]',)]
    assert rows(home, "SELECT normal FROM contact_point WHERE normal LIKE '%13800138000'")


def test_a_short_number_in_the_line_is_refused_and_the_text_stays(at_board, home):
    board = at_board()
    before = rows(home, "SELECT count(*) FROM customer")
    board.press("f9", "1380013800 张三", "enter")
    board.until("1380013800 张三", "位")
    assert rows(home, "SELECT count(*) FROM customer") == before


def test_hostile_names_keep_columns_and_title_of_the_terminal(at_board, home, facts):
    chosen = rows(
        home,
        "SELECT id FROM customer WHERE owner_id = ? AND archived_at IS NULL AND due_at IS NOT NULL"
        " ORDER BY due_at LIMIT ?",
        facts.person_id,
        len(HOSTILE),
    )
    with sqlite3.connect(home / "crm.db") as data:
        data.executemany(
            "UPDATE customer SET name = ? WHERE id = ?",
            [(n, i) for n, (i,) in zip(HOSTILE, chosen, strict=True)],
        )
    board = at_board()
    board.settle()
    for key, title, ends in (("f8", "待办", "李梅"), ("f2", "客户", "李梅")):
        board.press(key)
        board.until(lambda me, title=title: me.lines[0].strip().startswith(title))
        board.until("[/]")
        columns = {x for line in board.lines[4:12] for x in [board_cell(line, ends)] if x >= 0}
        assert len(columns) == 1, board.text
    board.press("tab", "enter")
    board.settle()
    assert not any("owned" in title for title in board.picture.titles)
    assert "\x1b]0;owned" not in board.written.decode("utf-8", "replace")
    assert board.child.isalive()


def board_cell(line, words):
    """The cell at which words begin on a line, -1 where they do not stand."""
    from rich.cells import cell_len

    return cell_len(line.split(words)[0]) if words in line else -1
