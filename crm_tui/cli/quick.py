"""One line for a customer or a follow-up, or many of them from stdin."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crm_tui.cli.options import AsJson
from crm_tui.cli.terminal import USAGE, Terminal, exit_code, fail, say_json
from crm_tui.i18n import t
from crm_tui.widgets.refusal import refusal

if TYPE_CHECKING:
    from crm_tui.commands import Command, Verdict
    from crm_tui.commands.steps import Step
    from crm_tui.desk import Desk

STDIN = "-"
INCOMPLETE = "quick_incomplete"


def quick(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(help="cli.help.line")],
    as_json: AsJson = False,
) -> None:
    """Take one line in, whole or not at all; ``-`` reads lines from stdin and answers each with JSON."""
    terminal: Terminal = context.obj
    line = _line(words)
    with terminal.logged_in() as desk:
        if line == STDIN:
            worst = _many(desk, sys.stdin)
            raise typer.Exit(worst)
        result = take_in(desk, line)
        if as_json:
            say_json(result)
        if result["code"] != "applied":
            fail(refusal(result["code"], result["details"]), exit_code(result["code"]))
        typer.echo(t("cli.taken_in", deeds=", ".join(result["deeds"])), err=True)


def _line(words: Sequence[str]) -> str:
    """Return the words as one line; ends where one is a mistyped option or what a shell left of ``->``."""
    for word in words:
        if word.startswith("--"):
            fail(t("cli.line_option", word=word), USAGE)
        if word == STDIN and len(words) > 1:
            fail(t("cli.line_torn"), USAGE)
    return " ".join(words)


def take_in(desk: Desk, line: str) -> dict[str, Any]:
    """Carry out what a line says; return code (``applied`` or the refusal's), details and deeds."""
    from crm_tui.domain.quick_entry import parse_quick_entry
    from crm_tui.exchange.quick import plan_quick

    plan = desk.answer(plan_quick, parse_quick_entry(line, desk.now(), desk.viewer.zone))
    if plan.problems:
        first = plan.problems[0]
        return {"code": first.code, "details": dict(first.details), "deeds": []}
    if plan.missing or not plan.steps:
        return {"code": INCOMPLETE, "details": {"missing": list(plan.missing)}, "deeds": []}
    no = desk.rehearse(lambda act: _first_refused(act, plan.steps))
    if no is not None:
        return {"code": no.code, "details": dict(no.details), "deeds": []}
    made: dict[str, Any] = {}
    for verdict in desk.carry_out(*plan.steps):
        made |= {key: value for key, value in verdict.details.items() if key.endswith("_id")}
    return {"code": "applied", "details": made, "deeds": list(plan.deeds)}


def _first_refused(act: Callable[[Command], Verdict], steps: Sequence[Step]) -> Verdict | None:
    """Return the first refusal that the steps of a line would meet, None where all would be applied."""
    from crm_tui.commands.steps import command_of

    made: dict[str, Any] = {}
    for step in steps:
        command = command_of(step, made)
        verdict = act(command) if command is not None else None
        if verdict is not None and not verdict.applied:
            return verdict
        made |= verdict.details if verdict is not None else {}
    return None


def _many(desk: Desk, lines: Iterable[str]) -> int:
    """Take in line after line; return the exit code of the first that was refused, 0 where none was."""
    worst = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        result = take_in(desk, line.rstrip("\n"))
        say_json({"line": number, **result})
        if result["code"] != "applied":
            worst = worst or exit_code(result["code"]) or USAGE
    return worst
