"""What belongs to this terminal: display, keys, its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.i18n import LANGUAGES, language, t
from crm_tui.screens.sections.base import Section
from crm_tui.settings import Settings
from crm_tui.widgets.command_form import Answers
from crm_tui.widgets.drawing import BORDERS
from crm_tui.widgets.field_row import FieldSpec, Value
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.navigation import Go, SettingsChosen
from crm_tui.widgets.refusal import refused
from crm_tui.widgets.rows import Row
from crm_tui.widgets.themes import THEMES

_LEAST_MINUTES, _MOST_MINUTES = 1, 120
_NO, _YES = "no", "yes"


class DisplaySection(Section):
    """Language, theme, frames, letters that move, and the minutes until the screen locks."""

    name: ClassVar[str] = "display"
    columns: ClassVar[Sequence[tuple[str, int, int]]] = (("choice", 20, 1), ("value", 16, 0))

    async def rows(self) -> list[Row]:
        """Return a row for each choice."""
        chosen = self.screen.counter.home.read()
        theme = chosen.theme or THEMES[0].name
        minutes = t("settings.minutes", minutes=chosen.idle_minutes)
        return [
            Row("language", (t("settings.language"), t(f"language.{language()}"))),
            Row("theme", (t("settings.theme"), t(f"theme.{theme}"))),
            Row("idle", (t("settings.idle"), minutes)),
            Row("border", (t("wizard.border"), t(f"wizard.border.{_border(chosen)}"))),
            Row("vim", (t("vim.label"), t(f"vim.{_YES if chosen.vim else _NO}"))),
        ]

    async def open(self, row_id: str) -> None:
        """Choose; the screens are built anew in what was chosen."""
        chosen = self.screen.counter.home.read()
        specs = [
            _choice("language", "settings.language", {one: f"language.{one}" for one in LANGUAGES}),
            _choice("theme", "settings.theme", {one.name: f"theme.{one.name}" for one in THEMES}),
            FieldSpec("idle", "settings.idle", mandatory=True, check=_minutes_check),
            _choice("border", "wizard.border", {one: f"wizard.border.{one}" for one in BORDERS}),
            _choice("vim", "vim.label", {one: f"vim.{one}" for one in (_NO, _YES)}),
        ]
        values: dict[str, Value] = {
            "language": language(),
            "theme": chosen.theme or THEMES[0].name,
            "border": _border(chosen),
            "vim": _YES if chosen.vim else _NO,
            "idle": str(chosen.idle_minutes),
        }
        self.show_window(self.name, t("settings.section.display"), specs, self._save, values=values)

    async def _save(self, answers: Answers) -> str:
        home = self.screen.counter.home
        home.write(
            replace(
                home.read(),
                language=str(answers["language"]),
                theme=str(answers["theme"]),
                border=str(answers["border"]),
                vim=answers["vim"] == _YES,
                idle_minutes=int(str(answers["idle"])),
            )
        )
        self.screen.call_later(self.screen.post_message, SettingsChosen())
        return ""


class KeysSection(Section):
    """The way to the keys."""

    name: ClassVar[str] = "keys"
    columns: ClassVar[Sequence[tuple[str, int, int]]] = (("choice", 20, 1), ("value", 16, 0))

    async def rows(self) -> list[Row]:
        """Return the one row."""
        return [Row("help", (t("settings.all_keys"), "F1"))]

    async def open(self, row_id: str) -> None:
        """Open the help."""
        self.screen.action_help()


class DataSection(Section):
    """A backup now, and the way to the import."""

    name: ClassVar[str] = "data"
    columns: ClassVar[Sequence[tuple[str, int, int]]] = (("choice", 20, 1), ("value", 16, 0))

    async def rows(self) -> list[Row]:
        """Return what can be done with the data; restoring is the command line's."""
        may_import = self.screen.counter.desk.viewer.may(Right.IMPORT)
        importing = t("settings.enter") if may_import else t("settings.locked_short")
        return [
            Row("backup", (t("settings.backup"), t("settings.enter"))),
            Row("import", (t("settings.import"), importing), "" if may_import else "muted"),
            Row("restore", (t("settings.restore"), "crm-tui restore"), "muted"),
            Row("hub", (t("settings.hub"), await self._hub())),
        ]

    async def open(self, row_id: str) -> None:
        """Do what the row says."""
        if row_id == "import":
            self.screen.post_message(Go("import"))
        elif row_id == "hub":
            self.screen.post_message(Go("sync"))
        elif row_id == "restore":
            self.screen.say(t("settings.restore_hint"))
        else:
            await self._back_up()

    async def _hub(self) -> str:
        link = self.screen.counter.desk.link
        if link is None:
            return t("settings.no_hub")
        state = await self.screen.ask(lambda view: link.state_in(view.tx))
        return state.standing.url

    async def _back_up(self) -> None:
        desk, home = self.screen.counter.desk, self.screen.counter.home
        stamp = f"{desk.now():%Y%m%d-%H%M%S}"
        target = home.backups / f"crm-{stamp}.db"
        try:
            await desk.write(lambda: desk.back_up(target))
        except Refused as no:
            self.screen.say(refused(no), "error")
            return
        self.screen.say(t("settings.backed_up", name=target.name), "good")


def _choice(key: str, label_key: str, words: Mapping[str, str]) -> FieldSpec:
    choices = [Choice(value, t(said)) for value, said in words.items()]
    return FieldSpec(key, label_key, "choice", mandatory=True, choices=choices)


def _border(chosen: Settings) -> str:
    return chosen.border if chosen.border in BORDERS else BORDERS[0]


def _minutes_check(typed: str) -> str:
    good = typed.isascii() and typed.isdigit() and _LEAST_MINUTES <= int(typed) <= _MOST_MINUTES
    return "" if good else t("settings.minutes_range", least=_LEAST_MINUTES, most=_MOST_MINUTES)
