"""Why a customer is due, in words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from crm_tui.i18n import t
from crm_tui.widgets import figures

if TYPE_CHECKING:
    from crm_tui.queries.todo import Why

ESCALATED: Final = ("self", "manager", "free")
"""What each step of the escalation means: the person, the manager, free to reassign."""


def why_words(answer: Why, now: datetime, zone: str) -> list[str]:
    """Return the reason with the numbers of the rule, and the step of the escalation where there is one."""
    if not answer.reason:
        return [t("todo.why.none")]
    words = [
        t(
            f"todo.why.{answer.reason}",
            day=figures.day(answer.since, now, zone, due=True),
            planned=figures.day(answer.next_contact_at, now, zone),
            level=answer.level,
            days=answer.days,
            hours=answer.hours,
            stage=answer.stage_name,
            last=figures.ago(answer.last_effective_at, now, zone),
        )
    ]
    if answer.escalation:
        step = ESCALATED[answer.escalation - 1]
        words.append(t(f"todo.escalated.{step}", days=answer.escalate_days[answer.escalation - 1]))
    return words
