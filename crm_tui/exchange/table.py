"""What a file becomes once it is read: a header and a stream of rows, good and damaged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

CELL_LIMIT = 32_767  # characters; what one Excel cell holds
ROW_LIMIT = 1_048_576  # records; what one Excel sheet holds
COLUMN_LIMIT = 1_024

_SHORTENED = re.compile(r"[+-]?\d(?:\.(\d+))?[eE]\+(\d+)\Z")


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the physical ``line`` (from 1) where it starts and one text per header column."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A record that cannot be trusted: its first ``line``, a catalog ``code`` and what could be read of it.

    The face shows ``t("refused." + code, **details)``; ``cells`` go to the error file as far as they exist.
    """

    line: int
    code: str
    details: dict[str, object] = field(default_factory=dict)
    cells: tuple[str, ...] = ()


Record = Row | RowProblem


@dataclass(frozen=True, slots=True)
class Table:
    """A file opened for import; ``rows()`` reads it again from the start at each call, in flat memory.

    A header cell without a name is called ``#3`` after its column. ``messages`` are catalog codes that a
    person should see although nothing is wrong, such as ``import_header_only``. ``epoch_1904`` tells how
    bare serial numbers of days are counted; ``serial_days`` whether they occur at all (workbooks only).
    """

    header: tuple[str, ...]
    source: Callable[[], Iterator[Record]]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    serial_days: bool = False
    epoch_1904: bool = False

    def rows(self) -> Iterator[Record]:
        """Stream the records after the header; blank rows are the only ones passed over.

        Raises ``Refused("import_too_many_rows")`` past ``ROW_LIMIT`` records.
        """
        return self.source()


def is_blank(cells: tuple[str, ...]) -> bool:
    """Tell whether a record holds nothing but white space."""
    return not "".join(cells).strip()


def lost_digits(text: str) -> bool:
    """Tell whether ``text`` is a long number that a spreadsheet shortened, such as ``3.60426E+17``."""
    found = _SHORTENED.match(text)
    return found is not None and int(found[2]) > len(found[1] or "")
