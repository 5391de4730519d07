"""Taking an import back: its new rows go, its changes are reversed, later work is never destroyed.

A row stays, and is reported, where work hangs on it that came after the import, or where somebody has
changed since what the import wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Date, Row, Table, and_, exists, or_, select

from crm_tui.commands.base import Context
from crm_tui.commands.contact_state import refresh_contact_states
from crm_tui.commands.intake.chunk import plain
from crm_tui.commands.intake.customers import points_of_all
from crm_tui.store import tables as t
from crm_tui.store.contact_rules import overdue_rules
from crm_tui.store.search import index_customers
from crm_tui.store.transaction import Transaction
from crm_tui.store.types import Instant

PORTION = 500
_ORDER = (t.lead, t.deal, t.customer, t.person, t.product, t.product_line, t.org_unit)
_USES: Mapping[str, tuple[Column[Any], ...]] = {
    "lead": (),
    "deal": (t.follow_up.c.deal_id, t.stage_evidence.c.deal_id),
    "customer": (
        t.follow_up.c.customer_id,
        t.contact_plan.c.customer_id,
        t.contact.c.customer_id,
        t.deal.c.customer_id,
        t.lead.c.customer_id,
    ),
    "person": (
        t.customer.c.owner_id,
        t.deal.c.owner_id,
        t.lead.c.owner_id,
        t.follow_up.c.author_id,
        t.follow_up.c.amended_by,
        t.ownership_event.c.actor_id,
        t.ownership_event.c.from_owner_id,
        t.ownership_event.c.to_owner_id,
        t.stage_visit.c.actor_id,
        t.stage_evidence.c.actor_id,
        t.contact_plan.c.actor_id,
        t.import_batch.c.actor_id,
    ),
    "product": (t.deal.c.product_id,),
    "product_line": (t.product.c.line_id, t.deal.c.line_id),
    "org_unit": (
        t.person.c.unit_id,
        t.person.c.branch_id,
        t.customer.c.branch_id,
        t.deal.c.branch_id,
        t.lead.c.branch_id,
        t.follow_up.c.branch_id,
    ),
}
"""Where a row may be used by work that must not be lost with it."""

_PARENTS: Mapping[str, Column[Any]] = {
    "customer": t.customer.c.parent_id,
    "person": t.person.c.manager_id,
    "org_unit": t.org_unit.c.parent_id,
}


@dataclass
class Undoing:
    """What taking back has done so far; ``kept`` names rows as (table, name)."""

    tx: Transaction
    context: Context
    batch: Row[Any]
    removed: int = 0
    restored: int = 0
    kept: list[tuple[str, str]] = field(default_factory=list)
    customers: set[str] = field(default_factory=set)

    def run(self) -> dict[str, Any]:
        """Take the whole batch back and say what became of it."""
        for table in _ORDER:
            self._restore(table)
        for table in _ORDER:
            self._remove(table)
        left = sorted(self.customers)
        for some in _portions(left):
            refresh_contact_states(self.tx, some, overdue_rules(self.tx))
            index_customers(self.tx, some)
        return {
            "removed": self.removed,
            "restored": self.restored,
            "kept": [list(one) for one in self.kept[:20]],
            "kept_count": len(self.kept),
        }

    def _notes(self, table: Table, *, new: bool) -> Sequence[Row[Any]]:
        before = t.import_row.c.before
        return self.tx.rows(
            select(t.import_row.c.row_id, before)
            .where(
                t.import_row.c.batch_id == self.batch.id,
                t.import_row.c.kind == table.name,
                before.is_(None) if new else before.is_not(None),
            )
            .order_by(t.import_row.c.id.desc())
        )

    def _restore(self, table: Table) -> None:
        """Put the old values back into the rows that the import changed."""
        created = {note.row_id for note in self._notes(table, new=True)}
        changed = [note for note in self._notes(table, new=False) if note.row_id not in created]
        for some in _portions(changed):
            ids = sorted({note.row_id for note in some})
            rows = {row.id: row for row in self.tx.rows(select(table).where(table.c.id.in_(ids)))}
            points = points_of_all(self.tx, ids) if table is t.customer else {}
            for note in some:
                row = rows.get(note.row_id)
                if row is None:
                    continue
                if self._stands(row, note.before, points.get(row.id, [])):
                    self._put_back(table, row.id, note.before)
                else:
                    self._keep(table, row)

    @staticmethod
    def _stands(row: Row[Any], changes: Mapping[str, Sequence[Any]], points: Sequence[Any]) -> bool:
        """Tell whether a row still holds what the import wrote."""
        now = {name: points if name == "points" else getattr(row, name, None) for name in changes}
        return all(name == "visits" or plain(now[name]) == pair[1] for name, pair in changes.items())

    def _put_back(self, table: Table, row_id: str, changes: Mapping[str, Sequence[Any]]) -> None:
        values = {
            name: _typed(table.c[name], pair[0])
            for name, pair in changes.items()
            if name not in {"points", "visits"}
        }
        if values:
            self.tx.update(table, row_id, **values)
        if "points" in changes:
            self._put_points(row_id, changes["points"][0])
        if "visits" in changes:
            before, after = changes["visits"]
            self.tx.delete_where(t.stage_visit, t.stage_visit.c.id == after)
            self.tx.update_where(t.stage_visit, t.stage_visit.c.id == before, left_at=None)
        if table is t.customer:
            self.customers.add(row_id)
        self.restored += 1

    def _put_points(self, customer_id: str, points: Sequence[Mapping[str, Any]]) -> None:
        self.tx.delete_where(t.contact_point, t.contact_point.c.customer_id == customer_id)
        fresh = [{"id": self.context.new_id(), "customer_id": customer_id, **point} for point in points]
        self.tx.insert_all(t.contact_point, fresh)

    def _remove(self, table: Table) -> None:
        """Remove the rows that the import created, except those that work hangs on."""
        ids = [note.row_id for note in self._notes(table, new=True)]
        kept = {one for some in _portions(ids) for one in self._in_use(table, some)}
        kept |= self._above(table, set(ids), kept)
        for some in _portions(sorted(kept)):
            for row in self.tx.rows(select(table).where(table.c.id.in_(some)).order_by(table.c.id)):
                self._keep(table, row)
        gone = [one for one in ids if one not in kept]
        if table.name in _PARENTS:
            self._loosen(table, gone)
        for some in _portions(gone):
            self._remove_some(table, some)
        self.removed += len(gone)

    def _in_use(self, table: Table, ids: Sequence[str]) -> Iterable[str]:
        """Return which of these rows later work hangs on."""
        uses = [exists().where(column == table.c.id) for column in _USES[table.name]]
        elsewhere = exists().where(
            t.import_row.c.row_id == table.c.id,
            t.import_row.c.batch_id != self.batch.id,
            t.import_batch.c.id == t.import_row.c.batch_id,
            t.import_batch.c.undone_at.is_(None),
        )
        later = or_(elsewhere, *uses, *self._later(table))
        return self.tx.scalars(select(table.c.id).where(table.c.id.in_(ids), later))

    def _later(self, table: Table) -> list[ColumnElement[bool]]:
        """Return the signs of later work that the log of the row itself shows."""
        if table is t.customer:
            handed_on = and_(
                t.ownership_event.c.customer_id == table.c.id, t.ownership_event.c.kind != "create"
            )
            return [exists().where(handed_on)]
        if table is t.deal:
            moved = and_(t.stage_visit.c.deal_id == table.c.id, t.stage_visit.c.entered_at > self.batch.at)
            return [exists().where(moved)]
        return []

    def _above(self, table: Table, ids: set[str], kept: set[str]) -> set[str]:
        """Return the rows that must stay because a row that stays stands under them."""
        parent = _PARENTS.get(table.name)
        if parent is None:
            return set()
        above = {row.id: row.above for row in self.tx.rows(select(table.c.id, parent.label("above")))}
        staying = [one for one in above if one not in ids or one in kept]
        found: set[str] = set()
        for one in staying:
            up = above[one]
            while up is not None and up in ids and up not in kept and up not in found:
                found.add(up)
                up = above.get(up)
        return found

    def _loosen(self, table: Table, gone: Sequence[str]) -> None:
        """Let go of parents that leave together with their children, in whatever order."""
        parent = _PARENTS[table.name]
        for some in _portions(gone):
            self.tx.update_where(table, table.c.id.in_(some), parent.is_not(None), **{parent.name: None})

    def _remove_some(self, table: Table, ids: Sequence[str]) -> None:
        if table is t.deal:
            self.customers |= set(self.tx.scalars(select(t.deal.c.customer_id).where(t.deal.c.id.in_(ids))))
            self.customers.discard(None)  # a deal may have no customer
            self.tx.delete_where(t.stage_visit, t.stage_visit.c.deal_id.in_(ids))
        if table is t.customer:
            self.customers -= set(ids)
            self.tx.delete_where(t.contact_point, t.contact_point.c.customer_id.in_(ids))
            self.tx.delete_where(t.ownership_event, t.ownership_event.c.customer_id.in_(ids))
        self.tx.delete_where(table, table.c.id.in_(ids))
        if table is t.customer:
            index_customers(self.tx, ids)

    def _keep(self, table: Table, row: Row[Any]) -> None:
        self.kept.append((table.name, str(row.title if table is t.deal else row.name)))


def _portions(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), PORTION):
        yield items[start : start + PORTION]


def _typed(column: Column[Any], value: Any) -> Any:
    """Return a value as the column takes it, from the form JSON kept."""
    if value is None:
        return None
    if isinstance(column.type, Instant):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(column.type, Date) else value
