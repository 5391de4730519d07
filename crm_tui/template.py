"""What a new organisation starts with, in the language of the person who founds it."""

from __future__ import annotations

from crm_tui.commands.pipelines import ActionPlan, StagePlan
from crm_tui.domain.lifecycle import default_stages
from crm_tui.i18n import t

_OPEN = ("lead", "contact", "need", "proposal", "negotiation")
_STAGES = (*_OPEN, "won", "lost")
_ACTIONS = ("reception", "measure", "quote")


def template_stages() -> tuple[StagePlan, ...]:
    """Return the stages of the first pipeline, named in the language in use."""
    keys = [f"{area}.{code}" for area in ("stage", "goal") for code in _STAGES]
    keys += [*(f"exit.{code}" for code in _OPEN), *(f"action.{code}" for code in _ACTIONS)]
    words = {key: t(f"template.{key}") for key in keys}
    return tuple(
        StagePlan(
            code=one.code,
            name=one.name,
            kind=one.kind,
            probability=one.probability,
            rotting_days=one.rotting_days,
            goal=one.goal,
            exit_criteria=one.exit_criteria,
            required_fields=one.required_fields,
            required_actions=tuple(
                ActionPlan(code=action.code, name=action.name, evidence=action.evidence)
                for action in one.required_actions
            ),
        )
        for one in default_stages(words)
    )


def template_pipeline() -> str:
    """Return the name of the first pipeline in the language in use."""
    return t("template.pipeline")
