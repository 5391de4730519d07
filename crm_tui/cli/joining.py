"""Verbs of a terminal about its hub: join one, sync with it, see what it refused."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from crm_tui.cli.hub_door import hub_refusing
from crm_tui.cli.options import AsJson
from crm_tui.cli.terminal import USAGE, Terminal, counting, exit_code, fail, refusing, say_json
from crm_tui.cli.whom import local
from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.widgets import figures
from crm_tui.widgets.refusal import refusal

if TYPE_CHECKING:
    from crm_tui.desk import Desk
    from crm_tui.desk.link import Link
    from crm_tui.sync.client import Report
    from crm_tui.sync.joining import Standing
    from crm_tui.sync.messages import JoinAnswer


def add_verbs(program: typer.Typer) -> None:
    """Add the verbs about the hub."""
    program.command(help="cli.verb.join")(join)
    program.command(help="cli.verb.sync")(sync)


def join(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="cli.help.hub_url")],
    *,
    code: Annotated[str, typer.Option("--code", help="cli.help.join_code")] = "",
    as_json: AsJson = False,
) -> None:
    """Make this empty terminal one of a hub's, and fetch what is its own."""
    from crm_tui.cli.hubs import reach
    from crm_tui.desk.joining import join_hub

    terminal: Terminal = context.obj
    url, _, told = url.partition("#")
    if not (code or told):
        fail(t("cli.join_code_needed", url=url), USAGE)
    with refusing(), hub_refusing():
        hub = reach(url, certificate=terminal.home.read().hub_certificate)
        try:
            joined = join_hub(terminal.home.database, hub, url, code or told)
        finally:
            hub.close()
    rows = _first_round(terminal, joined)
    if as_json:
        say_json({"organisation": joined.organisation, "unit": joined.unit, "rows": rows})
    typer.echo(t("cli.joined", organisation=joined.organisation, unit=joined.unit, rows=rows), err=True)


def _first_round(terminal: Terminal, joined: JoinAnswer) -> int:
    """Fetch what is the terminal's own, return how many rows came; it has joined whatever becomes of it."""
    from crm_tui.sync.messages import HubError

    try:
        with terminal.opened() as desk, counting() as say:
            return _link(desk).run(progress=say).pulled
    except (HubError, Refused) as no:
        why = refusal(no.code, no.details)
        words = t("cli.joined_broke_off", organisation=joined.organisation, unit=joined.unit, why=why)
        fail(words, exit_code(no.code))


def sync(
    context: typer.Context,
    *,
    moved_to: Annotated[str, typer.Option("--hub", metavar="URL", help="cli.help.sync_hub")] = "",
    status: Annotated[bool, typer.Option("--status", help="cli.help.sync_status")] = False,
    rejects: Annotated[bool, typer.Option("--rejects", help="cli.help.sync_rejects")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="cli.help.sync_verify")] = False,
    once: Annotated[bool, typer.Option("--once", help="cli.help.sync_once")] = False,
    as_json: AsJson = False,
) -> None:
    """Sync with the hub once, or until Ctrl+C, or say how this terminal stands with it.

    A hub that is reached elsewhere now is followed first; with that alone nothing more is done.
    """
    terminal: Terminal = context.obj
    if not terminal.home.database.exists():
        fail(t("cli.no_data", path=terminal.home.path), USAGE)
    if moved_to:
        _follow(terminal, moved_to)
    if status:
        _say_status(terminal, as_json=as_json)
    elif rejects:
        _say_rejects(terminal, as_json=as_json)
    elif once or verify:
        _round(terminal, digests=verify, as_json=as_json)
    elif not moved_to:
        _keep_on(terminal, as_json=as_json)


def _follow(terminal: Terminal, url: str) -> None:
    from crm_tui.cli.hubs import reach
    from crm_tui.desk.joining import follow_hub

    url = url.partition("#")[0]
    with refusing(), hub_refusing():
        hub = reach(url, certificate=terminal.home.read().hub_certificate)
        try:
            follow_hub(terminal.home.database, hub, url)
        finally:
            hub.close()
    typer.echo(t("cli.hub_followed", url=url), err=True)


def _link(desk: Desk) -> Link:
    """Return the link of a terminal that has a hub; raises Refused home_alone."""
    if desk.link is None:
        raise Refused("home_alone")
    return desk.link


def _keep_on(terminal: Terminal, *, as_json: bool) -> None:
    """Sync whenever there is something to sync, until the person has had enough."""
    said = ""

    def say_trouble(_changed: frozenset[str]) -> None:
        nonlocal said
        state = link.state()
        if state.trouble and state.trouble != said:
            typer.echo(refusal(state.trouble, state.details), err=True)
        said = state.trouble

    with contextlib.suppress(KeyboardInterrupt), terminal.desk() as desk:
        link = _link(desk)
        link.reporters.append(lambda report: _say_report(report, as_json=as_json))
        link.listeners.append(say_trouble)
        link.start()
        threading.Event().wait()


def _say_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        say_json({"sent": report.sent, "received": report.pulled, "mended": report.mended})
    typer.echo(t("cli.synced", sent=report.sent, received=report.pulled), err=True)


def _round(terminal: Terminal, *, digests: bool, as_json: bool) -> None:
    """Run one round, with the rows that have come on stderr while it lasts, and say what it brought."""
    with hub_refusing(), terminal.desk() as desk:
        link = _link(desk)
        with counting() as say:
            report = link.run(digests=digests, progress=say)
        _say_report(report, as_json=as_json)
        _warn(link.state().standing)


def _warn(found: Standing) -> None:
    """Say on stderr what somebody should look at: changes that were not taken, a clock that is off."""
    if found.refused:
        typer.echo(t("cli.sync_refused", count=found.refused), err=True)
    if found.minutes_off:
        key = "sync.clock.fast" if found.minutes_off > 0 else "sync.clock.slow"
        typer.echo(t(key, minutes=abs(found.minutes_off)), err=True)


def _say_status(terminal: Terminal, *, as_json: bool) -> None:
    from crm_tui.sync.joining import wall_zone

    with terminal.desk() as desk:
        found = _link(desk).state().standing
        zone, now = desk.answer_anyone(wall_zone), desk.now()
    told = {
        "hub": found.url,
        "waiting": found.waiting,
        "refused": found.refused,
        "last_met": found.last_met,
        "skew_seconds": round(found.skew.total_seconds()),
    }
    if as_json:
        say_json(local(told, ZoneInfo(zone)))
        return
    told["last_met"] = figures.moment(found.last_met, now, zone) if found.last_met else figures.NONE
    for name, value in told.items():
        typer.echo(f"{t(f'cli.sync_status.{name}')}: {value}")
    _warn(found)


def _say_rejects(terminal: Terminal, *, as_json: bool) -> None:
    from crm_tui.queries.outbox import answered_commands

    with terminal.logged_in() as desk:
        found = desk.answer(answered_commands)
        zone, now = desk.viewer.zone, desk.now()
    if as_json:
        say_json([local(one.plain(), ZoneInfo(zone)) for one in found])
        return
    for one in found:
        why = refusal(one.code, one.details) if one.code else t(f"sync.state.{one.state}")
        typer.echo(f"{figures.moment(one.at, now, zone)}  {t(f'command.{one.kind}')}  {why}")
