"""From the bytes of a text file to its physical lines and records.

The csv module is not used: its cell limit is one setting for the whole process, it cannot say where an
unclosed quote opened, and it keeps everything behind such a quote in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from crm_tui.exchange.table import CELL_LIMIT, Record, Row, RowProblem

LINE_LIMIT = 1_000_000  # characters of one physical line kept in memory

_UNDECODED = re.compile("[\udc80-\udcff]")
_REPLACED = re.compile("\ufffd")


class Lines:
    """Physical lines with their number (from 1), ending in LF, CRLF or CR, and what is wrong with each."""

    def __init__(self, text: TextIO, *, trusted: bool = False, replaced: bool = False) -> None:
        self._text = text
        self._trusted = trusted
        self._bad = _REPLACED if replaced else _UNDECODED
        self.number = 0
        self.damage = ""

    def take(self) -> str | None:
        """Return the next line with its ending, or None at the end; ``damage`` holds a code or nothing."""
        line = self._text.readline(LINE_LIMIT)
        if not line:
            return None
        self.number += 1
        self.damage = ""
        if len(line) == LINE_LIMIT and line[-1] not in "\r\n":
            line = self._shorten(line)
        elif "\0" in line:
            self.damage = "row_nul"
        elif not self._trusted and not line.isascii() and self._bad.search(line):
            self.damage = "row_undecodable"
        return line

    def _shorten(self, kept: str) -> str:
        """Pass over the rest of a line too long to keep, and leave its quotes balanced as they were."""
        odd = 0
        piece = kept
        while piece and piece[-1] not in "\r\n":
            piece = self._text.readline(LINE_LIMIT)
            odd ^= piece.count('"') & 1
        self.damage = "row_cell_too_long"
        return kept + ('"' if odd else "") + "\n"


class _QuoteOpenError(Exception):
    """A quote opened at a line and found no end."""


class _QuoteStrayError(Exception):
    """A quoted cell ended in the middle of its cell."""


class _Quoted:
    """One record that needs more than a split: quotes, several lines, damage."""

    def __init__(self, lines: Lines, text: str, delimiter: str) -> None:
        self._lines = lines
        self._text = text
        self._at = 0
        self._delimiter = delimiter
        self._first = lines.number
        self._damage = lines.damage

    def record(self) -> Record:
        """Return the row, or the problem that names the line where it starts."""
        cells: list[str] = []
        opened = self._first
        try:
            while True:
                opened = self._lines.number
                cells.append(self._cell())
                if self._text[self._at : self._at + 1] != self._delimiter:
                    break
                self._at += 1
        except _QuoteOpenError:
            return self._problem("row_quote_open", tuple(cells), opened=opened, last=self._lines.number)
        except _QuoteStrayError:
            if self._lines.number > opened:
                return self._problem("row_quote_open", tuple(cells), opened=opened, last=self._lines.number)
            return self._problem("row_quote_stray", tuple(cells))
        if self._damage == "row_cell_too_long":
            return RowProblem(self._first, self._damage, {"limit": CELL_LIMIT})
        if self._damage:
            return RowProblem(self._first, self._damage, {}, tuple(map(_readable, cells)))
        return Row(self._first, tuple(cells))

    def _problem(self, code: str, cells: tuple[str, ...], **details: object) -> RowProblem:
        return RowProblem(self._first, code, details, tuple(map(_readable, cells)))

    def _cell(self) -> str:
        if self._text.startswith('"', self._at):
            cell = self._quoted()
            if self._text[self._at : self._at + 1] not in ("", "\r", "\n", self._delimiter):
                raise _QuoteStrayError
        else:
            end = self._text.find(self._delimiter, self._at)
            cell = self._text[self._at :].rstrip("\r\n") if end < 0 else self._text[self._at : end]
            self._at = len(self._text) if end < 0 else end
        if len(cell) > CELL_LIMIT:
            self._damage = "row_cell_too_long"
        return cell

    def _quoted(self) -> str:
        pieces: list[str] = []
        size = 0
        self._at += 1
        while True:
            end = self._text.find('"', self._at)
            piece = self._text[self._at : end + 1 if end >= 0 else len(self._text)]
            size += len(piece)
            if size <= CELL_LIMIT + 1:  # past the limit only the end of the cell is of interest
                pieces.append(piece)
            else:
                self._damage = "row_cell_too_long"
            if end < 0:
                self._next_line()
            elif self._text.startswith('"', end + 1):
                self._at = end + 2
            else:
                self._at = end + 1
                return "".join(pieces)[:-1] if size <= CELL_LIMIT + 1 else ""

    def _next_line(self) -> None:
        text = self._lines.take()
        if text is None:
            raise _QuoteOpenError
        self._text = text
        self._at = 0
        self._damage = self._damage or self._lines.damage


def _readable(text: str) -> str:
    """Return ``text`` with what could not be decoded, and NUL, shown as a replacement character."""
    return _UNDECODED.sub("\ufffd", text).replace("\0", "\ufffd")


def records(lines: Lines, delimiter: str) -> Iterator[Record]:
    """Split lines into records by RFC 4180; a quote inside an unquoted cell is an ordinary character."""
    while (text := lines.take()) is not None:
        if lines.damage or '"' in text or len(text) > CELL_LIMIT:
            yield _Quoted(lines, text, delimiter).record()
        else:
            yield Row(lines.number, tuple(text.rstrip("\r\n").split(delimiter)))
