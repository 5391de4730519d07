"""Numbers in clear for a moment: each look is a command of its own, and recorded."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.timer import Timer

from crm_tui.domain.identity import digits_only
from crm_tui.i18n import t
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.portrait import Revealed
from crm_tui.widgets.workplace import WorkScreen

CLEAR_SECONDS = 10.0
"""How long numbers stand in clear."""


class Reveals(WorkScreen):
    """A screen of one customer that masks its numbers; ``clear`` is what may be shown now."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v,V", "reveal", "profile.reveal_key", show=False, tooltip="profile.reveal_tip"),
        Binding("ctrl+c", "copy", "profile.copy_key", show=False, tooltip="profile.copy_tip"),
    ]

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        self.clear: Revealed | None = None
        self._clear_timer: Timer | None = None

    @abstractmethod
    def show_person(self) -> None:
        """Draw the numbers again, masked or in ``clear``."""

    @work(group="reveal", exclusive=True, exit_on_error=False)
    async def action_reveal(self) -> None:
        """Show the numbers in clear for ten seconds; the look is recorded."""
        if await self._reveal():
            self.say(t("profile.revealed", seconds=int(CLEAR_SECONDS)), "good")

    @work(group="reveal", exclusive=True, exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy the bare digits of the first number; a look that is recorded unless they are shown already."""
        clear = self.clear or await self._reveal()
        if clear is None:
            return
        if not clear.phones:
            self.say(t("profile.no_number"), "warn")
            return
        self.app.copy_to_clipboard(digits_only(clear.phones[0]))
        self.say(t("profile.copied"), "good")

    def hide(self) -> None:
        """Mask the numbers again."""
        if self._clear_timer is not None:
            self._clear_timer.stop()
        self.clear = self._clear_timer = None
        self.show_person()

    def on_screen_suspend(self) -> None:
        """Mask the numbers when another screen comes in front: nobody looks at them."""
        self.hide()

    async def _reveal(self) -> Revealed | None:
        from crm_tui.commands.customers import RevealIdentity

        asked = self.customer_id
        if asked is None:
            return None
        verdicts = await self.act(RevealIdentity(customer_id=asked))
        if not verdicts or not verdicts[0].applied or asked != self.customer_id:
            return None
        self.hide()
        details = verdicts[0].details
        self.clear = Revealed(tuple(details["phones"]), details["resident_id"])
        self._clear_timer = self.set_timer(CLEAR_SECONDS, self.hide)
        self.show_person()
        return self.clear
