"""The organisation and its people: founded once, grown unit by unit, person by person."""

from __future__ import annotations

from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field
from sqlalchemy import Row, func, select

from crm_tui.commands.base import SYSTEM, Command, Context, Day, Id, Line, Outcome, StaffNumber
from crm_tui.commands.overtaken import Seen, refuse_row_overtaken, seen_of
from crm_tui.commands.pipelines import PublishPipeline, StagePlan
from crm_tui.commands.within import branch_day, refuse_used_id
from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import initials, normalize_phone
from crm_tui.domain.permission import Reach, Right, Role
from crm_tui.store.tables import customer, deal, org_unit, person
from crm_tui.store.transaction import Transaction

PARENTS = {"region": {"company", "region"}, "branch": {"company", "region"}, "team": {"branch"}}
ADMINISTRATOR_NUMBER = "1001"


class FoundOrganisation(Command):
    """Found an organisation: company, first region, branch and team, the first administrator, a pipeline.

    Carried out once, by the system, before anybody can log in.
    """

    kind: ClassVar[str] = "found_organisation"
    right: ClassVar[Right] = Right.MANAGE_PEOPLE

    company: Line
    region: Line
    branch: Line
    team: Line
    time_zone: Line = "Asia/Shanghai"
    administrator: Line
    administrator_number: StaffNumber = ADMINISTRATOR_NUMBER
    pipeline: Line
    stages: tuple[StagePlan, ...] = Field(min_length=3, max_length=12)

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Write the units, the first person and the first pipeline."""
        if tx.scalar(select(func.count()).select_from(org_unit)):
            raise Refused("organisation_exists")
        checked_zone(self.time_zone)
        if not self.administrator or not self.administrator_number:
            raise Refused("name_needed")
        _refuse_number_taken(tx, self.administrator_number)
        ids: dict[str, str] = {}
        parent: str | None = None
        for unit in ("company", "region", "branch", "team"):
            name = getattr(self, unit)
            if not name:
                raise Refused("name_needed")
            ids[unit] = context.new_id()
            tx.insert(
                org_unit, id=ids[unit], parent_id=parent, kind=unit, name=name, time_zone=self.time_zone
            )
            parent = ids[unit]
        person_id = context.new_id()
        tx.insert(
            person,
            id=person_id,
            number=self.administrator_number,
            name=self.administrator,
            initials=" ".join(sorted(initials(self.administrator))),
            role=Role.ADMINISTRATOR,
            unit_id=ids["branch"],
            branch_id=ids["branch"],
            status="active",
        )
        PublishPipeline(name=self.pipeline, stages=self.stages).apply(tx, context)
        return Outcome({"person_id": person_id, **{f"{unit}_id": unit_id for unit, unit_id in ids.items()}})


class CreateUnit(Command):
    """Add a region, a branch or a team under another unit."""

    kind: ClassVar[str] = "create_unit"
    right: ClassVar[Right] = Right.MANAGE_PEOPLE

    unit_kind: Literal["region", "branch", "team"]
    name: Line
    parent_id: Id
    time_zone: Line = ""
    external_id: Line | None = None

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Add the unit; without a time zone of its own it keeps its parent's."""
        parent = unit_or_refuse(tx, self.parent_id)
        if not self.name:
            raise Refused("name_needed")
        if parent.kind not in PARENTS[self.unit_kind]:
            raise Refused("unit_misplaced", unit=self.name, parent=parent.name)
        _refuse_unit_taken(tx, parent, self.unit_kind, self.name)
        refuse_used_id(tx, context, org_unit, self.external_id)
        unit_id = context.new_id()
        tx.insert(
            org_unit,
            id=unit_id,
            parent_id=parent.id,
            kind=self.unit_kind,
            name=self.name,
            time_zone=checked_zone(self.time_zone) if self.time_zone else parent.time_zone,
            external_id=self.external_id,
        )
        return Outcome({"unit_id": unit_id})


class RenameUnit(Command):
    """Give a unit another name."""

    kind: ClassVar[str] = "rename_unit"
    right: ClassVar[Right] = Right.MANAGE_PEOPLE

    unit_id: Id
    name: Line

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Write the name."""
        row = unit_or_refuse(tx, self.unit_id)
        if not self.name:
            raise Refused("name_needed")
        if row.parent_id is not None:
            above = unit_or_refuse(tx, row.parent_id)
            _refuse_unit_taken(tx, above, row.kind, self.name, but=row.id)
        tx.update(org_unit, self.unit_id, name=self.name)
        return Outcome({"unit_id": self.unit_id}, undo=(RenameUnit(unit_id=self.unit_id, name=row.name),))


class CreatePerson(Command):
    """Take on a person in a unit of the organisation; the number is what the person logs in with."""

    kind: ClassVar[str] = "create_person"
    right: ClassVar[Right] = Right.MANAGE_PEOPLE

    number: StaffNumber
    name: Line
    role: Role
    unit_id: Id
    reach: Reach | None = None
    manager_id: Id | None = None
    phone: Line = ""
    hired_on: Day | None = None
    external_id: Line | None = None

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Add the person."""
        if not self.name or not self.number:
            raise Refused("name_needed")
        _refuse_number_taken(tx, self.number)
        refuse_used_id(tx, context, person, self.external_id)
        if self.manager_id is not None:
            person_or_refuse(tx, self.manager_id)
        person_id = context.new_id()
        tx.insert(
            person,
            id=person_id,
            number=self.number,
            name=self.name,
            initials=" ".join(sorted(initials(self.name))),
            role=self.role,
            reach=self.reach,
            unit_id=self.unit_id,
            branch_id=branch_of(tx, self.unit_id),
            manager_id=self.manager_id,
            status="active",
            phone=normalize_phone(self.phone).e164 if self.phone else None,
            hired_on=self.hired_on or branch_day(tx, self.unit_id, context.at),
            external_id=self.external_id,
        )
        return Outcome(
            {"person_id": person_id},
            undo=(SetPersonStatus(person_id=person_id, status="left", expected="active"),),
        )


class EditPerson(Command):
    """Change a person's name, role, reach, unit, manager or phone; only what is given changes.

    Who moves to another branch takes the customers along only by a reassignment. ``expected`` says what the
    actor saw in fields; one that holds something else by now is not overwritten.
    """

    kind: ClassVar[str] = "edit_person"
    right: ClassVar[Right] = Right.MANAGE_PEOPLE

    person_id: Id
    name: Line | None = None
    role: Role | None = None
    reach: Reach | None = None
    unit_id: Id | None = None
    manager_id: Id | None = None
    phone: Line | None = None
    expected: Seen = Field(default_factory=dict)

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Write the given fields."""
        row = person_or_refuse(tx, self.person_id)
        given = self.given(but="person_id", clears=frozenset({"reach", "manager_id", "phone"}))
        values: dict[str, Any] = {name: getattr(self, name) or None for name in given}
        if self.manager_id is not None:
            _refuse_circle(tx, row, self.manager_id)
        if "name" in given:
            if not self.name:
                raise Refused("name_needed")
            values["initials"] = " ".join(sorted(initials(self.name)))
        if self.unit_id is not None:
            values["branch_id"] = branch_of(tx, self.unit_id)
        seen = dict(self.expected)
        for told in (values, seen):
            if told.get("phone"):
                told["phone"] = normalize_phone(str(told["phone"])).e164
        refuse_row_overtaken(tx, seen, row, values)
        if self.role not in {None, Role.ADMINISTRATOR}:
            _refuse_last_administrator(tx, row)
        tx.update(person, self.person_id, **values)
        back = {name: getattr(row, name) for name in given}
        wrote = seen_of({name: values[name] for name in given})
        undo = EditPerson(person_id=self.person_id, **back, expected=wrote)
        return Outcome({"person_id": self.person_id}, undo=(undo,))


class SetPersonStatus(Command):
    """Freeze a person, let a person back in, or note that a person has left."""

    kind: ClassVar[str] = "set_person_status"
    right: ClassVar[Right] = Right.MANAGE_PEOPLE

    person_id: Id
    status: Literal["active", "frozen", "left"]
    expected: Literal["active", "frozen", "left"]

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Write the status; who leaves gets a last day."""
        row = person_or_refuse(tx, self.person_id)
        if row.status != self.expected:
            raise Refused("person_changed", name=row.name)
        if self.person_id == context.actor.person_id:
            raise Refused("person_self")
        if self.status != "active":
            _refuse_last_administrator(tx, row)
        tx.update(
            person,
            self.person_id,
            status=self.status,
            left_on=branch_day(tx, row.unit_id, context.at) if self.status == "left" else None,
        )
        back = SetPersonStatus(person_id=self.person_id, status=row.status, expected=self.status)
        return Outcome(
            {"person_id": self.person_id, "open_work": _open_work(tx, self.person_id)}, undo=(back,)
        )


def person_or_refuse(tx: Transaction, person_id: str) -> Row[Any]:
    """Return the person; raises Refused person_unknown."""
    row = tx.get(person, person_id)
    if row is None:
        raise Refused("person_unknown")
    return row


def unit_or_refuse(tx: Transaction, unit_id: str) -> Row[Any]:
    """Return the unit; raises Refused unit_unknown."""
    row = tx.get(org_unit, unit_id)
    if row is None:
        raise Refused("unit_unknown")
    return row


def branch_of(tx: Transaction, unit_id: str) -> str | None:
    """Return the branch a unit is or lies in; None above the branches."""
    row = unit_or_refuse(tx, unit_id)
    while row.kind != "branch":
        if row.parent_id is None or row.kind != "team":
            return None
        row = unit_or_refuse(tx, row.parent_id)
    return str(row.id)


def checked_zone(name: str) -> str:
    """Return the time zone's name; raises Refused time_zone_unknown."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Refused("time_zone_unknown", zone=name) from error
    return name


def _refuse_unit_taken(tx: Transaction, parent: Row[Any], kind: str, name: str, *, but: str = "") -> None:
    """Refuse the name of a sister unit: tables and people tell units apart by their names."""
    sisters = (org_unit.c.parent_id == parent.id) & (org_unit.c.kind == kind) & (org_unit.c.id != but)
    if tx.first(select(org_unit.c.id).where(sisters, org_unit.c.name == name)):
        raise Refused("unit_taken", unit=name, parent=parent.name)


def _refuse_number_taken(tx: Transaction, number: str) -> None:
    """Refuse a number that somebody logs in with, in whatever case it is typed."""
    same = func.lower(person.c.number) == number.lower()
    if number == SYSTEM or tx.first(select(person.c.id).where(same)):
        raise Refused("number_taken", number=number)


def _refuse_circle(tx: Transaction, row: Row[Any], manager_id: str) -> None:
    """Refuse a manager who reports, over however many steps, to the very person."""
    manager = person_or_refuse(tx, manager_id)
    above: Row[Any] | None = manager
    seen: set[str] = set()
    while above is not None and above.id not in seen:
        if above.id == row.id:
            raise Refused("manager_circle", name=row.name, manager=manager.name)
        seen.add(above.id)
        above = tx.get(person, above.manager_id) if above.manager_id else None


def _refuse_last_administrator(tx: Transaction, row: Row[Any]) -> None:
    """Keep an organisation from locking itself out by the change of this person."""
    if row.role != Role.ADMINISTRATOR or row.status != "active":
        return
    left = tx.scalar(
        select(func.count())
        .select_from(person)
        .where(person.c.role == Role.ADMINISTRATOR, person.c.status == "active")
    )
    if left <= 1:
        raise Refused("administrator_last")


def _open_work(tx: Transaction, person_id: str) -> dict[str, int]:
    """Count what a person would leave behind."""
    customers = tx.scalar(
        select(func.count())
        .select_from(customer)
        .where(customer.c.owner_id == person_id, customer.c.archived_at.is_(None))
    )
    deals = tx.scalar(
        select(func.count())
        .select_from(deal)
        .where(deal.c.owner_id == person_id, deal.c.state == "open", deal.c.archived_at.is_(None))
    )
    return {"customers": customers, "deals": deals}
