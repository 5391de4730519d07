"""Verbs of the hub: make one, serve it, let terminals join."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crm_tui.cli.options import AsJson
from crm_tui.cli.terminal import USAGE, Terminal, fail, refusing, say_json
from crm_tui.i18n import t

DATABASE = "CRM_TUI_HUB_DB"
Database = Annotated[str, typer.Option("--db", envvar=DATABASE, help="cli.help.hub_db")]


def add_verbs(program: typer.Typer) -> None:
    """Add the group of verbs that care for the hub."""
    group = typer.Typer(help="cli.verb.hub", no_args_is_help=True, rich_markup_mode=None)
    group.command(help="cli.verb.hub_init")(init)
    group.command(help="cli.verb.hub_serve")(serve)
    group.command(help="cli.verb.hub_invite")(invite)
    group.command(help="cli.verb.hub_status")(status)
    program.add_typer(group, name="hub")


def init(
    context: typer.Context,
    *,
    database: Database,
    source: Annotated[Path | None, typer.Option("--from", help="cli.help.hub_from")] = None,
    url: Annotated[str, typer.Option("--url", help="cli.help.hub_url")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a hub of a terminal's data; the terminal becomes its first member."""
    from crm_tui.desk import wall_clock
    from crm_tui.hub.opening import make_hub

    terminal: Terminal = context.obj
    at = url or (database if database.startswith("file:") else "")
    if not at:
        fail(t("cli.hub_url_needed"), USAGE)
    source_home = terminal.home if source is None else type(terminal.home)(source)
    if not source_home.database.exists():
        fail(t("cli.no_data", path=source_home.path), USAGE)
    with refusing():
        made = make_hub(source_home.database, database, at, clock=terminal.clock or wall_clock)
    if as_json:
        say_json({"organisation": made.organisation, "rows": made.rows, "url": at})
    typer.echo(t("cli.hub_made", organisation=made.organisation, rows=made.rows), err=True)


def serve(
    context: typer.Context,
    *,
    database: Database,
    host: Annotated[str, typer.Option("--host", help="cli.help.hub_host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="cli.help.hub_port")] = 8765,
    prefix: Annotated[str, typer.Option("--prefix", help="cli.help.hub_prefix")] = "",
    certificate: Annotated[Path | None, typer.Option("--tls-cert", help="cli.help.tls_cert")] = None,
    key: Annotated[Path | None, typer.Option("--tls-key", help="cli.help.tls_key")] = None,
    proxy: Annotated[str, typer.Option("--proxy", help="cli.help.hub_proxy")] = "",
) -> None:
    """Serve the hub over HTTP until it is stopped."""
    from crm_tui.desk import new_id, wall_clock
    from crm_tui.hub.opening import open_hub

    try:
        import uvicorn

        from crm_tui.hub.server import Server
    except ModuleNotFoundError as error:
        fail(t("cli.extra_needed", extra="server", package=error.name or ""), USAGE)
    terminal: Terminal = context.obj
    with refusing():
        authority = open_hub(database, clock=terminal.clock or wall_clock, new_id=new_id)
    config = uvicorn.Config(
        Server(authority).application(prefix),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        date_header=False,
        proxy_headers=bool(proxy),
        forwarded_allow_ips=proxy or None,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    typer.echo(
        t("cli.hub_serving", url=f"{'https' if certificate else 'http'}://{host}:{port}{prefix}"), err=True
    )
    try:
        server.run()
    finally:
        authority.close()


def invite(
    context: typer.Context,
    unit: Annotated[str, typer.Argument(help="cli.help.hub_unit")],
    *,
    database: Database,
    name: Annotated[str, typer.Option("--name", help="cli.help.hub_device_name")] = "",
    url: Annotated[str, typer.Option("--url", help="cli.help.hub_url")] = "",
    as_json: AsJson = False,
) -> None:
    """Print a code with which one terminal may join at a unit, once and within a day."""
    from crm_tui.desk import new_id, wall_clock
    from crm_tui.hub.accounts import invite_terminal, unit_named
    from crm_tui.hub.opening import open_hub

    terminal: Terminal = context.obj
    with refusing():
        authority = open_hub(database, clock=terminal.clock or wall_clock, new_id=new_id)
        try:
            found = unit_named(authority.books, unit)
            invitation = invite_terminal(authority.books, found.id, name or found.name)
        finally:
            authority.close()
    if as_json:
        say_json({"code": invitation.code, "unit": found.name, "expires_at": invitation.expires_at})
        return
    at = url or (database if database.startswith("file:") else "URL")
    typer.echo(f"crm-tui join {at} --code {invitation.code}")
    if url:
        import segno

        segno.make(f"{at}#{invitation.code}", error="m").terminal(compact=True)
    typer.echo(t("cli.hub_invited", unit=found.name), err=True)


def status(context: typer.Context, *, database: Database, as_json: AsJson = False) -> None:
    """Say how the hub stands: its terminals, its log and what waits for a decision."""
    from crm_tui.desk import new_id, wall_clock
    from crm_tui.hub.opening import open_hub
    from crm_tui.hub.overview import overview

    terminal: Terminal = context.obj
    with refusing():
        authority = open_hub(database, clock=terminal.clock or wall_clock, new_id=new_id)
        try:
            found = overview(authority.books)
        finally:
            authority.close()
    if as_json:
        say_json(found.plain())
        return
    for name, value in found.plain().items():
        typer.echo(f"{t(f'cli.hub_status.{name}')}: {value}")
