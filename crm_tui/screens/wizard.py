"""First set-up: display, hub, organisation, trade, practice; nothing is founded before the last step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from crm_tui import i18n
from crm_tui.domain.errors import Refused
from crm_tui.domain.text import fold_width
from crm_tui.i18n import t
from crm_tui.screens import wizard_steps
from crm_tui.screens.wizard_steps import STEPS
from crm_tui.widgets import drawing
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import Value
from crm_tui.widgets.form import Form
from crm_tui.widgets.frame import MIN_HEIGHT, MIN_WIDTH, CrmScreen, RuleLine
from crm_tui.widgets.navigation import Entered, Go, Joined, Practise, Quit
from crm_tui.widgets.refusal import refusal, refused

if TYPE_CHECKING:
    from crm_tui.commands.rules import CreateProductLine

_NAMES = tuple(STEPS)


class WizardScreen(CrmScreen):
    """Five steps; Esc goes a step back, F10 goes on and founds the organisation at the end.

    Who joins a hub is done after the second one: the hub has everything else.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "keys.help"),
        Binding("f10,ctrl+s", "save", "wizard.next_key"),
        Binding("ctrl+c,ctrl+q", "quit", "keys.quit", show=False),
    ]

    def __init__(self, counter: Counter) -> None:
        super().__init__()
        self.counter = counter
        self._step = 0
        first = wizard_steps.first_answers(counter.settings.theme, counter.settings.border)
        self._first: dict[str, Value] = first
        self._typed: dict[str, Value] = dict(first)
        self._form: Form | None = None
        self._founding = False

    def compose_body(self) -> ComposeResult:
        """The steps above, the fields of the present one below."""
        yield Static("", id="steps", markup=False)
        yield Vertical(id="fields")
        yield Static("", id="note", markup=False)

    async def on_mount(self) -> None:
        """Begin with the language."""
        await self._show_step()

    def on_screen_resume(self) -> None:
        """Say what the terminal offers once its size is known."""
        self.call_after_refresh(self._show_note)

    @on(Form.Ended)
    async def action_save(self) -> None:
        """Take this step's answers and go on; after the last one, found the organisation."""
        form = self._form
        if form is None or self._founding:
            return
        if form.focus_gap():
            self.say(form.gap_words(), "error")
            return
        if not form.check() or not self._pins_agree(form):
            return
        self._keep_typed()
        self.say("")
        if self._step == 0:
            self._wear_choice()
        if _NAMES[self._step] == "hub" and self._typed["way"] == "join":
            self._founding = True
            self._join()
        elif self._step < len(STEPS) - 1:
            self._step += 1
            await self._show_step()
        else:
            self._founding = True
            self._found()

    def action_help(self) -> None:
        """Say how the set-up goes."""
        self.say(t("wizard.help"))

    @work(group="quit", exclusive=True, exit_on_error=False)
    async def action_quit(self) -> None:
        """End the program; nothing has been founded. Where something was typed, ask once."""
        self._keep_typed()
        typed = {key: value for key, value in self._typed.items() if value}
        if (
            typed == self._first
            or await self.app.push_screen_wait(Confirm(t("wizard.quit_typed"))) is not None
        ):
            self.post_message(Quit())

    def leave(self) -> None:
        """Go a step back; from the first one, end the program: it begins here again."""
        if self._founding:
            self.say(t("wizard.joining"))
            return
        if self._step == 0:
            self.action_quit()
            return
        self._keep_typed()
        self._step -= 1
        self.run_worker(self._show_step(), group="step", exclusive=True, exit_on_error=False)

    def _keep_typed(self) -> None:
        """Keep what the fields of this step hold, right or wrong."""
        if self._form is not None and self._form.is_attached:
            names = wizard_steps.named_for_now()  # what was not chosen may still change with the language
            self._typed |= {
                key: value
                for key, value in self._form.values().items()
                if key in self._typed or value != names.get(key)
            }

    async def _show_step(self) -> None:
        """Draw everything in the language of the moment."""
        self.title = t("wizard.title", step=self._step + 1, steps=len(STEPS))
        self.set_hint(t("wizard.hint"))
        lines = [f"  {at + 1} {self._mark(at)} {t(f'wizard.step.{step}')}" for at, step in enumerate(STEPS)]
        self.query_one("#steps", Static).update("\n".join((t("wizard.welcome"), "", *lines)))
        self._form = Form(
            STEPS[_NAMES[self._step]](), {**wizard_steps.named_for_now(), **self._typed}, id="form"
        )
        fields = self.query_one("#fields", Vertical)
        await fields.remove_children()
        await fields.mount(self._form)
        self._show_note()
        self.refresh_bindings()

    def _mark(self, step: int) -> str:
        return "[x]" if step < self._step else "[>]" if step == self._step else "[ ]"

    @on(Form.Changed)
    def _show_note(self) -> None:
        step = _NAMES[self._step]
        if step == "look":
            width, height = self.app.size
            fits = width >= MIN_WIDTH and height >= MIN_HEIGHT
            words = wizard_steps.terminal_words(width, height, fits=fits)
        elif step == "trade" and self._form is not None:
            words = wizard_steps.trade_words(str(self._form.values()["trade"]))
        else:
            words = t(f"wizard.note.{step}")
        self.query_one("#note", Static).update(words)

    def _pins_agree(self, form: Form) -> bool:
        typed = form.values()
        if typed.get("pin") == typed.get("again"):
            return True
        form.fill({"again": ""})
        form.wrong("again", t("login.differs"))
        return False

    def _wear_choice(self) -> None:
        """Use language, theme and frames from here on, and keep them."""
        language, theme, border = (str(self._typed[one]) for one in ("language", "theme", "border"))
        i18n.use(language)
        self.app.theme = theme
        drawing.use(border)
        self.app.set_class(drawing.line_art(), "-line-art")
        self.query_one(RuleLine).refresh()
        home = self.counter.home
        self.counter.settings = replace(home.read(), language=language, theme=theme, border=border)
        home.write(self.counter.settings)

    @work(group="found", exit_on_error=False)
    async def _join(self) -> None:
        """Make this terminal one of the hub's; the sentence says what was wrong with URL or code."""
        from crm_tui.desk.aside import aside
        from crm_tui.sync.messages import HubError

        joiner = self.counter.joiner
        url, _, told = _address(str(self._typed.get("url", ""))).partition("#")
        code = _plain(self._typed.get("code", "")) or told
        try:
            if not url or not code or joiner is None:
                self.say(t("wizard.join_needs"), "error")
                self._go_to("code" if url else "url")
                return
            self.say(t("wizard.joining"))
            await aside(lambda: joiner(url, code))
        except (HubError, Refused) as no:
            self.say(refusal(no.code, no.details), "error")
            return
        finally:
            self._founding = False
        self.post_message(Joined())

    def _go_to(self, key: str) -> None:
        if self._form is not None:
            self._form.row(key).field.focus()

    @work(group="found", exit_on_error=False)
    async def _found(self) -> None:
        """Found the organisation with its pipeline and product lines, set the PIN and log in."""
        from crm_tui.commands.people import FoundOrganisation
        from crm_tui.template import template_pipeline, template_stages

        answers = wizard_steps.named_for_now() | self._typed
        typed = {key: str(value) for key, value in answers.items()}
        desk, app = self.counter.desk, self.app
        founding = FoundOrganisation(
            **{key: typed[key] for key in ("company", "region", "branch", "team", "time_zone")},
            administrator=typed["name"],
            administrator_number=typed["number"],
            pipeline=template_pipeline(),
            stages=template_stages(),
        )
        try:
            verdict = (await desk.write(lambda: desk.carry_out_as_system(founding)))[0]
            if not verdict.applied:
                self.say(refusal(verdict.code, verdict.details), "error")
                return
            await desk.write(lambda: desk.carry_out_as_system(*self._lines()))
            person_id = verdict.details["person_id"]
            await desk.write(lambda: desk.door.choose_pin(person_id, typed["pin"]))
            await desk.write(lambda: desk.log_in(person_id, typed["pin"]))
        except Refused as no:
            self.say(refused(no), "error")
            return
        finally:
            self._founding = False
        home = self.counter.home
        home.write(replace(home.read(), last_number=typed["number"]))
        then = "import" if typed["import"] == "now" else "board"
        if typed["practice"] == "now":
            app.post_message(Practise(then))
            return
        app.post_message(Entered())
        if then != "board":
            app.post_message(Go(then))

    def _lines(self) -> list[CreateProductLine]:
        from crm_tui.commands.rules import CreateProductLine

        names = wizard_steps.line_names(str(self._typed["trade"]))
        return [CreateProductLine(name=name) for name in names]


def _address(typed: str) -> str:
    """Return a URL as it is meant; the path of a file is taken as it is typed."""
    plain, scheme = _plain(typed), "file:///"
    return scheme + typed.strip()[len(scheme) :] if plain.startswith(scheme) else plain


def _plain(typed: object) -> str:
    """Return a URL or a code as it is meant, whatever the input method made of its signs."""
    return fold_width(str(typed)).replace("\u3002", ".").strip()
