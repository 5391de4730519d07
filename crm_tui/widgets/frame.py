"""The frame every screen stands in: title and badges, rule, body, message line, key bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, TypeVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from crm_tui.i18n import knows, t
from crm_tui.widgets import drawing
from crm_tui.widgets.key_bar import KeyBar
from crm_tui.widgets.keys import Ready
from crm_tui.widgets.navigation import Trouble
from crm_tui.widgets.text import clean, fit

Tone = Literal["info", "good", "warn", "error"]
EscapeStep = Callable[[], bool]
Result = TypeVar("Result")

MIN_WIDTH: Final = 80
MIN_HEIGHT: Final = 24
WIDE_FROM: Final = 110
_MARKS: Final[dict[str, str]] = {"info": "", "good": "+ ", "warn": "! ", "error": "!! "}


@dataclass(frozen=True, slots=True)
class Badges:
    """What the right end of the title says: counts, who is logged in, where the data are."""

    overdue: int = 0
    today: int = 0
    who: str = ""
    state: str = ""

    def line(self, *, wide: bool) -> str:
        """Return the badges as one line, without those that have nothing to say."""
        if not self.who:
            return clean(self.state)
        counts = t(
            "widget.badges_wide" if wide else "widget.badges",
            overdue=f"{self.overdue}!" if self.overdue else "0",
            today=self.today,
        )
        return drawing.separator().join(part for part in (counts, clean(self.who), clean(self.state)) if part)


class TitleLine(Widget):
    """Title left, badges right; the title gives way."""

    DEFAULT_CSS = (
        "TitleLine { height: 1; width: 100%; text-style: bold; background: $panel; color: $foreground; }"
    )
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self.left = ""
        self.badges = Badges()
        self.small = False

    def render(self) -> Text:
        """Draw exactly one line."""
        width = self.size.width
        right = t("widget.too_small") if self.small else self.badges.line(wide=width >= WIDE_FROM)
        right = fit(right, min(cell_len(right), max(width - 8, 0)))
        left = fit(f" {self.left}", max(width - cell_len(right) - 1, 0))
        return Text(f"{left} {right}", no_wrap=True, overflow="crop", end="")


class RuleLine(Widget):
    """A line across the screen; while somebody practises, it says what to press."""

    DEFAULT_CSS = """
    RuleLine { height: 1; width: 100%; color: $text-muted; }
    RuleLine.-advice { color: $text-warning; text-style: bold; }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self.advice = ""

    def advise(self, words: str) -> None:
        """Say what to press; empty makes it a plain line again."""
        self.advice = words
        self.set_class(bool(words), "-advice")
        self.refresh()

    def render(self) -> Text:
        """Draw the line, behind the advice where there is one."""
        width = self.size.width
        said = f" {self.advice} " if self.advice else ""
        line = said + drawing.rule(max(width - cell_len(said), 0))
        return Text(fit(line, width), no_wrap=True, overflow="crop", end="")


class MessageLine(Widget):
    """The one place where the program speaks; its standing hint shows when it has nothing to say."""

    DEFAULT_CSS = """
    MessageLine { height: 1; width: 100%; color: $text-muted; }
    MessageLine.-good { color: $text-success; }
    MessageLine.-warn { color: $text-warning; }
    MessageLine.-error { color: $text-error; text-style: bold; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.hint = ""
        self.tone: Tone = "info"

    def show(self, text: str, tone: Tone) -> None:
        """Put a message up; an empty one brings the hint back."""
        self.text, self.tone = text, tone
        for name in _MARKS:
            self.set_class(name == tone and bool(text), f"-{name}")
        self.set_class(bool(text), "-said")
        self.refresh()

    def render(self) -> Text:
        """Draw the mark of the tone and the message, cut to the line."""
        said = _MARKS[self.tone] + self.text if self.text else self.hint
        return Text(fit(f" {said}", self.size.width), no_wrap=True, overflow="crop", end="")


class SpeakingBindings(Screen[Result]):
    """A screen whose binding descriptions are catalog keys and whose failures are not silent."""

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The active bindings with descriptions and tooltips in the person's language."""
        return {key: _spoken(active) for key, active in super().active_bindings.items()}

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Pass the failure of work behind this screen on: Textual tells it to nobody else."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.post_message(Trouble(event.worker.error))
        if event.worker.is_finished:
            self.post_message(Ready())

    def on_screen_resume(self) -> None:
        """Say that this screen is in front: keys typed ahead may come."""
        self.post_message(Ready())


def _spoken(active: ActiveBinding) -> ActiveBinding:
    binding = active.binding
    spoken = Binding(
        key=binding.key,
        action=binding.action,
        description=_sentence(binding.description),
        show=binding.show,
        key_display=binding.key_display,
        priority=binding.priority,
        tooltip=_sentence(binding.tooltip),
        id=binding.id,
        system=binding.system,
        group=binding.group,
    )
    return ActiveBinding(active.node, spoken, active.enabled, spoken.tooltip)


def _sentence(text: str) -> str:
    return t(text) if text and knows(text) else text


class CrmModal(SpeakingBindings[Result], ModalScreen[Result]):
    """A window over a screen: one border, Esc and F12 close it without a result."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f12,escape", "cancel", "keys.back", priority=True)]
    DEFAULT_CSS = """
    CrmModal { align: center middle; background: $background 60%; }
    CrmModal > .window {
        width: 64; max-width: 100%; height: auto; max-height: 100%;
        border: ascii $primary; background: $surface; padding: 0 1;
    }
    """

    def action_cancel(self) -> None:
        """Close without a result."""
        self.dismiss(None)


class CrmScreen(SpeakingBindings[Any]):
    """A screen in the common frame; a subclass gives ``compose_body`` and ``redraw``."""

    SHOWS: ClassVar[frozenset[str]] = frozenset()
    """Kinds of rows whose change makes the screen draw itself again."""

    drawn = True
    """Whether the screen shows what it is about; keys typed ahead wait for it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f12,escape", "back", "keys.back", tooltip="keys.back_tip")
    ]
    DEFAULT_CSS = """
    CrmScreen { layout: vertical; background: $background; color: $foreground; }
    CrmScreen > #body { height: 1fr; width: 100%; }
    CrmScreen .side-pane { display: none; width: 34; height: 100%; padding: 0 1; }
    CrmScreen .side-pane { border-left: ascii $foreground 50%; }
    CrmScreen.-wide .side-pane { display: block; }
    CrmScreen.-small RuleLine, CrmScreen.-small .optional { display: none; }
    CrmScreen.-small RuleLine.-advice { display: block; }
    CrmScreen.-small MessageLine { display: none; }
    CrmScreen.-small MessageLine.-said { display: block; }
    """

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(name=name, id=id, classes=classes)
        self._title_line = TitleLine()
        self._rule_line = RuleLine()
        self._message_line = MessageLine()

    def compose(self) -> ComposeResult:
        """Build the frame around the body."""
        yield self._title_line
        yield self._rule_line
        with Vertical(id="body"):
            yield from self.compose_body()
        yield self._message_line
        yield KeyBar()

    def compose_body(self) -> ComposeResult:
        """Yield what stands between the rule and the message line."""
        yield from ()

    async def redraw(self) -> None:
        """Ask the questions of this screen again and show the answers."""

    @property
    def badges(self) -> Badges:
        """What the right end of the title says."""
        return self._title_line.badges

    @property
    def message(self) -> str:
        """What the message line says, without its mark; empty while the hint shows."""
        return self._message_line.text

    def set_badges(self, overdue: int, today: int, who: str, state: str) -> None:
        """Show the counts, who is logged in and where the data are."""
        self._title_line.badges = Badges(overdue, today, who, state)
        self._title_line.refresh()

    def set_hint(self, text: str) -> None:
        """Set what the message line says while there is no message."""
        self._message_line.hint = text
        self._message_line.refresh()

    def say(self, text: str, tone: Tone = "info") -> None:
        """Put a message on the message line: good ``+``, warn ``!``, error ``!!``; empty takes it away."""
        self._message_line.show(text, tone)

    def advise(self, words: str) -> None:
        """Say on the line under the title what to press next; empty makes it a plain line again."""
        self._rule_line.advise(words)

    def escape_steps(self) -> Iterable[EscapeStep]:
        """Return the steps of the Esc ladder, first to last; one that had something to undo says True."""
        return ()

    def leave(self) -> None:
        """Go back to the screen below; the last screen stays."""
        if self.is_current and len(self.app.screen_stack) > 1:
            self.dismiss(None)

    def action_back(self) -> None:
        """Take one step of the Esc ladder: close a popup, clear the selection, the filter, then leave."""
        for step in self.escape_steps():
            if step():
                return
        self.leave()

    def watch_title(self, title: str | None) -> None:
        """Show a new title."""
        self._title_line.left = clean(title or "")
        self._title_line.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Show a right pane from 110 columns on; drop what is not needed in a window below 80x24."""
        self.set_class(event.size.width >= WIDE_FROM, "-wide")
        small = event.size.width < MIN_WIDTH or event.size.height < MIN_HEIGHT
        self.set_class(small, "-small")
        self._title_line.small = small
        self._title_line.refresh()
