"""Verbs that look: who is overdue, who is due today, find, one customer, its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from crm_tui.cli.options import Clear, Who, takes, wanted_list, wanted_shape
from crm_tui.cli.terminal import MOST_DAYS, Listing, Shape, Terminal, must_apply, say_json
from crm_tui.cli.whom import CUSTOMER_BRIEF, CUSTOMER_COLUMNS, customer_of, customer_rows, local

if TYPE_CHECKING:
    from crm_tui.desk import Desk
    from crm_tui.queries.timeline import Entry

TODO_COLUMNS = (*CUSTOMER_COLUMNS, "days_late", "escalation")
TODO_BRIEF = ("name", "phone", "stage", "days_late", "due_at", "owner", "next_step")
ENTRY_COLUMNS = ("at", "kind", "person", "words", "next_step", "next_at", "retracted")
MINE, TEAM, BRANCH, ALL = "mine", "team", "branch", ""
"""Whose customers are asked for."""


def add_verbs(program: typer.Typer) -> None:
    """Add the verbs that look."""
    program.command(help="cli.verb.overdue")(overdue)
    program.command(help="cli.verb.today")(today)
    program.command(help="cli.verb.find")(find)
    program.command(help="cli.verb.show")(show)
    program.command("timeline", help="cli.verb.timeline")(timeline_of)


def whose_customers(
    *,
    mine: Annotated[bool, typer.Option("--mine", help="cli.help.mine")] = False,
    team: Annotated[bool, typer.Option("--team", help="cli.help.team")] = False,
    branch: Annotated[bool, typer.Option("--branch", help="cli.help.branch")] = False,
) -> str:
    """Return the narrowest circle that was asked for."""
    return MINE if mine else TEAM if team else BRANCH if branch else ALL


@takes(whose=whose_customers, wanted=wanted_list)
def overdue(
    context: typer.Context,
    *,
    days: Annotated[int, typer.Option("--days", min=0, max=MOST_DAYS, help="cli.help.days")] = 0,
    clear: Clear = False,
    whose: str,
    wanted: Listing,
) -> None:
    """List who is overdue, longest first."""
    _todo(context.obj, "overdue", wanted, whose=whose, least=timedelta(days=days), clear=clear)


@takes(whose=whose_customers, wanted=wanted_list)
def today(context: typer.Context, *, clear: Clear = False, whose: str, wanted: Listing) -> None:
    """List who becomes due in the rest of today."""
    _todo(context.obj, "today", wanted, whose=whose, clear=clear)


@takes(wanted=wanted_list)
def find(
    context: typer.Context,
    *,
    words: Annotated[list[str], typer.Argument(help="cli.help.words")],
    clear: Clear = False,
    wanted: Listing,
) -> None:
    """Find customers by name, pinyin, digits of a number or tag."""
    from crm_tui.queries.customers import customers_page

    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        page = desk.answer(customers_page, typed=" ".join(words), limit=wanted.limit)
        rows = customer_rows(desk, page.lines, clear=clear)
        wanted.show(CUSTOMER_COLUMNS, rows, page.count, brief=CUSTOMER_BRIEF)


@takes(shape=wanted_shape)
def show(context: typer.Context, *, who: Who, clear: Clear = False, shape: Shape) -> None:
    """Show one customer with its deals."""
    from crm_tui.cli.card import Card
    from crm_tui.commands.customers import RevealIdentity
    from crm_tui.queries.profile import profile

    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        customer_id = customer_of(desk, who)
        found = desk.answer(profile, customer_id)
        if clear:
            must_apply(desk.carry_out(RevealIdentity(customer_id=customer_id)))
        card = Card(found, desk.now(), desk.viewer.zone, clear=clear)
    if shape is Shape.JSON:
        say_json(card.fields())
        return
    for line in card.words() if shape is Shape.TABLE else card.plain():
        typer.echo(line)


@takes(wanted=wanted_list)
def timeline_of(
    context: typer.Context,
    *,
    who: Who,
    channel: Annotated[str, typer.Option(help="cli.help.channel")] = "",
    wanted: Listing,
) -> None:
    """List what happened with one customer, newest first."""
    from crm_tui.queries.timeline import timeline
    from crm_tui.widgets.entries import entry_lines

    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        found = desk.answer(timeline, customer_of(desk, who), channel=channel, limit=wanted.limit)
        now, zone = desk.now(), desk.viewer.zone
    if wanted.shape is not Shape.TABLE or wanted.columns:
        wanted.show(ENTRY_COLUMNS, _entry_rows(found.entries, zone), found.count)
        return
    for entry in found.entries:
        for line in entry_lines(entry, now, zone):
            typer.echo(line)
    wanted.finish(len(found.entries), found.count)


def _todo(
    terminal: Terminal,
    tab: str,
    wanted: Listing,
    *,
    whose: str,
    least: timedelta = timedelta(0),
    clear: bool,
) -> None:
    """Print the customers of one tab of the to-do list."""
    from crm_tui.queries.todo import todo_page

    with terminal.logged_in() as desk:
        owners = _owners(desk, whose)
        page = desk.answer(todo_page, tab, owner_ids=owners, least=least, limit=wanted.limit)
        rows = customer_rows(desk, [line.customer for line in page.lines], clear=clear)
        for row, line in zip(rows, page.lines, strict=True):
            row |= {"days_late": line.late.days, "escalation": line.escalation}
        wanted.show(TODO_COLUMNS, rows, page.count, brief=TODO_BRIEF)


def _owners(desk: Desk, whose: str) -> tuple[str, ...] | None:
    """Return whose customers are asked for; None: everybody's in the scope."""
    from crm_tui.queries.pickers import people

    me = desk.viewer
    if whose == MINE:
        return (me.person_id,)
    if whose == TEAM:
        return tuple(one.id for one in desk.answer(people) if one.unit_id == me.unit_id)
    if whose == BRANCH:
        return tuple(one.id for one in desk.answer(people) if one.branch_id == me.branch_id)
    return None


def _entry_rows(entries: Sequence[Entry], zone: str) -> list[dict[str, Any]]:
    """Return entries of a timeline as rows of ENTRY_COLUMNS."""
    rows = (
        {
            "at": entry.at,
            "kind": entry.kind,
            "person": entry.person_name,
            "words": _words(asdict(entry)),
            "next_step": entry.next_step,
            "next_at": entry.next_at,
            "retracted": entry.retracted,
        }
        for entry in entries
    )
    return [local(row, ZoneInfo(zone)) for row in rows]


def _words(entry: dict[str, Any]) -> str:
    """Return what an entry of the timeline says, in one line."""
    if entry["kind"] == "follow_up":
        parts = [entry["channel"], entry["result"], entry["need_change"], *entry["objections"]]
        return " ".join(part for part in (*parts, entry["objection_note"]) if part and part != "none")
    if entry["kind"] in {"stage", "ownership"}:
        arrow = f"{entry['from_name']} -> {entry['to_name']}" if entry["from_name"] else entry["to_name"]
        return f"{arrow} {entry['reason']}".strip()
    return str(entry["reason"])
