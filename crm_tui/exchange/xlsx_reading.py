"""XLSX workbooks: values by python-calamine, behind our own checks of the package and the cells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from crm_tui.domain.errors import Refused
from crm_tui.exchange.table import CELL_LIMIT, Record, Row, RowProblem
from crm_tui.exchange.xlsx_package import open_package

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

SAFE_INTEGER = 10**15  # a spreadsheet keeps 15 digits; of a longer number the rest is noise

Value = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


@dataclass(frozen=True, slots=True)
class Workbook:
    """One sheet of a workbook that passed the checks."""

    sheet: str
    sheets: tuple[str, ...]
    epoch_1904: bool
    values: CalamineSheet
    problems: dict[int, tuple[str, str]]  # row number -> code, cell reference

    def records(self) -> Iterator[Record]:
        """Stream every row in use, the header included; ``line`` is the row number of the sheet."""
        if self.values.start is None:
            return
        for line, values in enumerate(self.values.iter_rows(), start=1):
            yield _record(line, self.values.start[1], values, self.problems.get(line))


def open_workbook(path: Path, sheet: str | None) -> Workbook:
    """Check and open one sheet; raises Refused for what is no workbook or not safe to unpack."""
    from python_calamine import CalamineError, CalamineWorkbook

    package = open_package(path, sheet)
    try:
        book = CalamineWorkbook.from_filelike(package.content)
        values = book.get_sheet_by_name(package.sheet)
    except CalamineError as error:
        raise Refused("import_workbook_broken", path=path.name, reason=str(error)[:80]) from error
    return Workbook(package.sheet, package.sheets, package.epoch_1904, values, package.cells.problems)


def _record(line: int, left: int, values: list[Value], problem: tuple[str, str] | None) -> Record:
    cells = tuple(map(as_text, values))
    if problem is not None:
        return RowProblem(line, problem[0], {"cell": problem[1]}, cells)
    for at, (text, value) in enumerate(zip(cells, values, strict=True), start=left):
        if isinstance(value, int | float) and abs(value) >= SAFE_INTEGER:
            details: dict[str, object] = {"column": f"{column_letters(at)}{line}", "value": text}
            return RowProblem(line, "row_digits_lost", details, cells)
        if "\0" in text:
            return RowProblem(line, "row_nul", {}, cells)
        if len(text) > CELL_LIMIT:
            return RowProblem(line, "row_cell_too_long", {"limit": CELL_LIMIT})
    return Row(line, cells)


def as_text(value: Value) -> str:
    """Return a cell as a person reads it: 13800138000, 1234.5, 1991-01-01, 2018-02-26 19:58:54, TRUE."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return format(Decimal(f"{value:.15g}"), "f") if abs(value) < SAFE_INTEGER else f"{value:.15g}"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return str(value) if isinstance(value, dt.timedelta) else value.isoformat()


def column_letters(at: int) -> str:
    """Return the letters of the column counted from 0: A, B … Z, AA."""
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
