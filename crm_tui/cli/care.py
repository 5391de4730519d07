"""Verbs that care for the terminal: found, try out, look after, copy, bring back, keys."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from crm_tui.cli.options import AsJson
from crm_tui.cli.terminal import (
    USAGE,
    Terminal,
    ask_pin,
    fail,
    must_apply,
    refusing,
    running_clock,
    say_json,
)
from crm_tui.i18n import t
from crm_tui.settings import Home, find_home


def add_verbs(program: typer.Typer) -> None:
    """Add the verbs that care for the terminal."""
    program.command(help="cli.verb.init")(init)
    program.command(help="cli.verb.demo")(demo)
    program.command("doctor", help="cli.verb.doctor")(examine)
    program.command("backup", help="cli.verb.backup")(back_up)
    program.command("restore", help="cli.verb.restore")(bring_back)
    program.command("rescue", help="cli.verb.rescue")(rescue)
    program.command(help="cli.verb.keys")(keys)


def init(
    context: typer.Context,
    *,
    company: Annotated[str, typer.Option(help="cli.help.company")],
    admin: Annotated[str, typer.Option(help="cli.help.admin")],
    region: Annotated[str, typer.Option(help="cli.help.region")] = "",
    branch: Annotated[str, typer.Option(help="cli.help.branch_name")] = "",
    team: Annotated[str, typer.Option(help="cli.help.team_name")] = "",
    number: Annotated[str, typer.Option(help="cli.help.number")] = "1001",
    time_zone: Annotated[str, typer.Option("--zone", help="cli.help.zone")] = "Asia/Shanghai",
    as_json: AsJson = False,
) -> None:
    """Found the organisation on this terminal, with its first administrator and the default stages."""
    from crm_tui.commands.people import FoundOrganisation
    from crm_tui.template import template_pipeline, template_stages

    terminal: Terminal = context.obj
    pin = ask_pin(admin)  # before there is a file: without a PIN nothing is founded
    with terminal.desk() as desk:
        founding = FoundOrganisation(
            company=company,
            region=region or company,
            branch=branch or company,
            team=team or company,
            time_zone=time_zone,
            administrator=admin,
            administrator_number=number,
            pipeline=template_pipeline(),
            stages=template_stages(),
        )
        (verdict,) = must_apply(desk.carry_out_as_system(founding))
        desk.door.choose_pin(verdict.details["person_id"], pin)
    if as_json:
        say_json(dict(verdict.details))
    typer.echo(t("cli.founded", company=company, number=number), err=True)


def demo(
    size: Annotated[str, typer.Option(help="cli.help.size")] = "small",
    clock: Annotated[str, typer.Option(help="cli.help.clock")] = "",
    home: Annotated[Path | None, typer.Option(help="cli.help.demo_home")] = None,
    practice: Annotated[bool, typer.Option("--practice", help="cli.help.practice")] = False,
) -> None:
    """Open the screen on made-up data, which is thrown away at the end unless a home is given."""
    from crm_tui.cli.screen import run_screen
    from crm_tui.demo import SIZES, open_demo
    from crm_tui.desk import wall_clock

    if size not in SIZES:
        fail(t("cli.size_unknown", size=size, known=", ".join(SIZES)), USAGE)
    at = running_clock(clock) if clock else wall_clock
    if practice:
        from crm_tui.cli.practice import practise

        practise(find_home().read(), at)
        return
    place = Home(home or Path(tempfile.mkdtemp(prefix="crm-tui-demo-")))
    try:
        with refusing():
            facts = open_demo(place, size, at)
        place.write(replace(place.read(), last_number=facts.number))
        run_screen(place, clock=at, demo=True, hint=t("cli.demo_hint", pin=facts.pin))
    finally:
        if home is None:
            shutil.rmtree(place.path, ignore_errors=True)


def examine(
    context: typer.Context,
    *,
    fix: Annotated[bool, typer.Option("--fix", help="cli.help.fix")] = False,
    keys: Annotated[bool, typer.Option("--keys", help="cli.help.try_keys")] = False,
    as_json: AsJson = False,
) -> None:
    """Look whether this terminal and its data are sound; ends with 1 where something is wrong."""
    terminal: Terminal = context.obj
    from crm_tui.cli import doctor

    findings = doctor.examine(terminal.home, fix=fix)
    if keys:
        findings += doctor.try_keys()
    if as_json:
        say_json([{"name": one.name, "value": one.value, "state": one.state} for one in findings])
    else:
        for one in findings:
            typer.echo(f"{t(f'cli.state.{one.state}')} {t(f'cli.doctor.{one.name}')}: {one.value}")
    if any(one.state == doctor.BAD for one in findings):
        raise typer.Exit(1)


def back_up(
    context: typer.Context, file: Annotated[Path | None, typer.Argument(help="cli.help.backup")] = None
) -> None:
    """Copy the data into a file that is checked; prints its path."""
    from crm_tui.desk import wall_clock
    from crm_tui.store.backup import backup

    terminal: Terminal = context.obj
    home = terminal.home
    if not home.database.exists():
        fail(t("cli.no_data", path=home.path), USAGE)
    stamp = (terminal.clock or wall_clock)().strftime("%Y%m%d-%H%M%S")
    with refusing():
        typer.echo(str(backup(home.database, file or home.backups / f"crm-{stamp}.db")))


def bring_back(
    context: typer.Context, file: Annotated[Path | None, typer.Argument(help="cli.help.restore")] = None
) -> None:
    """Put a backup, the newest unless one is named, in the place of the data; what was there is kept."""
    from crm_tui.store.backup import restore

    terminal: Terminal = context.obj
    home = terminal.home
    saved = file or max(home.backups.glob("*.db"), key=lambda one: one.stat().st_mtime, default=None)
    if saved is None:
        fail(t("cli.no_backup", path=home.backups), USAGE)
    with refusing():
        aside = restore(saved, home.database)
    typer.echo(t("cli.restored", path=saved), err=True)
    if aside is not None:
        typer.echo(t("cli.kept_aside", path=aside), err=True)
        _rescue(aside)


def rescue(
    context: typer.Context, file: Annotated[Path | None, typer.Argument(help="cli.help.rescue")] = None
) -> None:
    """Save the commands that a damaged file still holds, a line of JSON each; prints the new file's path."""
    terminal: Terminal = context.obj
    damaged = file or terminal.home.database
    if not damaged.is_file():
        fail(t("cli.no_data", path=damaged), USAGE)
    typer.echo(str(_rescue(damaged)))


def _rescue(damaged: Path) -> Path:
    """Write the outbox of a file beside it and say how many commands were read."""
    from crm_tui.store.rescue import export_outbox

    number = 1
    while (target := damaged.with_name(f"{damaged.name}.outbox-{number}.jsonl")).exists():
        number += 1
    try:
        count = export_outbox(damaged, target)
    except OSError as error:
        fail(t("cli.unwritable", path=target, why=error.strerror or ""), USAGE)
    typer.echo(t("cli.rescued", count=count, path=target), err=True)
    return target


def keys(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="cli.help.keys_check")] = False,
    show: Annotated[bool, typer.Option("--print", help="cli.help.keys_print")] = False,
) -> None:
    """Print what every key does on every screen, or look for keys that mean two things on one."""
    from crm_tui.cli.key_check import conflicts, jump_conflicts, key_lines

    if show or not check:
        terminal: Terminal = context.obj
        for line in key_lines(vim=terminal.home.read().vim):
            typer.echo(line)
    if check:
        found = [*conflicts(), *jump_conflicts()]
        for line in found:
            typer.echo(line, err=True)
        if found:
            raise typer.Exit(1)
