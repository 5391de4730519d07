"""The program on the screen: which screen is in front, and nothing about the business."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen
from textual.signal import Signal

from crm_tui import i18n
from crm_tui.screens import SCREENS, place
from crm_tui.screens.login import LoginScreen
from crm_tui.settings import Home
from crm_tui.widgets import drawing
from crm_tui.widgets.counter import Counter, Joiner
from crm_tui.widgets.ending import Ending
from crm_tui.widgets.frame import CrmScreen, Tone
from crm_tui.widgets.measuring import Measuring
from crm_tui.widgets.navigation import Done, Entered, Go, Joined, Lock, SettingsChosen
from crm_tui.widgets.themes import register_themes
from crm_tui.widgets.watching import DECIDE, Watching

if TYPE_CHECKING:
    from crm_tui.desk import Desk

_IDLE_CHECK_SECONDS = 5
_LEASE_CHECK_SECONDS = 60
_PACKAGE = Path(__file__).parent
_STYLES = [_PACKAGE / "styles" / "app.tcss", *sorted((_PACKAGE / "screens").glob("*.tcss"))]
"""All at once: Textual would read every rule of the program again for each screen that brought its own."""


class CrmApp(
    Ending, Measuring, Watching, inherit_bindings=False
):  # Textual's own Ctrl+Q would end without asking
    """The application; ``opener`` opens the desk, in ``starter``'s thread, after the first paint.

    ``joiner`` makes an empty terminal one of a hub's, by its URL and a code.
    """

    CSS_PATH: ClassVar[Any] = _STYLES
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = []

    class Changed(Message):
        """Rows of these kinds have changed."""

        def __init__(self, kinds: frozenset[str]) -> None:
            super().__init__()
            self.kinds = kinds

    def __init__(
        self,
        home: Home,
        opener: Callable[[], Desk],
        *,
        starter: Executor | None = None,
        joiner: Joiner | None = None,
        demo: bool = False,
        hint: str = "",
        begin_at: str = "",
    ) -> None:
        super().__init__(home)
        self._settings = home.read()
        self._opener = opener
        self._starter = starter
        self._joiner = joiner
        self._demo = demo
        self._hint = hint
        self._begin_at = begin_at
        self._last_person = ""
        self._last_key = time.monotonic()

    def on_mount(self) -> None:
        """Paint the log-in screen first; everything slow comes behind it."""
        register_themes(self)
        self._heed_settings()
        if self._begin_at:
            self._begin()
        else:
            self.push_screen(LoginScreen(self._open, self._settings.last_number, hint=self._hint))
        self.set_interval(_IDLE_CHECK_SECONDS, self._lock_when_idle)
        self.set_interval(_LEASE_CHECK_SECONDS, self.look_who_may_stay)
        self._heed_signals()

    async def on_event(self, event: events.Event) -> None:
        """Note that somebody is there: a field keeps its keys to itself, so this is where all pass."""
        if isinstance(event, (events.Key, events.Paste)):
            self._last_key = time.monotonic()
        await super().on_event(event)

    async def _open(self) -> Counter:
        """Open the desk off the screen's thread, once; raises Refused where the data cannot be used."""
        if self._counter is None:
            loop = asyncio.get_running_loop()
            desk = await loop.run_in_executor(self._starter, self._opener)
            desk.listen(self._rows_changed)
            signal: Signal[frozenset[str]] = Signal(self, "changed")
            self._counter = Counter(
                desk, signal, self._home, self._settings, demo=self._demo, joiner=self._joiner
            )
            self._import_screens()
        return self._counter

    def _rows_changed(self, kinds: frozenset[str]) -> None:
        """Bring the news from the writer's thread to the screen's."""
        self.post_message(self.Changed(kinds))

    @work(thread=True, group="imports", exit_on_error=False)
    def _import_screens(self) -> None:
        """Import what will be wanted next while the person types a PIN."""
        for one in SCREENS:
            one.load()

    @property
    def _open_counter(self) -> Counter:
        assert self._counter is not None, "no screen but log-in is reached before the desk is open"
        return self._counter

    @on(Changed)
    def _publish(self, message: Changed) -> None:
        if self._counter is not None:  # a desk that was closed may have had a last word
            self._counter.changed.publish(message.kinds)
        if message.kinds & DECIDE:
            self.look_who_may_stay()

    @on(Entered)
    async def _enter(self) -> None:
        """Let the person at the work: the screens as they were, or a fresh board for somebody else."""
        counter = self._open_counter
        person = counter.desk.viewer.person_id
        await self.pop_screen()
        if person != self._last_person or len(self.screen_stack) == 1:
            await self._back_to(1)
            await self.push_screen(self.first_screen())
        self._last_person = person

    @on(Go)
    async def _go(self, message: Go) -> None:
        wanted = place(message.place)
        if not wanted.stay:
            no = await self._keep_typed()
            if no:
                self._say(no, "error")
                return
            await self._back_to(2)
            if wanted.name == "board" and len(self.screen_stack) > 1:
                return
        await self.push_screen(wanted.load()(self._open_counter, **message.values))

    @on(Done)
    async def _done(self, message: Done) -> None:
        await self.pop_screen()
        self._say(message.text, "good")

    @on(Joined)
    async def _joined(self) -> None:
        """Begin again on the desk of a terminal that has a hub."""
        desk, self._counter = self._open_counter.desk, None
        await asyncio.get_running_loop().run_in_executor(self._starter, desk.close)
        await self._back_to(1)
        await self.push_screen(LoginScreen(self._open, "", hint=self._hint))

    @on(Lock)
    async def _lock(self, message: Lock | None = None) -> None:
        """Cover everything with the log-in screen; what was typed is kept as a draft below it."""
        if isinstance(self.screen, LoginScreen):
            return
        await self._keep_typed()
        desk = self._open_counter.desk
        number = desk.viewer.number
        desk.log_out()
        why = message.why if message else ""
        self.push_screen(LoginScreen(self._open, number, hint=self._hint, locked=True, why=why))

    @on(SettingsChosen)
    async def _apply_settings(self) -> None:
        """Use what was chosen: theme and language, with every screen built anew."""
        counter = self._open_counter
        counter.settings = self._settings = self._home.read()
        self._heed_settings()
        i18n.use(i18n.detect(self._settings.language))
        await self._back_to(1)
        await self.push_screen(self.first_screen())

    def first_screen(self) -> Screen[Any]:
        """Return what somebody who has logged in sees first."""
        return place("board").load()(self._open_counter)

    @work(group="begin", exit_on_error=False)
    async def _begin(self) -> None:
        """Go straight to the work of the person who is logged in already."""
        counter = await self._open()
        self._last_person = counter.desk.viewer.person_id
        await self.push_screen(self.first_screen())
        if self._begin_at != "board":
            self.post_message(Go(self._begin_at))

    def _heed_settings(self) -> None:
        """Use what the settings say on the screen: theme, frames, keys; an unknown theme changes nothing."""
        chosen = self._settings
        if chosen.theme in self.available_themes:
            self.theme = chosen.theme
        self.vim = chosen.vim
        drawing.use(chosen.border)
        self.draw_frames()

    def _say(self, text: str, tone: Tone) -> None:
        if isinstance(self.screen, CrmScreen):
            self.screen.say(text, tone)

    async def _back_to(self, depth: int) -> None:
        while len(self.screen_stack) > depth:
            await self.pop_screen()

    async def _lock_when_idle(self) -> None:
        idle = time.monotonic() - self._last_key
        at_work = self._counter is not None and self._counter.desk.is_logged_in
        if at_work and idle > self._settings.idle_minutes * 60:
            await self._lock()
