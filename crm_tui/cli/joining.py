"""Verbs of a terminal about its hub: join one, sync with it, see what it refused."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from crm_tui.cli.options import AsJson
from crm_tui.cli.terminal import USAGE, Terminal, exit_code, fail, refusing, say_json
from crm_tui.i18n import t
from crm_tui.widgets.refusal import refusal

if TYPE_CHECKING:
    from crm_tui.sync.client import Report


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
    with refusing(), hub_refusing():
        hub = reach(url, certificate=terminal.home.read().hub_certificate)
        try:
            joined = join_hub(terminal.home.database, hub, url, code or told)
        finally:
            hub.close()
    report = _round(terminal, digests=False)
    if as_json:
        say_json({"organisation": joined.organisation, "unit": joined.unit, "rows": report.pulled})
    words = t("cli.joined", organisation=joined.organisation, unit=joined.unit, rows=report.pulled)
    typer.echo(words, err=True)


def sync(
    context: typer.Context,
    *,
    status: Annotated[bool, typer.Option("--status", help="cli.help.sync_status")] = False,
    rejects: Annotated[bool, typer.Option("--rejects", help="cli.help.sync_rejects")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="cli.help.sync_verify")] = False,
    once: Annotated[bool, typer.Option("--once", help="cli.help.sync_once")] = False,
    as_json: AsJson = False,
) -> None:
    """Sync with the hub once, or until Ctrl+C, or say how this terminal stands with it."""
    terminal: Terminal = context.obj
    if not terminal.home.database.exists():
        fail(t("cli.no_data", path=terminal.home.path), USAGE)
    if status:
        _say_status(terminal, as_json=as_json)
    elif rejects:
        _say_rejects(terminal, as_json=as_json)
    elif once or verify:
        _say_report(_round(terminal, digests=verify), as_json=as_json)
    else:
        _keep_on(terminal, as_json=as_json)


def _keep_on(terminal: Terminal, *, as_json: bool) -> None:
    """Sync whenever there is something to sync, until the person has had enough."""
    with contextlib.suppress(KeyboardInterrupt), terminal.desk() as desk:
        link = desk.link
        if link is None:
            fail(t("cli.no_hub"), USAGE)
        done = threading.Event()
        link.reporters.append(lambda report: _say_report(report, as_json=as_json))
        link.start()
        done.wait()


def _say_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        say_json({"sent": report.sent, "received": report.pulled, "mended": report.mended})
    typer.echo(t("cli.synced", sent=report.sent, received=report.pulled), err=True)


def _round(terminal: Terminal, *, digests: bool) -> Report:
    """Run one round, with the rows that have come on stderr while it lasts."""
    with hub_refusing(), terminal.desk() as desk:
        link = desk.link
        if link is None:
            fail(t("cli.no_hub"), USAGE)
        return link.run(digests=digests, progress=_progress)


def _progress(rows: int) -> None:
    """Say how many rows have come, where somebody looks."""
    if sys.stderr.isatty():
        sys.stderr.write("\r" + t("cli.fetched", rows=rows))
        sys.stderr.flush()


def _say_status(terminal: Terminal, *, as_json: bool) -> None:
    with terminal.desk() as desk:
        if desk.link is None:
            fail(t("cli.no_hub"), USAGE)
        found = desk.link.state().standing
    told = {
        "hub": found.url,
        "waiting": found.waiting,
        "refused": found.refused,
        "last_met": found.last_met,
        "skew_seconds": round(found.skew.total_seconds()),
    }
    if as_json:
        say_json(told)
        return
    for name, value in told.items():
        typer.echo(f"{t(f'cli.sync_status.{name}')}: {value if value is not None else '-'}")


def _say_rejects(terminal: Terminal, *, as_json: bool) -> None:
    from crm_tui.queries.outbox import answered_commands

    with terminal.logged_in() as desk:
        found = desk.answer(answered_commands)
    if as_json:
        say_json([one.plain() for one in found])
        return
    for one in found:
        why = refusal(one.code, one.details) if one.code else t(f"sync.state.{one.state}")
        typer.echo(f"{one.at:%Y-%m-%d %H:%M}  {t(f'command.{one.kind}')}  {why}")


@contextlib.contextmanager
def hub_refusing() -> Iterator[None]:
    """Turn what a hub says into a sentence on stderr and an exit code."""
    from crm_tui.sync.messages import HubError

    try:
        yield
    except HubError as no:
        fail(refusal(no.code, no.details), exit_code(no.code))
