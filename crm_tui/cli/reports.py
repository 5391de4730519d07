"""The verb that answers the standard reports: as a table for people, lines, CSV or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crm_tui.cli.options import AsCsv, AsJson, Columns, FailEmpty, Plain, takes
from crm_tui.cli.terminal import USAGE, Listing, Shape, Terminal, fail, listing, say_json
from crm_tui.i18n import knows, t
from crm_tui.widgets import figures

if TYPE_CHECKING:
    from crm_tui.queries.report import Column, Report, Value


def report_list(
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    plain: Plain = False,
    columns: Columns = "",
    fail_empty: FailEmpty = False,
) -> Listing:
    """Return how the rows of a report are wanted; they are figures, so there may be many."""
    return listing(
        as_json=as_json, as_csv=as_csv, plain=plain, limit=0, columns=columns, fail_empty=fail_empty
    )


def report_filters(
    *,
    first: Annotated[str, typer.Option("--from", help="cli.help.from")] = "",
    last: Annotated[str, typer.Option("--to", help="cli.help.until")] = "",
    region: Annotated[str, typer.Option(help="cli.help.region")] = "",
    branch: Annotated[str, typer.Option(help="cli.help.branch_name")] = "",
    team: Annotated[str, typer.Option(help="cli.help.team_name")] = "",
    person: Annotated[str, typer.Option(help="cli.help.person")] = "",
    manager: Annotated[str, typer.Option(help="cli.help.manager")] = "",
    line: Annotated[str, typer.Option(help="cli.help.product_line")] = "",
    product: Annotated[str, typer.Option(help="cli.help.product")] = "",
    source: Annotated[str, typer.Option(help="cli.help.source")] = "",
    pipeline: Annotated[str, typer.Option(help="cli.help.pipeline")] = "",
    by: Annotated[str, typer.Option(help="cli.help.by")] = "",
    as_of: Annotated[str, typer.Option("--as-of", help="cli.help.as_of")] = "",
    limit: Annotated[str, typer.Option(help="cli.help.report_limit")] = "",
) -> Mapping[str, str]:
    """Return what a report is cut down to, by the names that ``Filters.parse`` knows."""
    names = ("region", "branch", "team", "person", "manager", "line", "product", "source", "pipeline", "by")
    given = (region, branch, team, person, manager, line, product, source, pipeline, by)
    days = {"from": first, "to": last, "as_of": as_of}
    return dict(zip(names, given, strict=True)) | days | {"limit": limit}


@takes(asked=report_filters, wanted=report_list)
def print_report(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="cli.help.report")],
    asked: Mapping[str, str],
    wanted: Listing,
) -> None:
    """Answer one of the standard reports."""
    terminal: Terminal = context.obj
    with terminal.logged_in() as desk:
        answer = desk.answer(_report, name, asked)
    whole = len(answer.rows)
    if asked["limit"].strip():
        answer = replace(answer, rows=answer.rows[: int(asked["limit"])])
    answer = _only(answer, wanted.columns)
    if wanted.shape is Shape.JSON:
        say_json(answer.to_json(t))
        wanted.finish(len(answer.rows), whole)
        return
    _print(answer, wanted.shape)
    typer.echo(t("cli.as_of", day=answer.as_of), err=True)
    wanted.finish(len(answer.rows), whole)


def _report(view: Any, name: str, asked: Mapping[str, str]) -> Report:
    from crm_tui.metrics.filters import Filters
    from crm_tui.queries.reports import report

    return report(view, name, Filters.parse(view, asked))


def _only(answer: Report, names: tuple[str, ...]) -> Report:
    """Return the report with these columns alone, in this order; all of them where none is named."""
    if not names:
        return answer
    places = {column.key: place for place, column in enumerate(answer.columns)}
    unknown = [name for name in names if name not in places]
    if unknown:
        fail(t("cli.column_unknown", column=unknown[0], known=", ".join(places)), USAGE)
    wanted = [places[name] for name in names]
    rows = (replace(row, values=tuple(row.values[place] for place in wanted)) for row in answer.rows)
    return replace(answer, columns=tuple(answer.columns[place] for place in wanted), rows=tuple(rows))


def _print(answer: Report, shape: Shape) -> None:
    from crm_tui.queries.report import json_number

    keys = tuple(column.key for column in answer.columns)
    rows = [
        {
            column.key: _words(value, column) if shape is Shape.TABLE else json_number(value, column.unit)
            for column, value in zip(answer.columns, row.values, strict=True)
        }
        for row in answer.rows
    ]
    titles = {column.key: _title(column) for column in answer.columns}
    Listing(shape, limit=len(rows) or 1).show(keys, rows, titles=titles)


def _title(column: Column) -> str:
    """Return what a column is called in a table for people."""
    if knows(f"report.{column.key}"):
        return t(f"report.{column.key}")
    what = t(f"metric.{column.metric}") if column.metric else column.key
    return t("report.of_stage", stage=column.stage, what=what) if column.stage else what


def _words(value: Value, column: Column) -> str:
    """Return a figure as the panel writes it."""
    from crm_tui.metrics.base import Unit

    if value is None or isinstance(value, str):
        return figures.NONE if value is None else value
    if column.unit is Unit.MONEY:
        return figures.amount(round(value))
    if column.unit is Unit.RATIO:
        return figures.percent(float(value))
    return figures.days(float(value)) if column.unit is Unit.DAYS else f"{value:,}"
