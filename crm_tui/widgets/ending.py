"""How the program ends: asked for, told to by the system, or by an error nobody foresaw."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on
from textual.worker import Worker, WorkerState

from crm_tui import i18n
from crm_tui.domain.errors import Refused
from crm_tui.settings import Home
from crm_tui.trouble import LOG, note_trouble
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.frame import CrmScreen
from crm_tui.widgets.keys import KeyOrder
from crm_tui.widgets.navigation import AtBottom, Practise, Quit, Trouble
from crm_tui.widgets.refusal import refused

if TYPE_CHECKING:
    from crm_tui.widgets.drafting import Drafting


class Ending(KeyOrder, inherit_bindings=False):
    """An app that loses nothing when it ends and shows nobody's data when it breaks."""

    def __init__(self, home: Home, **more: Any) -> None:
        super().__init__(**more)
        self._home = home
        self._counter: Counter | None = None

    @on(Quit)
    async def _quit(self) -> None:
        """End; where something is not saved, ask once."""
        if self._unfinished:
            await self.push_screen(Confirm(i18n.t("work.quit_unsaved")), self._quit_agreed)
        else:
            self.exit()

    async def _quit_agreed(self, answer: str | None) -> None:
        if answer is not None:
            await self._end()

    async def _end(self) -> None:
        """End; what was typed stays as a draft."""
        await self._keep_typed()
        self.exit()

    async def _keep_typed(self) -> str:
        """Keep what was typed and not saved as drafts, before its screen goes; return why that failed."""
        return next(filter(None, [await form.keep_draft().wait() for form in self._unfinished]), "")

    @property
    def _unfinished(self) -> list[Drafting]:
        """The forms of the person who is logged in that hold text not yet saved."""
        from crm_tui.widgets.drafting import Drafting

        if self._counter is None or not self._counter.desk.is_logged_in:
            return []
        return [one for one in self.screen_stack if isinstance(one, Drafting) and one.unsaved]

    @on(AtBottom)
    def _nothing_below(self) -> None:
        self.at_bottom()

    def at_bottom(self) -> None:
        """Stay on the board: the program is left by Ctrl+C."""
        if isinstance(self.screen, CrmScreen):
            self.screen.say(i18n.t("board.home"))

    @on(Practise)
    def _practise(self, message: Practise) -> None:
        """End with what was asked for: who built the program knows how to practise, and comes back here."""
        self.exit(message)

    def _heed_signals(self) -> None:
        """End in good order when the system or a closed window says so: the terminal gets its modes back."""
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP"):
            with contextlib.suppress(NotImplementedError, AttributeError):  # Windows has neither
                loop.add_signal_handler(getattr(signal, name), lambda: self.run_worker(self._end()))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Treat the failure of the app's own work like that of a screen's."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.post_message(Trouble(event.worker.error))

    @on(Trouble)
    def _note_trouble(self, message: Trouble) -> None:
        """Say that something failed where it would otherwise fail in silence, and note it for support.

        What the storage could not do has its own sentence; there is nothing in it for support.
        """
        error = message.error
        if isinstance(error, Refused):
            said = refused(error)
        else:
            said = i18n.t("work.failed", code=note_trouble(self._home, error))
        if isinstance(self.screen, CrmScreen):
            self.screen.say(said, "error")

    def _fatal_error(self) -> None:
        """End without showing a traceback: its values would be customers' data on a shop's screen."""
        error = sys.exc_info()[1]
        if error is None:
            return
        code = note_trouble(self._home, error)
        self.panic(Text(i18n.t("work.fatal", code=code, path=str(self._home.path / LOG))))
