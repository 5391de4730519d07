"""What every screen is handed: the desk, the signal that rows have changed, and this terminal's settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.signal import Signal

from crm_tui.settings import Home, Settings

if TYPE_CHECKING:
    # Only for the type checker: the log-in screen paints before the database layer is imported.
    from crm_tui.desk import Desk

Joiner = Callable[[str, str], object]
"""Makes an empty terminal one of a hub's, by its URL and a code; raises HubError and Refused."""


@dataclass
class Counter:
    """One counter of a shop: ``changed`` publishes the kinds of rows that changed, ``demo`` is play data.

    ``joiner`` takes this terminal into a hub, where the program knows how.
    """

    desk: Desk
    changed: Signal[frozenset[str]]
    home: Home
    settings: Settings
    demo: bool = False
    joiner: Joiner | None = None
