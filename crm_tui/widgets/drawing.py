"""What frames, rules and separators are drawn with: line art where a line is one cell wide, else ASCII.

Box characters, ``·`` and ``“`` are of East Asian width *ambiguous*: one cell on most terminals, two on
many Chinese consoles, where they break every frame. One process draws on one terminal at a time.
"""

from __future__ import annotations

import unicodedata
from typing import Final

BORDERS: Final = ("auto", "line", "ascii")
"""What the setting may say; ``auto`` draws line art only where a line was measured to be one cell wide."""

_STAND_INS: Final = {
    **dict.fromkeys("·•‧", "."),
    **dict.fromkeys("“”″", '"'),
    **dict.fromkeys("‘’′", "'"),
    **dict.fromkeys("‐–—―─━", "-"),
    **dict.fromkeys("│┃‖", "|"),
    **dict.fromkeys("●★◆■▲▼◎○☆◇□△▽※", "*"),
    **dict.fromkeys("→⇒≥", ">"),
    **dict.fromkeys("←≤", "<"),
    **dict(zip("↑↓×÷±…√°≈‰", "^vx/+.vo~%", strict=True)),
}
"""A sign of one cell for a sign of doubtful width."""


class _Active:
    """How this terminal is drawn on; ``cells`` is what a line measured, 0 while nobody knows."""

    border = "auto"
    cells = 0


def use(border: str) -> None:
    """Draw as the setting says; what is not one of BORDERS means ``auto``."""
    _Active.border = border if border in BORDERS else BORDERS[0]


def note_width(cells: int) -> None:
    """Note how many cells a line takes on this terminal; 0: the terminal did not say."""
    _Active.cells = cells


def measured() -> int:
    """Return how many cells a line takes on this terminal; 0: the terminal did not say."""
    return _Active.cells


def line_art() -> bool:
    """Tell whether frames are drawn with line characters."""
    return _Active.border == "line" or (_Active.border == "auto" and _Active.cells == 1)


def rule(cells: int) -> str:
    """Return a horizontal line of so many cells."""
    return ("─" if line_art() else "-") * cells


def separator() -> str:
    """Return what stands between two parts of a line."""
    return " │ " if line_art() else " | "


def drawable(text: str) -> str:
    """Return ``text`` with a stand-in for each sign of doubtful width, unless line art is drawn.

    Letters and what stands above them stay, whatever their width: a name is not spelled anew.
    """
    if text.isascii() or line_art():
        return text
    return "".join(map(_drawable, text))


def _drawable(char: str) -> str:
    if unicodedata.east_asian_width(char) != "A" or unicodedata.category(char)[0] not in "PSN":
        return char
    plain = _STAND_INS.get(char) or unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and plain.isascii() else "?"
