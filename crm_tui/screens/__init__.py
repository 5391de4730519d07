"""One screen = ``board.py`` + ``board.tcss``; SCREENS lists them in the order of Ctrl+G."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from textual.screen import Screen


@dataclass(frozen=True)
class Place:
    """A screen by name: its class is imported when it is first wanted, so that log-in paints at once.

    ``digit`` and ``letter`` follow Ctrl+G; an empty one is not reached that way. A ``stay`` keeps what is
    below it on the stack; the others stand directly on the board.
    """

    name: str
    module: str
    screen: str
    digit: str = ""
    letter: str = ""
    stay: bool = True

    def load(self) -> Callable[..., Screen[Any]]:
        """Import the screen's class."""
        found: Callable[..., Screen[Any]] = getattr(
            import_module(f"crm_tui.screens.{self.module}"), self.screen
        )
        return found


SCREENS: tuple[Place, ...] = (
    Place("board", "board", "BoardScreen", digit="1", letter="b", stay=False),
    Place("customers", "customers", "CustomersScreen", digit="2", letter="c", stay=False),
    Place("todo", "todo", "TodoScreen", digit="3", letter="o", stay=False),
    Place("leads", "leads", "LeadsScreen", letter="x", stay=False),
    Place("panel", "panel", "PanelScreen", digit="5", letter="d", stay=False),
    Place("settings", "settings", "SettingsScreen", letter="s", stay=False),
    Place("import", "importing", "ImportScreen", letter="n", stay=False),
    Place("sync", "sync", "SyncScreen", digit="0", letter="i", stay=False),
    Place("behind", "behind", "BehindScreen"),
    Place("profile", "profile", "ProfileScreen"),
    Place("follow_up", "follow_up", "FollowUpScreen"),
    Place("customer_form", "customer_form", "CustomerFormScreen"),
    Place("deal_form", "deal_form", "DealFormScreen"),
    Place("lead_form", "lead_form", "LeadFormScreen"),
    Place("quick", "quick", "QuickScreen"),
    Place("gate", "gate", "GateScreen"),
    Place("help", "help", "HelpScreen"),
    Place("jump", "jump", "JumpScreen"),
    Place("palette", "palette", "PaletteScreen"),
    Place("wizard", "wizard", "WizardScreen"),
    Place("unlock", "unlock", "UnlockScreen"),
)


def place(name: str) -> Place:
    """Return the place of this name; raises KeyError."""
    return next(one for one in SCREENS if one.name == name)
