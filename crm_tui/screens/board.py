"""The pipeline board: every open deal in its stage, moved by one key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.queries.board import (
    BoardAnswer,
    CardDetail,
    CardLine,
    board,
    board_cards,
    card_detail,
    card_place,
)
from crm_tui.queries.board import BoardColumn as Sums
from crm_tui.queries.pickers import people, pipelines
from crm_tui.widgets import figures
from crm_tui.widgets.board import VirtualBoard
from crm_tui.widgets.cards import BoardColumn, Card, CardLists
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.drawing import separator
from crm_tui.widgets.entries import entry_lines
from crm_tui.widgets.keys import twins
from crm_tui.widgets.moving import MovesDeals, MovingDeal, StageStep
from crm_tui.widgets.navigation import AtBottom, Go
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.rows import Anchor
from crm_tui.widgets.text import safe_text

_PIPELINE = "pipeline:"
"""How the filter tells a pipeline from a person."""


class BoardCards:
    """The deals of one pipeline as the board wants them: columns with sums, cards page by page."""

    def __init__(self, counter: Counter, ask: Callable[..., Awaitable[Any]]) -> None:
        self._counter = counter
        self._ask = ask
        self.pipeline_id: str | None = None
        self.owner: PickRow | None = None
        self.answer: BoardAnswer | None = None
        self.seen: dict[str, CardLine] = {}

    @property
    def owner_id(self) -> str | None:
        """Whose deals are shown; None: of everybody in the scope."""
        return self.owner.value if self.owner else None

    async def columns(self) -> Sequence[BoardColumn]:
        """Return the stages with count, sum and mean dwell of the deals that stand in them."""
        self.answer = await self._ask(board, self.pipeline_id, owner_id=self.owner_id)
        return [BoardColumn(one.code, one.name, _sums(one), one.count) for one in self.answer.columns]

    async def cards(self, column_id: str, offset: int, limit: int, near: Anchor | None) -> Sequence[Card]:
        """Return a page of a stage's cards, the most urgent first."""
        assert self.answer is not None, "columns come before cards"
        lines: Sequence[CardLine] = await self._ask(
            board_cards,
            self.answer.pipeline_id,
            column_id,
            offset=offset,
            limit=limit,
            owner_id=self.owner_id,
        )
        self.seen.update({line.deal_id: line for line in lines})
        return [self._card(line) for line in lines]

    async def place_of(self, card_id: str) -> tuple[str, int] | None:
        """Return the stage of a deal and how many cards stand before it."""
        here = self.answer.pipeline_id if self.answer else None
        place: tuple[str, int] | None = await self._ask(
            card_place, card_id, pipeline_id=here, owner_id=self.owner_id
        )
        return place

    def _card(self, line: CardLine) -> Card:
        desk = self._counter.desk
        mark, tone = figures.due_mark(line.due_at, desk.now(), desk.viewer.zone)
        what = line.line_name or line.product_name
        second = " ".join(part for part in (what, figures.amount_short(line.amount)) if part)
        return Card(line.deal_id, line.customer_name, mark, second, tone)


class BoardScreen(MovesDeals):
    """Columns of deals; Shift+Right and Shift+Left move the card under the cursor, or all selected ones."""

    SHOWS: ClassVar[frozenset[str]] = frozenset(
        {"deal", "customer", "stage", "pipeline", "person", "product_line", "product"}
    )
    AUTO_FOCUS = "#cards"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f4", "filter", "keys.filter", tooltip="board.filter_tip"),
        Binding("f7", "new", "keys.new", tooltip="board.new_tip"),
        Binding("n", "new", "keys.new", show=False),
        Binding(twins("slash"), "find", "keys.find", show=False, tooltip="search.board_tip"),
    ]

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        self._source = BoardCards(counter, self.ask)
        self._cards = VirtualBoard(CardLists([], {}), id="cards")

    def compose_body(self) -> ComposeResult:
        """The columns, and from 110 columns on what is known of the card under the cursor."""
        with Horizontal():
            yield self._cards
            yield Static("", classes="side-pane", id="detail", markup=False)

    async def redraw(self) -> None:
        """Read columns and cards again; the cursor stays on its card."""
        self.drawn = False  # a key that came now would meet no card under the cursor
        if self._cards.source is self._source:
            await self._cards.reload()
        else:
            await self._cards.show(self._source)
        self._show_title()
        await self._show_detail(self._cards.cursor_id)

    @property
    def customer_id(self) -> str | None:
        """The customer of the card under the cursor."""
        line = self._source.seen.get(self._cards.cursor_id)
        return line.customer_id or None if line else None

    @property
    def deal_id(self) -> str | None:
        """The deal of the card under the cursor."""
        return self._cards.cursor_id or None

    def chosen_deals(self) -> Sequence[MovingDeal]:
        """Return the selected cards, else the one under the cursor."""
        seen, ids = self._source.seen, self._cards.selection.ids or {self._cards.cursor_id}
        return [
            MovingDeal(one, seen[one].customer_name, seen[one].stage) for one in sorted(ids) if one in seen
        ]

    def stage_steps(self) -> Sequence[StageStep]:
        """Return the columns and, behind them, the lost stage."""
        answer = self._source.answer
        return [StageStep(one.code, one.name, one.kind) for one in answer.stages] if answer else ()

    def moved(self) -> None:
        """Select nothing any more."""
        self._cards.clear_selection()

    def escape_steps(self) -> Sequence[Callable[[], bool]]:
        """Esc clears the selection, then the filter."""
        return (self._cards.clear_selection, self._clear_filter)

    def leave(self) -> None:
        """Nothing lies below the board: the app knows what to do."""
        self.post_message(AtBottom())

    @on(VirtualBoard.CursorMoved)
    def _focused(self, message: VirtualBoard.CursorMoved) -> None:
        self._look(message.row_id)

    @on(VirtualBoard.Opened)
    def _opened(self) -> None:
        if self.customer_id:
            self.post_message(Go("profile", customer_id=self.customer_id))
        else:
            self.say(t("board.no_customer"), "warn")

    @on(VirtualBoard.SelectionChanged)
    def _selected(self, message: VirtualBoard.SelectionChanged) -> None:
        self.say_selected(t("board.selected", count=message.count) if message.count else "")

    def action_new(self) -> None:
        """Take in a new customer."""
        self.post_message(Go("customer_form"))

    @work(group="filter", exit_on_error=False)
    async def action_filter(self) -> None:
        """Show another pipeline, or the deals of one person or of everybody."""
        rows = [PickRow("", t("board.all")), *await self._other_pipelines()]
        rows += [
            PickRow(one.id, one.name, search=one.initials, note=f"{one.unit_name} {one.open_deals}")
            for one in await self.ask(people)
        ]
        picked = await self.app.push_screen_wait(Picker(t("board.pick_owner"), rows))
        if picked is not None and picked.startswith(_PIPELINE):
            self._source.pipeline_id = picked.removeprefix(_PIPELINE)
            self._cards.clear_selection()
            self._draw()
        elif picked is not None:
            self._source.owner = next((row for row in rows if row.value == picked and picked), None)
            self._draw()

    async def _other_pipelines(self) -> Sequence[PickRow]:
        """Return the pipelines that the board does not show now."""
        here = self._source.answer.pipeline_id if self._source.answer else ""
        found = await self.ask(pipelines)
        return [
            PickRow(f"{_PIPELINE}{one.id}", t("board.pipeline", name=one.name), search=one.name)
            for one in found
            if one.id != here
        ]

    @work(group="detail", exclusive=True, exit_on_error=False)
    async def _look(self, deal_id: str) -> None:
        await self._show_detail(deal_id)

    async def _show_detail(self, deal_id: str) -> None:
        """Show the card on the message line, and in the right pane where there is one."""
        try:
            detail = await self.ask(card_detail, deal_id) if deal_id else None
        except Refused:
            detail = None  # it left the board between the key and the answer
        now, zone = self.counter.desk.now(), self.counter.desk.viewer.zone
        self.set_hint(_one_line(detail, now, zone) if detail else t("board.empty_hint"))
        self.query_one("#detail", Static).update(_pane(detail, now, zone) if detail else "")

    def _show_title(self) -> None:
        answer = self._source.answer
        assert answer is not None
        self.title = t(
            "board.title",
            pipeline=answer.pipeline_name,
            whose=self._source.owner.label if self._source.owner else t("board.all"),
            count=answer.total_count,
            amount=figures.amount_short(answer.total_amount),
        )

    def _clear_filter(self) -> bool:
        if self._source.owner is None:
            return False
        self._source.owner = None
        self._draw()
        return True


def _one_line(detail: CardDetail, now: datetime, zone: str) -> str:
    """Return a card as the message line says it."""
    items = detail.gate.items
    parts = (
        detail.gate.customer_name,
        figures.phone(detail.phone),
        figures.day(detail.due_at, now, zone, due=True) if detail.due_at else "",
        t("board.next_step", step=detail.next_step) if detail.next_step else "",
        t("board.checklist", done=sum(item.done for item in items), all=len(items)) if items else "",
    )
    return separator().join(part for part in parts if part)


def _pane(detail: CardDetail, now: datetime, zone: str) -> Text:
    """Return a card as the right pane shows it."""
    here = detail.gate.deal
    lines = [
        f"{detail.gate.customer_name}  {detail.level}",
        f" {figures.phone(detail.phone)}",
        f" {here.product_name or here.line_name} {figures.amount(here.amount)}",
        f" {t('board.stands', stage=here.stage_name, days=here.dwell.days)}",
        f" {t('board.owner', name=detail.owner_name or figures.NONE)}",
        f" {t('board.due', day=figures.day(detail.due_at, now, zone, due=True))}",
        t("board.goal", goal=detail.gate.goal) if detail.gate.goal else "",
        *(f" [{'x' if item.done else ' '}] {_item(item.name, item.code)}" for item in detail.gate.items),
        "",
        t("board.last"),
    ]
    for entry in detail.entries:
        lines += [f" {line}" for line in entry_lines(entry, now, zone)]
    return Text("\n").join(safe_text(line) for line in lines)


def _sums(column: Sums) -> str:
    if not column.count:
        return "0"
    dwell = "" if column.dwell_days is None else t("figures.days", n=f"{column.dwell_days:.0f}")
    return f"{column.count} {figures.amount_short(column.amount)} {dwell}".rstrip()


def _item(name: str, code: str) -> str:
    return name or t(f"work.field.{code}")
