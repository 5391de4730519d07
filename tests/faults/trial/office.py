"""The organisation of a trial: two branches in a region, a person for each terminal, and some customers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import select

from crm_tui.commands.customers import CreateCustomer
from crm_tui.commands.people import CreatePerson, CreateUnit, FoundOrganisation
from crm_tui.commands.pipelines import ActionPlan, StagePlan
from crm_tui.desk import Desk
from crm_tui.domain.lifecycle import default_stages
from crm_tui.store.credentials import hash_pin, set_verifier
from crm_tui.store.outbox import set_facts
from crm_tui.store.tables import person

PIN = "2468"
FIRST = "head"
CUSTOMERS = 12
"""What each branch begins with."""


class _Same(dict[str, str]):
    """Words that are their own keys."""

    def __missing__(self, key: str) -> str:
        return key

    def get(self, key: str, default: Any = None) -> Any:
        return default


@dataclass(frozen=True)
class Place:
    """A terminal: its name, the unit it belongs to, and who works at it."""

    name: str
    unit_id: str
    person_id: str


def found(database: Path) -> list[Place]:
    """Found the organisation in a fresh file; return the eight places, the file's own first."""
    desk = Desk.open(database)
    (made,) = desk.carry_out_as_system(_founding())
    units = {"top": made.details["company_id"], "region": made.details["region_id"]}
    units["one"] = made.details["branch_id"]
    (other,) = desk.carry_out_as_system(
        CreateUnit(unit_kind="branch", name="Xuhui", parent_id=units["region"])
    )
    units["two"] = other.details["unit_id"]
    places = [Place(FIRST, units["top"], made.details["person_id"])]
    wanted = [("region", "region", "regional_manager")]
    for branch in ("one", "two"):
        wanted += [(f"{branch}-{n}", branch, "branch_manager" if n == 1 else "clerk") for n in (1, 2, 3)]
    for number, (name, unit, role) in enumerate(wanted, start=3001):
        (hired,) = desk.carry_out_as_system(
            CreatePerson(number=str(number), name=f"person {name}", role=role, unit_id=units[unit])
        )
        places.append(Place(name, units[unit], hired.details["person_id"]))
    verifier = hash_pin(PIN, PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    with desk._books.write() as tx:
        for person_id in tx.scalars(select(person.c.id)):
            set_verifier(tx, person_id, verifier)
        set_facts(tx, hub_machine=FIRST)
    for place in places[2:]:
        desk.log_in(place.person_id, PIN)
        desk.carry_out(*(CreateCustomer(name=f"old {place.name} {n}") for n in range(CUSTOMERS // 3)))
    desk.close()
    return places


def _founding() -> FoundOrganisation:
    stages = tuple(
        StagePlan(
            code=one.code,
            name=one.name,
            kind=one.kind,
            probability=one.probability,
            rotting_days=one.rotting_days,
            required_fields=one.required_fields,
            required_actions=tuple(
                ActionPlan(code=action.code, name=action.name, evidence=action.evidence)
                for action in one.required_actions
            ),
        )
        for one in default_stages(_Same())
    )
    return FoundOrganisation(
        company="Haitang",
        region="East",
        branch="Jingan",
        team="Team one",
        administrator="Ada Admin",
        pipeline="Sales",
        stages=stages,
    )
