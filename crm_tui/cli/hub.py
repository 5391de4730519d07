"""Verbs of the hub: make one, serve it, let terminals join, look after them."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from crm_tui.cli.hub_care import Database, add_care
from crm_tui.cli.hub_door import hub_refusing, opened_hub
from crm_tui.cli.hubs import check_url
from crm_tui.cli.options import AsJson, takes, wanted_shape
from crm_tui.cli.terminal import (
    USAGE,
    WIDEST,
    Listing,
    Shape,
    Terminal,
    counting,
    fail,
    refusing,
    say_json,
)
from crm_tui.cli.whom import local
from crm_tui.i18n import t

Spoken = Callable[[str], str]


def add_verbs(program: typer.Typer) -> None:
    """Add the group of verbs that care for the hub."""
    group = typer.Typer(help="cli.verb.hub", no_args_is_help=True, rich_markup_mode=None)
    group.command(help="cli.verb.hub_init")(init)
    group.command(help="cli.verb.hub_serve")(serve)
    group.command(help="cli.verb.hub_invite")(invite)
    group.command(help="cli.verb.hub_status")(status)
    group.command(help="cli.verb.hub_devices")(devices)
    group.command(help="cli.verb.hub_seats")(seats)
    add_care(group)
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
    from crm_tui.hub.books import check_database
    from crm_tui.hub.opening import make_hub

    terminal: Terminal = context.obj
    with refusing():
        check_database(database)
    at = url or (database if database.startswith("file:") else "")
    if not at:
        fail(t("cli.hub_url_needed"), USAGE)
    source_home = terminal.home if source is None else type(terminal.home)(source)
    if not source_home.database.exists():
        fail(t("cli.no_data", path=source_home.path), USAGE)
    with refusing(), hub_refusing(), counting() as say:
        check_url(at)
        clock = terminal.clock or wall_clock
        made = make_hub(source_home.database, database, at, clock=clock, progress=say)
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
    proxies: Annotated[str, typer.Option("--proxy", help="cli.help.hub_proxy")] = "",
) -> None:
    """Serve the hub over HTTP until it is asked to end."""
    try:
        from crm_tui.hub.serving import Where
        from crm_tui.hub.serving import serve as serve_hub
    except ModuleNotFoundError as error:
        fail(t("cli.extra_needed", extra="server", package=error.name or ""), USAGE)
    _log_to_stderr()
    where = Where(host, port, prefix, certificate, key, proxies)
    if where.in_the_clear:
        typer.echo(t("cli.hub_in_the_clear"), err=True)
    with opened_hub(context, database) as authority:
        serve_hub(authority, where, lambda url: typer.echo(t("cli.hub_serving", url=url), err=True))


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
    from crm_tui.hub.accounts import invite_terminal, unit_named
    from crm_tui.hub.overview import note_public_url, public_url

    with opened_hub(context, database) as authority:
        if url:
            check_url(url)
        at = url or public_url(authority.books)
        if not url and at.startswith("file:") and database.startswith("file:"):
            at = database  # the file may have been brought elsewhere
        if not at:
            fail(t("cli.hub_url_needed"), USAGE)
        found = unit_named(authority.books, unit)
        if url:
            note_public_url(authority.books, url)
        invitation = invite_terminal(authority.books, found.id, name or found.name)
    if as_json:
        told = {"code": invitation.code, "unit": found.name, "expires_at": invitation.expires_at, "url": at}
        say_json(told)
        return
    typer.echo(f"crm-tui join {at} --code {invitation.code}")
    if sys.stdout.isatty():
        _draw(f"{at}#{invitation.code}")
    typer.echo(t("cli.hub_invited", unit=found.name), err=True)


def _draw(text: str) -> None:
    """Draw a code to be photographed, where the package for it is: a shared file needs none of a server."""
    with contextlib.suppress(ModuleNotFoundError):
        import segno

        segno.make(text, error="m").terminal(compact=True)


def status(context: typer.Context, *, database: Database, as_json: AsJson = False) -> None:
    """Say how the hub stands: its terminals, its log and what waits for a decision."""
    from crm_tui.hub.overview import overview

    with opened_hub(context, database) as authority:
        found = overview(authority.books)
    if as_json:
        say_json(found.plain())
        return
    told = found.plain() | {"mode": t(f"cli.hub_mode.{found.mode}")}
    for name, value in told.items():
        typer.echo(f"{t(f'cli.hub_status.{name}')}: {value}")


@takes(shape=wanted_shape)
def devices(
    context: typer.Context,
    shape: Shape,
    *,
    database: Database,
    freeze: Annotated[str | None, typer.Option("--freeze", help="cli.help.device_freeze")] = None,
    unfreeze: Annotated[str | None, typer.Option("--unfreeze", help="cli.help.device_unfreeze")] = None,
    move: Annotated[str, typer.Option("--move", help="cli.help.device_move")] = "",
    to: Annotated[str, typer.Option("--to", help="cli.help.device_to")] = "",
) -> None:
    """List the terminals, after freezing one, letting it work again or moving it to another unit."""
    from crm_tui.hub import devices as kept
    from crm_tui.hub.accounts import unit_named
    from crm_tui.hub.books import wall_zone

    if bool(move) != bool(to):
        fail(t("cli.device_move_whole"), USAGE)
    with opened_hub(context, database) as authority:
        books = authority.books
        if freeze is not None:
            kept.set_frozen(books, freeze, frozen=True)
        if unfreeze is not None:
            kept.set_frozen(books, unfreeze, frozen=False)
        if move:
            kept.move(books, move, unit_named(books, to).id)
        rows, zone = [one.plain() for one in kept.devices(books)], wall_zone(books)
    _show(
        shape,
        _local(rows, zone, shape, lambda status: t(f"cli.device_status.{status}")),
        _DEVICE,
        brief=_DEVICE[1:],
    )


@takes(shape=wanted_shape)
def seats(context: typer.Context, shape: Shape, *, database: Database) -> None:
    """List who has proven the PIN at which terminal: it may speak for these people alone."""
    from crm_tui.hub import devices as kept
    from crm_tui.hub.books import wall_zone

    with opened_hub(context, database) as authority:
        rows, zone = [one.plain() for one in kept.seats(authority.books)], wall_zone(authority.books)
    _show(shape, _local(rows, zone, shape, lambda status: t(f"field.status.{status}")), _SEAT, brief=_SEAT)


_DEVICE = ("device_id", "name", "unit", "status", "last_seen", "skew", "version", "commands", "people")
_SEAT = ("device", "number", "person", "status", "since")


def _local(rows: list[dict[str, Any]], zone: ZoneInfo, shape: Shape, spoken: Spoken) -> list[dict[str, Any]]:
    """Return rows by the organisation's clock, for people with the status in words."""
    shown = [local(row, zone) for row in rows]
    if shape is not Shape.JSON:
        shown = [row | {"status": spoken(row["status"])} for row in shown]
    return shown


def _log_to_stderr() -> None:
    """Let the hub's process say what happens to it, beside what uvicorn says."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("crm_tui").setLevel(logging.INFO)


def _show(shape: Shape, rows: list[dict[str, Any]], columns: tuple[str, ...], brief: tuple[str, ...]) -> None:
    titles = {name: t(f"cli.hub_column.{name}") for name in columns}
    Listing(shape, limit=WIDEST).show(columns, rows, titles=titles, brief=brief)
