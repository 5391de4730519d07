"""What the XML of a sheet says about its cells that the library reading the values does not tell."""

from __future__ import annotations

import re
from xml.parsers import expat

from crm_tui.domain.errors import Refused
from crm_tui.exchange.table import COLUMN_LIMIT, ROW_LIMIT

CELLS_LIMIT = 10_000_000  # rows by columns of the area in use, which the library allocates whole

_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})\Z")


class CellScan:
    """One streaming pass over a sheet; ``problems`` maps a row number to (code, cell reference)."""

    def __init__(self) -> None:
        self.problems: dict[int, tuple[str, str]] = {}
        self._row = 0
        self._column = 0
        self._widest = 0
        self._letters: dict[int, str] = {}
        self._reference = ""
        self._kind = ""
        self._formula = False
        self._value = ""
        self._has_value = False
        self._in_value = False
        self._parser: expat.XMLParserType | None = None

    def watch(self, parser: expat.XMLParserType) -> None:
        """Listen to ``parser``, which reads the sheet."""
        self._parser = parser
        parser.StartElementHandler = self._start

    def finish(self) -> None:
        """Judge the last cell; to be called at the end of the sheet."""
        self._close_cell()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local == "c":
            self._close_cell()
            self._column += 1
            self._kind = attributes.get("t", "n")
            self._reference = attributes.get("r", "")
            if self._kind == "e":
                self._note("row_cell_error")
        elif local == "row":
            self._close_cell()
            self._row = int(attributes.get("r", self._row + 1))
            self._column = 0
        elif local == "f":
            self._formula = True
            self._listen(on=True)
        elif local in ("v", "is"):
            self._has_value = True
            self._measure()

    def _listen(self, *, on: bool) -> None:
        """Take in text only within formula cells: calls per cell are what this pass costs."""
        assert self._parser is not None
        self._in_value = False
        self._parser.CharacterDataHandler = self._text if on else None
        self._parser.EndElementHandler = self._end if on else None

    def _text(self, text: str) -> None:
        if self._has_value:
            self._value += text

    def _end(self, name: str) -> None:
        if name.endswith(" v") and self._has_value:
            self._listen(on=False)

    def _close_cell(self) -> None:
        if self._formula:
            # an empty cached text is a result; an empty cached number is a formula nobody calculated
            if not self._value.strip() and not (self._kind == "str" and self._has_value):
                self._note("row_formula_uncached")
            self._formula = False
            self._value = ""
            self._listen(on=False)
        self._has_value = False

    def _note(self, code: str) -> None:
        self.problems.setdefault(self._row, (code, self._reference))

    def _measure(self) -> None:
        """Refuse a sheet whose used area no list of people has, before it is allocated."""
        row, column = self._row, self._column
        if self._reference and self._reference != f"{self._letters.get(column)}{row}":
            found = _REFERENCE.match(self._reference)
            if found is None:
                raise ValueError(self._reference)
            row, column = int(found[2]), _column_number(found[1])
            self._column = column
            self._letters[column] = found[1]
        self._widest = max(self._widest, column)
        if row > ROW_LIMIT or column > COLUMN_LIMIT or row * self._widest > CELLS_LIMIT:
            raise Refused("import_sheet_too_big", cell=self._reference, limit=CELLS_LIMIT)


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
