"""Leads of an imported table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select

from crm_tui.commands.intake.chunk import Branches, Chunk, People, differences
from crm_tui.commands.intake.customers import link_targets
from crm_tui.commands.intake.rows import LeadRow
from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import normalize_phone
from crm_tui.domain.identity.mobile import mobile_e164
from crm_tui.store.tables import lead
from crm_tui.store.transaction import Transaction

_UPDATED = ("name", "phone", "source", "extra")


def take_leads(chunk: Chunk) -> None:
    """Create or update the leads of a portion."""
    rows = list(chunk.rows(LeadRow))
    intake = _Leads(chunk, [row for _, row in rows])
    for at, row in rows:
        try:
            intake.take(at, row)
        except Refused as no:
            chunk.refuse(at, no)
    chunk.tx.insert_all(lead, intake.fresh)


def leads_of(tx: Transaction, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return the leads of these external ids."""
    if not ids:
        return {}
    found = tx.rows(select(lead).where(lead.c.external_id.in_(ids)).order_by(lead.c.id.desc()))
    return {row.external_id: row for row in found}


class _Leads:
    """Collects the new leads of a portion."""

    def __init__(self, chunk: Chunk, rows: Sequence[LeadRow]) -> None:
        self._chunk = chunk
        self._context = chunk.context
        self._branches = Branches(chunk.tx)
        self._people = People(chunk.tx, chunk.context, (row.owner for row in rows))
        self._known = leads_of(chunk.tx, sorted({row.external_id for row in rows if row.external_id}))
        self._mine = chunk.mine(row.id for row in self._known.values())
        self._customers: Mapping[str, set[str]] = link_targets(
            chunk.tx, chunk.context, [row.customer for row in rows if row.customer]
        )
        self._fresh_ids: set[str] = set()
        self.fresh: list[dict[str, Any]] = []

    def take(self, at: int, row: LeadRow) -> None:
        """Create the row's lead, or update the one of the same external id."""
        known = self._known.get(row.external_id) if row.external_id else None
        if (known and known.id in self._mine) or (row.external_id and row.external_id in self._fresh_ids):
            raise Refused("row_id_twice", external_id=row.external_id)
        if known is not None:
            self._update(at, row, known, self._columns(row, known.branch_id))
            return
        owner_id, branch_id = self._place(row)
        columns = self._columns(row, branch_id)
        lead_id = self._context.new_id()
        self.fresh.append(columns | {"id": lead_id, "owner_id": owner_id, "branch_id": branch_id})
        if row.external_id:
            self._fresh_ids.add(row.external_id)
        self._chunk.created(at, row.line, lead, lead_id)

    def _columns(self, row: LeadRow, branch_id: str) -> dict[str, Any]:
        today = self._branches.day(branch_id, self._context.at)
        phone = (mobile_e164(row.phone) or normalize_phone(row.phone).e164) if row.phone else ""
        name = row.name or phone or row.external_id or ""
        created_on = row.created_on or today
        if not name:
            raise Refused("name_needed")
        if created_on > today:
            raise Refused("row_day_in_future", field="created_on", day=created_on.isoformat())
        found = self._customers.get(row.customer, set())
        return {
            "name": name,
            "phone": phone,
            "source": row.source,
            "status": row.status,
            "created_on": created_on,
            "converted_on": row.converted_on,
            "customer_id": min(found) if len(found) == 1 else None,
            "extra": dict(row.extra),
            "external_id": row.external_id,
        }

    def _update(self, at: int, row: LeadRow, known: Row[Any], columns: Mapping[str, Any]) -> None:
        """Change what the row gives; status, owner and days are the work of people here by now."""
        if not self._context.actor.scope.covers(owner_id=known.owner_id, branch_id=known.branch_id):
            raise Refused("row_lead_unknown", lead=row.external_id)
        given = {name: columns[name] for name in _UPDATED if name in row.model_fields_set}
        if "extra" in given:
            given["extra"] = {**known.extra, **given["extra"]}
        changes = differences(known, given)
        if changes:
            self._chunk.tx.update(lead, known.id, **{name: pair[1] for name, pair in changes.items()})
            self._mine.add(known.id)
        self._chunk.updated(at, row.line, lead, known.id, changes)

    def _place(self, row: LeadRow) -> tuple[str | None, str]:
        """Return owner and branch; a lead may wait without an owner in the branch of the importer."""
        if row.owner:
            owner = self._people.find(row.owner)
            if owner is None:
                raise Refused("row_person_unknown", name=row.owner)
            if owner.branch_id is None:
                raise Refused("person_without_branch", name=owner.name)
            return owner.id, owner.branch_id
        if not row.branch:
            return None, self._branches.home(self._context)
        branch_id = self._branches.find(row.branch)
        if not self._context.actor.scope.covers(owner_id=None, branch_id=branch_id):
            raise Refused("row_branch_unknown", branch=row.branch)
        return None, branch_id
