"""What the keys of a screen do, in words: what help lists and the palette runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any, Final, Literal

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from crm_tui.domain.identity import initials
from crm_tui.i18n import knows, t
from crm_tui.widgets.frame import CrmScreen
from crm_tui.widgets.keys import TWINS, VIM, digit_of
from crm_tui.widgets.wayfinding import Wayfinding
from crm_tui.widgets.workplace import WorkScreen

Group = Literal["here", "list", "common"]
GROUPS: Final[tuple[Group, ...]] = ("here", "list", "common")
EVERYWHERE: Final = (Wayfinding, WorkScreen, CrmScreen)
"""The classes whose keys work on every screen."""

_HIDDEN: Final = {twin for twins in TWINS.values() for twin in twins}
_SIGNS: Final = {
    "question_mark": "?",
    "slash": "/",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "plus": "+",
    "minus": "-",
}


@dataclass(frozen=True)
class KeyLine:
    """One thing a key does: where it acts, its keys and words; ``action`` runs on ``node``."""

    group: Group
    keys: tuple[str, ...]
    label: str
    tip: str
    action: str
    node: DOMNode | None = field(default=None, compare=False)

    @property
    def key_words(self) -> str:
        """The keys as they are printed; a run of digits is one."""
        shown = [key for key in self.keys if key not in _HIDDEN]
        digits = sorted(key for key in shown if digit_of(key))
        words = [key_name(key) for key in shown if key not in digits]
        if digits:
            words.append(digits[0] if len(digits) == 1 else f"{digits[0]}-{digits[-1]}")
        return " ".join(words)

    def matches(self, typed: str) -> bool:
        """Tell whether every word typed is in the words, the keys, the action or the pinyin initials."""
        return Searchable(f"{self.key_words} {self.label} {self.tip} {self.action}").matches(typed)


class Searchable:
    """Words that are found by a part of them, or by the pinyin initials of the Chinese among them."""

    def __init__(self, words: str) -> None:
        self._words = words.casefold().replace("_", " ")

    @cached_property
    def _spelled(self) -> tuple[str, ...]:
        return tuple(one for word in self._words.split() for one in initials(word) if not word.isascii())

    def matches(self, typed: str) -> bool:
        """Tell whether each word typed is found."""
        return all(
            word in self._words or any(word in one for one in self._spelled)
            for word in typed.casefold().split()
        )


_Found = dict[tuple[Group, str], KeyLine]


def key_name(key: str) -> str:
    """Return a key the way it is printed: ``Ctrl+G``, ``F1``, ``?``, ``Enter``."""
    *modifiers, base = key.split("+")
    if base in _SIGNS:
        name = _SIGNS[base]
    elif knows(f"help.key.{base}"):
        name = t(f"help.key.{base}")
    else:
        name = base.capitalize() if len(base) > 1 or modifiers else base
    return "+".join((*(modifier.capitalize() for modifier in modifiers), name))


def lines_of(about: Screen[Any]) -> list[KeyLine]:
    """Return what the keys of a screen do now, its own first, without those that have no words."""
    own = {key for key, _ in _own(type(about))}
    found: _Found = {}
    raw = Screen.active_bindings.__get__(about)  # with catalog keys, not yet spoken
    for key, active in raw.items():
        group: Group = "list" if active.node is not about else "here" if key in own else "common"
        _add(found, group, key, active.binding, active.node)
    return sorted(found.values(), key=lambda line: GROUPS.index(line.group))


def lines_of_class(screen: type[Screen[Any]]) -> list[KeyLine]:
    """Return what a screen's own keys do, without building it."""
    found: _Found = {}
    for key, binding in _own(screen):
        _add(found, "here", key, binding)
    return list(found.values())


def with_letters(line: KeyLine) -> KeyLine:
    """Return the line with the letters that stand for its keys where ``vim`` is on."""
    letters = tuple(letter for letter, key in VIM.items() if key in line.keys and letter not in line.keys)
    return replace(line, keys=(*line.keys, *letters)) if letters else line


def vim_lines() -> list[KeyLine]:
    """Return what the letters stand for where ``vim`` is on."""
    return [
        KeyLine("common", (letter,), key_name(key), t(f"vim.tip.{letter}"), letter)
        for letter, key in VIM.items()
    ]


def common_lines() -> list[KeyLine]:
    """Return what the keys do that work everywhere."""
    found: _Found = {}
    for key, binding in chain.from_iterable(map(_declared, EVERYWHERE)):
        _add(found, "common", key, binding)
    return list(found.values())


def _add(found: _Found, group: Group, key: str, binding: Binding, node: DOMNode | None = None) -> None:
    """Note one key; keys with the same words in the same place are one line."""
    words = _words_key(binding)
    if not words:
        return
    tip = t(binding.tooltip) if binding.tooltip and knows(binding.tooltip) else ""
    known = found.get((group, words))
    if known is None:
        found[group, words] = KeyLine(group, (key,), t(words), tip, binding.action, node)
    elif key not in known.keys:
        found[group, words] = replace(known, keys=(*known.keys, key), tip=known.tip or tip)


def _words_key(binding: Binding) -> str:
    """Return the catalog key of what a binding does: its description, else the words of its action."""
    if binding.description and knows(binding.description):
        return binding.description
    by_action = f"help.act.{binding.action.split('(')[0].split('.')[-1]}"
    return by_action if knows(by_action) else ""


def _own(screen: type[Screen[Any]]) -> Iterable[tuple[str, Binding]]:
    """Return the keys that a screen declares beyond those of every screen."""
    for one in screen.__mro__:
        if one in EVERYWHERE:
            return
        yield from _declared(one)


def _declared(one: type) -> Iterable[tuple[str, Binding]]:
    """Return the keys a class itself declares."""
    for binding in one.__dict__.get("BINDINGS", ()):
        if isinstance(binding, Binding):
            yield from ((key.strip(), binding) for key in binding.key.split(","))
