"""By what a figure is grouped: the column SQL groups on, and the name a group is shown by.

SQL groups by the row's own column (its branch, its owner) and what it counts adds up; region, team and
manager are folded from those afterwards, so that a group costs no join.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, String, Table, literal, select

from crm_tui.domain.errors import Refused
from crm_tui.metrics.filters import BLANK
from crm_tui.metrics.organisation import Organisation, organisation
from crm_tui.store.sql import month_of
from crm_tui.store.tables import customer, product, product_line, stage
from crm_tui.store.view import View

ALL: Final = "all"
_COLUMNS: Final = {
    "region": "branch_id",
    "branch": "branch_id",
    "team": "owner_id",
    "person": "owner_id",
    "manager": "owner_id",
    "line": "line_id",
    "product": "product_id",
    "source": "source",
    "stage": "stage",
    "customer": "customer_id",
}
_NAMED: Final[Mapping[str, Table]] = {"line": product_line, "product": product, "customer": customer}


class Dimension:
    """One way to group the rows of a table; ``by`` None puts everything into one group."""

    def __init__(self, view: View, table: Table, by: str | None, day: ColumnElement[Any]) -> None:
        """Group ``table`` by a name of DIMENSIONS; ``day`` is the date whose month counts.

        Raises:
            Refused: filter_by_not_here, where the rows have no such property.
        """
        self._view = view
        self.by = by
        self.key: ColumnElement[Any] = literal(ALL, String)
        if by == "month":
            self.key = month_of(day)
        elif by is not None:
            if _COLUMNS[by] not in table.c:
                raise Refused("filter_by_not_here", by=by)
            self.key = table.c[_COLUMNS[by]]
        self.grouped: tuple[ColumnElement[Any], ...] = () if by is None else (self.key.label("key"),)
        """What SQL groups by; a constant would only make its sorting wider."""
        self._tree = organisation(view) if by in {"region", "branch", "team", "person", "manager"} else None

    def fold(self, key: str | None) -> str:
        """Return the group of a value of :attr:`key`, such as the region of a branch."""
        if self._tree is not None and self.by in {"region", "team", "manager"}:
            return self._folded(self._tree, key) or BLANK
        return key or BLANK

    def labels(self, groups: Iterable[str]) -> Mapping[str, str]:
        """Return the name under which each of these groups is shown; what has none is its own name."""
        wanted = list(groups)
        if self._tree is not None:
            rows = self._tree.people if self.by in {"person", "manager"} else self._tree.units
            return {one: str(rows[one].name) if one in rows else one for one in wanted}
        table = _NAMED.get(self.by or "")
        if table is None:
            return {one: one for one in wanted}
        names = select(table.c.id, table.c.name).where(table.c.id.in_(wanted))
        if table is customer:
            names = names.where(self._view.scope.where(customer))
        found = self._view.tx.rows(names)
        return {one: one for one in wanted} | {row.id: row.name for row in found}

    def _folded(self, tree: Organisation, key: str | None) -> str | None:
        if self.by == "region":
            return tree.nearest(key, "region")
        owner = tree.people.get(key or "")
        if owner is None:
            return None
        return owner.manager_id if self.by == "manager" else tree.nearest(owner.unit_id, "team")


def stage_places(view: View) -> Mapping[str, int]:
    """Return where each stage code stands on its pipeline, for sorting groups."""
    rows = view.tx.rows(select(stage.c.code, stage.c.position).order_by(stage.c.version))
    return {row.code: row.position for row in rows}
