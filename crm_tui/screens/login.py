"""Log-in and lock: who is at the counter, by number or name, and a PIN."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Center, Horizontal, Vertical
from textual.widgets import Input, Static

from crm_tui.domain.errors import Refused
from crm_tui.domain.text import fold_width
from crm_tui.i18n import t
from crm_tui.settings import Home
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import Words
from crm_tui.widgets.fields import TextField
from crm_tui.widgets.frame import CrmScreen
from crm_tui.widgets.navigation import Entered, Go, Quit
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.refusal import clock_behind, refusal, refused
from crm_tui.widgets.standing import clock_words
from crm_tui.widgets.text import safe_text

if TYPE_CHECKING:
    from crm_tui.desk import Desk
    from crm_tui.queries.door import AtDoor, Door, Tries

T = TypeVar("T")

PAUSE: Final = 5.0
"""Seconds between two tries to fetch what a terminal that has just joined does not have yet."""


class LoginScreen(CrmScreen):
    """The door: nothing of any customer is on it."""

    AUTO_FOCUS = "#number"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "keys.help"),
        Binding("f4", "choose", "keys.values"),
        Binding("f6", "unlock", "login.unlock_key"),
        Binding("f10,ctrl+s", "enter", "login.enter_key"),
        Binding("f12,escape", "back", "keys.quit"),
        Binding("ctrl+c,ctrl+q", "back", "keys.quit", show=False),
        Binding("down", "to('#pin')", show=False),
        Binding("up", "to('#number')", show=False),
    ]

    def __init__(
        self,
        opening: Callable[[], Awaitable[Counter]],
        number: str,
        *,
        hint: str = "",
        locked: bool = False,
        why: str = "",
    ) -> None:
        super().__init__()
        self._why = why
        self._opening = opening
        self._number = number
        self._said = hint
        self._locked = locked
        self._counter: Counter | None = None
        self._door: Door | None = None
        self._tries: Tries | None = None
        self._first_pin = ""
        self._waiting = False

    def compose_body(self) -> ComposeResult:
        """Two fields in the middle of an empty screen."""
        with Center(id="door"), Vertical(id="card"):
            yield Static(safe_text(t("login.welcome")), id="welcome", markup=False)
            with Horizontal(classes="row"):
                yield Static(safe_text(t("login.number")), classes="label", markup=False)
                yield Words("[")
                yield TextField(self._number, id="number", max_length=20, select_on_focus=True)
                yield Words("]")
                yield Static("", id="who", markup=False)
            with Horizontal(classes="row"):
                yield Static(safe_text(t("login.pin")), classes="label", markup=False)
                yield Words("[")
                yield TextField(id="pin", password=True, max_length=6)
                yield Words("]")
                yield Static(safe_text(t("login.pin_hint")), id="pin-hint", markup=False)
            yield Static("", id="state", markup=False)

    def on_mount(self) -> None:
        """Open the desk behind the first paint."""
        self.title = t("login.locked") if self._locked else t("login.title")
        self.set_hint(self._said or t("login.hint"))
        if self._why:
            self.say(self._why, "error")
        if self._number:
            self.query_one("#pin").focus()
        self._open()

    def on_screen_resume(self) -> None:
        """Count the tries again: a manager may have given them back on the screen that was in front."""
        if self._counter is not None:
            self._show_person()

    @property
    def person(self) -> AtDoor | None:
        """The person whose number, name or initials stand in the first field, if there is exactly one."""
        typed = fold_width(self.query_one("#number", TextField).value).strip().casefold()
        people = self._door.people if self._door else ()
        by_number = [one for one in people if one.number.casefold() == typed]
        found = by_number or [
            one for one in people if typed and (one.name.casefold() == typed or typed in one.initials.split())
        ]
        found = found or (self._door.out_of_use(typed) if self._door else [])
        return found[0] if len(found) == 1 else None

    @on(Input.Changed)
    def _type_on(self, message: Input.Changed) -> None:
        """Enter waits for the desk only as long as nothing else is typed: half a PIN is not a try."""
        self._waiting = False
        if message.input.id == "number":
            self._first_pin = ""
            self._show_person()

    @on(Input.Submitted, "#number")
    def _to_pin(self) -> None:
        self.query_one("#pin").focus()

    @on(Input.Submitted, "#pin")
    def action_enter(self) -> None:
        """Check the PIN, or take a first one twice."""
        person, pin = self.person, self.query_one("#pin", TextField)
        if self._door is not None and person is None:
            self.say(t("login.who"), "warn")
            self.query_one("#number").focus()
        elif not pin.value:
            pin.focus()
        elif person is None or self._tries is None:
            self._waiting = True
            self.say(t("login.opening"))
        elif self._tries.has_pin:
            self._enter(person, pin.value)
            pin.value = ""
        else:
            self._choose_first_pin(person, pin)

    def action_to(self, field: str) -> None:
        """Go to one of the two fields."""
        self.query_one(field).focus()

    def action_choose(self) -> None:
        """Pick the person from a list."""
        if self._door is None:
            return
        rows = [
            PickRow(
                one.person_id,
                f"{one.number} {one.name}",
                search=one.initials,
                note=f"{t(f'role.{one.role}')} {one.unit}",
            )
            for one in self._door.people
        ]
        self.app.push_screen(Picker(t("login.pick"), rows), self._take_choice)

    def action_help(self) -> None:
        """Say how to log in."""
        self.say(t("login.help"))

    def action_unlock(self) -> None:
        """Let a manager unlock the person after five wrong PINs."""
        if self.person is not None and self._counter is not None:
            self.post_message(Go("unlock", person=self.person))
        else:
            self.say(t("login.who"), "warn")

    def action_back(self) -> None:
        """End the program: there is nothing behind the door."""
        self.post_message(Quit())

    @work(exit_on_error=False)
    async def _open(self) -> None:
        """Open the desk and learn who may log in."""
        try:
            counter = await self._opening()
        except Refused as no:
            self.say(refused(no), "error")
            return
        from crm_tui.queries.door import door

        self._counter = counter
        await _fetch_first(counter.desk, self._state, lambda no: self.say(no, "warn"))
        self._door = await counter.desk.write(lambda: counter.desk.answer_anyone(door))
        if not self._door.founded:
            self.post_message(Go("wizard"))
            return
        wrong = await counter.desk.write(partial(_clock_trouble, counter.desk))
        if wrong:
            self.say(wrong, "warn")
        self._show_person()

    @work(group="who", exclusive=True, exit_on_error=False)
    async def _show_person(self) -> None:
        """Show the name beside the number and how the person stands with the PIN."""
        person, who = self.person, self.query_one("#who", Static)
        who.update(safe_text(f"{person.name}  {t(f'role.{person.role}')}  {person.unit}" if person else ""))
        self._tries = None
        if person is None or self._counter is None:
            self._state("")
            return
        desk = self._counter.desk
        found, known = await desk.write(lambda: _how_known(desk, person.person_id))
        self._tries = found
        if not found.has_pin:
            self._state(t("login.first_pin"))
        else:
            self._state(t("login.tries", left=found.left) if known else t("login.at_hub"))
        if self._waiting:
            self._waiting = False
            self.say("")
            self.action_enter()

    @work(group="enter", exclusive=True, exit_on_error=False)
    async def _enter(self, person: AtDoor, pin: str) -> None:
        assert self._counter is not None
        desk = self._counter.desk
        self._state(t("login.checking"))
        try:
            await desk.write(lambda: desk.log_in(person.person_id, pin), at_hub=True)
        except Refused as no:
            self.say(refused(no), "error")
            self._show_person()
            return
        _remember(self._counter.home, person.number)
        self.post_message(Entered())

    def _choose_first_pin(self, person: AtDoor, field: TextField) -> None:
        """Take the first PIN twice, so that a slip does not lock the person out."""
        typed, field.value = field.value, ""
        if not self._first_pin:
            self._first_pin = typed
            self._state(t("login.again"))
        elif typed != self._first_pin:
            self._first_pin = ""
            self.say(t("login.differs"), "error")
            self._state(t("login.first_pin"))
        else:
            self._first_pin = ""
            self._keep_first_pin(person, typed)

    @work(group="enter", exclusive=True, exit_on_error=False)
    async def _keep_first_pin(self, person: AtDoor, pin: str) -> None:
        assert self._counter is not None
        desk = self._counter.desk
        try:
            await desk.write(lambda: desk.door.choose_pin(person.person_id, pin), at_hub=True)
        except Refused as no:
            self.say(refused(no), "error")
            self._show_person()
            return
        self._enter(person, pin)

    def _take_choice(self, person_id: str | None) -> None:
        if person_id is None or self._door is None:
            return
        number = next(one.number for one in self._door.people if one.person_id == person_id)
        self.query_one("#number", TextField).value = number
        self.query_one("#pin").focus()

    def _state(self, text: str) -> None:
        self.query_one("#state", Static).update(safe_text(text))


def _how_known(desk: Desk, person_id: str) -> tuple[Tries, bool]:
    """Return how a person stands with the PIN, and whether this terminal can check it alone."""
    from crm_tui.queries.door import tries

    here = desk.answer_anyone(tries, person_id)
    return replace(here, has_pin=desk.door.has_pin(person_id)), here.has_pin


async def _fetch_first(desk: Desk, tell: Callable[[str], None], object_to: Callable[[str], None]) -> None:
    """Fetch what a terminal that has joined a hub does not have yet; Esc ends the program meanwhile."""
    from crm_tui.queries.door import door

    link, loop = desk.link, asyncio.get_running_loop()
    if link is None:
        return
    from crm_tui.sync.messages import HubError

    def told(rows: int) -> None:
        loop.call_soon_threadsafe(tell, t("login.fetched", rows=rows))

    link.on_progress.append(told)
    while not (await desk.write(lambda: desk.answer_anyone(door))).founded:
        tell(t("login.fetching"))
        try:
            await link.meet()
        except (HubError, Refused) as no:
            object_to(refusal(no.code, no.details))
            await asyncio.sleep(PAUSE)
    link.on_progress.remove(told)
    tell("")


def _remember(home: Home, number: str) -> None:
    """Fill in the same number next time."""
    settings = home.read()
    if settings.last_number != number:
        home.write(replace(settings, last_number=number))


def _clock_trouble(desk: Desk) -> str:
    """Say what is wrong with this clock: it stands before the newest entry, or is not as the hub's."""
    behind = desk.watch.behind
    if behind is not None:
        return clock_behind(behind)
    off = desk.link.state().standing.minutes_off if desk.link is not None else 0
    return clock_words(off) if off else ""
