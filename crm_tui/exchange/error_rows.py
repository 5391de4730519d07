"""The file of refused rows: line, code and reason beside the cells, to be corrected and imported again."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from crm_tui.domain.errors import Refused
from crm_tui.exchange.neutral import neutralise
from crm_tui.exchange.writing import atomic_file

COLUMNS = ("error_line", "error_code", "error_reason")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row was refused, or what to know about one; ``t("refused." + code, **details)`` words it."""

    line: int
    code: str
    details: Mapping[str, Any]


class ErrorFile:
    """Writes ``<name>.errors.csv``; the file appears at the end, and only if a row was refused."""

    def __init__(self, source: Path, folder: Path | None, header: Sequence[str]) -> None:
        self.path = (folder or source.parent) / f"{source.stem}.errors.csv"
        if not os.access(self.path.parent, os.W_OK):
            raise Refused("import_errors_unwritable", path=str(self.path))
        self._kept = [at for at, name in enumerate(header) if name not in COLUMNS]
        self._header = [header[at] for at in self._kept]
        self._stack = ExitStack()
        self._text: io.TextIOWrapper | None = None
        self._write: Callable[[Sequence[Any]], Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._text is not None:
            self._text.flush()
            self._text.detach()
        self._stack.__exit__(None, None, None)

    @property
    def written(self) -> Path | None:
        """Where the refused rows stand; None where there was none."""
        return self.path if self._text is not None else None

    def add(self, problem: Problem, reason: str, cells: Sequence[str]) -> None:
        """Add one refused row; cells a damaged row does not have stay empty."""
        if self._write is None:
            self._write = self._begin()
        if len(cells) > len(self._header) + len(COLUMNS):
            shown = list(cells)  # a row with too many cells keeps them all, for somebody to look at
        else:
            shown = [cells[at] if at < len(cells) else "" for at in self._kept]
        self._write([problem.line, problem.code, neutralise(reason), *map(neutralise, shown)])

    def _begin(self) -> Callable[[Sequence[Any]], Any]:
        file = self._stack.enter_context(atomic_file(self.path))
        self._text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
        self._text.write("\ufeff")
        write = csv.writer(self._text, lineterminator="\r\n").writerow
        write([*COLUMNS, *map(neutralise, self._header)])
        return write
