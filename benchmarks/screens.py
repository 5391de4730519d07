"""Start, board, keys, filter and memory: what a person waits for, in a real terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.data import Data, open_desk
from benchmarks.floors import READY
from benchmarks.measuring import Result, in_turn, median, percentile
from benchmarks.terminal import Terminal, bare_start, first_paint
from crm_tui import i18n
from crm_tui.demo import PIN
from crm_tui.queries.board import board, board_cards
from crm_tui.settings import Home

DOWN = "\x1b[B"
_LIST_KEY = "\x1bOQ"


def start(data: Data, times: int) -> Iterator[Result]:
    """From the command to the log-in screen; the first round warms the disk and does not count."""
    i18n.use("zh_CN")
    words = (i18n.t("login.number"), i18n.t("login.pin"))
    ours, floor = in_turn(
        times + 1, lambda: first_paint(lambda: Terminal.program(data.board.path), *words), bare_start
    )
    yield Result("start to the log-in screen", "bare Textual app", median(ours[1:]), median(floor[1:]), 1.3)


def usable_board(data: Data, times: int) -> Iterator[Result]:
    """From Enter behind the PIN to the first cards on the board."""
    cards = {home.path: first_card(home) for home in (data.board, data.many)}

    def entering(home: Home) -> float:
        with entered(home, cards[home.path]) as (_, milliseconds):
            return milliseconds

    few, many, floor = in_turn(times, lambda: entering(data.board), lambda: entering(data.many), bare_start)
    yield Result("log-in to a usable board", "bare Textual app's start", median(few), median(floor), 1.8)
    yield Result("the same with 10x the deals", "the board above", median(many), median(few), 1.1)


def keys(data: Data, times: int) -> Iterator[Result]:
    """Down on the board and on the list of all customers, beside Down in the bare list."""
    bare = Terminal.bare()
    bare.until(READY)
    bare.key(DOWN)
    with (
        entered(data.board, first_card(data.board)) as (few, _),
        entered(data.many, first_card(data.many)) as (many, _),
        entered(data.many, first_card(data.many)) as (rows, _),
    ):
        open_list(rows)
        rows.send("\t")  # into the list: a cursor that blinks in the line would be taken for a repaint
        walks = [_walk(bare, 19), _walk(few, 20), _walk(many, 20), _walk(rows, 60)]
        for terminal in (few, many, rows):
            terminal.settle(0.5)
        floor, on_few, on_many, on_rows = in_turn(times, *(walk.__next__ for walk in walks))
    bare.close()
    p95 = percentile(floor, 95)
    yield Result("a key on the board, p95", "bare list of 20 rows", percentile(on_few, 95), p95, 1.0)
    yield Result(
        "the same with 10x the deals, p95", "bare list of 20 rows", percentile(on_many, 95), p95, 1.0
    )
    yield Result("a key on all customers, p95", "bare list of 20 rows", percentile(on_rows, 95), p95, 1.0)
    yield Result("a key with 10x the deals, median", "the board above", median(on_many), median(on_few), 1.1)


def memory(data: Data) -> Iterator[Result]:
    """Resident memory at the board of the largest data."""
    bare = Terminal.bare()
    bare.until(READY)
    bare.settle(0.5)
    with entered(data.many, first_card(data.many)) as (terminal, _):
        terminal.settle(0.5)
        yield Result("resident at the board", "bare Textual app", terminal.resident, bare.resident, 2.0, "MB")
    bare.close()


@contextmanager
def entered(home: Home, card: str) -> Iterator[tuple[Terminal, float]]:
    """Log the director in; yield the terminal at the board and the milliseconds since Enter."""
    i18n.use("zh_CN")
    terminal = Terminal.program(home.path)
    try:
        terminal.until(i18n.t("login.pin"))
        terminal.settle(0.3)
        terminal.send(PIN)
        terminal.settle(1.0)  # as a person types: the rest of the program is imported behind the door
        yield terminal, terminal.timed_until("\r", card)
    finally:
        terminal.close()


def open_list(terminal: Terminal) -> None:
    """Go from the board to the list of all customers, the cursor in the line to type into."""
    terminal.settle(0.5)
    terminal.send(_LIST_KEY)
    terminal.until(i18n.t("customers.column.owner"))
    terminal.settle(0.5)


def _walk(terminal: Terminal, most: int) -> Iterator[float]:
    """Yield the milliseconds of one key after the other: down, and back up where the end is near."""
    up = "\x1b[A"
    while True:
        for key in [DOWN] * (most - 1) + [up] * (most - 1):
            yield terminal.key(key)


def first_card(home: Home) -> str:
    """Return the beginning of the first card's name: what says that the board can be used."""
    desk = open_desk(home)
    try:
        answer = desk.answer(board)
        cards = desk.answer(board_cards, answer.pipeline_id, answer.columns[0].code, limit=1)
        return cards[0].customer_name[:2]
    finally:
        desk.close()
