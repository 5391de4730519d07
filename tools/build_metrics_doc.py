"""Write docs/metrics.md from the metric dictionary and its two catalogs; run it as a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crm_tui import i18n
from crm_tui.metrics import METRICS, MODELS
from crm_tui.metrics.base import Definition, Unit

TARGET = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"

_HEAD = """\
# Metrics: what every figure means

This page is written from the program's own metric dictionary (`make docs`). A figure has one definition: the
panel and `crm-tui report` read it from the same place, and `?` on the panel shows its sentence.

## What holds for all of them

- A day is a day of the branch's own clock; a period includes its first day and its last.
- Amounts are kept in whole fen and printed in yuan. {units}
- A deal counts once, however often it moved; what is archived or was taken back does not count.
- Everybody gets the figures of the records they may see, and no others.

"""
_UNITS = {
    Unit.TEXT: "text",
    Unit.COUNT: "count",
    Unit.MONEY: "yuan",
    Unit.RATIO: "share of 1",
    Unit.DAYS: "days",
}


def document() -> str:
    """Return the page."""
    i18n.use("en")
    return _HEAD.format(units=i18n.t("metric.units")) + "\n".join([*_figures(), "", *_models(), ""])


def _figures() -> Iterator[str]:
    yield "## Figures"
    yield ""
    yield "| Key | Figure | Unit | Formula | What counts |"
    yield "|---|---|---|---|---|"
    for one in METRICS:
        cells = (f"`{one.key}`", _both(one.name_key), _UNITS[one.unit], f"`{one.formula}`", _said(one))
        yield f"| {' | '.join(map(_cell, cells))} |"


def _models() -> Iterator[str]:
    yield "## Standard analyses"
    yield ""
    yield "Each is a report: `crm-tui --as 1020 report NAME --json`."
    yield ""
    yield "| Report | Analysis | Which rows count | Figures |"
    yield "|---|---|---|---|"
    for model in MODELS:
        figures = ", ".join(f"`{one.key}`" for one in model.metrics)
        cells = (f"`{model.name}`", _both(model.name_key), i18n.t(model.text_key), figures)
        yield f"| {' | '.join(map(_cell, cells))} |"


def _said(one: Definition) -> str:
    return i18n.t(one.text_key)


def _both(key: str) -> str:
    """Return a name in both languages."""
    english = i18n.t(key)
    i18n.use("zh_CN")
    try:
        return f"{english} ({i18n.t(key)})"
    finally:
        i18n.use("en")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    TARGET.write_text(document(), "utf-8")
    print(TARGET.name)
