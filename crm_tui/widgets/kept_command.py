"""A command that was not applied, as its person may read it, correct it or keep it as a note."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from crm_tui.commands import by_kind
from crm_tui.domain.overdue import LEVELS
from crm_tui.i18n import t
from crm_tui.queries.outbox import DRAFT
from crm_tui.widgets.codes import code_words
from crm_tui.widgets.command_form import Answers, answers_of, built, filled, specs_of
from crm_tui.widgets.field_row import FieldSpec, Value
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.refusal import refusal

if TYPE_CHECKING:
    from crm_tui.commands import Command
    from crm_tui.queries.outbox import CommandLine

_BREAK: Final = re.compile(r"[\s,;，；、]+")
_WHAT_IS_MEANT: Final = re.compile(r"(.*_ids?|kind|expected.*|version)\Z")

At = Callable[[datetime], str]
"""How an instant is told: on the wall clock of whoever reads it."""

_DATA: Final = ("create_", "edit_", "add_", "rename_", "amend_")
"""How the commands begin whose fields somebody typed; the others are decisions, to be made again."""


@dataclass(frozen=True)
class Kept:
    """What a form takes over from the refused command ``cmd_id``: its fields, or one text made of them."""

    cmd_id: str
    given: Mapping[str, Any]
    text: str = ""


def result_words(line: CommandLine) -> str:
    """Return what became of a command, and why."""
    why = refusal(line.code, line.details) if line.code else ""
    if line.state == "pending":
        if not why:
            return t("sync.state.pending")
        model = by_kind().get(line.kind)
        is_fact = model is not None and model.fact  # the hub refuses none
        return t("sync.to_look_at" if is_fact else "sync.doubtful", why=why)
    said = t(f"sync.state.{line.state}")
    return t("sync.result", state=said, why=why) if why else said


def typed_lines(line: CommandLine, at: At) -> list[str]:
    """Return every field that a person filled, with its label and in words; an id is read by its name."""
    return [
        f"{spec.label}: {_in_words(line, spec, value, at)}"
        for spec, value in _fields(line)
        if value not in ("", ())
    ]


def kept_text(line: CommandLine, at: At) -> str:
    """Return a command as one text, for a note."""
    what = t(f"command.{line.kind}")
    return t("sync.kept_text", what=what, text="; ".join(typed_lines(line, at))).strip()


def correction(line: CommandLine) -> tuple[list[FieldSpec], dict[str, Value]]:
    """Return the fields that can be typed again, and what was in them; none where it was a choice."""
    if not line.kind.startswith(_DATA):
        return [], {}
    fields = [(spec, value) for spec, value in _fields(line) if _can_be_typed(line, spec)]
    values = {
        spec.key: value if spec.choices or isinstance(value, str) else " ".join(value)
        for spec, value in fields
    }
    return [spec for spec, _ in fields], values


def corrected(line: CommandLine, answers: Answers) -> Command:
    """Return the command with other answers; raises Refused as ``filled`` and ``built`` do."""
    model = by_kind()[line.kind]
    several = {key for key, value in line.args.items() if isinstance(value, (list, tuple))}
    typed: dict[str, Value] = {
        key: tuple(filter(None, _BREAK.split(one))) if key in several and isinstance(one, str) else one
        for key, one in answers.items()
    }
    fixed = dict(line.args)
    fixed.pop("expected", None)  # the refusal has told what is there now
    command: Command = built(model, filled(model, typed, fixed))
    return command


def _fields(line: CommandLine) -> list[tuple[FieldSpec, Value]]:
    model = by_kind().get(line.kind)
    if model is None:
        return []
    given = {
        key: value for key, value in line.args.items() if key in line.words or not _WHAT_IS_MEANT.match(key)
    }
    values = answers_of(model, given)
    hidden = set(model.model_fields) - set(given)
    return [(spec, values.get(spec.key, "")) for spec in specs_of(model, hidden=hidden, choices=_choices())]


def _choices() -> dict[str, list[Choice]]:
    """Return what the forms offer for fields that take any word."""
    return {"level": [Choice(one, one) for one in LEVELS]}


def _in_words(line: CommandLine, spec: FieldSpec, value: Value, at: At) -> str:
    """Return a value as a person reads it: words for codes, the time on the wall, how many rows."""
    if spec.key in line.words:
        return line.words[spec.key]
    if not _can_be_typed(line, spec):
        return str(len(value))
    if spec.key.endswith("_at") and isinstance(value, str) and line.state != DRAFT:
        return at(datetime.fromisoformat(value))
    labels = {choice.value: choice.label for choice in spec.choices}
    words = [value] if isinstance(value, str) else list(value)
    return t("work.list_joint").join(labels.get(word) or code_words(spec.key, word) for word in words)


def _can_be_typed(line: CommandLine, spec: FieldSpec) -> bool:
    value = line.args[spec.key]
    return (
        not isinstance(value, dict)
        and spec.key not in line.words
        and not (isinstance(value, (list, tuple)) and any(isinstance(one, (dict, list)) for one in value))
    )
