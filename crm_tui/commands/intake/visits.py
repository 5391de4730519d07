"""The stage log of a deal whose history is known by a few days only.

An imported deal stood in the first stage from the day it was created to the day it was engaged, from then
on in the stage it is in now; a closed one stood in the second stage until the day it closed. Each visit
begins at the branch's midnight of its day. Where creation and engagement are one day, or only the
engagement is known, there is no visit of the first stage: a stay of no length would spoil its dwell time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from crm_tui.domain.errors import Refused
from crm_tui.domain.lifecycle import MoveKind, Pipeline, Stage, StageKind


@dataclass(frozen=True)
class Days:
    """The business days known of a deal; ``closed_on`` is there exactly for a closed one."""

    created_on: date
    engaged_on: date | None
    closed_on: date | None


def visits(
    pipeline: Pipeline, stage: Stage, days: Days, midnight: Callable[[date], datetime], reason: str
) -> list[dict[str, Any]]:
    """Return the stage_visit rows (without ids) of an imported deal, the oldest first."""
    found: list[dict[str, Any]] = []
    for day, there in _steps(pipeline, stage, days):
        before = pipeline.stage(found[-1]["stage"]) if found else None
        entered_at = midnight(day)
        if found:
            found[-1]["left_at"] = entered_at
        found.append(
            {
                "cycle": 1,
                "stage": there.code,
                "from_stage": before.code if before else "",
                "kind": kind_of(pipeline, before, there).value,
                "entered_at": entered_at,
                "left_at": None,
                "reason": reason if there.kind is StageKind.LOST else "",
            }
        )
    return found


def kind_of(pipeline: Pipeline, before: Stage | None, there: Stage) -> MoveKind:
    """Return how a deal came from one stage into another."""
    if before is None:
        return MoveKind.START
    if there.kind is not StageKind.OPEN:
        return MoveKind.WON if there.kind is StageKind.WON else MoveKind.LOST
    if before.kind is not StageKind.OPEN:
        return MoveKind.REOPEN
    if there.position < before.position:
        return MoveKind.BACK
    following = pipeline.next_of(before.code)
    return MoveKind.ADVANCE if following and following.code == there.code else MoveKind.SKIP


def check_days(days: Days, today: date) -> None:
    """Refuse days that lie ahead or in the wrong order.

    Raises:
        Refused: row_day_in_future (field, day), row_days_reversed (first, second).
    """
    known = {"created_on": days.created_on, "engaged_on": days.engaged_on, "closed_on": days.closed_on}
    given = [(name, day) for name, day in known.items() if day is not None]
    for name, day in given:
        if day > today:
            raise Refused("row_day_in_future", field=name, day=day.isoformat())
    for (_, first), (_, second) in pairwise(given):
        if second < first:
            raise Refused("row_days_reversed", first=first.isoformat(), second=second.isoformat())


def _steps(pipeline: Pipeline, stage: Stage, days: Days) -> list[tuple[date, Stage]]:
    first = pipeline.stages[0]
    steps = [(days.created_on, first)]
    if days.closed_on is None and stage.code != first.code:
        steps = _begun(first, stage, days.created_on, days.engaged_on or days.created_on)
    if days.closed_on is not None:
        second = pipeline.stages[1]
        if days.engaged_on is not None and second.kind is StageKind.OPEN:
            steps = _begun(first, second, days.created_on, days.engaged_on)
        steps.append((days.closed_on, stage))
    return steps


def _begun(first: Stage, there: Stage, created_on: date, engaged_on: date) -> list[tuple[date, Stage]]:
    stay = [(created_on, first)] if created_on < engaged_on else []
    return [*stay, (engaged_on, there)]
