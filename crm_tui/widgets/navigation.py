"""How screens reach each other without knowing each other: they say where to go, the app goes there."""

from __future__ import annotations

from typing import Any

from textual.message import Message


class Go(Message):
    """Somebody wants another screen: ``place`` is its name in SCREENS, ``values`` go to its constructor."""

    def __init__(self, place: str, **values: Any) -> None:
        super().__init__()
        self.place = place
        self.values = values


class AtBottom(Message):
    """Somebody went back where nothing lies below."""


class Lock(Message):
    """Somebody wants the screen locked, or may not stay: ``why`` is the sentence."""

    def __init__(self, why: str = "") -> None:
        super().__init__()
        self.why = why


class Joined(Message):
    """This terminal has become one of a hub's."""


class Quit(Message):
    """Somebody wants to end the program."""


class Entered(Message):
    """Somebody has logged in."""


class Practise(Message):
    """Somebody wants to practise on made-up data; ``then`` is the place to come back to."""

    def __init__(self, then: str = "board") -> None:
        super().__init__()
        self.then = then


class SettingsChosen(Message):
    """Somebody chose another language, theme or border for this terminal."""


class Done(Message):
    """A form is finished: it closes, and the screen below says ``text``."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Trouble(Message):
    """Work behind a screen failed in a way nobody foresaw."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error
