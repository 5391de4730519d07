"""Text a person typed, made safe for a terminal and cut by cells."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from crm_tui.widgets.drawing import drawable, line_art

Align = Literal["left", "right"]
CUT: Final = ".."
"""What stands for the rest of a text that was cut; two cells in every terminal."""

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_DIRECTION = (*range(0x200B, 0x2010), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
_VARIANTS = (0xFE0E, 0xFE0F)  # terminals disagree on the width of what they alter
_BREAKS = {0x09: " ", 0x0A: " ", 0x0D: " "}
_HIDDEN: Final[dict[int, str | None]] = {
    **dict.fromkeys((*_CONTROLS, *_DIRECTION, *_VARIANTS), None),
    **_BREAKS,
}


def clean(value: str) -> str:
    """Return ``value`` on one line without control, direction and zero-width characters."""
    if value.isascii() and value.isprintable():
        return value
    return "".join("?" if "\ud800" <= char <= "\udfff" else char for char in value.translate(_HIDDEN))


def safe_text(value: str, style: str = "") -> Text:
    """Return what a person typed as Text: literal, one line, no markup, no escape sequence."""
    return Text(drawable(clean(value)), style=style, no_wrap=True, overflow="crop", end="")


def fit(value: str, cells: int, align: Align = "left") -> str:
    """Return ``value`` cleaned and exactly ``cells`` wide; what does not fit ends in ``..``."""
    return _fit(value, cells, align, line_art())


@lru_cache(maxsize=8192)
def _fit(value: str, cells: int, align: Align, _line_art: bool) -> str:
    text = drawable(clean(value))
    size = cell_len(text)
    if size > cells:
        if cells <= len(CUT):
            return CUT[: max(cells, 0)]
        text = set_cell_size(text, cells - len(CUT)).rstrip() + CUT
        size = cell_len(text)
    pad = " " * (cells - size)
    return pad + text if align == "right" else text + pad


def fit_middle(value: str, cells: int) -> str:
    """Return ``value`` at most ``cells`` wide, cut in the middle as the name of a firm is."""
    text = drawable(clean(value))
    if cell_len(text) <= cells:
        return text
    room = max(cells - len(CUT), 0)
    tail = room // 2
    head = set_cell_size(text, room - tail).rstrip()
    end = text
    while end and cell_len(end) > tail:
        end = end[1:]
    return f"{head}{CUT}{end}"[: max(cells, 0)]


def fit_text(value: str | Text, cells: int, align: Align = "left") -> Text:
    """Return a cell as Text exactly ``cells`` wide, keeping the styles a Text came with."""
    if isinstance(value, str):
        return Text(fit(value, cells, align), end="")
    text = value.copy()
    if not (text.plain.isascii() and text.plain.isprintable()):
        text.plain = drawable(clean(text.plain))
    text.end = ""
    if text.cell_len > cells:
        text.truncate(max(cells - len(CUT), 0), overflow="crop")
        text.append(CUT[: max(cells, 0)])
    pad = max(cells - text.cell_len, 0)
    if align == "right":
        text.pad_left(pad)
    else:
        text.pad_right(pad)
    return text
