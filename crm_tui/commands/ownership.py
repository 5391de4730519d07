"""Who owns a customer, and the change of it."""

from __future__ import annotations

from typing import ClassVar

from crm_tui.commands.base import Command, Context, Line, Outcome
from crm_tui.commands.contact_state import refresh_contact_state
from crm_tui.commands.within import customer_within, owner_within
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.store.search import index_customers
from crm_tui.store.tables import customer, deal, ownership_event
from crm_tui.store.transaction import Transaction

REASONS = ("overdue", "leave", "left", "capacity", "customer_wish", "other")


class ReassignCustomer(Command):
    """Give a customer and its open deals to another person.

    ``expected_owner_id`` is the owner the actor saw; if it is another one by now, the command is refused.
    """

    kind: ClassVar[str] = "reassign_customer"
    right: ClassVar[Right] = Right.REASSIGN

    customer_id: str
    to_owner_id: str
    expected_owner_id: str | None
    reason: Line

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Change the owner by one conditional update and write the ownership log."""
        row = customer_within(tx, context, self.customer_id)
        owner = owner_within(tx, context, self.to_owner_id)
        if not self.reason:
            raise Refused("reason_needed")
        if owner.id == row.owner_id:
            raise Refused("owner_same", name=owner.name)
        hit = tx.update_where(
            customer,
            customer.c.id == self.customer_id,
            customer.c.owner_id.is_not_distinct_from(self.expected_owner_id),
            owner_id=owner.id,
            branch_id=owner.branch_id,
        )
        if not hit:
            raise Refused("owner_changed")
        tx.update_where(
            deal,
            deal.c.customer_id == self.customer_id,
            deal.c.state == "open",
            owner_id=owner.id,
            branch_id=owner.branch_id,
        )
        tx.insert(
            ownership_event,
            id=context.new_id(),
            customer_id=self.customer_id,
            kind="assign",
            from_owner_id=row.owner_id,
            to_owner_id=owner.id,
            at=context.at,
            actor_id=context.actor.person_id,
            reason=self.reason,
        )
        refresh_contact_state(tx, self.customer_id)
        index_customers(tx, [self.customer_id])
        back = (
            ReassignCustomer(
                customer_id=self.customer_id,
                to_owner_id=row.owner_id,
                expected_owner_id=owner.id,
                reason=self.reason,
            ),
        )
        return Outcome(
            {"customer_id": self.customer_id, "owner": owner.name}, undo=back if row.owner_id else ()
        )
