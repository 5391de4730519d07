"""Charts as lines of text: ``#`` and ``-`` only, Chinese labels aligned by cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from crm_tui.widgets.text import clean, fit

FULL: Final = "#"
REST: Final = "-"
_HEAT: Final = " .:-=+*#"
_SPARKS: Final = "_.-=+*#"


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of a chart: label, size of the bar, how the number is written, a remark behind it."""

    label: str
    value: float
    shown: str
    remark: str = ""


def bars(items: Sequence[Bar], width: int, *, rest: str = "") -> list[Text]:
    """Draw ``label number ####  remark`` lines of ``width`` cells; ``rest`` fills up the longest bar."""
    return _bars([(item, "") for item in items], width, rest)


def funnel(items: Sequence[Bar], width: int) -> list[Text]:
    """Draw a funnel: each line also says what share of the line above it is; 0 of 0 is ``-``."""
    lines = []
    for number, item in enumerate(items):
        before = items[number - 1].value if number else 0.0
        share = "" if not number else f"{item.value / before:.0%}" if before else "-"
        lines.append((item, share))
    return _bars(lines, width, "")


def _bars(items: Sequence[tuple[Bar, str]], width: int, rest: str) -> list[Text]:
    if not items:
        return []
    label = min(max(cell_len(clean(item.label)) for item, _ in items), max(width // 3, 4))
    number = max(cell_len(item.shown) for item, _ in items)
    share = max(cell_len(words) for _, words in items)
    remark = min(max(cell_len(clean(item.remark)) for item, _ in items), max(width // 3, 4))
    tail = (share + 1 if share else 0) + (remark + 1 if remark else 0)
    room = max(width - label - number - tail - 2, 1)
    most = max(item.value for item, _ in items)
    lines = []
    for item, words in items:
        size = bar_cells(item.value, most, room)
        line = (
            f"{fit(item.label, label)} {fit(item.shown, number, 'right')} {FULL * size}{rest * (room - size)}"
        )
        line = fit(line, width - tail) if tail else line
        line += f" {fit(words, share, 'right')}" if share else ""
        line += f" {fit(item.remark, remark)}" if remark else ""
        lines.append(_line(line, width))
    return lines


def bar_cells(value: float, most: float, room: int) -> int:
    """Return how many cells a bar takes: 0 for nothing, at least 1 for something."""
    if value <= 0 or most <= 0:
        return 0
    return max(1, min(round(value / most * room), room))


def progress(share: float, width: int) -> Text:
    """Draw ``####----`` for a share from 0 to 1; what is beyond stays at the end."""
    done = bar_cells(share, 1.0, width)
    return _line(FULL * done + REST * (width - done), width)


def heat(label: str, values: Sequence[float], most: float, *, label_cells: int, cell: int = 3) -> Text:
    """Draw one row of a heat map: darker characters mean more, ``#`` is ``most``."""
    shades = len(_HEAT) - 1
    parts = []
    for value in values:
        share = min(max(value / most, 0.0), 1.0) if most > 0 else 0.0
        shade = max(1, round(share * shades)) if share > 0 else 0
        parts.append(_HEAT[shade] * (cell - 1) + " ")
    return _line(f"{fit(label, label_cells)} {''.join(parts)}", label_cells + 1 + cell * len(values))


def sparkline(values: Sequence[float], width: int) -> Text:
    """Draw a trend, one character a value (the latest ``width``): ``_`` lowest to ``#`` highest."""
    shown = list(values)[-width:] if width > 0 else []
    if not shown:
        return _line("", 0)
    low, high = min(shown), max(shown)
    steps = len(_SPARKS) - 1
    places = [round((value - low) / (high - low) * steps) if high > low else 0 for value in shown]
    return _line("".join(_SPARKS[place] for place in places), len(shown))


def _line(text: str, width: int) -> Text:
    return Text(fit(text, width), no_wrap=True, overflow="crop", end="")
