"""The organisation's patience: when a customer is overdue, and who is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from crm_tui.commands.rules import SetOverdueRules
from crm_tui.domain.errors import Refused
from crm_tui.domain.overdue import LEVELS, OverdueRules
from crm_tui.domain.permission import Right
from crm_tui.i18n import t
from crm_tui.queries.settings import rules_in_force, rules_preview
from crm_tui.screens.sections.base import Section
from crm_tui.widgets.command_form import Answers, built
from crm_tui.widgets.field_row import FieldSpec
from crm_tui.widgets.rows import Row

_STEPS = 3


class RulesSection(Section):
    """Days per level, hours to the first contact, days of escalation; the effect is counted before saving."""

    name: ClassVar[str] = "rules"
    right: ClassVar[Right | None] = Right.MANAGE_RULES
    columns: ClassVar[Sequence[tuple[str, int, int]]] = (("rule", 24, 1), ("value", 12, 0))

    async def rows(self) -> list[Row]:
        """Return a row for each rule."""
        rules = await self.screen.ask(rules_in_force)
        days = [
            Row(level, (t("settings.level_days", level=level), t("settings.days", days=rules.days[level])))
            for level in LEVELS
        ]
        hours = t("settings.hours", hours=rules.first_contact_hours)
        steps = [
            Row(f"step{place}", (t(f"settings.step_{place}"), t("settings.days", days=after)))
            for place, after in enumerate(rules.escalate_days, start=1)
        ]
        return [*days, Row("first", (t("settings.first_contact"), hours)), *steps]

    async def open(self, row_id: str) -> None:
        """Edit all rules in one form."""
        rules = await self.screen.ask(rules_in_force)
        specs = [
            FieldSpec(level, t("settings.level_days", level=level), mandatory=True, check=_number_check)
            for level in LEVELS
        ]
        specs.append(FieldSpec("first", "settings.first_contact_field", mandatory=True, check=_number_check))
        specs += [
            FieldSpec(f"step{place}", f"settings.step_field_{place}", mandatory=True, check=_number_check)
            for place in range(1, _STEPS + 1)
        ]
        values = {level: str(rules.days[level]) for level in LEVELS}
        values["first"] = str(rules.first_contact_hours)
        values |= {f"step{place}": str(days) for place, days in enumerate(rules.escalate_days, start=1)}
        title = t("command.set_overdue_rules")
        self.show_window(self.name, title, specs, self._save, values=values, preview=self._preview)

    async def _preview(self, answers: Answers) -> str:
        command = _command(answers)
        rules = OverdueRules(command.days, command.first_contact_hours, command.escalate_days)
        counts = await self.screen.ask(rules_preview, rules)
        return t("settings.rules_preview", now=counts.now, then=counts.then)

    async def _save(self, answers: Answers) -> str:
        return await self.carry_out(_command(answers))


def _command(answers: Answers) -> SetOverdueRules:
    numbers = {key: _number(str(answer)) for key, answer in answers.items()}
    command: SetOverdueRules = built(
        SetOverdueRules,
        {
            "days": {level: numbers[level] for level in LEVELS},
            "first_contact_hours": numbers["first"],
            "escalate_days": tuple(numbers[f"step{place}"] for place in range(1, _STEPS + 1)),
        },
    )
    return command


def _number(typed: str) -> int:
    try:
        return int(typed)
    except ValueError as error:
        raise Refused("not_an_integer", value=typed) from error


def _number_check(typed: str) -> str:
    return "" if typed.isdigit() else t("refused.not_an_integer", value=typed)
