"""Help: what the keys of the screen below do, then all keys of all places; typing searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input

from crm_tui.i18n import t
from crm_tui.screens import SCREENS
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import Words
from crm_tui.widgets.fields import TextField
from crm_tui.widgets.frame import CrmScreen, EscapeStep
from crm_tui.widgets.key_lines import (
    GROUPS,
    KeyLine,
    common_lines,
    key_name,
    lines_of,
    lines_of_class,
    vim_lines,
    with_letters,
)
from crm_tui.widgets.keys import twins
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.navigation import Lock, Quit
from crm_tui.widgets.rows import Column, ListSource, Row

Section = tuple[str, Sequence[KeyLine]]


class HelpScreen(CrmScreen):
    """What can be done on the screen ``about``; it is untouched below and comes back as it was."""

    AUTO_FOCUS = "#find"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "more", "help.more_key", tooltip="help.more_tip"),
        Binding("up", "move(-1)", show=False),
        Binding(f"down,{twins('enter')}", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("ctrl+l", "lock", "keys.lock", show=False),
        Binding("ctrl+c,ctrl+q", "quit", "keys.quit", show=False),
    ]

    def __init__(self, counter: Counter, about: Screen[Any]) -> None:
        super().__init__()
        self.counter = counter
        self._about = about
        self._all = False
        self._sections: list[Section] = []
        columns = (
            Column("keys", t("help.column_keys"), width=17),
            Column("label", t("help.column_label"), width=10, drop=1),
            Column("tip", t("help.column_tip"), width=20, flex=1),
        )
        self._list = VirtualList(columns, ListSource(), empty=t("help.nothing"), id="keys")
        self._list.can_focus = False

    def compose_body(self) -> ComposeResult:
        """The line to type into, the keys below."""
        with Horizontal(id="search"):
            yield Words(t("widget.picker_filter"))
            yield TextField(id="find")
            yield Words("", id="hits")
        yield self._list

    async def on_mount(self) -> None:
        """Begin with the keys of the screen below."""
        await self._show_sections()

    async def action_more(self) -> None:
        """Show all keys of all places, or those of the screen below again."""
        self._all = not self._all
        await self._show_sections()

    def action_move(self, by: int) -> None:
        """Move the cursor in the list."""
        self._list.action_move(by)

    def action_page(self, by: int) -> None:
        """Move the cursor by windows."""
        self._list.action_page(by)

    def action_lock(self) -> None:
        """Lock the screen."""
        self.post_message(Lock())

    def action_quit(self) -> None:
        """End the program."""
        self.post_message(Quit())

    def escape_steps(self) -> Sequence[EscapeStep]:
        """First clear what was typed."""
        return (self._clear,)

    @on(Input.Changed, "#find")
    async def _search(self) -> None:
        await self._show_rows()

    @on(Input.Submitted, "#find")
    def _next(self) -> None:
        self._list.action_move(1)

    def _clear(self) -> bool:
        find = self.query_one("#find", TextField)
        had = bool(find.value)
        find.value = ""
        return had

    async def _show_sections(self) -> None:
        name = self._about.title or ""
        self.title = t("help.title_all") if self._all else t("help.title", screen=name)
        self.set_hint(t("help.hint_all") if self._all else t("help.hint"))
        sections = _everywhere() if self._all else _here(self._about)
        if self.counter.settings.vim:
            letters = (t("help.group.vim"), vim_lines())
            sections = [*((name, [*map(with_letters, lines)]) for name, lines in sections), letters]
        self._sections = sections
        await self._show_rows()

    async def _show_rows(self) -> None:
        typed = self.query_one("#find", TextField).value
        rows: list[Row] = []
        hits = 0
        for title, lines in self._sections:
            found = [line for line in lines if line.matches(typed)]
            if not found:
                continue
            hits += len(found)
            rows.append(Row(f"-{title}", (f"- {title}", "", ""), "muted"))
            rows += [_row(title, line) for line in found]
        self.query_one("#hits", Words).say(t("help.hits", count=hits) if typed else "")
        await self._list.show(ListSource(rows))


def _row(title: str, line: KeyLine) -> Row:
    return Row(f"{title}/{line.action}/{line.label}", (line.key_words, line.label, line.tip or line.label))


def _here(about: Screen[Any]) -> list[Section]:
    """Return the keys of one screen: its own, its lists', those that work everywhere, the jumps."""
    lines = lines_of(about)
    sections: list[Section] = [
        (t(f"help.group.{group}"), [line for line in lines if line.group == group]) for group in GROUPS
    ]
    return [*sections, (t("help.group.jump"), _jumps())]


def _everywhere() -> list[Section]:
    """Return the keys of every place."""
    own = [(t(f"place.{one.name}"), lines_of_class(one.load())) for one in SCREENS]  # type: ignore[arg-type]  # Place.load gives the class
    return [(t("help.group.common"), common_lines()), (t("help.group.jump"), _jumps()), *own]


def _jumps() -> list[KeyLine]:
    return [
        KeyLine(
            "common",
            (one.digit or one.letter,),
            t(f"place.{one.name}"),
            _jump_tip(one.digit, one.letter),
            one.name,
        )
        for one in SCREENS
        if one.digit or one.letter
    ]


def _jump_tip(digit: str, letter: str) -> str:
    keys = [f"{key_name('ctrl+g')} {key}" for key in (digit, letter) if key]
    return t("help.jump_tip", keys=", ".join(keys))
