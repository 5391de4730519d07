"""What a figure is cut down to: days, a part of the organisation, a product, a source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Table, func, or_, select

from crm_tui.domain.calendar import Window, period
from crm_tui.domain.errors import Refused
from crm_tui.domain.moment import parse_day
from crm_tui.metrics.organisation import Organisation, organisation
from crm_tui.store.tables import customer, deal, lead, person, pipeline, product, product_line
from crm_tui.store.view import View

BLANK: Final = "(blank)"
"""How a group or a filter without a value is written."""

DIMENSIONS: Final = (
    "region",
    "branch",
    "team",
    "person",
    "manager",
    "line",
    "product",
    "source",
    "stage",
    "month",
    "customer",
)
FILTER_NAMES: Final = (
    "from",
    "to",
    "period",
    "as_of",
    "region",
    "branch",
    "team",
    "person",
    "manager",
    "line",
    "product",
    "source",
    "pipeline",
    "by",
    "limit",
)
MOST_ROWS: Final = 1_000


@dataclass(frozen=True)
class Choice:
    """One thing chosen in a filter: its id, and the name it is shown by."""

    id: str
    name: str


@dataclass(frozen=True)
class Filters:
    """What the viewer asked for; the days are inclusive, None asks for no restriction."""

    from_on: date | None = None
    to_on: date | None = None
    as_of: date | None = None
    region: Choice | None = None
    branch: Choice | None = None
    team: Choice | None = None
    person: Choice | None = None
    manager: Choice | None = None
    line: Choice | None = None
    product: Choice | None = None
    source: str | None = None
    pipeline: Choice | None = None
    by: str | None = None
    limit: int = 10

    @classmethod
    def parse(cls, view: View, given: Mapping[str, str]) -> Filters:
        """Read filters as a person names them; empty texts ask for nothing.

        ``given`` has keys of FILTER_NAMES. Units, people and products are found by name, number or
        id, and only within what the viewer may see.

        Raises:
            Refused: filter_unknown (name), filter_unknown_<name> (text), filter_ambiguous (name, text,
                count), filter_backwards, filter_limit, period_unknown and what ``parse_day`` refuses.
        """
        texts = {name.replace("-", "_"): text.strip() for name, text in given.items() if text.strip()}
        for name in texts:
            if name not in FILTER_NAMES:
                raise Refused("filter_unknown", name=name)
        return cls(
            **_days(view, texts),
            **_chosen(view, texts),
            source=_source(texts),
            by=_dimension(texts),
            limit=_limit(texts),
        )

    def within(self, window: Window) -> Filters:
        """Return the same question for other days."""
        return replace(self, from_on=window.start, to_on=window.end - timedelta(days=1))

    def echo(self) -> dict[str, str]:
        """Return what was asked, in plain words, nothing that was not."""
        days = {"from": self.from_on, "to": self.to_on, "as_of": self.as_of}
        said: dict[str, str] = {name: day.isoformat() for name, day in days.items() if day}
        for name in (*_UNITS, *_PEOPLE, *_NAMED):
            choice: Choice | None = getattr(self, name)
            if choice is not None:
                said[name] = choice.name
        if self.source is not None:
            said["source"] = self.source or BLANK
        if self.by is not None:
            said["by"] = self.by
        return said


_UNITS: Final = ("region", "branch", "team")
_PEOPLE: Final = ("person", "manager")
_NAMED: Final[Mapping[str, Table]] = {"line": product_line, "product": product, "pipeline": pipeline}


def in_days(column: ColumnElement[Any], filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions that a date lies within the days asked for."""
    found: list[ColumnElement[bool]] = []
    if filters.from_on is not None:
        found.append(column >= filters.from_on)
    if filters.to_on is not None:
        found.append(column <= filters.to_on)
    return found


def deals_within(view: View, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions on deals: seen by the viewer, not archived, and in every chosen part."""
    found = [deal.c.archived_at.is_(None), *_owned_within(view, filters, deal)]
    if filters.line is not None:
        found.append(deal.c.line_id == filters.line.id)
    if filters.product is not None:
        found.append(deal.c.product_id == filters.product.id)
    if filters.pipeline is not None:
        found.append(deal.c.pipeline_id == filters.pipeline.id)
    return found


def customers_within(view: View, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions on customers; a product or line asks for an open deal on it."""
    found = [customer.c.archived_at.is_(None), *_owned_within(view, filters, customer)]
    if filters.line or filters.product or filters.pipeline:
        of_deals = replace(filters, source=None)
        bought = select(deal.c.customer_id).where(deal.c.state == "open", *deals_within(view, of_deals))
        found.append(customer.c.id.in_(bought))
    return found


def leads_within(view: View, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions on leads, which know neither product nor line nor pipeline."""
    return _owned_within(view, filters, lead)


def _owned_within(view: View, filters: Filters, table: Table) -> list[ColumnElement[bool]]:
    """Return the conditions on whatever has a branch, an owner and a source; the scope comes first."""
    found = [view.scope.where(table)]
    if filters.region or filters.branch or filters.team:
        tree = organisation(view)
        units = [unit for unit in (filters.region, filters.branch) if unit is not None]
        found += [table.c.branch_id.in_(sorted(tree.branches_below(unit.id))) for unit in units]
        if filters.team is not None:
            of_team = select(person.c.id).where(person.c.unit_id.in_(sorted(tree.below(filters.team.id))))
            found.append(table.c.owner_id.in_(of_team))
    if filters.person is not None:
        found.append(table.c.owner_id == filters.person.id)
    if filters.manager is not None:
        reports = select(person.c.id).where(person.c.manager_id == filters.manager.id)
        found.append(table.c.owner_id.in_(reports))
    if filters.source is not None:
        found.append(table.c.source == filters.source)
    return found


def _days(view: View, texts: Mapping[str, str]) -> dict[str, Any]:
    zone = view.viewer.zone
    days = {name: parse_day(texts[name], zone=zone) for name in ("from", "to", "as_of") if name in texts}
    found = {"from_on": days.get("from"), "to_on": days.get("to"), "as_of": days.get("as_of")}
    if "period" in texts:
        window = period(texts["period"], view.today)
        found |= {"from_on": window.start, "to_on": window.end - timedelta(days=1)}
    start, end = found["from_on"], found["to_on"]
    if start is not None and end is not None and start > end:
        raise Refused("filter_backwards", start=start.isoformat(), end=end.isoformat())
    return found


def _chosen(view: View, texts: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: _named(view, name, table, texts[name]) for name, table in _NAMED.items() if name in texts
    }
    if texts.keys() & {*_UNITS, *_PEOPLE}:
        tree = organisation(view)
        found |= {name: _unit(tree, name, texts[name]) for name in _UNITS if name in texts}
        found |= {name: _person(tree, name, texts[name]) for name in _PEOPLE if name in texts}
    return found


def _unit(tree: Organisation, kind: str, text: str) -> Choice:
    seen = (tree.units[one] for one in tree.seen_units)
    return _only(kind, text, (row for row in seen if row.kind == kind and text in _names_of(row)))


def _person(tree: Organisation, name: str, text: str) -> Choice:
    """Find somebody; the managers of people one sees may be named too."""
    seen = set(tree.seen_people)
    if name == "manager":
        seen |= {tree.people[one].manager_id for one in tree.seen_people} - {None}
    rows = [tree.people[one] for one in seen]
    exact = [row for row in rows if text in {row.id, row.number}]
    return _only(name, text, exact or [row for row in rows if text in _names_of(row)])


def _named(view: View, name: str, table: Table, text: str) -> Choice:
    ways = [table.c[one] == text for one in ("id", "code", "external_id") if one in table.c]
    named = or_(func.lower(table.c.name) == text.lower(), *ways)
    rows = view.tx.rows(select(table.c.id, table.c.name).where(named))
    return _only(name, text, rows)


def _names_of(row: Row[Any]) -> set[str]:
    return {row.id, row.name, row.external_id or row.id}


def _only(name: str, text: str, rows: Iterable[Row[Any]]) -> Choice:
    found = list(rows)
    if not found:
        raise Refused(f"filter_unknown_{name}", text=text)
    if len(found) > 1:
        raise Refused("filter_ambiguous", name=name, text=text, count=len(found))
    return Choice(found[0].id, found[0].name)


def _source(texts: Mapping[str, str]) -> str | None:
    text = texts.get("source")
    return "" if text == BLANK else text


def _dimension(texts: Mapping[str, str]) -> str | None:
    by = texts.get("by")
    if by is not None and by not in DIMENSIONS:
        raise Refused("filter_unknown_by", text=by, known=", ".join(DIMENSIONS))
    return by


def _limit(texts: Mapping[str, str]) -> int:
    text = texts.get("limit", "10")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_ROWS:
        raise Refused("filter_limit", text=text, most=MOST_ROWS)
    return int(text)
