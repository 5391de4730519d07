"""Forms whose typed text outlives Esc, the lock, the end of the program and kill -9."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.timer import Timer

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.widgets import figures
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import Value
from crm_tui.widgets.frame import SpeakingBindings, Tone
from crm_tui.widgets.navigation import Done
from crm_tui.widgets.refusal import refused
from crm_tui.widgets.workplace import WorkScreen

if TYPE_CHECKING:
    from crm_tui.store.drafts import Draft

DRAFT_SECONDS = 1.0
"""How long a pause in typing is before the draft is kept."""


class Drafting(SpeakingBindings[Any]):
    """A screen or window with unfinished text; a subclass says what is typed and what it is about."""

    FORM: ClassVar[str]
    """The name of the form among the drafts."""
    counter: Counter
    about = ""
    """The name of the customer, where the form is about one."""

    _typed = False
    _draft_timer: Timer | None = None

    @property
    @abstractmethod
    def subject(self) -> str:
        """What the draft is about: an id, or a word for what has none yet."""

    @abstractmethod
    def answers(self) -> Mapping[str, Value]:
        """Return what is typed so far, by field."""

    def unfinished(self) -> Mapping[str, Value]:
        """Return what the draft keeps of it: all, where nothing stood in the fields before."""
        return self.answers()

    @abstractmethod
    def say(self, text: str, tone: Tone = "info") -> None:
        """Say something to the person."""

    @property
    def unsaved(self) -> bool:
        """Whether there is text that only the draft has."""
        return self._typed

    async def take_draft(self) -> Mapping[str, Value]:
        """Return the draft that was left, and say so; empty where there is none or something is typed."""
        desk = self.counter.desk
        found: Draft | None = await desk.write(lambda: desk.drawer.find(self.FORM, self.subject))
        if found is None or self._typed:
            return {}
        self.say(t("drafting.found", at=figures.clock_time(found.saved_at, desk.viewer.zone)), "warn")
        return {key: tuple(one) if isinstance(one, list) else one for key, one in found.answers.items()}

    def note_typing(self) -> None:
        """Keep a draft when the typing pauses."""
        self._typed = True
        if self._draft_timer is not None:
            self._draft_timer.stop()
        self._draft_timer = self.set_timer(DRAFT_SECONDS, self.keep_draft)

    async def forget_draft(self) -> str:
        """Throw the draft away: what was typed is saved; return what to say where it stayed, else nothing.

        That is not raised: the save stands, and a form that stayed open would be saved a second time.
        """
        if self._draft_timer is not None:
            self._draft_timer.stop()
        self._typed = False
        desk = self.counter.desk
        try:
            await desk.write(lambda: desk.drawer.drop(self.FORM, self.subject))
        except Refused as no:
            return t("drafting.stayed", why=refused(no))
        return ""

    @work(group="draft", exit_on_error=False)
    async def keep_draft(self) -> str:
        """Keep what was typed so far on this terminal; say and return why that failed, else nothing."""
        desk, answers = self.counter.desk, dict(self.unfinished())
        if not desk.is_logged_in:
            return ""
        try:
            await desk.write(lambda: desk.drawer.keep(self.FORM, self.subject, answers, self.about))
        except Refused as no:
            self.say(refused(no), "error")
            return refused(no)
        return ""


class KeepsDraft(WorkScreen, Drafting):
    """A whole screen with unfinished text: leaving it keeps what was typed."""

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        self._saving = False

    @property
    def draft_kept_words(self) -> str:
        """What is said when the person leaves with text unsaved."""
        return t("drafting.kept")

    def leave(self) -> None:
        """Go back; what was typed stays as a draft."""
        if self._typed and not self._saving:
            self._leave_draft()
            return
        super().leave()

    @work(group="save", exit_on_error=False)
    async def _leave_draft(self) -> None:
        """Go back once the draft is kept; where it cannot be, the form stays with its text."""
        if not await self.keep_draft().wait():
            self.post_message(Done(self.draft_kept_words))
