"""The pipeline: its stages as a list, every change a new version, its reach shown before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from crm_tui.commands.pipelines import ActionPlan, PublishPipeline, StagePlan, as_plan
from crm_tui.domain.identity import spell
from crm_tui.domain.lifecycle import FIELDS, StageKind
from crm_tui.domain.permission import Right
from crm_tui.i18n import t
from crm_tui.queries.settings import StagesInForce, stages_in_force
from crm_tui.screens.sections.base import Section
from crm_tui.widgets.command_form import Answers, built, filled, specs_of
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.field_row import FieldSpec, Value
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.rows import Row

_HIDDEN = ("code", "kind", "required_actions")
_PARTS = re.compile(r"[,，、;；]+")
_PROVEN = "*"


class StagesSection(Section):
    """Enter edits a stage, F7 adds one, F6 moves one forward, Delete takes one out."""

    name: ClassVar[str] = "stages"
    right: ClassVar[Right | None] = Right.MANAGE_RULES
    columns: ClassVar[Sequence[tuple[str, int, int]]] = (
        ("stage", 12, 1),
        ("probability", 6, 0),
        ("rotting", 6, 0),
        ("demands", 6, 0),
        ("deals", 6, 0),
    )

    async def rows(self) -> list[Row]:
        """Return the stages with what they demand and the deals that stand in them."""
        found = await self.screen.ask(stages_in_force)
        return [
            Row(
                one.code,
                (
                    one.name,
                    f"{one.probability}%",
                    t("settings.days", days=one.rotting_days) if one.rotting_days else "-",
                    str(len(one.required_fields) + len(one.required_actions)),
                    str(found.open_deals.get(one.code, 0)),
                ),
            )
            for one in found.pipeline.stages
        ]

    async def open(self, row_id: str) -> None:
        """Edit the stage under the cursor."""
        found = await self.screen.ask(stages_in_force)
        plan = as_plan(found.pipeline)
        place = next(place for place, one in enumerate(plan.stages) if one.code == row_id)
        self._edit(found, plan.stages[place], place, adds=False)

    async def new(self, row_id: str) -> None:
        """Add an open stage behind the one under the cursor, at the latest before the won one."""
        found = await self.screen.ask(stages_in_force)
        stages = as_plan(found.pipeline).stages
        last = len(stages) - 2
        here = next((place for place, one in enumerate(stages) if one.code == row_id), last)
        blank = StagePlan(code="new", name="-", kind=StageKind.OPEN, probability=50)
        self._edit(found, blank, min(here + 1, last), adds=True)

    async def more(self, row_id: str) -> None:
        """Move the stage one place forward."""
        found = await self.screen.ask(stages_in_force)
        stages = list(as_plan(found.pipeline).stages)
        place = next((place for place, one in enumerate(stages) if one.code == row_id), 0)
        if place == 0 or stages[place].kind is not StageKind.OPEN:
            self.screen.say(t("settings.stage_fixed"), "warn")
            return
        stages[place - 1], stages[place] = stages[place], stages[place - 1]
        await self._publish_if_sure(found, stages)

    async def remove(self, row_id: str) -> None:
        """Take the stage out; one in which deals stand is refused."""
        found = await self.screen.ask(stages_in_force)
        stages = as_plan(found.pipeline).stages
        if any(one.code == row_id and one.kind is not StageKind.OPEN for one in stages):
            self.screen.say(t("settings.stage_fixed"), "warn")
            return
        await self._publish_if_sure(found, [one for one in stages if one.code != row_id])

    def _edit(self, found: StagesInForce, stage: StagePlan, place: int, *, adds: bool) -> None:
        stages = list(as_plan(found.pipeline).stages)

        async def save(answers: Answers) -> str:
            changed = _stage(stage, answers, {one.code for one in stages} if adds else set())
            fresh = [*stages[:place], changed, *stages[place if adds else place + 1 :]]
            return await self.carry_out(_publishing(found, fresh))

        async def preview(answers: Answers) -> str:
            _stage(stage, answers, set())
            return _effect(found)

        fields = [Choice(one, t(f"work.field.{one}")) for one in FIELDS]
        specs = specs_of(StagePlan, hidden=_HIDDEN, choices={"required_fields": fields})
        specs.append(FieldSpec("required_actions", "settings.required_actions", hint=_actions_hint))
        values: dict[str, Value] = {
            "name": "" if adds else stage.name,
            "probability": str(stage.probability),
            "rotting_days": str(stage.rotting_days),
            "goal": stage.goal,
            "exit_criteria": stage.exit_criteria,
            "required_fields": stage.required_fields,
            "required_actions": _action_words(stage),
        }
        title = t("settings.new_stage") if adds else t("settings.edit_stage", name=stage.name)
        self.show_window(title, specs, save, values=values, preview=preview)

    async def _publish_if_sure(self, found: StagesInForce, stages: Sequence[StagePlan]) -> None:
        if await self.screen.app.push_screen_wait(Confirm(_effect(found))) is not None:
            await self.screen.act(_publishing(found, stages))
            await self.screen.redraw()


def _publishing(found: StagesInForce, stages: Sequence[StagePlan]) -> PublishPipeline:
    command: PublishPipeline = built(
        PublishPipeline,
        {"pipeline_id": found.pipeline.id, "name": found.pipeline.name, "stages": tuple(stages)},
    )
    return command


def _effect(found: StagesInForce) -> str:
    deals = sum(found.open_deals.values())
    return t("settings.publish_preview", version=found.pipeline.version + 1, deals=deals)


def _stage(before: StagePlan, answers: Answers, taken: set[str]) -> StagePlan:
    """Return the stage as the form has it; among ``taken`` codes a new one gets its own."""
    plain = {key: answer for key, answer in answers.items() if key != "required_actions"}
    values = {**before.model_dump(), "goal": "", "exit_criteria": "", **filled(StagePlan, plain)}
    values["required_actions"] = _actions(before, str(answers["required_actions"]))
    if taken:
        values["code"] = _code(str(values["name"]), taken)
    stage: StagePlan = built(StagePlan, values)
    return stage


def _actions(before: StagePlan, typed: str) -> list[ActionPlan]:
    """Read ``reception, measure*``: a star asks for proof; an action that keeps its name keeps its code."""
    known = {one.name: one.code for one in before.required_actions}
    found: list[ActionPlan] = []
    for part in filter(None, (part.strip() for part in _PARTS.split(typed))):
        name = part.rstrip(_PROVEN).strip()
        taken = {one.code for one in found} | set(known.values())
        code = known.get(name) or _code(name, taken)
        found.append(ActionPlan(code=code, name=name, evidence=part.endswith(_PROVEN)))
    return found


def _action_words(stage: StagePlan) -> str:
    return ", ".join(f"{one.name}{_PROVEN if one.evidence else ''}" for one in stage.required_actions)


def _actions_hint(_typed: str) -> str:
    return t("settings.actions_hint")


def _code(name: str, taken: set[str]) -> str:
    """Return a code that is free, from the pinyin of a name."""
    letters = re.sub(r"[^a-z0-9]+", "_", spell(name).full.lower()).strip("_")
    wanted = letters if letters[:1].isalpha() else f"stage_{letters}".rstrip("_")
    numbers = range(2, len(taken) + 3)
    return next(one for one in (wanted, *(f"{wanted}_{number}" for number in numbers)) if one not in taken)
