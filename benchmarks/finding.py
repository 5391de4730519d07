"""Finding as one types: the query beside the bare index, and the key beside the eye."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from benchmarks.data import Data, open_desk
from benchmarks.measuring import Result, in_turn, percentile, timed
from benchmarks.screens import entered, first_card, open_list
from crm_tui import i18n
from crm_tui.desk import Desk
from crm_tui.queries.customers import customers_page
from crm_tui.queries.finding import CANDIDATES
from crm_tui.store.search import match_expression
from crm_tui.store.view import View

PAGE = 50
_TYPED = ("王", "陈静", "wj", "lxm", "1380", "8613", "张伟", "zh", "6543", "li")


def finding(data: Data, times: int) -> Iterator[Result]:
    """Each text in turn, by the list's own question and by SQL on the index alone."""
    desk = open_desk(data.many)
    with closing(sqlite3.connect(data.many.database)) as plain:
        ours, floor = [], []
        for typed in _TYPED:
            expression = match_expression(typed, desk.viewer.scope)
            assert expression is not None
            one, other = in_turn(times, _asked(desk, typed), _matched(plain, expression))
            ours, floor = [*ours, *one], [*floor, *other]
        p95 = percentile(ours, 95), percentile(floor, 95)
    yield Result("filter all customers, the query, p95", "the gram index, raw SQL", *p95, 2)
    yield from _on_screen(data, desk, times)
    desk.close()


def _asked(desk: Desk, typed: str) -> Callable[[], float]:
    return lambda: timed(lambda: desk.answer(customers_page, typed=typed, limit=PAGE))


def _matched(plain: sqlite3.Connection, expression: str) -> Callable[[], float]:
    """Return the floor: how many match as far as the list counts, and the first fifty of them as rows."""

    def match() -> tuple[Sequence[object], Sequence[object]]:
        count = plain.execute(
            "SELECT count(*) FROM (SELECT 1 FROM customer_gram WHERE customer_gram MATCH ? LIMIT ?)",
            (expression, CANDIDATES + 1),
        )
        rows = plain.execute(
            "SELECT c.* FROM (SELECT rowid FROM customer_gram WHERE customer_gram MATCH ? LIMIT ?) AS f"
            " JOIN search_entry AS e ON e.no = f.rowid JOIN customer AS c ON c.id = e.customer_id",
            (expression, PAGE),
        )
        return count.fetchall(), rows.fetchall()

    return lambda: timed(match)


def _on_screen(data: Data, desk: Desk, times: int) -> Iterator[Result]:
    """Type a text, wait for its hits and first row, take it back; the last letter is timed."""
    waits: list[float] = []
    with entered(data.many, first_card(data.many)) as (terminal, _):
        open_list(terminal)
        for _ in range(max(1, times // 3)):
            for typed in _TYPED:
                before = desk.answer(_shown, typed[:-1]) if len(typed) > 1 else ()
                fresh = [words for words in desk.answer(_shown, typed) if words not in before]
                if len(typed) > 1:
                    terminal.timed_until(typed[:-1])
                    terminal.settle(0.3)
                if fresh:  # else the last letter changes nothing that one could wait for
                    waits.append(terminal.timed_until(typed[-1], *fresh))
                terminal.send("\x7f" * len(typed))
                terminal.settle(0.4)
    yield Result("filter all customers, to the screen, p95", "-", percentile(waits, 95), None, 20)


def _shown(view: View, typed: str) -> tuple[str, ...]:
    """Return what tells an answer from another: the number of hits and how the first name begins."""
    page = customers_page(view, typed=typed, limit=1)
    hits = i18n.t("customers.hits" if page.exact else "customers.more_hits", count=page.count).strip()
    return (hits, *(line.name[:2] for line in page.lines))
