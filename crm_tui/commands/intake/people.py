"""People of an imported table, with the regions, branches, teams and managers that the file names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, select

from crm_tui.commands.base import SYSTEM
from crm_tui.commands.intake.chunk import Chunk, differences
from crm_tui.commands.intake.rows import PersonRow
from crm_tui.domain.calendar import business_date
from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import initials, normalize_phone
from crm_tui.domain.permission import Role
from crm_tui.store.tables import org_unit, person

FIRST_NUMBER = 1001
_UPDATED = ("name", "initials", "role", "phone", "status", "hired_on", "left_on")


def take_people(chunk: Chunk) -> None:
    """Create or update the people of a portion."""
    staff = Staff(chunk)
    for at, row in chunk.rows(PersonRow):
        try:
            staff.take(at, row)
        except Refused as no:
            chunk.refuse(at, no)
    staff.write()


def link_managers(chunk: Chunk, links: Sequence[tuple[int, str, str]]) -> None:
    """Give people their managers; one whom the file only mentions is created as a branch manager."""
    staff = Staff(chunk)
    for at, person_id, name in links:
        try:
            staff.subordinate(person_id, name)
        except Refused as no:
            chunk.warn(at, no.code, **no.details)
    staff.write()


class Staff:
    """All people and units as they are while a portion comes in; people are few enough to read whole."""

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self._tx = chunk.tx
        self._context = chunk.context
        rows = self._tx.rows(select(person).order_by(person.c.id))
        self._people: dict[str, dict[str, Any]] = {row.id: dict(row._mapping) for row in rows}  # noqa: SLF001
        self._rows = {row.id: row for row in rows}
        self._mine = chunk.mine(self._people)
        self._units = Units(chunk)
        self._fresh: list[dict[str, Any]] = []
        self._next = max([FIRST_NUMBER - 1, *(int(one) for one in self._numbers() if one.isdecimal())]) + 1

    def take(self, at: int, row: PersonRow) -> None:
        """Create the row's person, or update the one with the same id, number or only name."""
        known = self._find_own(row)
        if known is not None:
            self._update(at, row, known)
        else:
            columns = _columns(row)
            unit = self._units.place(row.region, row.branch, row.team)
            known = self._create(row.number, unit, columns | {"external_id": row.external_id})
            known["hired_on"] = row.hired_on or self._day(unit)
            self._chunk.created(at, row.line, person, known["id"])
        if row.manager and known["manager_id"] is None:
            manager = self._named(row.manager)
            if len(manager) == 1 and not self._reports_to(manager[0]["id"], known["id"]):
                self._set_manager(known, manager[0]["id"])
            else:
                self._chunk.pending.append([at, known["id"], row.manager])

    def subordinate(self, person_id: str, name: str) -> None:
        """Put a person under the manager of that name, who is created where nobody has it."""
        known = self._people.get(person_id)
        if known is None:
            raise Refused("person_unknown")
        managers = [one for one in self._named(name) if one["id"] != person_id]
        if len(managers) > 1:
            raise Refused("row_person_ambiguous", name=name, count=len(managers))
        if managers:
            if self._reports_to(managers[0]["id"], person_id):
                raise Refused("manager_circle", name=known["name"], manager=managers[0]["name"])
            self._set_manager(known, managers[0]["id"])
            return
        unit = self._units.rows[known["branch_id"] or known["unit_id"]]
        columns = {
            "name": name,
            "initials": " ".join(sorted(initials(name))),
            "role": Role.BRANCH_MANAGER.value,
            "phone": None,
            "status": "active",
            "hired_on": self._day(unit),
            "left_on": None,
            "external_id": None,
        }
        made = self._create("", unit, columns)
        self._chunk.implied(person, made["id"])
        self._set_manager(known, made["id"])

    def hire(self, name: str) -> dict[str, Any]:
        """Create the clerk whom another table mentions; the name is the external id too."""
        unit = self._units.place("", "", "")
        columns = {
            "name": name,
            "initials": " ".join(sorted(initials(name))),
            "role": Role.CLERK.value,
            "phone": None,
            "status": "active",
            "hired_on": self._day(unit),
            "left_on": None,
            "external_id": name,
        }
        made = self._create("", unit, columns)
        self._chunk.implied(person, made["id"])
        return made

    def write(self) -> None:
        """Write the new people."""
        self._tx.insert_all(person, self._fresh)

    def _day(self, unit: Row[Any]) -> date:
        """Return the business date at a unit now."""
        return business_date(self._context.at, unit.time_zone)

    def _numbers(self) -> set[str]:
        return {one["number"] for one in self._people.values()}

    def _named(self, text: str) -> list[dict[str, Any]]:
        """Return who is meant by an id, a number or a name."""
        for key in ("external_id", "number"):
            found = [one for one in self._people.values() if one[key] == text]
            if found:
                return found
        return [one for one in self._people.values() if one["name"] == text]

    def _find_own(self, row: PersonRow) -> dict[str, Any] | None:
        """Return the person a row is about; without id and number the name must belong to one alone."""
        keys = {"external_id": row.external_id, "number": row.number}
        for key, value in keys.items():
            found = [one for one in self._people.values() if value and one[key] == value]
            if found and found[0]["id"] in self._mine:
                raise Refused("row_id_twice", external_id=value)
            if found:
                return found[0]
        if any(keys.values()):
            return None
        named = [one for one in self._people.values() if one["name"] == row.name]
        if len(named) > 1 or any(one["id"] in self._mine for one in named):
            raise Refused("row_person_ambiguous", name=row.name, count=max(2, len(named)))
        return named[0] if named else None

    def _create(self, number: str, unit: Row[Any], columns: Mapping[str, Any]) -> dict[str, Any]:
        if number == SYSTEM:
            raise Refused("number_taken", number=number)
        if not number:
            number, self._next = str(self._next), self._next + 1
        elif number.isdecimal():
            self._next = max(self._next, int(number) + 1)
        fresh = {
            **columns,
            "id": self._context.new_id(),
            "number": number,
            "reach": None,
            "unit_id": unit.id,
            "branch_id": self._units.branch_of(unit.id),
            "manager_id": None,
        }
        self._fresh.append(fresh)
        self._people[fresh["id"]] = fresh
        self._mine.add(fresh["id"])
        return fresh

    def _update(self, at: int, row: PersonRow, known: dict[str, Any]) -> None:
        """Change what the row gives; the unit stays, moving somebody is a decision of its own."""
        old = self._rows[known["id"]]
        given = row.model_fields_set | ({"initials"} if "name" in row.model_fields_set else set())
        new = {name: value for name, value in _columns(row).items() if name in given & {*_UPDATED}}
        changes = differences(old, new)
        if "role" in changes and old.role == Role.ADMINISTRATOR:
            raise Refused("import_administrator", name=old.name)
        if "status" in changes and old.id == self._context.actor.person_id:
            raise Refused("person_self")
        if changes:
            self._tx.update(person, old.id, **{name: pair[1] for name, pair in changes.items()})
            known.update(new)
            self._mine.add(old.id)
        self._chunk.updated(at, row.line, person, old.id, changes)

    def _reports_to(self, person_id: str, other_id: str) -> bool:
        """Tell whether a person is another one or stands, over however many steps, under that one."""
        seen: set[str] = set()
        above: str | None = person_id
        while above is not None and above not in seen:
            if above == other_id:
                return True
            seen.add(above)
            above = self._people[above]["manager_id"]
        return False

    def _set_manager(self, known: dict[str, Any], manager_id: str) -> None:
        if known["manager_id"] == manager_id:
            return
        if known["id"] in self._rows:
            self._tx.update(person, known["id"], manager_id=manager_id)
            self._chunk.touched(person, known["id"], {"manager_id": [known["manager_id"], manager_id]})
        known["manager_id"] = manager_id


class Units:
    """The organisation tree, grown by the names of a file."""

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self.rows: dict[str, Row[Any]] = {}
        self._read()

    def place(self, region: str, branch: str, team: str) -> Row[Any]:
        """Return the unit of a person, made where it is not there yet.

        Customers and deals belong to a branch: a region named without one gets a branch of its own name.
        """
        top = next(row for row in self.rows.values() if row.parent_id is None)
        if not region and not branch:
            home = self.rows[self._chunk.context.actor.branch_id or self._first_branch().id]
            return self._under(home, "team", team) if team else home
        above = self._under(top, "region", region) if region else None
        shop = self._branch(above, branch or region, top)
        return self._under(shop, "team", team) if team else shop

    def branch_of(self, unit_id: str) -> str | None:
        """Return the branch a unit is or lies in."""
        row = self.rows[unit_id]
        if row.kind == "team" and row.parent_id:
            row = self.rows[row.parent_id]
        return str(row.id) if row.kind == "branch" else None

    def _branch(self, region: Row[Any] | None, name: str, top: Row[Any]) -> Row[Any]:
        """Return the branch of a name, in the region where one is given."""
        if region is not None:
            return self._under(region, "branch", name)
        found = [row for row in self.rows.values() if row.kind == "branch" and row.name == name]
        if len(found) > 1:
            raise Refused("row_branch_unknown", branch=name)
        return found[0] if found else self._under(top, "branch", name)

    def _under(self, parent: Row[Any], kind: str, name: str) -> Row[Any]:
        """Return the unit of a kind and name below another."""
        for row in self.rows.values():
            if row.parent_id == parent.id and row.kind == kind and row.name == name:
                return row
        unit_id = self._chunk.context.new_id()
        self._chunk.tx.insert(
            org_unit, id=unit_id, parent_id=parent.id, kind=kind, name=name, time_zone=parent.time_zone
        )
        self._chunk.implied(org_unit, unit_id)
        self._read()
        return self.rows[unit_id]

    def _first_branch(self) -> Row[Any]:
        return next(row for row in self.rows.values() if row.kind == "branch")

    def _read(self) -> None:
        self.rows = {row.id: row for row in self._chunk.tx.rows(select(org_unit).order_by(org_unit.c.id))}


def _columns(row: PersonRow) -> dict[str, Any]:
    """Return the person columns of a row, normalised."""
    if row.left_on and row.hired_on and row.left_on < row.hired_on:
        raise Refused("row_days_reversed", first=row.hired_on.isoformat(), second=row.left_on.isoformat())
    return {
        "name": row.name,
        "initials": " ".join(sorted(initials(row.name))),
        "role": row.role.value,
        "phone": normalize_phone(row.phone).e164 if row.phone else None,
        "status": row.status,
        "hired_on": row.hired_on,
        "left_on": row.left_on,
    }
