"""The path of a pipeline as figures read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from crm_tui.domain.errors import Refused
from crm_tui.metrics.filters import Filters
from crm_tui.store.tables import pipeline, stage
from crm_tui.store.view import View


@dataclass(frozen=True)
class PathStage:
    """A stage as figures need it; ``place`` counts from 1 along the path."""

    code: str
    name: str
    kind: str
    place: int
    probability: int


@dataclass(frozen=True)
class Path:
    """The stages of one pipeline in force: open ones in order, then the won one; without the lost one."""

    pipeline_id: str
    stages: tuple[PathStage, ...]

    @property
    def open(self) -> tuple[PathStage, ...]:
        """The stages in which a deal is open."""
        return tuple(one for one in self.stages if one.kind == "open")


def path_of(view: View, filters: Filters) -> Path:
    """Return the path of the pipeline asked for, else of the first one.

    Raises:
        Refused: pipeline_unknown, where there is none.
    """
    chosen = select(pipeline).order_by(pipeline.c.position, pipeline.c.id).limit(1)
    if filters.pipeline is not None:
        chosen = chosen.where(pipeline.c.id == filters.pipeline.id)
    else:
        chosen = chosen.where(pipeline.c.archived_at.is_(None))
    found = view.tx.first(chosen)
    if found is None:
        raise Refused("pipeline_unknown")
    rows = view.tx.rows(
        select(stage)
        .where(stage.c.pipeline_id == found.id, stage.c.version == found.version, stage.c.kind != "lost")
        .order_by(stage.c.position)
    )
    return Path(
        found.id,
        tuple(PathStage(one.code, one.name, one.kind, at, one.probability) for at, one in enumerate(rows, 1)),
    )


def open_names(view: View, filters: Filters) -> Mapping[str, str]:
    """Return all open stages, name by code, in order; those of older versions after the current ones."""
    rows = view.tx.rows(
        select(stage.c.code, stage.c.name)
        .join(pipeline, pipeline.c.id == stage.c.pipeline_id)
        .where(stage.c.kind == "open")
        .where(*([pipeline.c.id == filters.pipeline.id] if filters.pipeline else []))
        .order_by(pipeline.c.position, pipeline.c.id, stage.c.version.desc(), stage.c.position)
    )
    names: dict[str, str] = {}
    for row in rows:
        names.setdefault(row.code, row.name)
    return names
