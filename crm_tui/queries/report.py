"""What a report is: a table of figures with their units, its question, and its form as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from crm_tui.metrics import Model, model
from crm_tui.metrics.base import Unit
from crm_tui.metrics.filters import Filters

Value = str | int | Decimal | None
"""A figure: money in fen, ratios as a share from 0 to 1; None is undefined and never 0."""

_PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class Column:
    """One column: ``metric`` is the key of its definition, ``stage`` the name of the stage it is about."""

    key: str
    unit: Unit
    metric: str = ""
    stage: str = ""


@dataclass(frozen=True)
class Row:
    """One line; ``group`` is the id behind its first column, to ask further with."""

    group: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Report:
    """An answer that can be printed, exported and drawn."""

    name: str
    as_of: date
    filters: Mapping[str, str]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def model(self) -> Model:
        """The standard analysis this is an answer to."""
        return model(self.name)

    def to_json(self, say: Callable[[str], str]) -> dict[str, Any]:
        """Return one JSON-ready object: amounts in yuan, ratios, days and averages to four decimals.

        ``say`` turns a catalog key into a sentence; ``definition`` is made of these and the formulas.
        """
        formulas = "; ".join(f"{one.key} = {one.formula}" for one in self.model.metrics)
        return {
            "report": self.name,
            "definition": f"{say(self.model.text_key)} {say('metric.units')} {formulas}",
            "as_of": self.as_of.isoformat(),
            "filters": dict(self.filters),
            "columns": [column.key for column in self.columns],
            "rows": [
                {
                    column.key: json_number(value, column.unit)
                    for column, value in zip(self.columns, row.values, strict=True)
                }
                for row in self.rows
            ],
        }


def json_number(value: Value, unit: Unit) -> str | int | float | None:
    """Return a figure as JSON writes it; whole numbers stay whole."""
    if value is None or isinstance(value, str):
        return value
    exact = Decimal(value) / 100 if unit is Unit.MONEY else Decimal(value)
    rounded = exact.quantize(_PLACES)
    if unit is not Unit.RATIO and rounded == rounded.to_integral_value():
        return int(rounded)
    return float(rounded)


def answer(name: str, filters: Filters, as_of: date, columns: list[Column], rows: list[Row]) -> Report:
    """Put a report together."""
    return Report(name, as_of, filters.echo(), tuple(columns), tuple(rows))
