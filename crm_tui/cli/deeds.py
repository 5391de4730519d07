"""Verbs that do: log, move, postpone, assign, quick entry, and any command by its name."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crm_tui.cli.options import AsJson, DryRun, Who
from crm_tui.cli.quick import quick
from crm_tui.cli.terminal import (
    MOST_DAYS,
    ROW_LIMIT,
    USAGE,
    Terminal,
    exit_code,
    fail,
    say_json,
    say_verdict,
)
from crm_tui.cli.whom import customer_of, deal_of, person_of
from crm_tui.i18n import t

if TYPE_CHECKING:
    from crm_tui.commands import Command, Verdict
    from crm_tui.desk import Desk


def add_verbs(program: typer.Typer) -> None:
    """Add the verbs that do."""
    program.command(help="cli.verb.log")(log)
    program.command(help="cli.verb.move")(move)
    program.command(help="cli.verb.postpone")(postpone)
    program.command(help="cli.verb.assign")(assign)
    as_words = {"ignore_unknown_options": True}  # "->next step" is no option
    program.command("q", help="cli.verb.q", context_settings=as_words)(quick)
    program.command(help="cli.verb.do")(do)


def log(
    context: typer.Context,
    *,
    who: Who,
    next_step: Annotated[str, typer.Option("--next", help="cli.help.next")],
    at: Annotated[str, typer.Option("--at", help="cli.help.at")],
    channel: Annotated[str, typer.Option(help="cli.help.channel")] = "phone",
    result: Annotated[str, typer.Option(help="cli.help.result")] = "reached",
    need: Annotated[str, typer.Option(help="cli.help.need")] = "none",
    objection: Annotated[list[str] | None, typer.Option(help="cli.help.objection")] = None,
    note: Annotated[str, typer.Option(help="cli.help.note")] = "",
    as_json: AsJson = False,
) -> None:
    """Log a follow-up."""
    from crm_tui.domain.moment import parse_moment

    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        _do(
            desk,
            "log_follow_up",
            {
                "customer_id": customer_of(desk, who),
                "channel": channel,
                "result": result,
                "need_change": need,
                "objections": objection or ["none"],
                "objection_note": note,
                "next_step": next_step,
                "next_at": parse_moment(at, desk.now(), desk.viewer.zone),
            },
            as_json=as_json,
        )


def move(
    context: typer.Context,
    *,
    who: Annotated[str, typer.Argument(help="cli.help.deal")],
    stage: Annotated[str, typer.Argument(help="cli.help.stage")],
    reason: Annotated[str, typer.Option(help="cli.help.reason")] = "",
    lost: Annotated[str, typer.Option(help="cli.help.lost")] = "",
    as_json: AsJson = False,
) -> None:
    """Move a deal to another stage."""
    from crm_tui.queries.pickers import stages

    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        deal = deal_of(desk, who)
        codes = [one.code for one in desk.answer(stages, deal.pipeline_id) if stage in {one.code, one.name}]
        _do(
            desk,
            "move_deal",
            {
                "deal_id": deal.id,
                "to_stage": codes[0] if codes else stage,
                "expected_stage": deal.stage,
                "reason": reason,
                "lost_reason": lost,
            },
            as_json=as_json,
        )


def postpone(
    context: typer.Context,
    *,
    who: Who,
    at: Annotated[str, typer.Argument(help="cli.help.at")],
    next_step: Annotated[str, typer.Option("--next", help="cli.help.next")] = "",
    reason: Annotated[str, typer.Option(help="cli.help.reason")] = "",
    as_json: AsJson = False,
) -> None:
    """Set another day for the next contact."""
    from crm_tui.domain.moment import parse_moment

    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        _do(
            desk,
            "postpone_contact",
            {
                "customer_id": customer_of(desk, who),
                "next_at": parse_moment(at, desk.now(), desk.viewer.zone),
                "next_step": next_step,
                "reason": reason,
            },
            as_json=as_json,
        )


def assign(
    context: typer.Context,
    *,
    to: Annotated[str, typer.Option("--to", help="cli.help.to")],
    reason: Annotated[str, typer.Option(help="cli.help.reason")] = "other",
    ids: Annotated[str, typer.Option("--ids", help="cli.help.ids")] = "",
    chosen: Annotated[str, typer.Option("--filter", help="cli.help.filter")] = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give customers to another person, as one step that can be taken back on the screen."""
    if bool(ids) == bool(chosen):
        fail(t("cli.ids_or_filter"), USAGE)
    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        given, to_owner = _chosen(desk, ids, chosen), person_of(desk, to)
        commands = _reassignments(desk, given, to_owner.id, reason)
        verdicts = (
            desk.rehearse(lambda act: tuple(act(command) for command in commands))
            if dry_run
            else desk.carry_out(*commands)
            if commands
            else ()
        )
    _say_assigned(verdicts, to_owner.name, dry_run=dry_run, as_json=as_json)


def do(
    context: typer.Context,
    *,
    command: Annotated[str, typer.Argument(help="cli.help.command")] = "",
    fields: Annotated[str, typer.Option("--json", help="cli.help.fields")] = "{}",
    known: Annotated[bool, typer.Option("--list", help="cli.help.list")] = False,
) -> None:
    """Carry out any command; prints what became of it as JSON."""
    if known:
        from crm_tui.commands import COMMANDS

        for one in COMMANDS:
            say_json({"command": one.kind, "right": one.right.value, "fields": one.model_json_schema()})
        return
    try:
        values = json.loads(sys.stdin.read() if fields == "-" else fields)
    except json.JSONDecodeError as error:
        fail(t("cli.json_unclear", why=error.msg), USAGE)
    if not command or not isinstance(values, dict):
        fail(t("cli.json_unclear", why=command or "-"), USAGE)
    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        _do(desk, command, values, as_json=True)


def _do(desk: Desk, kind: str, values: dict[str, Any], *, as_json: bool) -> None:
    """Carry one command out and say what became of it."""
    from crm_tui.commands import by_kind, open_command

    (verdict,) = desk.carry_out(open_command(by_kind(), kind, values))
    say_verdict(verdict, as_json=as_json)


def _chosen(desk: Desk, ids: str, chosen: str) -> tuple[str, ...]:
    """Return the customers meant by ``--ids a,b`` or ``--filter overdue>5,owner=6001,level=AB,tag=x``."""
    if ids:
        return tuple(one.strip() for one in ids.split(",") if one.strip())
    from datetime import timedelta

    from crm_tui.queries.customers import CustomerFilter, matching_ids
    from crm_tui.queries.todo import todo_page

    fields: dict[str, Any] = {}
    days: int | None = None
    for part in chosen.split(","):
        name, _, value = part.strip().replace(">", "=").partition("=")
        if name == "overdue" and (not value or (value.isdecimal() and int(value) <= MOST_DAYS)):
            days = int(value or 0)
        elif name == "owner":
            fields["owner_id"] = person_of(desk, value).id
        elif name in {"level", "source", "tag", "stage", "kind"} and value:
            fields[name] = value
        else:
            fail(t("cli.filter_unclear", part=part), USAGE)
    found = desk.answer(matching_ids, CustomerFilter(**fields, overdue_only=days is not None))
    if not days:
        return found
    late = desk.answer(todo_page, "overdue", least=timedelta(days=days), limit=len(found))
    longest = {line.customer.id for line in late.lines}
    return tuple(one for one in found if one in longest)


def _reassignments(desk: Desk, given: tuple[str, ...], to_owner_id: str, reason: str) -> list[Command]:
    from crm_tui.commands.ownership import ReassignCustomer
    from crm_tui.queries.customer_lines import customer_lines

    owners = {line.id: line.owner_id for line in desk.answer(customer_lines, given)}
    return [
        ReassignCustomer(
            customer_id=one, to_owner_id=to_owner_id, expected_owner_id=owners.get(one), reason=reason
        )
        for one in given
        if one not in owners or owners[one] != to_owner_id
    ]


def _say_assigned(verdicts: tuple[Verdict, ...], name: str, *, dry_run: bool, as_json: bool) -> None:
    applied = sum(verdict.applied for verdict in verdicts)
    refused = [verdict for verdict in verdicts if not verdict.applied]
    if as_json:
        codes = [verdict.code for verdict in refused][:ROW_LIMIT]
        say_json({"assigned": applied, "refused": len(refused), "codes": codes, "dry_run": dry_run})
    typer.echo(
        t("cli.would_assign" if dry_run else "cli.assigned", count=applied, name=name, refused=len(refused)),
        err=True,
    )
    if refused:
        from crm_tui.widgets.refusal import refusal

        fail(refusal(refused[0].code, refused[0].details), exit_code(refused[0].code))
