"""A manager gives somebody the PIN tries back, at the counter where they were used up."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import FieldSpec
from crm_tui.widgets.form import Form
from crm_tui.widgets.frame import CrmScreen
from crm_tui.widgets.navigation import Done
from crm_tui.widgets.refusal import refused
from crm_tui.widgets.text import safe_text

if TYPE_CHECKING:
    from crm_tui.queries.door import AtDoor


class UnlockScreen(CrmScreen):
    """The number and PIN of a manager who sees the person; nobody is logged in by it."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "keys.help"),
        Binding("f10,ctrl+s", "save", "login.unlock_key"),
    ]

    def __init__(self, counter: Counter, person: AtDoor) -> None:
        super().__init__()
        self.counter = counter
        self._person = person
        self._form = Form(
            [
                FieldSpec("number", "unlock.number", mandatory=True),
                FieldSpec("pin", "login.pin", mandatory=True, password=True),
            ],
            id="form",
        )

    def compose_body(self) -> ComposeResult:
        """Who is locked out, and the manager's two fields."""
        yield Static(
            safe_text(t("unlock.who", number=self._person.number, name=self._person.name)),
            id="who",
            markup=False,
        )
        yield self._form

    def on_mount(self) -> None:
        """Say whose PIN is wanted."""
        self.title = t("unlock.title")
        self.set_hint(t("unlock.hint"))

    @on(Form.Ended)
    def action_save(self) -> None:
        """Check the manager's PIN and unlock."""
        if self._form.focus_gap():
            self.say(self._form.gap_words(), "error")
            return
        typed = self._form.values()
        self._form.fill({"pin": ""})
        self._unlock(str(typed["number"]), str(typed["pin"]))

    def action_help(self) -> None:
        """Say who may unlock."""
        self.say(t("unlock.hint"))

    @work(group="unlock", exclusive=True, exit_on_error=False)
    async def _unlock(self, number: str, pin: str) -> None:
        desk = self.counter.desk
        try:
            await desk.write(lambda: desk.door.unlock(self._person.person_id, number, pin), at_hub=True)
        except Refused as no:
            self.say(refused(no), "error")
            self._form.row("pin").field.focus()
            return
        self.post_message(Done(t("unlock.done", name=self._person.name)))
