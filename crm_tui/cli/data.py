"""Verbs about data as a whole: normalise a value, import, export, report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crm_tui.cli.options import AsJson, Clear, DryRun
from crm_tui.cli.reports import print_report
from crm_tui.cli.terminal import NOT_ALLOWED, ROW_LIMIT, USAGE, Terminal, fail, refusing, say_json
from crm_tui.cli.whom import CUSTOMER_COLUMNS, customer_rows
from crm_tui.i18n import t
from crm_tui.widgets.refusal import refusal

if TYPE_CHECKING:
    from crm_tui.desk import Desk
    from crm_tui.exchange.importing import ImportResult

NORMALS = ("phone", "id", "uscc", "pinyin")
ENDINGS = (".csv", ".xlsx")


def add_verbs(program: typer.Typer) -> None:
    """Add the verbs about data."""
    program.command(help="cli.verb.normalize")(normalize)
    program.command("import", help="cli.verb.import")(bring_in)
    program.command(help="cli.verb.export")(export)
    program.command("report", help="cli.verb.report")(print_report)


def normalize(
    kind: Annotated[str, typer.Argument(help="cli.help.normal")],
    value: Annotated[str, typer.Argument(help="cli.help.value")],
    as_json: AsJson = False,
) -> None:
    """Bring a value into the form that identifies; an unsound one ends with code 2."""
    if kind not in NORMALS:
        fail(t("cli.normal_unknown", kind=kind, known=", ".join(NORMALS)), USAGE)
    with refusing():
        found = _normalized(kind, value)
    if as_json:
        say_json(found)
    else:
        typer.echo(" ".join(found["full"]) if kind == "pinyin" else found["value"])


def _normalized(kind: str, value: str) -> dict[str, Any]:
    from crm_tui.domain import identity

    if kind == "phone":
        phone = identity.normalize_phone(value)
        return {"value": phone.e164, **asdict(phone)}
    if kind == "id":
        return asdict(identity.normalize_resident_id(value))
    if kind == "uscc":
        return {"value": identity.normalize_uscc(value)}
    return {
        "value": value,
        "initials": sorted(identity.initials(value)),
        "full": sorted(identity.full(value)),
        "sort_key": identity.sort_key(value),
    }


def bring_in(
    context: typer.Context,
    *,
    kind: Annotated[str, typer.Argument(help="cli.help.import_kind")] = "",
    file: Annotated[Path | None, typer.Argument(help="cli.help.file")] = None,
    mapping: Annotated[Path | None, typer.Option("--map", help="cli.help.map")] = None,
    undo: Annotated[str, typer.Option("--undo", help="cli.help.undo")] = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import a table, every row accounted for, or take an import back."""
    terminal: Terminal = context.obj
    if undo:
        from crm_tui.exchange.importing import undo_import

        with terminal.logged_in() as desk:
            back = undo_import(desk, undo)
        if as_json:
            say_json(asdict(back))
        typer.echo(
            t("cli.import_undone", removed=back.removed, restored=back.restored, kept=back.kept_count),
            err=True,
        )
        return
    if not kind or file is None:
        fail(t("cli.import_what"), USAGE)
    with terminal.logged_in() as desk:
        result = _imported(desk, kind, file, mapping, dry_run=dry_run)
    _say_import(result, as_json=as_json)


def _imported(desk: Desk, kind: str, file: Path, mapping: Path | None, *, dry_run: bool) -> ImportResult:
    from rich.console import Console
    from rich.progress import Progress

    from crm_tui.exchange.importing import run_import
    from crm_tui.exchange.mapping import guess_mapping, load_mapping
    from crm_tui.exchange.reading import open_table

    plan = load_mapping(mapping) if mapping else guess_mapping(kind, open_table(file).header).mapping
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(file.name, total=None)
        return run_import(
            desk,
            kind,
            file,
            plan,
            dry_run=dry_run,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            describe=refusal,
        )


def _say_import(result: ImportResult, *, as_json: bool) -> None:
    """Say what became of a file; refused rows end with code 2, a stopped import as its refusal does."""
    if as_json:
        say_json(asdict(result))
    typer.echo(
        t(
            "cli.would_import" if result.dry_run else "cli.imported",
            read=result.read,
            created=result.created,
            updated=result.updated,
            unchanged=result.unchanged,
            refused=result.refused,
            batch=result.batch_id,
        ),
        err=True,
    )
    for problem in (*result.problems, *result.warnings):
        typer.echo(t("cli.row", line=problem.line, why=refusal(problem.code, problem.details)), err=True)
    if result.error_file:
        typer.echo(t("cli.error_file", path=result.error_file), err=True)
    if result.stopped is not None:
        fail(refusal(result.stopped.code, result.stopped.details), USAGE)
    if result.refused:
        raise typer.Exit(USAGE)


def export(
    context: typer.Context,
    *,
    file: Annotated[Path, typer.Argument(help="cli.help.export_file")],
    typed: Annotated[str, typer.Option("--find", help="cli.help.words")] = "",
    level: Annotated[str, typer.Option(help="cli.help.level")] = "",
    tag: Annotated[str, typer.Option(help="cli.help.tag")] = "",
    source: Annotated[str, typer.Option(help="cli.help.source")] = "",
    stage: Annotated[str, typer.Option(help="cli.help.stage")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="cli.help.overdue")] = False,
    clear: Clear = False,
) -> None:
    """Write a list of customers to a CSV or XLSX file; more than ROW_LIMIT rows need an approval.

    A terminal with a hub meets it first: who was frozen there takes no list along.
    """
    from crm_tui.domain.permission import Right
    from crm_tui.queries.customers import CustomerFilter, customers_page

    if file.suffix.lower() not in ENDINGS:
        fail(t("cli.export_ending", known=", ".join(ENDINGS)), USAGE)
    if file.exists():
        fail(t("cli.file_exists", path=file), USAGE)
    filters = CustomerFilter(level=level, tag=tag, source=source, stage=stage, overdue_only=overdue)
    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        if not desk.door.confirm().may(Right.EXPORT):
            fail(refusal("not_allowed", {"right": Right.EXPORT}), NOT_ALLOWED)
        page = desk.answer(customers_page, typed=typed, filters=filters, limit=ROW_LIMIT)
        if page.count > ROW_LIMIT:
            fail(refusal("export_needs_approval", {"limit": ROW_LIMIT}), NOT_ALLOWED)
        rows = customer_rows(desk, page.lines, clear=clear)
        _write(file, [[_cell(row[key]) for key in CUSTOMER_COLUMNS] for row in rows])
    typer.echo(t("cli.exported", count=page.count, path=file), err=True)


def _write(file: Path, rows: list[list[Any]]) -> None:
    from crm_tui.exchange.writing import write_csv, write_xlsx

    titles = [t(f"cli.column.{key}") for key in CUSTOMER_COLUMNS]
    try:
        (write_xlsx if file.suffix.lower() == ".xlsx" else write_csv)(file, titles, rows)
    except OSError as error:
        fail(t("cli.unwritable", path=file, why=error.strerror or ""), USAGE)


def _cell(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value
