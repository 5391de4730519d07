"""Trying the keys: which of F1 to F12 and the keypad's Enter reach the program on this terminal."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Static

from crm_tui.i18n import t

F_KEYS: Final = tuple(f"f{number}" for number in range(1, 13))
KEYPAD: Final = ("enter", "ctrl+j")
"""What the keypad's Enter arrives as; both do what Enter does."""
_ACROSS: Final = 4


class KeyTrial(App[frozenset[str]], inherit_bindings=False):
    """Ticks each key that arrives; Esc ends it and gives what arrived."""

    ENABLE_COMMAND_PALETTE = False
    CSS = "Static { padding: 1 2; width: 100%; }"

    def __init__(self) -> None:
        super().__init__()
        self.arrived: set[str] = set()
        self._words = Static("", markup=False)

    def compose(self) -> ComposeResult:
        """One text: what to do, and the keys with their ticks."""
        yield self._words

    def on_mount(self) -> None:
        """Say what to do."""
        self._tell()

    def on_key(self, event: events.Key) -> None:
        """Tick a key; Esc and Ctrl+C end the trial."""
        if event.key in ("escape", "ctrl+c"):
            self.exit(frozenset(self.arrived))
            return
        self.arrived.add(event.key)
        self._tell()

    def _tell(self) -> None:
        ticks = [f"[{'x' if key in self.arrived else ' '}] {key.upper():4}" for key in F_KEYS]
        rows = [" ".join(ticks[at : at + _ACROSS]) for at in range(0, len(ticks), _ACROSS)]
        keypad = f"[{'x' if self.arrived & set(KEYPAD) else ' '}] {t('cli.trial_keypad')}"
        self._words.update("\n\n".join((t("cli.trial_how"), "\n".join((*rows, keypad)), t("cli.trial_end"))))


def eaten(arrived: frozenset[str]) -> list[str]:
    """Return the F-keys that did not arrive, as they are printed."""
    return [key.upper() for key in F_KEYS if key not in arrived]


def keypad_as(arrived: frozenset[str]) -> str:
    """Return what the keypad's Enter arrived as, or an empty string."""
    return " ".join(key for key in KEYPAD if key in arrived)
