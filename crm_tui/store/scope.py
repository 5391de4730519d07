"""Who sees what: one filter, default deny, for every list, count, picker, panel, export and single row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Table, false, or_, select, true

from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Reach, Right, reach_of, rights_of
from crm_tui.store.prepared import say
from crm_tui.store.tables import org_unit, person
from crm_tui.store.transaction import Transaction

_KEPT = "crm_viewers"
_SHAPES_VIEWERS = frozenset({person.name, org_unit.name})


@dataclass(frozen=True)
class Scope:
    """The rows a viewer may see: all of them, those of some branches, or those of some owners.

    With everything empty it matches nothing.
    """

    everything: bool = False
    branches: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()

    def where(self, table: Table) -> ColumnElement[bool]:
        """Return the filter for a table that has ``owner_id`` and ``branch_id``."""
        if self.everything:
            return true()
        if self.branches:
            return table.c.branch_id.in_(sorted(self.branches))
        if self.people:
            return table.c.owner_id.in_(sorted(self.people))
        return false()

    def covers(self, *, owner_id: str | None, branch_id: str) -> bool:
        """Tell whether one row is inside; the same rule as :meth:`where`."""
        if self.everything:
            return True
        if self.branches:
            return branch_id in self.branches
        return owner_id is not None and owner_id in self.people

    def covers_person(self, person_id: str, branch_id: str | None) -> bool:
        """Tell whether a person is one the viewer may see; the same rule as :meth:`people_where`."""
        return self.everything or person_id in self.people or branch_id in self.branches

    @property
    def is_by_branch(self) -> bool:
        """Tell whether whole branches are seen, or everything: then counts kept by branch hold."""
        return self.everything or bool(self.branches)

    def people_where(self) -> ColumnElement[bool]:
        """Return the filter for the people a viewer may see."""
        if self.everything:
            return true()
        if self.branches:
            return or_(person.c.branch_id.in_(sorted(self.branches)), person.c.id.in_(sorted(self.people)))
        if self.people:
            return person.c.id.in_(sorted(self.people))
        return false()


@dataclass(frozen=True)
class Viewer:
    """Somebody at work: who it is, what is allowed, how far the view reaches, and the branch's time zone."""

    person_id: str
    number: str
    name: str
    role: str
    unit_id: str
    unit_name: str
    branch_id: str | None
    zone: str
    rights: frozenset[Right]
    scope: Scope

    def may(self, right: Right) -> bool:
        """Tell whether this person has the right."""
        return right in self.rights

    def day(self, at: datetime) -> date:
        """Return the business date of an instant at this person's branch."""
        return at.astimezone(ZoneInfo(self.zone)).date()


def known_viewer(tx: Transaction, person_id: str) -> Viewer:
    """Return what :func:`viewer_of` does, from memory while nothing was written to the file.

    Every question and command asks for its viewer, and a chain's tree is hundreds of rows. SQLite tells
    each connection by a number when another one has written; what a connection writes itself it must
    say by :func:`forget_viewers`.

    Raises:
        Refused: person_unknown, person_frozen.
    """
    if tx.dialect != "sqlite" or tx.changed & _SHAPES_VIEWERS:
        return viewer_of(tx, person_id)
    ((version,),) = say(tx.connection, "PRAGMA data_version").fetchall()
    kept = tx.connection.info.get(_KEPT)
    if kept is None or kept[0] != version:
        kept = tx.connection.info[_KEPT] = (version, {})
    viewers: dict[str, Viewer] = kept[1]
    if person_id not in viewers:
        viewers[person_id] = viewer_of(tx, person_id)
    return viewers[person_id]


def forget_viewers(tx: Transaction) -> None:
    """Say that this transaction has changed people or units, if it has."""
    if tx.changed & _SHAPES_VIEWERS:
        tx.connection.info.pop(_KEPT, None)


def viewer_of(tx: Transaction, person_id: str, *, though_frozen: bool = False) -> Viewer:
    """Return the person as a viewer, with the scope computed from the tree as it stands.

    ``though_frozen``: somebody else has decided that what the person did shall count all the same.

    Raises:
        Refused: person_unknown, person_frozen.
    """
    row = tx.get(person, person_id)
    if row is None:
        raise Refused("person_unknown")
    if row.status != "active" and not though_frozen:
        raise Refused("person_frozen", name=row.name)
    units = tx.keep("units", lambda: {unit.id: unit for unit in tx.rows(select(org_unit))}, org_unit)
    unit = units[row.unit_id]
    return Viewer(
        person_id=row.id,
        number=row.number,
        name=row.name,
        role=row.role,
        unit_id=unit.id,
        unit_name=unit.name,
        branch_id=row.branch_id,
        zone=unit.time_zone,
        rights=rights_of(row.role),
        scope=_scope(tx, row, units),
    )


def top_zone(tx: Transaction) -> str:
    """Return the time zone of the organisation, UTC before there is one."""
    return str(tx.scalar(select(org_unit.c.time_zone).where(org_unit.c.parent_id.is_(None))) or "UTC")


def _scope(tx: Transaction, row: Row[Any], units: Mapping[str, Row[Any]]) -> Scope:
    """Compute the rows a person sees from the reach and the organisation tree; an unknown reach sees none."""
    reach, own = reach_of(row.role, row.reach), frozenset({row.id})
    below = _below(units, row.unit_id)
    if reach is Reach.ALL:
        return Scope(everything=True)
    if reach is Reach.BRANCH and row.branch_id:
        return Scope(branches=frozenset({row.branch_id}), people=own)
    if reach is Reach.REGION:
        return Scope(branches=frozenset(one for one in below if units[one].kind == "branch"), people=own)
    people: dict[Reach, Callable[[], frozenset[str]]] = {
        Reach.SELF: lambda: own,
        Reach.SUBORDINATES: lambda: own | _subordinates(tx, row.id),
        Reach.TEAM: lambda: own | _members(tx, below),
    }
    return Scope(people=people[reach]()) if reach in people else Scope()


def _members(tx: Transaction, units: frozenset[str]) -> frozenset[str]:
    return frozenset(tx.scalars(select(person.c.id).where(person.c.unit_id.in_(sorted(units)))))


def _below(units: Mapping[str, Row[Any]], top: str) -> frozenset[str]:
    """Return a unit and everything under it."""
    found, frontier = {top}, {top}
    while frontier:
        frontier = {unit.id for unit in units.values() if unit.parent_id in frontier} - found
        found |= frontier
    return frozenset(found)


def _subordinates(tx: Transaction, person_id: str) -> frozenset[str]:
    """Return everybody who reports to a person, directly or through others; cycles end where they close."""
    managers = {row.id: row.manager_id for row in tx.rows(select(person.c.id, person.c.manager_id))}
    found: set[str] = set()
    frontier: Iterable[str] = {person_id}
    while frontier:
        frontier = {one for one, manager in managers.items() if manager in frontier} - found - {person_id}
        found |= set(frontier)
    return frozenset(found)
