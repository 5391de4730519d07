"""One section of the settings: its rows, and what Enter, F7 and F6 do with them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from crm_tui.domain.permission import Right
from crm_tui.i18n import t
from crm_tui.widgets.command_form import Answers, Choices, answers_of, built, filled, specs_of
from crm_tui.widgets.field_row import FieldSpec
from crm_tui.widgets.form_window import FormWindow, Save
from crm_tui.widgets.refusal import refusal
from crm_tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from crm_tui.commands import Command
    from crm_tui.widgets.workplace import WorkScreen


class Section:
    """Rows of one subject; a section whose ``right`` is missing shows why instead."""

    name: ClassVar[str]
    right: ClassVar[Right | None] = None
    columns: ClassVar[Sequence[tuple[str, int, int]]]
    """Catalog key of the header, least cells, share of what is left."""

    def __init__(self, screen: WorkScreen) -> None:
        self.screen = screen

    def drawn_columns(self) -> list[Column]:
        """Return the columns with their headers in the person's language."""
        return [
            Column(key, t(f"settings.{key}") if key else "", width=width, flex=flex)
            for key, width, flex in self.columns
        ]

    def hint(self, row_id: str) -> str:
        """Say what the keys do on a row."""
        return t(f"settings.hint.{self.name}")

    async def rows(self) -> list[Row]:
        """Ask for the rows."""
        raise NotImplementedError(self.name)

    async def open(self, row_id: str) -> None:
        """Do what Enter does on a row."""

    async def new(self, row_id: str) -> None:
        """Do what F7 does; ``row_id`` is the row under the cursor or empty."""
        self.screen.say(t("settings.no_new"), "warn")

    async def more(self, row_id: str) -> None:
        """Do what F6 does on a row."""
        self.screen.say(t("settings.no_more"), "warn")

    async def remove(self, row_id: str) -> None:
        """Do what Delete does on a row."""
        self.screen.say(t("settings.no_remove"), "warn")

    async def carry_out(self, command: Command) -> str:
        """Carry a command out; return why not, or an empty string."""
        verdict = (await self.screen.counter.desk.act(command))[0]
        if not verdict.applied:
            return refusal(verdict.code, verdict.details)
        self.screen.say(t("settings.saved"), "good")
        return ""

    async def do(self, command: Command) -> None:
        """Carry a command out that needs no form, say what became of it and read everything again."""
        verdicts = await self.screen.act(command)
        if verdicts and verdicts[0].applied:
            self.screen.say(t("settings.saved"), "good")
        await self.screen.redraw()

    def show_form(
        self,
        command: type[Command],
        *,
        values: dict[str, Any] | None = None,
        fixed: dict[str, Any] | None = None,
        hidden: Sequence[str] = (),
        needed: Collection[str] = (),
        choices: Choices | None = None,
    ) -> None:
        """Draw a command as a form in a window; what was changed there is carried out.

        ``fixed`` says which row is changed: then only what differs from ``values`` travels, with what stood
        there where the command asks for it. ``needed`` fields may be left as they are but not emptied.
        """
        start = answers_of(command, values or {})

        async def save(answers: Answers) -> str:
            if fixed is None:
                return await self.carry_out(built(command, filled(command, answers)))
            changed = {key: answer for key, answer in answers.items() if answer != start.get(key, "")}
            cleared = {key: None for key, answer in changed.items() if not answer}
            arguments = {**cleared, **filled(command, changed, fixed)}
            if guarded:
                arguments["expected"] = {key: (values or {}).get(key) for key in changed}
            return await self.carry_out(built(command, arguments))

        guarded = fixed is not None and "expected" in command.model_fields
        unseen = ["expected"] if guarded else []
        drawn = specs_of(command, hidden=[*hidden, *unseen, *(fixed or ())], choices=choices)
        specs = [replace(one, mandatory=one.mandatory or one.key in needed) for one in drawn]
        subject = ":".join([command.kind, *map(str, (fixed or {}).values())])
        self.show_window(subject, t(f"command.{command.kind}"), specs, save, values=start)

    def show_window(
        self,
        subject: str,
        title: str,
        specs: Sequence[FieldSpec],
        save: Save,
        *,
        values: Answers,
        preview: Save | None = None,
    ) -> None:
        """Show a form; what is typed into it and not saved is kept as a draft about ``subject``."""
        window = FormWindow(self.screen.counter, subject, title, specs, save, values=values, preview=preview)
        self.screen.app.push_screen(window, self._done)

    def _done(self, saved: bool | None) -> None:
        """Read everything again behind a window; say where what was typed is kept."""
        if saved is False:
            self.screen.say(t("drafting.kept"), "good")
        self.screen.call_later(self.screen.redraw)
