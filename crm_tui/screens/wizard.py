"""First set-up: language, organisation, trade; nothing is founded before the last step."""

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
from crm_tui.i18n import t
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import FieldSpec, Value, Words
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.form import Form
from crm_tui.widgets.frame import MIN_HEIGHT, MIN_WIDTH, CrmScreen
from crm_tui.widgets.navigation import Entered, Go, Quit
from crm_tui.widgets.refusal import refusal, refused
from crm_tui.widgets.themes import THEMES

if TYPE_CHECKING:
    from crm_tui.commands.rules import CreateProductLine

TRADES = ("building", "furnishing", "education", "consumer", "other")
_STEPS = ("look", "organisation", "trade")
_SHORTEST, _LONGEST = 4, 6


class WizardScreen(CrmScreen):
    """Three steps; Esc goes a step back, F10 goes on and founds the organisation at the end."""

    CSS_PATH = "wizard.tcss"
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
        self._typed: dict[str, Value] = {
            "language": i18n.language(),
            "theme": counter.settings.theme or THEMES[0].name,
            "time_zone": "Asia/Shanghai",
            "number": "1001",
            "trade": TRADES[0],
            "import": "later",
        }
        self._form: Form | None = None
        self._founding = False

    def compose_body(self) -> ComposeResult:
        """The steps above, the fields of the present one below."""
        yield Static("", id="steps", markup=False)
        yield Vertical(id="fields")
        yield Words("", id="note")

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
        self._typed |= form.values()
        self.say("")
        if self._step == 0:
            self._wear_choice()
        if self._step < len(_STEPS) - 1:
            self._step += 1
            await self._show_step()
        else:
            self._founding = True
            self._found()

    def action_help(self) -> None:
        """Say how the set-up goes."""
        self.say(t("wizard.help"))

    def action_quit(self) -> None:
        """End the program; nothing has been founded."""
        self.post_message(Quit())

    def leave(self) -> None:
        """Go a step back; from the first one, end the program: it begins here again."""
        if self._step == 0:
            self.action_quit()
            return
        if self._form is not None:
            self._typed |= self._form.values()
        self._step -= 1
        self.run_worker(self._show_step(), group="step", exclusive=True, exit_on_error=False)

    async def _show_step(self) -> None:
        """Draw everything in the language of the moment."""
        self.title = t("wizard.title", step=self._step + 1, steps=len(_STEPS))
        self.set_hint(t("wizard.hint"))
        marks = [
            "[x]" if place < self._step else "[>]" if place == self._step else "[ ]" for place in range(3)
        ]
        lines = [
            f"  {place + 1} {marks[place]} {t(f'wizard.step.{step}')}" for place, step in enumerate(_STEPS)
        ]
        self.query_one("#steps", Static).update("\n".join((t("wizard.welcome"), "", *lines)))
        self._form = Form(self._specs(), {**self._defaults(), **self._typed}, id="form")
        fields = self.query_one("#fields", Vertical)
        await fields.remove_children()
        await fields.mount(self._form)
        self._show_note()
        self.refresh_bindings()

    def _show_note(self) -> None:
        width, height = self.app.size
        fits = width >= MIN_WIDTH and height >= MIN_HEIGHT
        size = t("wizard.terminal" if fits else "wizard.terminal_small", width=width, height=height)
        self.query_one("#note", Words).say(
            size if self._step == 0 else t(f"wizard.note.{_STEPS[self._step]}")
        )

    def _specs(self) -> list[FieldSpec]:
        return (self._look_specs, self._organisation_specs, self._trade_specs)[self._step]()

    def _look_specs(self) -> list[FieldSpec]:
        languages = [Choice(one, t(f"language.{one}")) for one in i18n.LANGUAGES]
        themes = [Choice(one.name, t(f"theme.{one.name}")) for one in THEMES]
        return [
            FieldSpec("language", "wizard.language", "choice", mandatory=True, choices=languages),
            FieldSpec("theme", "wizard.theme", "choice", mandatory=True, choices=themes),
        ]

    def _organisation_specs(self) -> list[FieldSpec]:
        names = [
            FieldSpec(one, f"wizard.{one}", mandatory=True)
            for one in ("company", "region", "branch", "team", "time_zone", "name", "number")
        ]
        return [
            *names,
            FieldSpec("pin", "login.pin", mandatory=True, password=True, check=_pin_check),
            FieldSpec("again", "wizard.again", mandatory=True, password=True),
        ]

    def _trade_specs(self) -> list[FieldSpec]:
        trades = [Choice(one, t(f"wizard.trade.{one}")) for one in TRADES]
        when = [Choice(one, t(f"wizard.import.{one}")) for one in ("later", "now")]
        return [
            FieldSpec("trade", "wizard.trade", "choice", mandatory=True, choices=trades, hint=_lines_hint),
            FieldSpec("import", "wizard.import", "choice", mandatory=True, choices=when),
        ]

    @staticmethod
    def _defaults() -> dict[str, Value]:
        return {"region": t("wizard.region_default"), "team": t("wizard.team_default")}

    def _pins_agree(self, form: Form) -> bool:
        typed = form.values()
        if typed.get("pin") == typed.get("again"):
            return True
        form.fill({"again": ""})
        form.wrong("again", t("login.differs"))
        return False

    def _wear_choice(self) -> None:
        """Use language and theme from here on, and keep them."""
        language, theme = str(self._typed["language"]), str(self._typed["theme"])
        i18n.use(language)
        self.app.theme = theme
        home = self.counter.home
        self.counter.settings = replace(home.read(), language=language, theme=theme)
        home.write(self.counter.settings)

    @work(group="found", exit_on_error=False)
    async def _found(self) -> None:
        """Found the organisation with its pipeline and product lines, set the PIN and log in."""
        from crm_tui.commands.people import FoundOrganisation
        from crm_tui.template import template_pipeline, template_stages

        typed = {key: str(value) for key, value in self._typed.items()}
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
        self._remember(typed["number"])
        app.post_message(Entered())
        if typed["import"] == "now":
            app.post_message(Go("import"))

    def _lines(self) -> list[CreateProductLine]:
        from crm_tui.commands.rules import CreateProductLine

        return [CreateProductLine(name=name) for name in _line_names(str(self._typed["trade"]))]

    def _remember(self, number: str) -> None:
        home = self.counter.home
        home.write(replace(home.read(), last_number=number))


def _line_names(trade: str) -> list[str]:
    return t(f"wizard.lines.{trade}").split("|") if trade != "other" else []


def _lines_hint(trade: str) -> str:
    return " ".join(_line_names(trade)) if trade else ""


def _pin_check(pin: str) -> str:
    if _SHORTEST <= len(pin) <= _LONGEST and pin.isascii() and pin.isdigit():
        return ""
    return refusal("pin_shape", {"shortest": _SHORTEST, "longest": _LONGEST})
