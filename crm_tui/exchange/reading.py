"""Opening a file somebody wants to import: what it is, what its header says, and its rows as a stream."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from crm_tui.domain.errors import Refused
from crm_tui.exchange.csv_reading import open_text
from crm_tui.exchange.fields import is_known_word
from crm_tui.exchange.neutral import restore
from crm_tui.exchange.table import (
    COLUMN_LIMIT,
    ROW_LIMIT,
    Record,
    Row,
    RowProblem,
    Table,
    is_blank,
    lost_digits,
)
from crm_tui.exchange.xlsx_package import SUFFIXES as WORKBOOK_SUFFIXES
from crm_tui.exchange.xlsx_reading import open_workbook

_DATA_LIKE = re.compile(r"\+?[\d\s.,/:年月日-]*\d[\d\s.,/:年月日元%()-]*[Xx]?|[^@\s]+@[^@\s]+\.[^@\s]+")


def open_table(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    trust_header: bool = False,
) -> Table:
    """Open a CSV file or an XLSX workbook; what is not said is found out.

    ``sheet`` defaults to the first visible one. A first row that looks like data is refused
    (``import_no_header``) unless ``trust_header`` says a person has looked at it.
    Raises ``Refused`` with an ``import_*`` code for every file that cannot be read.
    """
    try:
        if path.suffix.lower() in WORKBOOK_SUFFIXES:
            book = open_workbook(path, sheet)
            table = partial(
                Table,
                sheet=book.sheet,
                sheets=book.sheets,
                serial_days=True,
                epoch_1904=book.epoch_1904,
            )
            return _table(path, book.records, table, trust_header=trust_header)
        text = open_text(path, encoding, delimiter)
        table = partial(Table, encoding=text.encoding, delimiter=text.delimiter)
        return _table(path, text.records, table, trust_header=trust_header)
    except OSError as error:
        raise Refused("import_file_unreadable", path=path.name, reason=error.strerror or "") from error
    except UnicodeError as error:
        raise Refused("import_unknown_encoding", encoding=encoding or "") from error


def _table(
    path: Path, source: Callable[[], Iterator[Record]], table: Callable[..., Table], *, trust_header: bool
) -> Table:
    first = next(_filled(source()), None)
    if first is None:
        raise Refused("import_file_empty", path=path.name)
    if isinstance(first, RowProblem):
        raise Refused("import_header_damaged", line=first.line, problem=first.code)
    header = _header(first, trust=trust_header)
    rows = partial(_rows, source, header)
    messages = () if next(rows(), None) else ("import_header_only",)
    return table(header=header, source=rows, messages=messages)


def _header(first: Row, *, trust: bool) -> tuple[str, ...]:
    cells = tuple(unicodedata.normalize("NFC", restore(cell)).strip() for cell in first.cells)
    if len(cells) > COLUMN_LIMIT:
        raise Refused("import_too_many_columns", limit=COLUMN_LIMIT)
    if not trust and any(map(_DATA_LIKE.fullmatch, cells)) and not any(map(is_known_word, cells)):
        raise Refused("import_no_header", line=first.line, first=" | ".join(cells)[:80])
    header = tuple(cell or f"#{number}" for number, cell in enumerate(cells, start=1))
    seen = Counter(cell.casefold() for cell in header)
    twice = dict.fromkeys(cell for cell in header if seen[cell.casefold()] > 1)
    if twice:
        raise Refused("import_duplicate_headers", names=", ".join(twice))
    return header


def _filled(records: Iterator[Record]) -> Iterator[Record]:
    return (record for record in records if isinstance(record, RowProblem) or not is_blank(record.cells))


def _rows(source: Callable[[], Iterator[Record]], header: tuple[str, ...]) -> Iterator[Record]:
    records = _filled(source())
    next(records)
    for count, record in enumerate(records, start=1):
        if count > ROW_LIMIT:
            raise Refused("import_too_many_rows", limit=ROW_LIMIT)
        yield record if isinstance(record, RowProblem) else _fitted(record, header)


def _fitted(row: Row, header: tuple[str, ...]) -> Record:
    """Return the row with one cell per column, or the problem why it has not."""
    cells, width = row.cells, len(header)
    if len(cells) < width:
        details: dict[str, object] = {"expected": width, "found": len(cells)}
        return RowProblem(row.line, "row_too_short", details, cells)
    if len(cells) > width:
        if not is_blank(cells[width:]):
            return RowProblem(row.line, "row_too_long", {"expected": width, "found": len(cells)}, cells)
        cells = cells[:width]
    shortened = [at for at, cell in enumerate(cells) if "+" in cell and lost_digits(cell.strip())]
    if shortened:
        at = shortened[0]
        return RowProblem(row.line, "row_digits_lost", {"column": header[at], "value": cells[at]}, cells)
    return Row(row.line, tuple(restore(cell) if cell[:1] == "'" else cell for cell in cells))
