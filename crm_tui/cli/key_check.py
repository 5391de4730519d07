"""What the keys do on each screen, and keys that mean two things or never arrive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from textual.binding import Binding
from textual.screen import Screen

from crm_tui.i18n import knows, t
from crm_tui.screens import SCREENS, Place
from crm_tui.widgets.key_lines import vim_lines
from crm_tui.widgets.keys import VIM

NEVER = ("alt+", "ctrl+enter", "shift+enter", "ctrl+@", "ctrl+space", "ctrl+h", "ctrl+i", "ctrl+m", "f11")
"""What terminals or input methods keep for themselves (ux.md, 4), as beginnings of key names."""


def screen_classes() -> list[type[Screen[Any]]]:
    """Return the class of every screen."""
    return [screen for screen in (place.load() for place in SCREENS) if isinstance(screen, type)]


def key_lines(screens: Iterable[type[Screen[Any]]] | None = None, *, vim: bool = False) -> Iterator[str]:
    """Yield screen, key and what it does, separated by tabs; with ``vim`` the letters that move first."""
    if vim:
        for line in vim_lines():
            yield "\t".join(("*", *line.keys, f"{line.label}: {line.tip}"))
    for screen in screens if screens is not None else screen_classes():
        for binding in _own(screen):
            words = binding.tooltip or binding.description or binding.action
            yield "\t".join((screen.__name__, binding.key, t(words) if knows(words) else words))


def conflicts(screens: Iterable[type[Screen[Any]]] | None = None) -> list[str]:
    """Return a line for each key that means two things on one screen, or that never arrives."""
    found: list[str] = []
    for screen in screens if screens is not None else screen_classes():
        actions: dict[str, str] = {}
        for binding in _own(screen):
            other = actions.setdefault(binding.key, binding.action)
            if other != binding.action:
                found.append(
                    t("cli.key_twice", screen=screen.__name__, key=binding.key, one=other, two=binding.action)
                )
            if binding.key.startswith(NEVER):
                found.append(t("cli.key_never", screen=screen.__name__, key=binding.key))
            if binding.key in VIM and not getattr(screen, "READS_LETTERS", False):
                found.append(t("cli.key_vim", screen=screen.__name__, key=binding.key, one=binding.action))
    return found


def jump_conflicts(places: Iterable[Place] = SCREENS) -> list[str]:
    """Return a line for each digit or letter behind Ctrl+G that leads to two places."""
    taken: dict[str, str] = {}
    return [
        t("cli.letter_twice", key=key, one=taken[key], two=place.name)
        for place in places
        for key in (place.digit, place.letter)
        if key and taken.setdefault(key, place.name) != place.name
    ]


def _own(screen: type[Screen[Any]]) -> Iterator[Binding]:
    """Yield the bindings that our own classes give a screen; a subclass overrules its base."""
    seen: dict[str, type] = {}
    for owner in screen.__mro__:
        if owner.__module__.startswith("textual."):
            continue
        for binding in Binding.make_bindings(owner.__dict__.get("BINDINGS", ())):
            if seen.setdefault(binding.key, owner) is owner:
                yield binding
