"""The dictionary is whole: every figure has a name and an explanation in both languages."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_tui import i18n
from crm_tui.metrics import METRICS, MODELS, definition
from crm_tui.metrics.base import Histogram, Unit, compare, ratio
from crm_tui.queries.report import json_number
from crm_tui.queries.reports import REPORTS

ALERTS = ("slowest", "win_rate", "overdue", "rotting", "late_now")


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_figure_and_model_is_explained_in_every_language(language: str) -> None:
    i18n.use(language)
    keys = [key for one in METRICS for key in (one.name_key, one.text_key)]
    keys += [key for one in MODELS for key in (one.name_key, one.text_key)]
    keys += [f"metric.alert.{code}" for code in ALERTS] + ["metric.units"]
    assert [key for key in keys if not i18n.knows(key)] == []


def test_every_figure_is_defined_once() -> None:
    keys = [one.key for one in METRICS]
    assert len(set(keys)) == len(keys)
    assert definition("win_rate").formula == "won / (won + lost)"


def test_every_model_is_a_report_and_the_other_way_round() -> None:
    assert [one.name for one in MODELS] == list(REPORTS)


def test_nothing_of_nothing_is_no_ratio() -> None:
    assert ratio(0, 0) is None
    assert ratio(0, 3) == 0


def test_a_change_from_nothing_is_no_percentage() -> None:
    assert compare(Unit.COUNT, 3, 0).change is None
    assert compare(Unit.COUNT, 3, 2).change == Decimal("50.0")
    assert compare(Unit.RATIO, None, Decimal("0.5")).change is None
    assert compare(Unit.RATIO, Decimal("0.234"), Decimal("0.245")).change == Decimal("-1.1")


def test_an_empty_histogram_has_no_middle() -> None:
    empty = Histogram()
    assert (empty.count, empty.mean, empty.median, empty.p90) == (0, None, None, None)


@given(st.lists(st.integers(-50, 50), min_size=1))
def test_a_histogram_knows_what_a_sorted_list_knows(values: list[int]) -> None:
    found = Histogram()
    for value in values:
        found.add(value)
    order, half = sorted(values), len(values) // 2
    middle = (order[half] + order[-half - 1]) / Decimal(2)
    assert (found.count, found.median) == (len(values), middle)
    assert found.mean == Decimal(sum(values)) / len(values)
    assert sum(value <= (found.p90 or 0) for value in values) * 10 >= len(values) * 9


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (1000553400, Unit.MONEY, "10005534"),
        (Decimal(236090) + Decimal("0.94"), Unit.MONEY, "2360.9094"),
        (1, Unit.MONEY, "0.01"),
        (10**14 - 1, Unit.MONEY, "999999999999.99"),
        (Decimal(1), Unit.RATIO, "1.0"),
        (Decimal(57), Unit.DAYS, "57"),
        (None, Unit.RATIO, "None"),
        ("East", Unit.TEXT, "East"),
    ],
)
def test_figures_are_written_without_a_rounding_error(
    value: str | int | Decimal | None, unit: Unit, written: str
) -> None:
    assert str(json_number(value, unit)) == written
