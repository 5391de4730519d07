"""What every verb of the command line shares: the home, who acts, what comes out and how it ends."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.settings import PIN_VARIABLE, Home, find_home
from crm_tui.widgets.refusal import refusal, refused

if TYPE_CHECKING:
    from crm_tui.commands import Verdict
    from crm_tui.desk import Desk

OK, EMPTY, USAGE, NOT_ALLOWED, OFFLINE, CONFLICT = range(6)
"""Exit codes, as ux.md section 9 names them."""

WIDEST = 10_000
ROW_LIMIT = 100
"""Rows a list prints unless more are asked for."""
FIRST_YEAR, LAST_YEAR = 1990, 2199
"""The years a clock may be set to: what commands take as an instant."""
MOST_DAYS = 36_500
"""More days late than this is a slip of the finger."""

_AWAY = frozenset(
    {
        "hub_unreachable",
        "hub_retry",
        "hub_recovering",
        "hub_slow_down",
        "hub_disk_full",
        "hub_frozen",
        "hub_needed",
        "join_unreachable",
        "hub_busy",
        "lease_over",
    }
)
"""What only the hub can mend, or time."""
_NOT_ALLOWED = {"not_allowed", "not_logged_in", "skip_not_allowed", "person_frozen", "export_needs_approval"}
_CONFLICT = {
    "phone_taken",
    "stage_changed",
    "owner_changed",
    "person_changed",
    "database_busy",
    "database_in_use",
    "hub_in_use",
    "move_not_last",
}


class Shape(StrEnum):
    """How a list is printed: a table for people, lines without frames, CSV or JSON."""

    TABLE = "table"
    PLAIN = "plain"
    CSV = "csv"
    JSON = "json"


@dataclass
class Terminal:
    """The options before the verb: which data, in whose name, at what time."""

    home: Home
    as_person: str = ""
    clock: Callable[[], datetime] | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[Desk]:
        """Open the desk; raises Refused."""
        from crm_tui.cli.hubs import connector
        from crm_tui.desk import Desk, wall_clock

        desk = Desk.open(self.home.database, clock=self.clock or wall_clock, connect=connector(self.home))
        try:
            yield desk
        finally:
            desk.close()

    @contextlib.contextmanager
    def desk(self) -> Iterator[Desk]:
        """Open the desk; a refusal becomes a sentence and an exit code."""
        with refusing(), self.opened() as desk:
            yield desk

    @contextlib.contextmanager
    def logged_in(self) -> Iterator[Desk]:
        """Open the desk in the name of ``--as``, with the PIN from CRM_TUI_PIN or a prompt."""
        from crm_tui.queries.door import door

        if not self.home.database.exists():
            fail(t("cli.no_data", path=self.home.path), USAGE)
        with self.desk() as desk:
            at_door = desk.answer_anyone(door)
            who = self.as_person or self.home.read().last_number
            known = (*at_door.people, *at_door.frozen)  # who is out of use is told so
            found = [one for one in known if who in {one.number, one.name, one.person_id}]
            if len(found) != 1:
                fail(t("cli.who", who=who or "-"), USAGE)
            desk.log_in(found[0].person_id, ask_pin(found[0].name))
            before = _waiting(desk)
            yield desk
            more = _waiting(desk) - before
            if more > 0:
                typer.echo(t("cli.waits_for_hub", count=more), err=True)


def _waiting(desk: Desk) -> int:
    """Return how many commands the hub has yet to answer."""
    return desk.link.state().standing.waiting if desk.link is not None else 0


def terminal_of(home: Path | None, as_person: str, clock: Callable[[], datetime] | None) -> Terminal:
    """Return the terminal that the options before the verb describe."""
    return Terminal(find_home(home), as_person, clock)


def running_clock(start: str) -> Callable[[], datetime]:
    """Return a clock that shows ``start`` (ISO, UTC where it names no zone) now and runs on from there."""
    began = datetime.now(UTC)  # noqa: TID251 - the composition root builds the clock
    try:
        first = datetime.fromisoformat(start)
    except ValueError:
        fail(t("cli.clock_unclear", text=start), USAGE)
    if not FIRST_YEAR <= first.year <= LAST_YEAR:
        fail(t("cli.clock_unclear", text=start), USAGE)
    first = first.replace(tzinfo=UTC) if first.tzinfo is None else first.astimezone(UTC)

    def clock() -> datetime:
        passed: timedelta = datetime.now(UTC) - began  # noqa: TID251 - see above
        return first + passed

    return clock


def fail(sentence: str, code: int) -> NoReturn:
    """Say why on stderr and end with the exit code."""
    typer.echo(sentence, err=True)
    raise typer.Exit(code)


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Turn a refusal into a sentence on stderr and an exit code."""
    try:
        yield
    except Refused as no:
        fail(refused(no), exit_code(no.code))


def exit_code(refusal_code: str) -> int:
    """Return the exit code of a refusal: 3 not allowed, 4 the hub is needed, 5 conflict, else 2."""
    if refusal_code in _AWAY:
        return OFFLINE
    if refusal_code in _NOT_ALLOWED or refusal_code.startswith("pin_"):
        return NOT_ALLOWED
    return CONFLICT if refusal_code in _CONFLICT else USAGE


def must_apply(verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
    """Return the verdicts if all commands were applied; else say the first refusal and end."""
    for verdict in verdicts:
        if not verdict.applied:
            fail(refusal(verdict.code, verdict.details), exit_code(verdict.code))
    return verdicts


def say_verdict(verdict: Verdict, *, as_json: bool) -> None:
    """Print what became of a command; a refused one ends the program with its exit code."""
    if as_json:
        say_json({"code": verdict.code, "details": dict(verdict.details)})
    if verdict.applied:
        if not as_json:
            typer.echo(t("cli.applied"), err=True)
        return
    fail(refusal(verdict.code, verdict.details), exit_code(verdict.code))


@dataclass(frozen=True)
class Listing:
    """How a list is wanted: its shape, how many rows, which columns, and whether none is a failure."""

    shape: Shape = Shape.TABLE
    limit: int = ROW_LIMIT
    columns: tuple[str, ...] = ()
    fail_empty: bool = False

    def show(
        self,
        columns: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
        count: int | None = None,
        *,
        titles: Mapping[str, str] | None = None,
        brief: Sequence[str] = (),
    ) -> None:
        """Print rows on stdout; ``columns`` are keys of the rows, ``count`` how many there are in all.

        Titles of columns are ``cli.column.<key>`` unless they are given; ``brief`` are the columns of a
        table for people, where it needs fewer.
        """
        unknown = [one for one in self.columns if one not in columns]
        if unknown:
            fail(t("cli.column_unknown", column=unknown[0], known=", ".join(columns)), USAGE)
        wanted = self.columns or tuple((self.shape is Shape.TABLE and brief) or columns)
        shown = list(rows)[: self.limit]
        whole = len(rows) if count is None else count
        if self.shape is Shape.JSON:
            say_json([{key: row[key] for key in wanted} for row in shown])
        elif self.shape is Shape.TABLE:
            heads = [titles[key] if titles else t(f"cli.column.{key}") for key in wanted]
            _print_table(heads, wanted, shown, fit=bool(brief) and sys.stdout.isatty())
        else:
            typer.echo(_separated(wanted, shown, "," if self.shape is Shape.CSV else "\t"), nl=False)
        self.finish(len(shown), whole)

    def finish(self, shown: int, whole: int) -> None:
        """Say what was left out, and end with EMPTY where nothing is there and that is a failure."""
        if shown < whole:
            typer.echo(t("cli.more", shown=shown, all=whole), err=True)
        if self.fail_empty and not whole:
            raise typer.Exit(EMPTY)


def listing(
    *, as_json: bool, as_csv: bool, plain: bool, limit: int, columns: str, fail_empty: bool
) -> Listing:
    """Return how a list is wanted by its options; more than ROW_LIMIT rows need an approval."""
    if limit > ROW_LIMIT:
        fail(refusal("export_needs_approval", {"limit": ROW_LIMIT}), NOT_ALLOWED)
    shapes = [shape for shape, on in zip(_SHAPES, (as_json, as_csv, plain), strict=True) if on]
    if len(shapes) > 1:
        fail(t("cli.one_shape"), USAGE)
    names = tuple(name.strip() for name in columns.split(",") if name.strip())
    return Listing(shapes[0] if shapes else Shape.TABLE, limit or ROW_LIMIT, names, fail_empty)


_SHAPES = (Shape.JSON, Shape.CSV, Shape.PLAIN)


def say_json(value: object) -> None:
    """Print one JSON value on one line of stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=_plain_value))


def _plain_value(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)


def _separated(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], delimiter: str) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    if delimiter == ",":
        writer.writerow(columns)
    writer.writerows([_cell(row[key]) for key in columns] for row in rows)
    return stream.getvalue()


def _print_table(
    titles: Sequence[str], columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, fit: bool
) -> None:
    """Print a table, cut to the terminal's width where it has to ``fit``, else as wide as it is."""
    from rich.box import ASCII2
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=ASCII2, show_edge=False)
    for title in titles:
        table.add_column(title, overflow="ellipsis", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_brief_cell(row[key])) for key in columns))
    Console(file=sys.stdout, width=None if fit else WIDEST).print(table)


def _brief_cell(value: object) -> str:
    return f"{value:%m-%d %H:%M}" if isinstance(value, datetime) else _cell(value)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def ask_pin(name: str) -> str:
    """Return the PIN of CRM_TUI_PIN, else of a prompt; without a keyboard say so and end."""
    given = os.environ.get(PIN_VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        fail(t("cli.pin_needed", variable=PIN_VARIABLE), NOT_ALLOWED)
    return str(typer.prompt(t("cli.pin", name=name), hide_input=True, err=True))


@contextlib.contextmanager
def counting() -> Iterator[Callable[[int], None]]:
    """Yield what says how many rows have come or gone so far, where somebody looks; it is gone at the end."""
    said = ""

    def say(rows: int) -> None:
        nonlocal said
        if sys.stderr.isatty():
            said = t("cli.fetched", rows=rows)
            sys.stderr.write(f"\r{said}")
            sys.stderr.flush()

    try:
        yield say
    finally:
        if said:
            from rich.cells import cell_len

            sys.stderr.write(f"\r{' ' * cell_len(said)}\r")
            sys.stderr.flush()
