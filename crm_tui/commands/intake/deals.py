"""Deals of an imported table, with the stage log that their days allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, and_, select

from crm_tui.commands.contact_state import refresh_contact_states
from crm_tui.commands.intake.chunk import Chunk, differences
from crm_tui.commands.intake.deal_lookup import Buyer, Owner, References
from crm_tui.commands.intake.rows import DealRow
from crm_tui.commands.intake.visits import Days, check_days, kind_of, visits
from crm_tui.domain.errors import Refused
from crm_tui.domain.lifecycle import LOST_REASONS, MoveKind, Pipeline, Stage, StageKind
from crm_tui.domain.overdue import rots_at
from crm_tui.domain.plausible import check_expected_close
from crm_tui.store.contact_rules import overdue_rules
from crm_tui.store.tables import deal, lead, stage_visit

UNSAID = "other"
"""The lost reason of a deal whose file gives none, or words of its own (kept in the deal's extra)."""
_UPDATED = ("title", "amount", "source", "expected_close_on")


def take_deals(chunk: Chunk, create: frozenset[str]) -> None:
    """Create or update the deals of a portion; ``create`` names what may be made on the way."""
    rows = list(chunk.rows(DealRow))
    intake = _Deals(chunk, [row for _, row in rows], create)
    for at, row in rows:
        try:
            intake.take(at, row)
        except Refused as no:
            chunk.refuse(at, no)
    intake.write()


class _Deals:
    """Collects the new deals and visits of a portion."""

    def __init__(self, chunk: Chunk, rows: Sequence[DealRow], create: frozenset[str]) -> None:
        self._chunk = chunk
        self._tx = chunk.tx
        self._context = chunk.context
        self._know = References(chunk, rows, create)
        self._mine = chunk.mine(row.id for row in self._know.known.values())
        self._fresh_ids: set[str] = set()
        self._deals: list[dict[str, Any]] = []
        self._visits: list[dict[str, Any]] = []
        self._customers: dict[str, None] = {}
        self._converted: dict[str, tuple[Row[Any], date, str | None]] = {}

    def take(self, at: int, row: DealRow) -> None:
        """Create the row's deal, or update the one of the same external id."""
        known = self._know.known.get(row.external_id) if row.external_id else None
        if (known and known.id in self._mine) or (row.external_id and row.external_id in self._fresh_ids):
            raise Refused("row_id_twice", external_id=row.external_id)
        path, stage = self._know.stage(row)
        if known is not None:
            self._update(at, row, known, path, stage)
            return
        origin = self._lead_of(row)
        days = self._days(at, row, stage, origin)
        product = self._know.product(row.product)
        owner = self._owner(row, stage)
        buyer = self._know.buyer(row, owner)
        if not row.owner and buyer and buyer.owner_id:
            owner = Owner(buyer.owner_id, buyer.branch_id, active=True, name="")
        line_id = product.line_id if product and product.line_id else self._know.line(row.line_name)
        columns = _columns(row, owner, buyer)
        columns |= {"product_id": product.id if product else None, "line_id": line_id}
        deal_id = self._create(row, columns, path, stage, days)
        self._chunk.created(at, row.line, deal, deal_id)
        if origin is not None:
            day = days.closed_on or days.created_on
            self._converted[origin.id] = (origin, day, buyer.id if buyer else None)

    def write(self) -> None:
        """Write all that was collected; leads that became deals are converted."""
        self._know.write()
        self._tx.insert_all(deal, self._deals)
        self._tx.insert_all(stage_visit, self._visits)
        for origin, day, customer_id in self._converted.values():
            new = {"status": "converted", "converted_on": day, "customer_id": customer_id}
            changes = differences(origin, new)
            self._tx.update(lead, origin.id, **new)
            self._chunk.touched(lead, origin.id, changes)
        refresh_contact_states(self._tx, list(self._customers), overdue_rules(self._tx))

    def _owner(self, row: DealRow, stage: Stage) -> Owner:
        """Return the owner of the file, else the one who imports; only an open deal needs one at work."""
        owner = self._know.owner(row.owner)
        if owner is None:
            actor = self._context.actor
            return Owner(actor.person_id, self._know.branches.home(self._context), active=True, name="")
        if stage.kind is StageKind.OPEN and not owner.active:
            raise Refused("person_frozen", name=owner.name)
        return owner

    def _lead_of(self, row: DealRow) -> Row[Any] | None:
        """Return the lead that a row converts; raises Refused row_lead_unknown."""
        if not row.lead:
            return None
        found = self._know.leads.get(row.lead)
        seen = self._context.actor.scope
        if found is None or not seen.covers(owner_id=found.owner_id, branch_id=found.branch_id):
            raise Refused("row_lead_unknown", lead=row.lead)
        return found

    def _days(self, at: int, row: DealRow, stage: Stage, origin: Row[Any] | None) -> Days:
        """Return the days of a new deal; what the file leaves out follows from the lead or is today."""
        if stage.kind is StageKind.OPEN and row.closed_on is not None:
            raise Refused("row_open_with_close_day", stage=stage.name, day=row.closed_on.isoformat())
        if stage.kind is not StageKind.OPEN and row.closed_on is None:
            raise Refused("row_close_day_needed", stage=stage.name)
        first_contact = origin.created_on if origin else None
        if first_contact and row.closed_on and row.closed_on < first_contact:
            days = {"closed": row.closed_on.isoformat(), "contact": first_contact.isoformat()}
            self._chunk.warn(at, "import_closed_before_contact", **days)
            first_contact = None
        engaged_on = row.engaged_on or first_contact
        today = self._know.branches.day(self._know.branch(row), self._context.at)
        created_on = row.created_on or engaged_on or row.closed_on or today
        if origin and row.created_on is None and first_contact:
            created_on = min(created_on, first_contact)
        if engaged_on is None and stage.kind is StageKind.OPEN and stage.position > 1:
            engaged_on = created_on
        days_known = Days(created_on, engaged_on, row.closed_on)
        check_days(days_known, today)
        check_expected_close(row.expected_close_on, created_on)
        return days_known

    def _create(
        self, row: DealRow, columns: Mapping[str, Any], path: Pipeline, stage: Stage, days: Days
    ) -> str:
        """Collect a new deal with its stage log and return its id."""
        deal_id = self._context.new_id()
        zone = self._know.branches.zone(columns["branch_id"])
        lost_reason, extra = _lost_reason(row, stage)
        log = visits(path, stage, days, lambda day: self._chunk.midnight(day, zone), lost_reason)
        last = log[-1]
        self._visits += [self._visit(deal_id, one) for one in log]
        self._deals.append(
            {
                **columns,
                "id": deal_id,
                "pipeline_id": path.id,
                "stage": stage.code,
                "state": stage.kind.value,
                "cycle": 1,
                "stage_entered_at": last["entered_at"],
                "rots_at": rots_at(last["entered_at"], stage.rotting_days),
                "created_at": self._chunk.midnight(days.created_on, zone),
                "created_on": days.created_on,
                "engaged_on": days.engaged_on,
                "closed_at": last["entered_at"] if days.closed_on else None,
                "closed_on": days.closed_on,
                "lost_reason": lost_reason,
                "lost_from": last["from_stage"] if lost_reason else "",
                "extra": extra,
            }
        )
        if row.external_id:
            self._fresh_ids.add(row.external_id)
        if columns["customer_id"]:
            self._customers[columns["customer_id"]] = None
        return deal_id

    def _visit(self, deal_id: str, one: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **one,
            "id": self._context.new_id(),
            "deal_id": deal_id,
            "actor_id": self._context.actor.person_id,
        }

    def _update(self, at: int, row: DealRow, known: Row[Any], path: Pipeline, stage: Stage) -> None:
        """Change what the row gives; owner and days of the past stay as they are."""
        if not self._context.actor.scope.covers(owner_id=known.owner_id, branch_id=known.branch_id):
            raise Refused("deal_unknown")
        if known.pipeline_id != path.id:
            raise Refused("row_pipeline_unknown", name=row.pipeline)
        check_expected_close(row.expected_close_on, known.created_on)
        changes = differences(known, self._given(row, known))
        if stage.code != known.stage:
            changes |= self._move(row, known, path, stage)
        elif row.closed_on and row.closed_on != known.closed_on:
            self._chunk.warn(at, "import_days_kept", title=known.title)
        if changes:
            values = {name: pair[1] for name, pair in changes.items() if name != "visits"}
            self._tx.update(deal, known.id, **values)
            self._mine.add(known.id)
            if known.customer_id:
                self._customers[known.customer_id] = None
        self._chunk.updated(at, row.line, deal, known.id, changes)

    def _given(self, row: DealRow, known: Row[Any]) -> dict[str, Any]:
        """Return the columns that a row gives to a deal that is there already."""
        given = row.model_fields_set
        new = {name: getattr(row, name) for name in _UPDATED if name in given}
        if "extra" in given:
            new["extra"] = {**known.extra, **row.extra}
        product = self._know.product(row.product)
        if product is not None:
            new |= {"product_id": product.id, "line_id": product.line_id or known.line_id}
        return new

    def _move(self, row: DealRow, known: Row[Any], path: Pipeline, stage: Stage) -> dict[str, list[Any]]:
        """Move a deal to the stage of the file: at the midnight of its close day, else now."""
        closed = stage.kind is not StageKind.OPEN
        if closed and row.closed_on is None:
            raise Refused("row_close_day_needed", stage=stage.name)
        today = self._know.branches.day(known.branch_id, self._context.at)
        engaged_on = known.engaged_on or (None if closed else row.engaged_on)
        check_days(Days(known.created_on, engaged_on, row.closed_on), today)
        at = self._moved_at(row, known, closed=closed)
        before = path.stage(known.stage)
        kind = kind_of(path, before, stage)
        lost_reason, _ = _lost_reason(row, stage)
        cycle = known.cycle + (kind is MoveKind.REOPEN)
        entered = {"cycle": cycle, "stage": stage.code, "kind": kind.value, "reason": lost_reason}
        new = {
            "stage": stage.code,
            "state": stage.kind.value,
            "cycle": cycle,
            "stage_entered_at": at,
            "rots_at": rots_at(at, stage.rotting_days),
            "engaged_on": engaged_on or (None if closed else today),
            "closed_at": at if closed else None,
            "closed_on": row.closed_on if closed else None,
            "lost_reason": lost_reason,
            "lost_from": before.code if lost_reason else "",
        }
        return {**differences(known, new), "visits": self._change_visit(known, at, entered)}

    def _moved_at(self, row: DealRow, known: Row[Any], *, closed: bool) -> datetime:
        """Return when a deal moved; it cannot leave its stage before it came there."""
        zone = self._know.branches.zone(known.branch_id)
        at = self._chunk.midnight(row.closed_on, zone) if closed and row.closed_on else self._context.at
        entered_at: datetime = known.stage_entered_at
        return max(at, entered_at)

    def _change_visit(self, known: Row[Any], at: datetime, entered: Mapping[str, Any]) -> list[Any]:
        """Close the visit that is going on and collect the one that begins; return the ids of both."""
        going_on = and_(stage_visit.c.deal_id == known.id, stage_visit.c.left_at.is_(None))
        before = self._tx.scalar(select(stage_visit.c.id).where(going_on))
        self._tx.update_where(stage_visit, going_on, left_at=at)
        visit = {**entered, "from_stage": known.stage, "entered_at": at, "left_at": None}
        self._visits.append(self._visit(known.id, visit))
        return [before, self._visits[-1]["id"]]


def _columns(row: DealRow, owner: Owner, buyer: Buyer | None) -> dict[str, Any]:
    """Return the columns of a new deal that neither stage nor days decide."""
    return {
        "customer_id": buyer.id if buyer else None,
        "branch_id": owner.branch_id,
        "owner_id": owner.id,
        "title": row.title or (buyer.name if buyer else row.product or row.external_id or ""),
        "amount": row.amount,
        "source": row.source or (buyer.source if buyer else ""),
        "expected_close_on": row.expected_close_on,
        "external_id": row.external_id,
    }


def _lost_reason(row: DealRow, stage: Stage) -> tuple[str, dict[str, str]]:
    """Return the reason of a lost deal and the deal's extra, which keeps words that are no known reason."""
    extra = dict(row.extra)
    if stage.kind is not StageKind.LOST:
        return "", extra
    reason = row.lost_reason.casefold()
    if reason in LOST_REASONS:
        return reason, extra
    if row.lost_reason:
        extra["lost_reason"] = row.lost_reason
    return UNSAID, extra
