"""The pipelines with their stages as one list; every change of a stage is a new version, its reach shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from crm_tui.commands.pipelines import (
    ActionPlan,
    PublishPipeline,
    RenamePipeline,
    SetPipelineArchived,
    StagePlan,
    as_plan,
)
from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import spell
from crm_tui.domain.lifecycle import FIELDS, StageKind
from crm_tui.domain.permission import Right
from crm_tui.i18n import t
from crm_tui.queries.settings import PipelineInForce, pipelines_in_force
from crm_tui.screens.sections.base import Section
from crm_tui.template import template_stages
from crm_tui.widgets.command_form import Answers, built, filled, specs_of
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.field_row import FieldSpec, Value
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.rows import Row

_HIDDEN = ("code", "kind", "required_actions")
_PARTS = re.compile(r"[,，、;；]+")
_PROVEN = "*"
_TEMPLATE = "template"


class StagesSection(Section):
    """A pipeline, then its stages: Enter edits either, F7 adds one, F6 and Delete as the hint says."""

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
        """Return each pipeline with its stages, what they demand and the deals that stand in them."""
        rows: list[Row] = []
        for found in await self.screen.ask(pipelines_in_force):
            path = found.pipeline
            key = "settings.pipeline_away" if path.archived else "settings.pipeline_row"
            words = t(key, name=path.name, version=path.version)
            deals = str(sum(found.open_deals.values()))
            rows.append(Row(path.id, (words, "", "", "", deals), "muted" if path.archived else ""))
            rows += [] if path.archived else _stage_rows(found)
        return rows

    def hint(self, row_id: str) -> str:
        """Say what the keys do: on a pipeline something else than on a stage."""
        return t("settings.hint.stages" if "/" in row_id else "settings.hint.pipelines")

    async def open(self, row_id: str) -> None:
        """Edit the stage under the cursor, or rename the pipeline."""
        found, place = await self._under(row_id)
        if place is not None:
            self._edit(found, as_plan(found.pipeline).stages[place], place, adds=False)
            return
        values = {"name": found.pipeline.name}
        self.show_form(RenamePipeline, values=values, fixed={"pipeline_id": found.pipeline.id})

    async def new(self, row_id: str) -> None:
        """Add an open stage behind the one under the cursor; on a pipeline, add a pipeline."""
        found, here = await self._under(row_id)
        if here is None:
            self._add_pipeline(await self.screen.ask(pipelines_in_force))
            return
        last = len(found.pipeline.stages) - 2
        blank = StagePlan(code="new", name="-", kind=StageKind.OPEN, probability=50)
        self._edit(found, blank, min(here + 1, last), adds=True)

    async def more(self, row_id: str) -> None:
        """Move the stage one place forward; put a pipeline away or bring it back."""
        found, place = await self._under(row_id)
        if place is None:
            await self._put_away(found, archived=not found.pipeline.archived)
            return
        stages = list(as_plan(found.pipeline).stages)
        if place == 0 or stages[place].kind is not StageKind.OPEN:
            self.screen.say(t("settings.stage_fixed"), "warn")
            return
        stages[place - 1], stages[place] = stages[place], stages[place - 1]
        await self._publish_if_sure(found, stages)

    async def remove(self, row_id: str) -> None:
        """Take the stage out, one in which deals stand is refused; put a pipeline away."""
        found, place = await self._under(row_id)
        if place is None:
            await self._put_away(found, archived=True)
            return
        stages = as_plan(found.pipeline).stages
        if stages[place].kind is not StageKind.OPEN:
            self.screen.say(t("settings.stage_fixed"), "warn")
            return
        await self._publish_if_sure(found, [*stages[:place], *stages[place + 1 :]])

    async def _under(self, row_id: str) -> tuple[PipelineInForce, int | None]:
        """Return the pipeline under the cursor and the place of the stage, None on the pipeline itself."""
        pipeline_id, _, code = row_id.partition("/")
        every = await self.screen.ask(pipelines_in_force)
        found = next((one for one in every if one.pipeline.id == pipeline_id), None)
        if found is None:
            raise Refused("pipeline_unknown")
        codes = [one.code for one in found.pipeline.stages]
        return found, codes.index(code) if code in codes else None

    def _add_pipeline(self, every: Sequence[PipelineInForce]) -> None:
        """Ask for the name, and whose stages the new pipeline starts with."""
        known = {one.pipeline.id: as_plan(one.pipeline).stages for one in every}
        likes = [Choice(_TEMPLATE, t("settings.like_template"))]
        likes += [Choice(one.pipeline.id, one.pipeline.name) for one in every if not one.pipeline.archived]
        specs = [
            FieldSpec("name", "settings.name", mandatory=True),
            FieldSpec("like", "settings.like", "choice", mandatory=True, choices=likes),
        ]

        def planned(answers: Answers) -> PublishPipeline:
            stages = known.get(str(answers["like"])) or template_stages()
            command: PublishPipeline = built(PublishPipeline, {"name": answers["name"], "stages": stages})
            return command

        async def save(answers: Answers) -> str:
            return await self.carry_out(planned(answers))

        async def preview(answers: Answers) -> str:
            names = [one.name for one in planned(answers).stages]
            return t("settings.pipeline_preview", count=len(names), first=names[0], last=names[-1])

        title = t("settings.new_pipeline")
        self.show_window("pipeline", title, specs, save, values={"like": _TEMPLATE}, preview=preview)

    async def _put_away(self, found: PipelineInForce, *, archived: bool) -> None:
        deals = sum(found.open_deals.values())
        key = "settings.pipeline_sure_away" if archived else "settings.pipeline_sure_back"
        sure = Confirm(t(key, name=found.pipeline.name, deals=deals))
        if await self.screen.app.push_screen_wait(sure) is not None:
            await self.do(SetPipelineArchived(pipeline_id=found.pipeline.id, archived=archived))

    def _edit(self, found: PipelineInForce, stage: StagePlan, place: int, *, adds: bool) -> None:
        stages = list(as_plan(found.pipeline).stages)

        async def save(answers: Answers) -> str:
            changed = _stage(stage, answers, {one.code for one in stages} if adds else set())
            fresh = [*stages[:place], changed, *stages[place if adds else place + 1 :]]
            return await self.carry_out(_publishing(found, fresh))

        async def preview(answers: Answers) -> str:
            _stage(stage, answers, set())
            return _effect(found)

        title = t("settings.new_stage") if adds else t("settings.edit_stage", name=stage.name)
        subject = f"stage:{found.pipeline.id}:{stage.code}"
        self.show_window(subject, title, _specs(), save, values=_values(stage, adds=adds), preview=preview)

    async def _publish_if_sure(self, found: PipelineInForce, stages: Sequence[StagePlan]) -> None:
        if await self.screen.app.push_screen_wait(Confirm(_effect(found))) is not None:
            await self.do(_publishing(found, stages))


def _stage_rows(found: PipelineInForce) -> list[Row]:
    return [
        Row(
            f"{found.pipeline.id}/{one.code}",
            (
                f"  {one.name}",
                f"{one.probability}%",
                t("settings.days", days=one.rotting_days) if one.rotting_days else "-",
                str(len(one.required_fields) + len(one.required_actions)),
                str(found.open_deals.get(one.code, 0)),
            ),
        )
        for one in found.pipeline.stages
    ]


def _specs() -> list[FieldSpec]:
    fields = [Choice(one, t(f"work.field.{one}")) for one in FIELDS]
    specs = specs_of(StagePlan, hidden=_HIDDEN, choices={"required_fields": fields})
    return [*specs, FieldSpec("required_actions", "settings.required_actions", hint=_actions_hint)]


def _values(stage: StagePlan, *, adds: bool) -> dict[str, Value]:
    return {
        "name": "" if adds else stage.name,
        "probability": str(stage.probability),
        "rotting_days": str(stage.rotting_days),
        "goal": stage.goal,
        "exit_criteria": stage.exit_criteria,
        "required_fields": stage.required_fields,
        "required_actions": _action_words(stage),
    }


def _publishing(found: PipelineInForce, stages: Sequence[StagePlan]) -> PublishPipeline:
    command: PublishPipeline = built(
        PublishPipeline,
        {"pipeline_id": found.pipeline.id, "name": found.pipeline.name, "stages": tuple(stages)},
    )
    return command


def _effect(found: PipelineInForce) -> str:
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
