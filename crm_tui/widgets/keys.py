"""Keys as a shop really sends them: bursts in the order typed, and the twins a Chinese keyboard types."""

from __future__ import annotations

import re
from asyncio import TimerHandle
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from textual import events
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

TWINS: Final[dict[str, tuple[str, ...]]] = {
    "slash": ("ideographic_comma", "fullwidth_solidus"),
    "question_mark": ("fullwidth_question_mark",),
    "colon": ("fullwidth_colon",),
    "semicolon": ("fullwidth_semicolon",),
    "comma": ("fullwidth_comma",),
    "full_stop": ("ideographic_full_stop", "fullwidth_full_stop"),
    "exclamation_mark": ("fullwidth_exclamation_mark",),
    "greater_than_sign": ("right_double_angle_bracket", "right_angle_bracket", "fullwidth_greater_than_sign"),
    "less_than_sign": ("left_double_angle_bracket", "left_angle_bracket", "fullwidth_less_than_sign"),
    "left_square_bracket": ("left_black_lenticular_bracket", "fullwidth_left_square_bracket"),
    "right_square_bracket": ("right_black_lenticular_bracket", "fullwidth_right_square_bracket"),
    "dollar_sign": ("fullwidth_yen_sign", "yen_sign"),
    "space": ("ideographic_space",),
    "enter": ("ctrl+j",),
    **{digit: (chr(ord(digit) + 0xFEE0),) for digit in "0123456789"},
}
"""What else arrives when a person presses the key on a Chinese input method or a keypad."""

VIM: Final[dict[str, str]] = {"h": "left", "j": "down", "k": "up", "l": "right", "g": "ctrl+g"}
"""Letters that stand for a key outside fields, where the settings say ``vim = true``."""

HOLDING: Final = frozenset(
    {"archive", "batch", "do", "enter", "filter", "found", "move", "offer", "open", "save", "step", "unlock"}
)
"""Groups of work that a key starts and the next key must find done: it may bring another screen."""

_SEPARATOR = re.compile(r"\t|\r\n|\r|\n")
_ROUNDS = 2
_SAFETY_SECONDS = 0.1
_SAFETY_TIMES = 10
_HELD_TIMES = 50


def twins(*keys: str) -> str:
    """Return the comma-separated names for a Binding: each key followed by its twins."""
    names: list[str] = []
    for key in keys:
        names += [key, *TWINS.get(key, ())]
    return ",".join(names)


def digit_of(key: str) -> str:
    """Return the ASCII digit a key name stands for (full width too), or an empty string."""
    if len(key) != 1:
        return ""
    folded = chr(ord(key) - 0xFEE0) if "０" <= key <= "９" else key
    return folded if "0" <= folded <= "9" else ""


class Passed(Message, namespace="key_order"):
    """Bubbles behind a key; back at the app, everything the key caused on that way has run."""

    def __init__(self, turn: int, rounds: int) -> None:
        super().__init__()
        self.turn = turn
        self.rounds = rounds


class Ready(Message, namespace="key_order"):
    """A screen came to the front, or work that a key started is done."""


@dataclass(frozen=True, slots=True)
class _PastedBreak:
    """A tab or a line end inside a paste; it counts only while the focus is in a field."""

    event: events.Key


class KeyOrder(App[Any]):
    """Mix-in for the App: keys and pastes of one burst take effect one after the other.

    Textual hands a key to the focused widget and goes on to the next one at once, so the second key of
    a burst can meet the focus of before the first (upstream #6605). Here the next key waits until a
    message sent behind the former has bubbled back, twice, so that Input.Submitted is delivered too, and
    until the screen in front is drawn and the work that the key started there (HOLDING) is done. A
    paste with tabs or line ends is taken apart and goes through a form field by field. With ``vim`` the
    letters of VIM are the keys they stand for, outside fields and windows that read letters.
    """

    vim = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._keys_waiting: deque[events.Event | _PastedBreak] = deque()
        self._key_turn = 0
        self._key_in_flight = False
        self._key_target: MessagePump | None = None
        self._key_screen: Screen[Any] | None = None
        self._key_safety: TimerHandle | None = None
        self._key_held = False

    async def on_event(self, event: events.Event) -> None:
        """Let a fresh key or paste through when the one before it is done; anything else at once."""
        fresh = isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded
        if not fresh:
            await super().on_event(event)
            return
        self._keys_waiting.append(event)
        if not self._key_in_flight:
            await self._release_keys()

    async def on_key_order_passed(self, message: Passed) -> None:
        """Send the next round, or release the next key."""
        message.stop()
        if message.turn != self._key_turn or not self._key_in_flight:
            return
        if message.rounds > 1:
            self._send_behind(message.rounds - 1)
        else:
            await self._go_on()

    async def on_key_order_ready(self, message: Ready) -> None:
        """Look again whether the next key may go."""
        message.stop()
        if self._key_held:
            await self._go_on()

    async def _go_on(self) -> None:
        """Release the next key, unless the last one still has something to do."""
        if self._front() is not self._key_screen:
            # The key brought another screen to the front: wait until that one has found its focus.
            self._key_held = False
            self._key_screen = self._front()
            self._key_target = self._key_receiver()
            self._send_behind(_ROUNDS)
        elif not self._is_busy():
            await self._key_done()
        elif not self._key_held:
            self._key_held = True
            self._arm_safety(_HELD_TIMES)

    def _is_busy(self) -> bool:
        """Tell whether the screen in front is not drawn yet, or carries out what a key asked for."""
        front = self._front()
        drawn = getattr(front, "drawn", True)
        return any(
            worker.node is front
            and not worker.is_finished
            and (worker.group in HOLDING or (worker.group == "draw" and not drawn))
            for worker in self.workers
        )

    async def _key_done(self) -> None:
        if self._key_safety is not None:
            self._key_safety.cancel()
        self._key_in_flight = self._key_held = False
        await self._release_keys()

    async def _release_keys(self) -> None:
        """Give Textual the next waiting key, if there is one."""
        event = self._next_key()
        if event is None:
            return
        self._key_in_flight = True
        self._key_turn += 1
        self._key_target = self._key_receiver()
        self._key_screen = self._front()
        self._arm_safety(_SAFETY_TIMES)
        await super().on_event(self._meant(event))
        self._send_behind(_ROUNDS)

    def _next_key(self) -> events.Event | None:
        while self._keys_waiting:
            waiting = self._keys_waiting.popleft()
            if isinstance(waiting, _PastedBreak):
                if _takes_paste(self._focused_widget()):
                    return waiting.event
                self._drop_rest_of_paste()
            elif isinstance(waiting, events.Paste):
                return self._first_part(waiting)
            else:
                return waiting
        return None

    def _meant(self, event: events.Event) -> events.Event:
        """Return the key a letter stands for, where letters move."""
        if not (self.vim and isinstance(event, events.Key) and event.key in VIM):
            return event
        if self._reads_letters(event.key):
            return event
        key = events.Key(VIM[event.key], None)
        key.set_sender(self)
        return key

    def _reads_letters(self, key: str) -> bool:
        """Tell whether a letter means itself: in a field, in a window that reads it, where it is bound."""
        focused, front = self._focused_widget(), self._front()
        own = any(getattr(one, "READS_LETTERS", False) for one in (focused, front))
        return own or isinstance(focused, (Input, TextArea)) or front is None or key in front.active_bindings

    def _first_part(self, paste: events.Paste) -> events.Paste:
        """Return the paste up to its first tab or line end and put the rest back in front."""
        if not _takes_paste(self._focused_widget()):
            return paste
        parts = _SEPARATOR.split(paste.text, maxsplit=1)
        if len(parts) == 1:
            return paste
        tab = paste.text[len(parts[0])] == "\t"
        key = events.Key("tab", "\t") if tab else events.Key("enter", "\r")
        key.set_sender(self)
        if parts[1]:
            self._keys_waiting.appendleft(events.Paste(parts[1]))
        self._keys_waiting.appendleft(_PastedBreak(key))
        return events.Paste(parts[0])

    def _drop_rest_of_paste(self) -> None:
        if self._keys_waiting and isinstance(self._keys_waiting[0], events.Paste):
            self._keys_waiting.popleft()

    def _send_behind(self, rounds: int) -> None:
        """Post the sentinel where the key went; where that is gone, where the next key would go."""
        sentinel = Passed(self._key_turn, rounds)
        target = self._key_target
        gone = target is None or not target.is_attached or not target.is_running
        if rounds == 1 or gone:
            target = self._key_receiver()
        if target is None or not target.post_message(sentinel):
            self.post_message(Passed(self._key_turn, rounds))

    def _focused_widget(self) -> Widget | None:
        return self.focused if self.screen_stack else None

    def _front(self) -> Screen[Any] | None:
        return self.screen if self.screen_stack else None

    def _key_receiver(self) -> MessagePump | None:
        return (self.focused or self.screen) if self.screen_stack else None

    def _arm_safety(self, times: int) -> None:
        """Go on without the sentinel when its way was torn down: after 0.1 s, 1 s while it stands."""
        loop = self._loop
        if loop is None:
            return
        if self._key_safety is not None:
            self._key_safety.cancel()
        self._key_safety = loop.call_later(_SAFETY_SECONDS, self._look_after, self._key_turn, times - 1)

    def _look_after(self, turn: int, times: int) -> None:
        self.call_next(self._check_safety, turn, times)

    async def _check_safety(self, turn: int, times: int) -> None:
        if turn != self._key_turn or not self._key_in_flight:
            return
        target = self._key_target
        stands = self._key_held or (target is not None and target.is_attached and target.is_running)
        if not times:
            await self._key_done()
        elif not stands:
            self.post_message(Passed(turn, 1))
        else:
            self._arm_safety(times)
            if self._key_held:
                await self._go_on()


def _takes_paste(widget: Widget | None) -> bool:
    """Tell whether a paste into the widget is text for a one-line field, to be taken apart."""
    if isinstance(widget, TextArea):
        return False
    return isinstance(widget, Input) or bool(getattr(widget, "TAKES_PASTE", False))
