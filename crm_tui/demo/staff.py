"""The organisation of the demonstration: founded and staffed by the real commands."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from crm_tui.commands import Command, execute
from crm_tui.commands.base import SYSTEM, Envelope, made_id, seal
from crm_tui.commands.people import CreatePerson, CreateUnit, FoundOrganisation, SetPersonStatus
from crm_tui.commands.rules import CreateProduct, CreateProductLine
from crm_tui.demo.days import SHOP_DAY, ZONE, Days
from crm_tui.demo.people import person_name
from crm_tui.demo.size import Size
from crm_tui.demo.words import BRANCHES, PRODUCTS
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Role
from crm_tui.store.transaction import Transaction
from crm_tui.template import template_pipeline, template_stages

CLERK, CLERK_NUMBER = "李梅", "1023"
MANAGER, MANAGER_NUMBER = "王芳", "1020"
_FIRST_FREE_NUMBER = 1030
DEVICE = "demo"


class Scribe:
    """Seals commands with ids that are counted, not drawn, and carries some of them out."""

    def __init__(self) -> None:
        self._count = 0

    def cmd_id(self, at: datetime) -> str:
        """Return the next command's id: 32 hex digits in the form of a UUIDv7."""
        self._count += 1
        return f"{int(at.timestamp() * 1000):012x}7000{0x8 << 60 | self._count:016x}"

    def seal(self, command: Command, actor_id: str, at: datetime, cmd_id: str = "") -> Envelope:
        """Put a command into an envelope."""
        cmd_id = cmd_id or self.cmd_id(at)
        return seal(command, cmd_id=cmd_id, batch_id=cmd_id, device_id=DEVICE, actor_id=actor_id, at=at)

    def do(self, tx: Transaction, command: Command, at: datetime, actor_id: str = SYSTEM) -> Any:
        """Carry a command out and return its details; raises Refused as the command does."""
        verdict = execute(self.seal(command, actor_id, at), tx)
        if not verdict.applied:
            raise Refused(verdict.code, **verdict.details)
        return verdict.details


@dataclass(frozen=True)
class Branch:
    """A branch with the city its customers live in."""

    id: str
    city: str
    manager_id: str


@dataclass(frozen=True)
class Clerk:
    """Somebody who owns customers; ``leaves`` is the place in time of the last working day, 0: stays."""

    id: str
    branch: Branch
    leaves: int = 0


@dataclass(frozen=True)
class Article:
    """A product that deals are about; ``price`` in fen."""

    id: str
    line_id: str
    line: str
    price: int


@dataclass
class Staff:
    """Everybody and everything that stories need."""

    administrator_id: str
    clerk_id: str = ""
    clerks: list[Clerk] = field(default_factory=list)
    leavers: list[Clerk] = field(default_factory=list)
    heirs: dict[str, list[Clerk]] = field(default_factory=dict)
    """By branch, who may be given customers of others; a staged clerk's are settled."""
    articles: list[Article] = field(default_factory=list)
    people: list[str] = field(default_factory=list)


class Founder:
    """Builds the organisation up, command by command, before the first day."""

    def __init__(self, tx: Transaction, scribe: Scribe, rng: random.Random, size: Size, days: Days) -> None:
        self._tx, self._scribe, self._rng, self._size, self._days = tx, scribe, rng, size, days
        self._at = days.at(0) - timedelta(days=30)
        self._number = _FIRST_FREE_NUMBER

    def found(self) -> Staff:
        """Return the staff of the new organisation; raises Refused organisation_exists."""
        places = branch_places(self._size)
        region, first = places[0][0], places[0][2]
        ids = self._do(
            FoundOrganisation(
                company="安居建材连锁",
                region=region,
                branch=first,
                team="销售一组",
                time_zone=ZONE,
                administrator="陈立",
                pipeline=template_pipeline(),
                stages=template_stages(),
            )
        )
        staff = Staff(administrator_id=ids["person_id"], people=[ids["person_id"]])
        self._hire(staff, Role.DIRECTOR, ids["company_id"], number="1002", name="周国强")
        self._hire(staff, Role.FINANCE, ids["company_id"], number="1003", name="孙会萍")
        regions = {region: ids["region_id"]}
        for one in dict.fromkeys(place[0] for place in places):
            if one not in regions:
                made = self._do(CreateUnit(unit_kind="region", name=one, parent_id=ids["company_id"]))
                regions[one] = made["unit_id"]
            self._hire(staff, Role.REGIONAL_MANAGER, regions[one])
        branches = [self._branch(staff, regions, place, ids["branch_id"]) for place in places]
        self._clerks(staff, branches)
        staff.articles = self._articles()
        return staff

    def _branch(
        self, staff: Staff, regions: dict[str, str], place: tuple[str, str, str], first_id: str
    ) -> Branch:
        region, city, name = place
        is_first = not staff.heirs
        if is_first:
            branch_id = first_id
        else:
            made = self._do(CreateUnit(unit_kind="branch", name=name, parent_id=regions[region]))
            branch_id = made["unit_id"]
        staff.heirs[branch_id] = []
        known = {"number": MANAGER_NUMBER, "name": MANAGER} if is_first else {}
        return Branch(branch_id, city, self._hire(staff, Role.BRANCH_MANAGER, branch_id, **known))

    def _clerks(self, staff: Staff, branches: list[Branch]) -> None:
        for place in range(self._size.clerks + self._size.leavers):
            branch = branches[place % len(branches)]
            known = {} if place else {"number": CLERK_NUMBER, "name": CLERK}
            person_id = self._hire(staff, Role.CLERK, branch.id, manager_id=branch.manager_id, **known)
            if place < self._size.clerks:
                clerk = Clerk(person_id, branch)
                staff.clerks.append(clerk)
                if place or not self._size.staged:
                    staff.heirs[branch.id].append(clerk)
            else:
                last = self._size.days * SHOP_DAY
                staff.leavers.append(Clerk(person_id, branch, self._rng.randrange(last // 4, last * 9 // 10)))
        staff.clerk_id = staff.clerks[0].id

    def _hire(self, staff: Staff, role: Role, unit_id: str, **known: str) -> str:
        number = known.get("number")
        if number is None:
            number, self._number = str(self._number), self._number + 1
        made = self._do(
            CreatePerson(
                number=number,
                name=known.get("name") or person_name(self._rng),
                role=role,
                unit_id=unit_id,
                manager_id=known.get("manager_id"),
                phone=f"177{len(staff.people):08d}",
                hired_on=self._days.day(self._at) - timedelta(days=self._rng.randrange(30, 2_000)),
            )
        )
        staff.people.append(made["person_id"])
        return str(made["person_id"])

    def _articles(self) -> list[Article]:
        found: list[Article] = []
        for line, products in PRODUCTS.items():
            line_id = self._do(CreateProductLine(name=line))["line_id"]
            for place, (name, yuan) in enumerate(products, start=1):
                code = f"{len(found) // len(products) + 1}{place:03d}"
                made = self._do(
                    CreateProduct(code=code, name=f"{line} {name}", line_id=line_id, unit_price=yuan * 100)
                )
                found.append(Article(made["product_id"], line_id, line, yuan * 100))
        return found

    def _do(self, command: Command) -> Any:
        self._at += timedelta(seconds=1)
        return self._scribe.do(self._tx, command, self._at)


def let_go(tx: Transaction, scribe: Scribe, staff: Staff, days: Days) -> None:
    """Note that the leavers have left, each on the day the customers were handed over."""
    for one in staff.leavers:
        command = SetPersonStatus(person_id=one.id, status="left", expected="active")
        scribe.do(tx, command, days.at(one.leaves), staff.administrator_id)


def branch_places(size: Size) -> list[tuple[str, str, str]]:
    """Return region, city and name of each branch, region after region; the names run on in numbers."""
    share = -(-size.branches // size.regions)
    places: list[tuple[str, str, str]] = []
    for region, known in BRANCHES[: size.regions]:
        for place in range(min(share, size.branches - len(places))):
            city, name = known[place % len(known)]
            more = f"{place // len(known) + 1}" if place >= len(known) else ""
            places.append((region, city, f"{name}{more}"))
    return places


def first_id(cmd_id: str) -> str:
    """Return the id that a command gives to the row it is about."""
    return made_id(cmd_id, 1)
