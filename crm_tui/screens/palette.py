"""The palette: everything the screen below can do, every place, themes and languages, found by typing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Input

from crm_tui.i18n import LANGUAGES, t
from crm_tui.screens import SCREENS
from crm_tui.settings import Settings
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import Words
from crm_tui.widgets.fields import TextField
from crm_tui.widgets.frame import CrmModal
from crm_tui.widgets.key_lines import KeyLine, Searchable, key_name, lines_of
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.navigation import Go, SettingsChosen
from crm_tui.widgets.rows import Column, ListSource, Row
from crm_tui.widgets.themes import THEMES

_NOT_OFFERED = {"palette", "move", "page", "edge", "extend"}
"""What only makes sense as a key."""


@dataclass(frozen=True)
class Deed:
    """One line of the palette: its words, its keys, what else finds it, and what it does."""

    label: str
    keys: str
    search: Searchable
    run: Callable[[], object]


class PaletteScreen(CrmModal[None]):
    """Choose by name what to do on the screen ``about``; Enter does it there."""

    AUTO_FOCUS = "TextField"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
    ]

    def __init__(self, counter: Counter, about: Screen[Any]) -> None:
        super().__init__()
        self.counter = counter
        self._about = about
        self._deeds: list[Deed] = []
        self._found: list[Deed] = []
        columns = (Column("label", "", width=10, flex=1), Column("keys", "", width=16))
        self._list = VirtualList(columns, ListSource(), empty=t("widget.picker_none"))
        self._list.can_focus = False

    def compose(self) -> ComposeResult:
        """The line to type into, what it finds below."""
        with Vertical(classes="window"):
            yield Words(t("palette.title"))
            with Horizontal(classes="find"):
                yield Words(t("widget.picker_filter"))
                yield TextField()
            yield self._list
            yield Words(t("palette.hint"), classes="keys")

    async def on_mount(self) -> None:
        """Collect what can be done, now that the screen below stands still."""
        self._deeds = [*self._keys(), *self._places(), *self._looks()]
        await self._show("")

    def action_move(self, by: int) -> None:
        """Move the cursor in the list."""
        self._list.action_move(by)

    def action_page(self, by: int) -> None:
        """Move the cursor by windows."""
        self._list.action_page(by)

    @on(Input.Changed)
    async def _typed(self, message: Input.Changed) -> None:
        await self._show(message.value)

    @on(Input.Submitted)
    @on(VirtualList.Opened)
    def _do(self) -> None:
        """Close, then do it on the screen below."""
        if not self._found:
            return
        deed = self._found[self._list.cursor]
        self.dismiss(None)
        deed.run()

    async def _show(self, typed: str) -> None:
        self._found = [deed for deed in self._deeds if deed.search.matches(typed)]
        rows = [Row(str(place), (deed.label, deed.keys)) for place, deed in enumerate(self._found)]
        await self._list.show(ListSource(rows))

    def _keys(self) -> list[Deed]:
        deeds = []
        for line in lines_of(self._about):
            if line.action.split("(")[0] in _NOT_OFFERED or line.keys[0].isdigit():
                continue
            words = f"{line.label}: {line.tip}" if line.tip else line.label
            search = Searchable(f"{words} {line.key_words} {line.action}")
            deeds.append(Deed(words, line.key_words, search, self._runner(line)))
        return deeds

    def _runner(self, line: KeyLine) -> Callable[[], object]:
        node = line.node or self._about
        return lambda: self._about.call_later(self.app.run_action, line.action, node)

    def _places(self) -> list[Deed]:
        deeds = []
        for one in SCREENS:
            if not (one.digit or one.letter):
                continue
            label = t("palette.go", place=t(f"place.{one.name}"))
            keys = f"{key_name('ctrl+g')} {one.digit or one.letter}"
            deeds.append(Deed(label, keys, Searchable(f"{label} {one.name}"), self._goer(one.name)))
        return deeds

    def _goer(self, name: str) -> Callable[[], object]:
        return lambda: self._about.post_message(Go(name))

    def _looks(self) -> list[Deed]:
        """Return a line for each theme and each language."""
        wishes = [
            (t("palette.theme", theme=t(f"theme.{one.name}")), one.name, {"theme": one.name})
            for one in THEMES
        ]
        wishes += [
            (t("palette.language", language=t(f"language.{one}")), one, {"language": one})
            for one in LANGUAGES
        ]
        return [
            Deed(label, "", Searchable(f"{label} {name}"), self._chooser(wish))
            for label, name, wish in wishes
        ]

    def _chooser(self, wish: dict[str, str]) -> Callable[[], object]:
        def choose() -> None:
            home = self.counter.home
            settings: Settings = replace(home.read(), **wish)  # type: ignore[arg-type]  # names of Settings' fields
            home.write(settings)
            self._about.post_message(SettingsChosen())

        return choose
