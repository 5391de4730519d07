"""Leads: given to somebody, judged, and turned into a customer with a deal."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from sqlalchemy import Row

from crm_tui.commands.base import Command, Context, Day, Fen, Id, Line, Outcome
from crm_tui.commands.customers import DEFAULT_LEVEL, ArchiveCustomer, CreateCustomer
from crm_tui.commands.deals import CreateDeal, SetDealArchived
from crm_tui.commands.within import branch_day, living_customer, owner_within
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.store.tables import lead
from crm_tui.store.transaction import Transaction

Status = Literal["new", "following", "converted", "invalid"]
_NOTE = "note"


class ConvertLead(Command):
    """Make a customer of a lead, or find it in ``customer_id``, and open a deal; ``amount`` in fen.

    What is not given is the lead's own: name, phone, source and owner; without an owner it is the actor's.
    """

    kind: ClassVar[str] = "convert_lead"

    lead_id: Id
    customer_id: Id | None = None
    name: Line = ""
    phone: Line | None = None
    level: Line = DEFAULT_LEVEL
    owner_id: Id | None = None
    pipeline_id: Id | None = None
    line_id: Id | None = None
    amount: Fen | None = None

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Take the customer in unless it is known, open the deal, and note the day on the lead."""
        row = lead_within(tx, context, self.lead_id)
        if row.status == "converted":
            raise Refused("lead_converted", name=row.name)
        customer_id = self.customer_id or self._take_in(tx, context, row)
        opened = CreateDeal(
            customer_id=customer_id,
            pipeline_id=self.pipeline_id,
            line_id=self.line_id,
            amount=self.amount,
            source=row.source,
        ).apply(tx, context)
        tx.update(
            lead,
            row.id,
            status="converted",
            converted_on=branch_day(tx, row.branch_id, context.at),
            customer_id=customer_id,
        )
        deal_id = opened.details["deal_id"]
        made: Command = ArchiveCustomer(customer_id=customer_id)
        if self.customer_id:
            made = SetDealArchived(deal_id=deal_id, archived=True)
        back = SetLeadStatus(lead_id=row.id, status=row.status, expected="converted")
        return Outcome({"lead_id": row.id, "customer_id": customer_id, "deal_id": deal_id}, undo=(back, made))

    def _take_in(self, tx: Transaction, context: Context, row: Row[Any]) -> str:
        phone = row.phone if self.phone is None else self.phone
        extra = dict(row.extra)
        made = CreateCustomer(
            name=self.name or row.name,
            phones=(phone,) if phone else (),
            level=self.level,
            source=row.source,
            note=str(extra.pop(_NOTE, "")),
            owner_id=self.owner_id or row.owner_id,
            extra=extra,
        ).apply(tx, context)
        return str(made.details["customer_id"])


class SetLeadStatus(Command):
    """Say how a lead stands; a converted one names its customer, for any other status it has none."""

    kind: ClassVar[str] = "set_lead_status"

    lead_id: Id
    status: Status
    expected: Status
    customer_id: Id | None = None
    converted_on: Day | None = None

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Write the status unless somebody else has changed it."""
        row = lead_within(tx, context, self.lead_id)
        if row.status != self.expected:
            raise Refused("lead_changed", name=row.name)
        if self.status == row.status:
            raise Refused("nothing_to_change")
        tx.update(lead, row.id, status=self.status, **self._outcome(tx, context, row))
        back = SetLeadStatus(
            lead_id=row.id,
            status=row.status,
            expected=self.status,
            customer_id=row.customer_id,
            converted_on=row.converted_on,
        )
        return Outcome({"lead_id": row.id}, undo=(back,))

    def _outcome(self, tx: Transaction, context: Context, row: Row[Any]) -> dict[str, Any]:
        """Return what a lead has of its customer in this status."""
        if self.status != "converted":
            return {"customer_id": None, "converted_on": None}
        if self.customer_id is None:
            raise Refused("lead_needs_customer", name=row.name)
        return {
            "customer_id": living_customer(tx, context, self.customer_id).id,
            "converted_on": self.converted_on or branch_day(tx, row.branch_id, context.at),
        }


class AssignLead(Command):
    """Give a lead to somebody; without a new owner it waits in the branch ``branch_id``."""

    kind: ClassVar[str] = "assign_lead"
    right: ClassVar[Right] = Right.REASSIGN

    lead_id: Id
    to_owner_id: Id | None
    expected_owner_id: Id | None
    branch_id: Id | None = None

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Write the owner, and the branch that goes with it."""
        row = lead_within(tx, context, self.lead_id)
        if row.owner_id != self.expected_owner_id:
            raise Refused("lead_changed", name=row.name)
        branch_id = self.branch_id or row.branch_id
        if self.to_owner_id is not None:
            branch_id = owner_within(tx, context, self.to_owner_id).branch_id
        elif not context.actor.scope.covers(owner_id=None, branch_id=branch_id):
            raise Refused("unit_unknown")
        tx.update(lead, row.id, owner_id=self.to_owner_id, branch_id=branch_id)
        back = AssignLead(
            lead_id=row.id,
            to_owner_id=row.owner_id,
            expected_owner_id=self.to_owner_id,
            branch_id=row.branch_id,
        )
        return Outcome({"lead_id": row.id}, undo=(back,))


class RevealLead(Command):
    """Look at the masked number of a lead; the look itself is what is recorded."""

    kind: ClassVar[str] = "reveal_lead"
    right: ClassVar[Right] = Right.REVEAL

    lead_id: Id

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Return the number in clear text."""
        row = lead_within(tx, context, self.lead_id)
        return Outcome({"phone": row.phone})


def lead_within(tx: Transaction, context: Context, lead_id: str) -> Row[Any]:
    """Return a lead the actor may see.

    Raises:
        Refused: lead_unknown, the same for one that is not there and one that is not the actor's to see.
    """
    row = tx.hold(lead, lead_id)
    if row is None or not context.actor.scope.covers(owner_id=row.owner_id, branch_id=row.branch_id):
        raise Refused("lead_unknown")
    return row
