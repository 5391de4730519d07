"""Bringing a table into the database: portion by portion, every row accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

from crm_tui.commands import Command, Verdict
from crm_tui.commands.imports import PORTION, BeginImport, FinishImport, ImportLinks, ImportRows, UndoImport
from crm_tui.domain.errors import Refused
from crm_tui.exchange.error_rows import ErrorFile, Problem
from crm_tui.exchange.mapping import Mapping
from crm_tui.exchange.preparing import Preparer
from crm_tui.exchange.reading import open_table
from crm_tui.exchange.table import Record, RowProblem, Table

T = TypeVar("T")
Act = Callable[..., tuple[Verdict, ...]]
Describe = Callable[[str, ReadOnly[str, Any]], str]

TOGETHER = 8
"""How many portions share one transaction: pages of the indexes are written once for all of them."""

SHOWN = 20
"""How many problems and warnings a result carries; all of the problems stand in the error file."""

_FATES = {"c": "created", "u": "updated", "=": "unchanged", "r": "refused"}


class Counter(Protocol):
    """What an import needs of a desk."""

    def carry_out(self, *commands: Command) -> tuple[Verdict, ...]:
        """Carry out commands in one transaction."""
        ...

    def rehearse(self, work: Callable[[Callable[[Command], Verdict]], T]) -> T:
        """Carry out commands and forget them."""
        ...


_SIGNS = 1_000_000
"""The most letters of one portion: at most four megabytes as they travel."""


@dataclass(frozen=True)
class ImportResult:
    """What became of a file: ``created + updated + unchanged + refused == read``, always.

    ``stopped`` says why the import ended before the end of the file (a full disk); what was read until
    then is in, whole portions, and can be taken back by ``batch_id``.
    """

    batch_id: str
    dry_run: bool = False
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    error_file: Path | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    warned: int = 0
    messages: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    cancelled: bool = False
    stopped: Problem | None = None


@dataclass(frozen=True)
class PreviewRow:
    """One row as it will be: its values by field, its fate, and the reason where it is refused."""

    line: int
    values: ReadOnly[str, Any]
    fate: str  # created | updated | unchanged | refused
    problem: Problem | None = None


@dataclass(frozen=True)
class Preview:
    """The first rows of a table as an import would take them; ``unused`` are the columns that go nowhere."""

    rows: tuple[PreviewRow, ...]
    counts: ReadOnly[str, int]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    unused: tuple[str, ...]
    messages: tuple[str, ...]


@dataclass(frozen=True)
class UndoResult:
    """What taking an import back did; ``kept`` are the first of the rows that stay, as (table, name)."""

    batch_id: str
    removed: int
    restored: int
    kept: tuple[tuple[str, str], ...]
    kept_count: int


@dataclass
class _Portion:
    """Rows on their way: those to send with their cells, and those refused before."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    cells: list[tuple[str, ...]] = field(default_factory=list)
    refused: list[tuple[Problem, tuple[str, ...]]] = field(default_factory=list)

    signs: int = 0
    """How many letters its cells have: a command must fit into one request to the hub."""

    def __len__(self) -> int:
        return len(self.rows) + len(self.refused)


def open_for(path: Path, mapping: Mapping, *, trust_header: bool = False) -> Table:
    """Open a file the way its mapping says; raises Refused for what cannot be read."""
    options = mapping.options
    return open_table(
        path,
        encoding=options.encoding or None,
        delimiter=options.delimiter or None,
        sheet=options.sheet or None,
        trust_header=trust_header,
    )


def plan_import(desk: Counter, kind: str, table: Table, mapping: Mapping, *, first: int = 50) -> Preview:
    """Return what an import would make of the first rows of a table; nothing is changed."""
    portion = next(_portions(table, _preparer(kind, table, mapping), min(first, PORTION)), _Portion())

    def rehearsed(act: Callable[[Command], Verdict]) -> tuple[_Work, dict[int, str]]:
        work = _Work(_each(act), mapping, None, _code)
        work.begin("")
        fates = work.send([portion])
        work.link()
        return work, fates

    work, fates = desk.rehearse(rehearsed)
    why = {problem.line: problem for problem in work.problems}
    values = {row["line"]: row for row in portion.rows}
    lines = sorted(values.keys() | {problem.line for problem, _ in portion.refused})
    rows = tuple(
        PreviewRow(line, values.get(line, {}), fates.get(line, "refused"), why.get(line)) for line in lines
    )
    return Preview(
        rows,
        dict(work.counts),
        tuple(work.problems[:SHOWN]),
        tuple(work.warnings[:SHOWN]),
        mapping.bind(table.header).unused,
        table.messages,
    )


def run_import(
    desk: Counter,
    kind: str,
    path: Path,
    mapping: Mapping,
    *,
    dry_run: bool = False,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
    cancelled: Callable[[], bool] = lambda: False,
    describe: Describe | None = None,
    errors_in: Path | None = None,
    trust_header: bool = False,
) -> ImportResult:
    """Import a file, or with ``dry_run`` only say what would become of it.

    ``progress`` hears after each portion how many rows are done; when ``cancelled`` answers yes the import
    stops behind the last whole portion. ``describe`` words a refusal for the error file, which is written
    beside the input or into ``errors_in``.

    Raises:
        Refused: the file, its header, the mapping or the person's rights do not allow an import at all.
    """
    table = open_for(path, mapping, trust_header=trust_header)
    preparer = _preparer(kind, table, mapping)

    def whole(act: Act, errors: ErrorFile | None) -> ImportResult:
        work = _Work(act, mapping, errors, describe or _code)
        work.begin(path.name)
        return work.run(_portions(table, preparer, PORTION), progress, cancelled)

    if dry_run:
        result = desk.rehearse(lambda act: whole(_each(act), None))
    else:
        with ErrorFile(path, errors_in, table.header) as errors:
            result = whole(desk.carry_out, errors)
            result = replace(result, error_file=errors.written)
    return replace(result, dry_run=dry_run, messages=table.messages, unused=mapping.bind(table.header).unused)


def undo_import(desk: Counter, batch_id: str) -> UndoResult:
    """Take an import back as a whole; raises Refused where there is none or it was undone before."""
    details = _applied(desk.carry_out(UndoImport(batch_id=batch_id))[0])
    return UndoResult(
        batch_id=batch_id,
        removed=details["removed"],
        restored=details["restored"],
        kept=tuple((table, name) for table, name in details["kept"]),
        kept_count=details["kept_count"],
    )


class _Work:
    """One import under way."""

    def __init__(self, act: Act, mapping: Mapping, errors: ErrorFile | None, describe: Describe) -> None:
        self._act = act
        self._mapping = mapping
        self._errors = errors
        self._describe = describe
        self._batch_id = ""
        self._unreadable = 0
        self._pending: list[tuple[int, str, str]] = []
        self.counts = dict.fromkeys(_FATES.values(), 0)
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.warned = 0

    def begin(self, file_name: str) -> None:
        """Open the batch; raises Refused where the person may not import this."""
        command = BeginImport.model_validate({"rows_kind": self._mapping.kind, "file_name": file_name[:200]})
        self._batch_id = str(_applied(*self._act(command))["batch_id"])

    def run(
        self,
        portions: Iterator[_Portion],
        progress: Callable[[int, int | None], None],
        cancelled: Callable[[], bool],
    ) -> ImportResult:
        """Send portion after portion, then the links, then the end."""
        stopped: Problem | None = None
        has_cancelled = False
        try:
            while some := list(islice(portions, TOGETHER)):
                if cancelled():
                    has_cancelled = True
                    break
                self.send(some)
                progress(sum(self.counts.values()), None)
            self.link()
            _applied(*self._act(FinishImport(batch_id=self._batch_id, unreadable=self._unreadable)))
        except Refused as no:
            stopped = Problem(0, no.code, no.details)
        return ImportResult(
            self._batch_id,
            read=sum(self.counts.values()),
            created=self.counts["created"],
            updated=self.counts["updated"],
            unchanged=self.counts["unchanged"],
            refused=self.counts["refused"],
            problems=tuple(self.problems[:SHOWN]),
            warnings=tuple(self.warnings),
            warned=self.warned,
            cancelled=has_cancelled,
            stopped=stopped,
        )

    def send(self, portions: Sequence[_Portion]) -> dict[int, str]:
        """Carry out portions in one transaction; return the fate of each line that was sent."""
        sent = [portion for portion in portions if portion.rows]
        verdicts = self._act(*(self._command(portion) for portion in sent)) if sent else ()
        fates: dict[int, str] = {}
        refused = [one for portion in portions for one in portion.refused]
        self._unreadable += len(refused)
        for portion, verdict in zip(sent, verdicts, strict=True):
            answer = _applied(verdict)
            lines = [row["line"] for row in portion.rows]
            fates |= {line: _FATES[fate] for line, fate in zip(lines, answer["became"], strict=True)}
            refused += [
                (Problem(lines[at], code, details), portion.cells[at])
                for at, code, details in answer["refused"]
            ]
            self._warn([(lines[at], code, details) for at, code, details in answer["warnings"]])
            self._pending += [(lines[at], row_id, name) for at, row_id, name in answer["pending"]]
        for fate in _FATES.values():
            self.counts[fate] += sum(one == fate for one in fates.values())
        self.counts["refused"] += sum(len(portion.refused) for portion in portions)
        self._report(sorted(refused, key=lambda one: one[0].line))
        return fates

    def _command(self, portion: _Portion) -> ImportRows:
        return ImportRows.model_validate(
            {"batch_id": self._batch_id, "rows": portion.rows, "create": self._mapping.options.create}
        )

    def link(self) -> None:
        """Make the links that had to wait."""
        for start in range(0, len(self._pending), PORTION):
            some = self._pending[start : start + PORTION]
            links = tuple((row_id, name) for _, row_id, name in some)
            answer = _applied(*self._act(ImportLinks(batch_id=self._batch_id, links=links)))
            self._warn([(some[at][0], code, details) for at, code, details in answer["warnings"]])
        self._pending.clear()

    def _warn(self, found: Sequence[tuple[int, str, ReadOnly[str, Any]]]) -> None:
        self.warned += len(found)
        room = SHOWN - len(self.warnings)
        self.warnings += [Problem(*one) for one in found[: max(room, 0)]]

    def _report(self, refused: Sequence[tuple[Problem, tuple[str, ...]]]) -> None:
        for problem, cells in refused:
            if len(self.problems) < PORTION:
                self.problems.append(problem)
            if self._errors is not None:
                self._errors.add(problem, self._describe(problem.code, problem.details), cells)


def _preparer(kind: str, table: Table, mapping: Mapping) -> Preparer:
    """Return what reads the rows; raises Refused where kind, mapping and header do not fit."""
    if mapping.kind != kind:
        raise Refused("mapping_other_kind", kind=kind, mapping=mapping.kind)
    if missing := mapping.missing():
        raise Refused("mapping_field_missing", fields=", ".join(missing))
    return Preparer(table, mapping.bind(table.header))


def _portions(table: Table, preparer: Preparer, size: int) -> Iterator[_Portion]:
    """Yield the rows of a table, prepared, in portions of at most ``size``."""
    portion = _Portion()
    for record in table.rows():
        _add(portion, record, preparer)
        if len(portion) >= size or portion.signs >= _SIGNS:
            yield portion
            portion = _Portion()
    if len(portion):
        yield portion


def _add(portion: _Portion, record: Record, preparer: Preparer) -> None:
    if isinstance(record, RowProblem):
        portion.refused.append((Problem(record.line, record.code, record.details), record.cells))
        return
    try:
        portion.rows.append(preparer.prepare(record))
        portion.cells.append(record.cells)
        portion.signs += sum(map(len, record.cells))
    except Refused as no:
        portion.refused.append((Problem(record.line, no.code, no.details), record.cells))


def _applied(verdict: Verdict) -> ReadOnly[str, Any]:
    """Return the answer to a command; raises Refused where it was refused as a whole."""
    if not verdict.applied:
        raise Refused(verdict.code, **verdict.details)
    return verdict.details


def _each(act: Callable[[Command], Verdict]) -> Act:
    """Return what carries out several commands by one that carries out one."""
    return lambda *commands: tuple(act(command) for command in commands)


def _code(code: str, _details: ReadOnly[str, Any]) -> str:
    return code
