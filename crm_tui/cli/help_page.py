"""The help of a verb in the person's language: its texts are catalog keys, Typer's own words are replaced."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import typer
from typer.core import TyperGroup

from crm_tui.i18n import knows, t

_HEADINGS: Final = {
    "Arguments": "cli.help_page.arguments",
    "Options": "cli.help_page.options",
    "Commands": "cli.help_page.verbs",
}
_FORMS: Final = {
    "[OPTIONS]": "cli.help_page.form_options",
    "COMMAND [ARGS]...": "cli.help_page.form_verb",
}
_HELP: Final = "Show this message and exit."
_ABOUT: Final = re.compile(r"\[([^\[\]]*)\]\Z")
"""What Typer says behind an option: its default, its range, that it is needed."""


class SpokenGroup(TyperGroup):
    """A group of verbs whose help texts, and those below it, are written as catalog keys."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        _speak(self)


class _Page(typer.Context.formatter_class):  # type: ignore[misc, valid-type]
    """Writes a help page; the words that Typer brings are told apart by their English form."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write how the verb is called."""
        super().write_usage(prog, spoken_form(args), t("cli.help_page.usage") if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        """Write the heading of a list."""
        super().write_heading(t(_HEADINGS[heading]) if heading in _HEADINGS else heading)

    def write_dl(self, rows: Sequence[tuple[str, str]], *layout: Any, **more: Any) -> None:
        """Write a list of options, arguments or verbs."""
        super().write_dl([(name, _spoken_row(text)) for name, text in rows], *layout, **more)


class _Context(typer.Context):
    formatter_class = _Page


def _spoken_row(text: str) -> str:
    if text == _HELP:
        return t("cli.help_page.help")
    about = _ABOUT.search(text)
    if about is None:
        return text
    return f"{text[: about.start()]}[{'; '.join(_spoken_fact(one) for one in about[1].split('; '))}]"


def _spoken_fact(said: str) -> str:
    if said.startswith("default: "):
        return t("cli.help_page.default", value=said.removeprefix("default: "))
    if said.startswith("env var: "):
        return t("cli.help_page.variable", name=said.removeprefix("env var: "))
    return t("cli.help_page.required") if said == "required" else said


def spoken_form(pieces: str) -> str:
    """Return how a verb is written, with Typer's own placeholders in the person's language."""
    for placeholder, key in _FORMS.items():
        pieces = pieces.replace(placeholder, t(key))
    return pieces


def _speak(command: Any) -> None:
    """Let a verb, and those below it, say their help in the language in use."""
    command.context_class = _Context
    command.help = _spoken(command.help)
    for parameter in command.params:
        if hasattr(parameter, "help"):
            parameter.help = _spoken(parameter.help)
    for below in getattr(command, "commands", {}).values():
        _speak(below)


def _spoken(text: str | None) -> str | None:
    return t(text) if text and knows(text) else text
