"""What each step of the first set-up asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from crm_tui import i18n
from crm_tui.i18n import t
from crm_tui.widgets import drawing
from crm_tui.widgets.field_row import FieldSpec, Value
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.refusal import refusal
from crm_tui.widgets.themes import THEMES

TRADES: Final = ("building", "furnishing", "education", "consumer", "other")
_SHORTEST, _LONGEST = 4, 6


def look() -> list[FieldSpec]:
    """Return the fields of language and display."""
    return [
        _choice("language", [Choice(one, t(f"language.{one}")) for one in i18n.LANGUAGES]),
        _choice("theme", [Choice(one.name, t(f"theme.{one.name}")) for one in THEMES]),
        _choice("border", [Choice(one, t(f"wizard.border.{one}")) for one in drawing.BORDERS]),
    ]


def hub() -> list[FieldSpec]:
    """Return the question whether this terminal joins a hub, and how."""
    return [
        _choice("way", [Choice(one, t(f"wizard.way.{one}")) for one in ("found", "join")]),
        FieldSpec("url", "wizard.url"),
        FieldSpec("code", "wizard.code"),
    ]


def organisation() -> list[FieldSpec]:
    """Return the fields of the organisation and its first administrator."""
    names = [
        FieldSpec(one, f"wizard.{one}", mandatory=True)
        for one in ("company", "region", "branch", "team", "time_zone", "name", "number")
    ]
    return [
        *names,
        FieldSpec("pin", "login.pin", mandatory=True, password=True, check=_pin_check),
        FieldSpec("again", "wizard.again", mandatory=True, password=True),
    ]


def trade() -> list[FieldSpec]:
    """Return the fields of the trade and the first data."""
    trades = [Choice(one, t(f"wizard.trade.{one}")) for one in TRADES]
    when = [Choice(one, t(f"wizard.import.{one}")) for one in ("later", "now")]
    return [_choice("trade", trades), _choice("import", when)]


def practice() -> list[FieldSpec]:
    """Return the one question of the last step."""
    return [_choice("practice", [Choice(one, t(f"wizard.practice.{one}")) for one in ("now", "skip")])]


STEPS: Final[dict[str, Callable[[], list[FieldSpec]]]] = {
    "look": look,
    "hub": hub,
    "organisation": organisation,
    "trade": trade,
    "practice": practice,
}
"""The steps in their order, each with its fields in the language of the moment."""


def first_answers(theme: str, border: str) -> dict[str, Value]:
    """Return what the fields hold before anybody has answered."""
    return {
        "language": i18n.language(),
        "theme": theme or THEMES[0].name,
        "border": border if border in drawing.BORDERS else drawing.BORDERS[0],
        "way": "found",
        "time_zone": "Asia/Shanghai",
        "number": "1001",
        "trade": TRADES[0],
        "import": "later",
        "practice": "now",
    }


def named_for_now() -> dict[str, Value]:
    """Return names that fit until somebody types others."""
    return {"region": t("wizard.region_default"), "team": t("wizard.team_default")}


def line_names(trade: str) -> list[str]:
    """Return the product lines a trade begins with."""
    return t(f"wizard.lines.{trade}").split("|") if trade != "other" else []


def terminal_words(width: int, height: int, *, fits: bool) -> str:
    """Say how large the terminal is and how wide it draws a line."""
    key = "wizard.terminal" if fits else "wizard.terminal_small"
    cells = drawing.measured()
    line = t("wizard.line_unknown") if not cells else t("wizard.line_cells", cells=cells)
    drawn = t("wizard.drawn_lines" if drawing.line_art() else "wizard.drawn_ascii")
    return f"{t(key, width=width, height=height)} {line} {drawn}"


def trade_words(trade: str) -> str:
    """Say what a trade begins with."""
    return t("wizard.note.trade", lines=" ".join(line_names(trade)) or "-")


def _choice(key: str, choices: list[Choice]) -> FieldSpec:
    return FieldSpec(key, f"wizard.{key}", "choice", mandatory=True, choices=choices)


def _pin_check(pin: str) -> str:
    if _SHORTEST <= len(pin) <= _LONGEST and pin.isascii() and pin.isdigit():
        return ""
    return refusal("pin_shape", {"shortest": _SHORTEST, "longest": _LONGEST})
