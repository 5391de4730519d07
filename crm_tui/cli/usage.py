"""What a line says that the command line cannot read, in the person's language."""

from __future__ import annotations

import re
from typing import Any, Final

from typer.exceptions import TyperException

from crm_tui.cli.help_page import spoken_form
from crm_tui.i18n import t

_WORDS: Final = (
    (r"Missing command\.", "cli.usage.no_verb"),
    (r"Missing \w+ (?P<what>.+?)\..*", "cli.usage.missing"),
    (r"No such option: (?P<what>.+?) \(Possible options: (?P<maybe>.+)\)", "cli.usage.option_like"),
    (r"No such option: (?P<what>.+)", "cli.usage.option"),
    (r"No such command (?P<what>'.*')\. Did you mean (?P<maybe>.+)\?", "cli.usage.verb_like"),
    (r"No such command (?P<what>'.*')\.", "cli.usage.verb"),
    (r"Got unexpected extra argument\(s\) \((?P<what>.*)\)", "cli.usage.extra"),
    (r"Option (?P<what>'.+') does not take a value\.", "cli.usage.no_value"),
    (r"Option (?P<what>'.+') requires .*", "cli.usage.value_missing"),
    (r"Invalid value for (?P<what>.+?): .* is not readable\.", "cli.usage.unreadable"),
    (r"Invalid value for (?P<what>.+?): .*valid (integer|number).*", "cli.usage.number"),
    (r"Invalid value for (?P<what>.+?): .*greater than or equal to (?P<least>\S+)", "cli.usage.least"),
    (r"Invalid value for (?P<what>.+?): .*less than or equal to (?P<most>\S+)", "cli.usage.most"),
    (r"Invalid value for (?P<what>.+?): .*", "cli.usage.value"),
)
"""How Typer says it, which has no other way to tell, and the catalog key."""


def usage_words(error: TyperException) -> str:
    """Return the lines for a usage error: what is wrong, how the verb is written, where more stands."""
    lines = [_sentence(error.format_message())]
    context: Any = getattr(error, "ctx", None)
    if context is not None:
        pieces = " ".join(context.command.collect_usage_pieces(context))
        form = f"{context.command_path} {spoken_form(pieces)}"
        lines.append(t("cli.usage.form", form=form, help=f"{context.command_path} --help"))
    return "\n".join(lines)


def _sentence(said: str) -> str:
    for form, key in _WORDS:
        found = re.fullmatch(form, said, re.DOTALL)
        if found:
            return t(key, **found.groupdict())
    return said
