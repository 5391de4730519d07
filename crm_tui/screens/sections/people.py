"""People and units: who works here, where, and who may still come in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from crm_tui.commands.people import CreatePerson, CreateUnit, EditPerson, RenameUnit, SetPersonStatus
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.i18n import t
from crm_tui.queries.pickers import UnitChoice, units
from crm_tui.queries.settings import PersonLine, open_work, roster
from crm_tui.screens.sections.base import Section
from crm_tui.widgets import figures
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.refusal import refused
from crm_tui.widgets.rows import Row, RowTone

Status = Literal["active", "frozen", "left"]
_STATUSES: tuple[Status, ...] = ("active", "frozen", "left")
_TONES: dict[str, RowTone] = {"active": "", "frozen": "warn", "left": "muted"}
_RESET = "reset_pin"


class PeopleSection(Section):
    """Everybody within the scope; Enter edits, F7 takes on, F6 freezes, releases or resets the PIN."""

    name: ClassVar[str] = "people"
    right: ClassVar[Right | None] = Right.MANAGE_PEOPLE
    columns: ClassVar[Sequence[tuple[str, int, int]]] = (
        ("number", 6, 0),
        ("name", 10, 2),
        ("role", 10, 1),
        ("unit", 8, 1),
        ("status", 6, 0),
    )

    async def rows(self) -> list[Row]:
        """Return a row for each person."""
        people = await self.screen.ask(roster)
        return [
            Row(
                one.id,
                (one.number, one.name, t(f"role.{one.role}"), one.unit_name, t(f"field.status.{one.status}")),
                _TONES.get(one.status, ""),
            )
            for one in people
        ]

    async def open(self, row_id: str) -> None:
        """Edit the person."""
        found = await self._person(row_id)
        if found is None:
            return
        values = {key: getattr(found, key) for key in ("name", "role", "reach", "unit_id", "manager_id")}
        values["phone"] = figures.phone(found.phone, clear=True) if found.phone else ""
        self.show_form(
            EditPerson,
            values=values,
            fixed={"person_id": row_id},
            needed=("name", "role", "unit_id"),
            choices=await self._choices(),
        )

    async def new(self, row_id: str) -> None:
        """Take somebody on, in the unit of the person under the cursor."""
        found = await self._person(row_id)
        self.show_form(
            CreatePerson,
            values={"unit_id": found.unit_id} if found else {},
            hidden=("external_id", "hired_on"),
            choices=await self._choices(),
        )

    async def more(self, row_id: str) -> None:
        """Freeze, release or let go, or reset the PIN; the work left behind is counted first."""
        found = await self._person(row_id)
        if found is None:
            return
        rows = [PickRow(one, t(f"settings.become.{one}")) for one in _STATUSES if one != found.status]
        rows.append(PickRow(_RESET, t("settings.become.reset_pin")))
        wanted = await self.screen.app.push_screen_wait(Picker(f"{found.number} {found.name}", rows))
        if wanted is None:
            return
        work = await self.screen.ask(open_work, row_id)
        preview = t(f"settings.sure.{wanted}", name=found.name, customers=work.customers, deals=work.deals)
        if await self.screen.app.push_screen_wait(Confirm(preview)) is not None:
            await self._become(found, wanted)

    async def _become(self, found: PersonLine, wanted: str) -> None:
        desk = self.screen.counter.desk
        if wanted == _RESET:
            try:
                await desk.write(lambda: desk.door.reset_pin(found.id), at_hub=True)
            except Refused as no:
                self.screen.say(refused(no), "error")
                return
            self.screen.say(t("settings.pin_reset", name=found.name), "good")
            return
        command = SetPersonStatus(person_id=found.id, status=_status(wanted), expected=_status(found.status))
        await self.do(command)

    async def _person(self, person_id: str) -> PersonLine | None:
        return next((one for one in await self.screen.ask(roster) if one.id == person_id), None)

    async def _choices(self) -> dict[str, list[Choice]]:
        people = await self.screen.ask(roster)
        places = await self.screen.ask(units)
        return {
            "unit_id": [Choice(one.id, one.name) for one in places],
            "manager_id": [
                Choice(one.id, one.name) for one in people if one.status == "active" and one.role != "clerk"
            ],
        }


class UnitsSection(Section):
    """The tree of the organisation; Enter renames, F7 adds under the unit of the cursor."""

    name: ClassVar[str] = "units"
    right: ClassVar[Right | None] = Right.MANAGE_PEOPLE
    columns: ClassVar[Sequence[tuple[str, int, int]]] = (("name", 20, 1), ("kind", 10, 0))

    async def rows(self) -> list[Row]:
        """Return the units, each indented below its parent."""
        return [
            Row(one.id, ("  " * one.depth + one.name, t(f"field.unit_kind.{one.kind}")))
            for one in await self.screen.ask(units)
        ]

    async def open(self, row_id: str) -> None:
        """Rename the unit."""
        found = await self._unit(row_id)
        if found is not None:
            self.show_form(RenameUnit, values={"name": found.name}, fixed={"unit_id": row_id})

    async def new(self, row_id: str) -> None:
        """Add a unit."""
        found = await self._unit(row_id)
        above = [Choice(one.id, one.name) for one in await self.screen.ask(units) if one.kind != "team"]
        self.show_form(
            CreateUnit,
            values={"parent_id": row_id, "unit_kind": _below(found.kind)} if found else {},
            hidden=("time_zone", "external_id"),
            choices={"parent_id": above},
        )

    async def _unit(self, unit_id: str) -> UnitChoice | None:
        return next((one for one in await self.screen.ask(units) if one.id == unit_id), None)


def _below(kind: str) -> str:
    return {"company": "region", "region": "branch"}.get(kind, "team")


def _status(word: str) -> Status:
    return next(one for one in _STATUSES if one == word)
