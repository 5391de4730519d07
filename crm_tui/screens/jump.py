"""Ctrl+G: a digit or a letter goes at once; who hesitates sees the places."""

from __future__ import annotations

from textual import events

from crm_tui.i18n import t
from crm_tui.screens import SCREENS
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.frame import CrmScreen
from crm_tui.widgets.keys import digit_of
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.which_key import HESITATION, Jump, WhichKey


class JumpScreen(WhichKey):
    """Waits for one key and goes where it leads; a key that leads nowhere is named on the screen below."""

    def __init__(self, counter: Counter, *, delay: float = HESITATION) -> None:
        self.counter = counter
        super().__init__(places_to_jump(), delay=delay)

    def on_key(self, event: events.Key) -> None:
        """Go, or say that the key leads nowhere."""
        event.stop()
        event.prevent_default()
        digit, app = digit_of(event.key), self.app
        target = next(
            (one.target for one in self._jumps if event.key == one.letter or (digit and digit == one.digit)),
            "",
        )
        self.dismiss(None)
        if target:
            app.post_message(Go(target))
        elif isinstance(app.screen, CrmScreen):
            app.screen.say(t("jump.unknown", key=event.character or event.key), "warn")


def places_to_jump() -> list[Jump]:
    """Return the places that have a digit or a letter, in their order."""
    return [
        Jump(one.name, one.digit, one.letter, t(f"place.{one.name}"))
        for one in SCREENS
        if one.digit or one.letter
    ]
