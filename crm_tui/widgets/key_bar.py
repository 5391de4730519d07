"""The key bar: one line that names the keys of the moment, the way mc and the 5250 do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import ActiveBinding
from textual.screen import Screen
from textual.widget import Widget

from crm_tui.widgets.text import clean

_F_KEY = re.compile(r"f(\d{1,2})\Z")
_NEVER: Final = "f11"  # the terminal's own full screen
_IMPORTANCE: Final = ("f1", "f12", "f10", "f3", "f2", "ctrl+p", "f4", "f8", "f9", "f7", "f6", "f5")
_NAMES: Final = {"tab": "Tab", "enter": "Enter", "escape": "Esc", "space": "Space", "slash": "/"}


class BarItem(NamedTuple):
    """One key of the bar: the Textual key name, how the key is written, its label."""

    key: str
    shown: str
    label: str
    enabled: bool

    @property
    def cells(self) -> int:
        """Width in cells, without the gap to the next one."""
        return cell_len(self.shown) + cell_len(self.label)


def bar_items(bindings: Iterable[ActiveBinding], width: int) -> list[BarItem]:
    """Choose what fits in ``width`` cells, the most important first, and put F-keys in front in order."""
    items: dict[str, BarItem] = {}
    for active in bindings:
        binding = active.binding
        if binding.show and binding.description and binding.key != _NEVER:
            items.setdefault(
                binding.key,
                BarItem(binding.key, _shown(binding.key), clean(binding.description), active.enabled),
            )
    f_actions = {active.binding.action for active in bindings if _F_KEY.match(active.binding.key)}
    for active in bindings:
        if active.binding.action in f_actions and not _F_KEY.match(active.binding.key):
            items.pop(active.binding.key, None)
    chosen: list[BarItem] = []
    room = width
    for item in sorted(items.values(), key=_importance):
        need = item.cells + (1 if chosen else 0)
        if need <= room:
            chosen.append(item)
            room -= need
    return sorted(chosen, key=_place)


def _shown(key: str) -> str:
    if f_key := _F_KEY.match(key):
        return f_key[1]
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+").upper()
    return _NAMES.get(key, key)


def _importance(item: BarItem) -> int:
    return _IMPORTANCE.index(item.key) if item.key in _IMPORTANCE else len(_IMPORTANCE)


def _place(item: BarItem) -> tuple[int, int]:
    f_key = _F_KEY.match(item.key)
    return (0, int(f_key[1])) if f_key else (1, _importance(item))


class KeyBar(Widget):
    """The active bindings of the screen on one line; a click does what the key does."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--off"}
    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; width: 100%; background: $panel; color: $foreground; }
    KeyBar .key-bar--key { text-style: bold; color: $accent; background: $panel; }
    KeyBar .key-bar--off { color: $text-disabled; background: $panel; }
    """
    ALLOW_SELECT = False

    def on_mount(self) -> None:
        """Redraw when the keys of the screen change."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def render(self) -> Text:
        """Draw the keys; at most as wide as the bar."""
        text = Text(no_wrap=True, overflow="crop", end="")
        key_style = self.get_component_rich_style("key-bar--key", partial=True)
        off = self.get_component_rich_style("key-bar--off", partial=True)
        for item in self._items():
            if text:
                text.append(" ")
            text.append(item.shown, key_style)
            text.append(item.label, "" if item.enabled else off)
        return text

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        event.stop()
        left = 0
        for item in self._items():
            if left <= event.x < left + item.cells:
                self.app.simulate_key(item.key)
                return
            left += item.cells + 1

    def _items(self) -> list[BarItem]:
        return bar_items(list(self.screen.active_bindings.values()), self.size.width)

    def _changed(self, _screen: Screen[object]) -> None:
        self.refresh()
