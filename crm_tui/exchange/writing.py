"""Writing tables as CSV, XLSX or JSON lines: whole or not at all, and for their owner's eyes only."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO

from crm_tui.domain.errors import Refused
from crm_tui.exchange.neutral import neutralise
from crm_tui.exchange.table import CELL_LIMIT, ROW_LIMIT

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

Cell = str | int | float | Decimal | bool | dt.date | dt.datetime | None

_SAFE_NUMBER = 10**15  # a spreadsheet shows 15 digits; longer numbers are written as text


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file (mode 0600) that takes the place of ``path`` once all of it is on the disk."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_csv(
    target: Path | TextIO, header: Sequence[str], rows: Iterable[Sequence[Cell]], *, bom: bool = True
) -> int:
    """Write UTF-8 CSV with CRLF to a file or an open text stream and return the number of rows.

    ``bom`` puts the mark in front by which spreadsheets know UTF-8. Texts are made harmless, numbers not.
    """
    if not isinstance(target, Path):
        return _write_csv(target, header, rows, bom=bom)
    with atomic_file(target) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        count = _write_csv(text, header, rows, bom=bom)
        text.flush()
        text.detach()
    return count


def write_xlsx(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]], *, sheet: str = "Sheet1"
) -> int:
    """Write one sheet, its first row frozen, and return the number of rows; no formula, no link.

    Raises Refused for a cell or a table beyond what a sheet holds, rather than cutting it.
    """
    from xlsxwriter.workbook import Workbook

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with atomic_file(path) as file:
        book = Workbook(file, options)
        page = book.add_worksheet(sheet)
        page.freeze_panes(1, 0)
        try:
            count = _fill(page, book, header, rows)
        finally:
            book.close()
    return count


def write_json_lines(target: Path | TextIO, rows: Iterable[Mapping[str, object]]) -> int:
    """Write one JSON object a line, UTF-8, texts as they are, and return the number of rows."""
    if not isinstance(target, Path):
        return _write_json(target, rows)
    with atomic_file(target) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
        count = _write_json(text, rows)
        text.flush()
        text.detach()
    return count


def _sync_folder(folder: Path) -> None:
    """Put the new name on the disk too, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_csv(text: TextIO, header: Sequence[str], rows: Iterable[Sequence[Cell]], *, bom: bool) -> int:
    if bom:
        text.write("\ufeff")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([neutralise(name) for name in header])
    count = 0
    for row in rows:
        writer.writerow([_plain(cell) for cell in row])
        count += 1
    return count


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return neutralise(cell)
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, Decimal):
        return format(cell, "f")
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, dt.date) else str(cell)


def _write_json(text: TextIO, rows: Iterable[Mapping[str, object]]) -> int:
    count = 0
    for row in rows:
        text.write(json.dumps(row, ensure_ascii=False, default=_as_json) + "\n")
        count += 1
    return count


def _as_json(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")


def _fill(page: Worksheet, book: Workbook, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    bold = book.add_format({"bold": True})
    for column, name in enumerate(header):
        _put_text(page, 0, column, neutralise(name), bold)
    count = 0
    for count, row in enumerate(rows, start=1):
        if count >= ROW_LIMIT:
            raise Refused("export_too_many_rows", limit=ROW_LIMIT - 1)
        for column, cell in enumerate(row):
            _put(page, count, column, cell, day)
    return count


def _put(page: Worksheet, row: int, column: int, cell: Cell, day: Format) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, bool):
        page.write_boolean(row, column, cell)
    elif isinstance(cell, int | float | Decimal) and -_SAFE_NUMBER < cell < _SAFE_NUMBER:
        page.write_number(row, column, cell)
    elif isinstance(cell, dt.date) and not isinstance(cell, dt.datetime) and cell.year >= 1900:
        page.write_datetime(row, column, cell, day)
    else:
        _put_text(page, row, column, _plain(cell))


def _put_text(page: Worksheet, row: int, column: int, text: str, style: Format | None = None) -> None:
    if len(text) > CELL_LIMIT:
        raise Refused("export_cell_too_long", row=row + 1, column=column + 1, limit=CELL_LIMIT)
    page.write_string(row, column, text, style)
