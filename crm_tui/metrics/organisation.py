"""The organisation as figures are cut by it: units, people, and the names a filter may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from crm_tui.store.tables import org_unit, person
from crm_tui.store.view import View


@dataclass(frozen=True)
class Organisation:
    """All units and people by id; ``seen_people`` and ``seen_units`` are those within the viewer's scope."""

    units: Mapping[str, Row[Any]]
    people: Mapping[str, Row[Any]]
    seen_people: frozenset[str]
    seen_units: frozenset[str]

    def below(self, unit_id: str) -> frozenset[str]:
        """Return a unit and every unit under it."""
        return frozenset(one for one in self.units if unit_id in self.line_up(one))

    def branches_below(self, unit_id: str) -> frozenset[str]:
        """Return the branches under a unit; a branch is its own."""
        return frozenset(one for one in self.below(unit_id) if self.units[one].kind == "branch")

    def line_up(self, unit_id: str | None) -> tuple[str, ...]:
        """Return a unit and what it belongs to, up to the company."""
        line: list[str] = []
        while unit_id is not None and unit_id in self.units and unit_id not in line:
            line.append(unit_id)
            unit_id = self.units[unit_id].parent_id
        return tuple(line)

    def nearest(self, unit_id: str | None, kind: str) -> str | None:
        """Return the unit of this kind that a unit is or belongs to; None: there is none."""
        return next((one for one in self.line_up(unit_id) if self.units[one].kind == kind), None)


def organisation(view: View) -> Organisation:
    """Read the organisation, and which part of it the viewer may choose from."""
    units = {row.id: row for row in view.tx.rows(select(org_unit))}
    columns = (person.c.id, person.c.number, person.c.name, person.c.unit_id, person.c.manager_id)
    people = {row.id: row for row in view.tx.rows(select(*columns, person.c.external_id))}
    seen = frozenset(view.tx.scalars(select(person.c.id).where(view.scope.people_where())))
    whole = Organisation(units, people, seen, frozenset(units))
    if view.scope.everything:
        return whole
    ends = {people[one].unit_id for one in seen} | set(view.scope.branches)
    inside = _all_of(whole.below(one) for one in view.scope.branches)
    return Organisation(units, people, seen, inside | _all_of(whole.line_up(one) for one in ends))


def _all_of(groups: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset(one for group in groups for one in group)
