"""Five themes: dark, light, high contrast, for colour-weak eyes, and one without colour."""

from __future__ import annotations

from typing import Any, Final

from textual.app import App
from textual.theme import Theme


def _theme(
    name: str,
    *,
    dark: bool,
    ground: tuple[str, str, str],
    text: tuple[str, str],
    primary: str,
    accent: str,
    tones: tuple[str, str, str],
) -> Theme:
    """Build a theme: ground = background, surface, panel; text = plain, muted; tones = good, warn, alarm."""
    background, surface, panel = ground
    foreground, _muted = text
    good, warn, alarm = tones
    return Theme(
        name=name,
        dark=dark,
        background=background,
        surface=surface,
        panel=panel,
        foreground=foreground,
        primary=primary,
        secondary=primary,
        accent=accent,
        success=good,
        warning=warn,
        error=alarm,
        text_alpha=1.0,
        variables=_variables(ground, text, primary, tones),
    )


def _variables(
    ground: tuple[str, str, str], text: tuple[str, str], primary: str, tones: tuple[str, str, str]
) -> dict[str, str]:
    """Fix what Textual would otherwise mix from the colours, so that the contrast is known."""
    background, _surface, panel = ground
    foreground, muted = text
    good, warn, alarm = tones
    return {
        "text-muted": muted,
        "text-disabled": muted,
        "text-success": good,
        "text-warning": warn,
        "text-error": alarm,
        "block-cursor-background": primary,
        "block-cursor-foreground": background,
        "block-cursor-blurred-background": panel,
        "block-cursor-blurred-foreground": foreground,
        "input-cursor-background": foreground,
        "input-cursor-foreground": background,
        "input-selection-background": panel,
        "border": primary,
        "border-blurred": muted,
    }


DARK: Final = _theme(
    "crm-dark",
    dark=True,
    ground=("#14181d", "#1c2229", "#29323c"),
    text=("#e4e8ec", "#9aa7b4"),
    primary="#7fb4e6",
    accent="#8fd0ff",
    tones=("#86d39a", "#f0c060", "#ff8f8f"),
)
LIGHT: Final = _theme(
    "crm-light",
    dark=False,
    ground=("#fbfbf8", "#f0f0ec", "#dfe4e8"),
    text=("#16202a", "#525e69"),
    primary="#0b4a8f",
    accent="#0b4a8f",
    tones=("#14632c", "#7a4a00", "#a31621"),
)
HIGH_CONTRAST: Final = _theme(
    "crm-contrast",
    dark=True,
    ground=("#000000", "#000000", "#1a1a1a"),
    text=("#ffffff", "#d8d8d8"),
    primary="#ffff00",
    accent="#ffff00",
    tones=("#7dff9b", "#ffd166", "#ffb3b3"),
)
COLOUR_WEAK: Final = _theme(
    "crm-blue-orange",
    dark=True,
    ground=("#12161c", "#1b2129", "#28313c"),
    text=("#e8ecf0", "#a3afbb"),
    primary="#7ab8f5",
    accent="#9cd0ff",
    tones=("#7ab8f5", "#e8c07a", "#ff9e3d"),
)
MONO: Final = _theme(
    "crm-mono",
    dark=True,
    ground=("#101010", "#181818", "#2c2c2c"),
    text=("#e6e6e6", "#a8a8a8"),
    primary="#d0d0d0",
    accent="#ffffff",
    tones=("#e6e6e6", "#f2f2f2", "#ffffff"),
)
THEMES: Final = (DARK, LIGHT, HIGH_CONTRAST, COLOUR_WEAK, MONO)
"""In the order of the settings screen, 1 to 5."""


def register_themes(app: App[Any], name: str = DARK.name) -> None:
    """Give the app the five themes, put one on, and stop every animation."""
    for theme in THEMES:
        app.register_theme(theme)
    app.theme = name
    app.animation_level = "none"
