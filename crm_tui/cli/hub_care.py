"""Verbs that look after a hub: save it, look whether it is sound, put it back, decide what it has kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from crm_tui.cli.hub_door import hub_refusing, opened_hub
from crm_tui.cli.options import AsJson
from crm_tui.cli.terminal import USAGE, Terminal, ask_pin, counting, fail, refusing, say_json
from crm_tui.cli.whom import local
from crm_tui.domain.errors import Refused
from crm_tui.i18n import t

if TYPE_CHECKING:
    from crm_tui.hub.authority import Authority
    from crm_tui.hub.recovery import Recovery
    from crm_tui.hub.review import Case

Database = Annotated[str, typer.Option("--db", envvar="CRM_TUI_HUB_DB", help="cli.help.hub_db")]


def add_care(group: typer.Typer) -> None:
    """Add the verbs to the group of the hub."""
    group.command(name="backup", help="hub_care.verb_backup")(back_up)
    group.command(name="verify", help="hub_care.verb_verify")(look)
    group.command(name="restore", help="hub_care.verb_restore")(bring_back)
    group.command(name="recover", help="hub_care.verb_recover")(recover)
    group.command(name="review", help="hub_care.verb_review")(review)


def back_up(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="hub_care.help_target")],
    *,
    database: Database,
) -> None:
    """Copy the hub while it runs into a file that is checked; prints its path."""
    from crm_tui.hub.backups import back_up as save

    with opened_hub(context, database) as hub:
        with counting() as say:
            saved = save(hub.books, database, file, say)
        typer.echo(str(saved))


def look(context: typer.Context, *, database: Database, as_json: AsJson = False) -> None:
    """Look whether the hub is what its log says; ends with 1 where something is wrong."""
    from crm_tui.hub.verify import BAD, digest, verify

    with opened_hub(context, database) as hub:
        found = verify(hub.books)
        prints = digest(hub.books)
    if as_json:
        say_json({"findings": [one.plain() for one in found], "digests": prints})
    else:
        for one in found:
            typer.echo(
                f"{t(f'hub_care.state_{one.state}')} {t(f'hub_care.look_{one.name}')}: "
                + t("hub_care.looked_at", count=one.looked_at, wrong=one.wrong)
                + "".join(f"\n  {place}" for place in one.where)
            )
    if any(one.state == BAD for one in found):
        raise typer.Exit(1)


def bring_back(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="hub_care.help_backup")],
    *,
    database: Database,
) -> None:
    """Put a backup in the hub's place; the terminals then bring again what it lacks."""
    from crm_tui.desk import wall_clock
    from crm_tui.hub.backups import put_back

    terminal: Terminal = context.obj
    with refusing(), hub_refusing(), counting() as say:
        aside = put_back(file, database, terminal.clock or wall_clock, say)
    typer.echo(t("hub_care.restored", path=file), err=True)
    if aside is not None:
        typer.echo(t("cli.kept_aside", path=aside), err=True)


def recover(
    context: typer.Context,
    *,
    database: Database,
    begin: Annotated[bool, typer.Option("--begin", help="hub_care.help_begin")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="hub_care.help_finish")] = False,
    as_json: AsJson = False,
) -> None:
    """Say how far a recovery is, begin one after the database was put back, or wait no longer."""
    from crm_tui.hub import recovery

    if begin and finish:
        fail(t("hub_care.begin_or_finish"), USAGE)
    with opened_hub(context, database) as hub:
        if begin:
            recovery.begin(hub.books)
        elif finish:
            count = recovery.finish(hub.books)
            typer.echo(t("hub_care.finished", count=count), err=True)
        found = recovery.state(hub.books)
    if as_json:
        say_json(found.plain())
    else:
        _say_recovery(found)


def _say_recovery(found: Recovery) -> None:
    if found.recovering:
        names = ", ".join(found.waits_for) or "-"
        typer.echo(t("hub_care.recovering", kept=found.kept, names=names))
    else:
        typer.echo(t("hub_care.normal"))
    for one in found.flips:
        words = {"command": _command(one.kind), "before": _state(one.before), "after": _state(one.after)}
        typer.echo(f"{one.cmd_id}  " + t("hub_care.flip", **words))


def review(
    context: typer.Context,
    command: Annotated[str, typer.Argument(help="hub_care.help_command")] = "",
    *,
    database: Database,
    accept: Annotated[bool, typer.Option("--accept", help="hub_care.help_accept")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="hub_care.help_discard")] = False,
    as_json: AsJson = False,
) -> None:
    """List what waits for a decision, or decide about one command."""
    from crm_tui.desk import new_id
    from crm_tui.hub import review as reviews
    from crm_tui.hub.books import wall_zone

    if (accept and discard) or bool(command) != (accept or discard):
        fail(t("hub_care.one_decision"), USAGE)
    with opened_hub(context, database) as hub:
        if command:
            decide = reviews.accept if accept else reviews.discard
            decide(hub.books, _who(context, hub), command, new_id)
            typer.echo(t("hub_care.decided"), err=True)
            return
        found, zone = reviews.cases(hub.books), wall_zone(hub.books)
    if as_json:
        say_json([local(one.plain(), zone) for one in found])
        return
    for one in found:
        typer.echo(_line(one, zone))


def _line(one: Case, zone: ZoneInfo) -> str:
    from crm_tui.widgets.refusal import refusal

    why = refusal(one.code, one.details)
    words = (
        one.cmd_id,
        f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}",
        one.author,
        _command(one.kind),
        _state(one.status),
        why,
    )
    return "  ".join(words)


def _command(kind: str) -> str:
    from crm_tui.commands import by_kind

    return t(f"command.{kind}") if kind in by_kind() else kind


def _state(state: str) -> str:
    return t(f"sync.state.{state}")


def _who(context: typer.Context, hub: Authority) -> str:
    """Return the id of the person of ``--as``, who proves it with the PIN."""
    from crm_tui.hub.review import prove, who_decides

    terminal: Terminal = context.obj
    try:
        person_id, name = who_decides(hub.books, terminal.as_person)
    except Refused:
        fail(t("cli.who", who=terminal.as_person or "-"), USAGE)
    prove(hub.books, person_id, ask_pin(name))
    return person_id
