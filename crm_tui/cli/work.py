"""Verbs that look: who is overdue, who is due today, find, one customer, its timeline."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from crm_tui.cli.options import AsCsv, AsJson, Clear, Columns, FailEmpty, Limit, Plain, Who
from crm_tui.cli.terminal import MOST_DAYS, ROW_LIMIT, Listing, Terminal, listing, must_apply, say_json
from crm_tui.cli.whom import CUSTOMER_BRIEF, CUSTOMER_COLUMNS, customer_of, customer_rows, local, yuan
from crm_tui.domain.identity import mask_phone, mask_resident_id
from crm_tui.i18n import knows, t

if TYPE_CHECKING:
    from crm_tui.desk import Desk
    from crm_tui.queries.profile import Profile

TODO_COLUMNS = (*CUSTOMER_COLUMNS, "days_late", "escalation")
TODO_BRIEF = ("name", "phone", "stage", "days_late", "due_at", "owner", "next_step")
ENTRY_COLUMNS = ("at", "kind", "person", "words", "next_step", "next_at", "retracted")


def add_verbs(program: typer.Typer) -> None:
    """Add the verbs that look."""
    program.command(help="cli.verb.overdue")(overdue)
    program.command(help="cli.verb.today")(today)
    program.command(help="cli.verb.find")(find)
    program.command(help="cli.verb.show")(show)
    program.command("timeline", help="cli.verb.timeline")(timeline_of)


def overdue(
    context: typer.Context,
    *,
    mine: Annotated[bool, typer.Option("--mine", help="cli.help.mine")] = False,
    team: Annotated[bool, typer.Option("--team", help="cli.help.team")] = False,
    branch: Annotated[bool, typer.Option("--branch", help="cli.help.branch")] = False,
    days: Annotated[int, typer.Option("--days", min=0, max=MOST_DAYS, help="cli.help.days")] = 0,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    plain: Plain = False,
    limit: Limit = ROW_LIMIT,
    columns: Columns = "",
    fail_empty: FailEmpty = False,
    clear: Clear = False,
) -> None:
    """List who is overdue, longest first."""
    wanted = listing(
        as_json=as_json, as_csv=as_csv, plain=plain, limit=limit, columns=columns, fail_empty=fail_empty
    )
    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        owners = _owners(desk, mine=mine, team=team, branch=branch)
        _todo(desk, "overdue", wanted, owners=owners, least=timedelta(days=days), clear=clear)


def today(
    context: typer.Context,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    plain: Plain = False,
    limit: Limit = ROW_LIMIT,
    columns: Columns = "",
    fail_empty: FailEmpty = False,
    clear: Clear = False,
) -> None:
    """List who becomes due in the rest of today."""
    wanted = listing(
        as_json=as_json, as_csv=as_csv, plain=plain, limit=limit, columns=columns, fail_empty=fail_empty
    )
    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        _todo(desk, "today", wanted, owners=None, least=timedelta(0), clear=clear)


def find(
    context: typer.Context,
    *,
    words: Annotated[list[str], typer.Argument(help="cli.help.words")],
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    plain: Plain = False,
    limit: Limit = ROW_LIMIT,
    columns: Columns = "",
    fail_empty: FailEmpty = False,
    clear: Clear = False,
) -> None:
    """Find customers by name, pinyin, digits of a number or tag."""
    from crm_tui.queries.customers import customers_page

    wanted = listing(
        as_json=as_json, as_csv=as_csv, plain=plain, limit=limit, columns=columns, fail_empty=fail_empty
    )
    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        page = desk.answer(customers_page, typed=" ".join(words), limit=wanted.limit)
        rows = customer_rows(desk, page.lines, clear=clear)
        wanted.show(CUSTOMER_COLUMNS, rows, page.count, brief=CUSTOMER_BRIEF)


def show(context: typer.Context, who: Who, as_json: AsJson = False, clear: Clear = False) -> None:
    """Show one customer with its deals."""
    from crm_tui.commands.customers import RevealIdentity
    from crm_tui.queries.profile import profile

    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        customer_id = customer_of(desk, who)
        found = desk.answer(profile, customer_id)
        if clear:
            must_apply(desk.carry_out(RevealIdentity(customer_id=customer_id)))
        shown = _profile_fields(found, clear=clear)
    if as_json:
        say_json(shown)
        return
    for name, value in shown.items():
        for words in _as_lines(value):
            typer.echo(f"{name}: {words}")


def timeline_of(
    context: typer.Context,
    *,
    who: Who,
    channel: Annotated[str, typer.Option(help="cli.help.channel")] = "",
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    plain: Plain = False,
    limit: Limit = ROW_LIMIT,
    columns: Columns = "",
    fail_empty: FailEmpty = False,
) -> None:
    """List what happened with one customer, newest first."""
    from crm_tui.queries.timeline import timeline

    wanted = listing(
        as_json=as_json, as_csv=as_csv, plain=plain, limit=limit, columns=columns, fail_empty=fail_empty
    )
    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        found = desk.answer(timeline, customer_of(desk, who), channel=channel, limit=wanted.limit)
        zone = ZoneInfo(desk.viewer.zone)
    rows = [
        {
            "at": entry.at,
            "kind": entry.kind,
            "person": entry.person_name,
            "words": _words(asdict(entry)),
            "next_step": entry.next_step,
            "next_at": entry.next_at,
            "retracted": entry.retracted,
        }
        for entry in found.entries
    ]
    wanted.show(ENTRY_COLUMNS, [local(row, zone) for row in rows], found.count)


def _owners(desk: Desk, *, mine: bool, team: bool, branch: bool) -> tuple[str, ...] | None:
    """Return whose customers are asked for; None: everybody's in the scope."""
    from crm_tui.queries.pickers import people

    me = desk.viewer
    if mine:
        return (me.person_id,)
    if team:
        return tuple(one.id for one in desk.answer(people) if one.unit_id == me.unit_id)
    if branch:
        return tuple(one.id for one in desk.answer(people) if one.branch_id == me.branch_id)
    return None


def _todo(
    desk: Desk, tab: str, wanted: Listing, *, owners: tuple[str, ...] | None, least: timedelta, clear: bool
) -> None:
    from crm_tui.queries.todo import todo_page

    page = desk.answer(todo_page, tab, owner_ids=owners, least=least, limit=wanted.limit)
    rows = customer_rows(desk, [line.customer for line in page.lines], clear=clear)
    for row, line in zip(rows, page.lines, strict=True):
        row |= {"days_late": line.late.days, "escalation": line.escalation}
    wanted.show(TODO_COLUMNS, rows, page.count, brief=TODO_BRIEF)


def _profile_fields(found: Profile, *, clear: bool) -> dict[str, Any]:
    """Return a profile as plain fields; numbers are masked unless ``clear``."""
    fields = asdict(found)
    for hidden in ("points", "gate", "branch_id", "owner_id"):
        fields.pop(hidden)
    fields["phones"] = [one if clear else mask_phone(one) for one in found.phones]
    if found.resident_id and not clear:
        fields["resident_id"] = mask_resident_id(found.resident_id)
    for person in fields["contacts"]:
        if person["phone"] and not clear:
            person["phone"] = mask_phone(person["phone"])
    for deal in fields["deals"]:
        deal["amount"] = yuan(deal["amount"])
        deal["dwell_days"] = deal.pop("dwell").days
    fields["gate"] = [
        {"item": item.name or _word(item.code), "done": item.done}
        for item in (found.gate.items if found.gate else ())
    ]
    return fields


def _as_lines(value: Any) -> list[str]:
    """Return a field of a profile as lines: one for each map in a list, none for what is empty."""
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
        return [", ".join(f"{key}={one}" for key, one in each.items() if one) for each in value]
    if isinstance(value, (list, tuple)):
        return [", ".join(map(str, value))] if value else []
    return [str(value)] if value or value is False else []


def _words(entry: dict[str, Any]) -> str:
    """Return what an entry of the timeline says, in one line."""
    if entry["kind"] == "follow_up":
        parts = [entry["channel"], entry["result"], entry["need_change"], *entry["objections"]]
        return " ".join(part for part in (*parts, entry["objection_note"]) if part and part != "none")
    if entry["kind"] in {"stage", "ownership"}:
        arrow = f"{entry['from_name']} -> {entry['to_name']}" if entry["from_name"] else entry["to_name"]
        return f"{arrow} {entry['reason']}".strip()
    return str(entry["reason"])


def _word(code: str) -> str:
    return t(f"work.field.{code}") if knows(f"work.field.{code}") else code
