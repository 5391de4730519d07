"""Who owns a customer, and the change of it.

Kept here: I7 (a customer has one owner, whom only a command that was applied changes: it names the owner
whom the actor saw, and of several who give a customer away at once all but the first are refused).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field
from sqlalchemy import Row, select

from crm_tui.commands.base import Command, Context, Id, Line, Outcome
from crm_tui.commands.contact_state import refresh_contact_state
from crm_tui.commands.within import living_customer, owner_within
from crm_tui.domain.errors import Refused
from crm_tui.domain.lifecycle import StageKind
from crm_tui.domain.permission import Right
from crm_tui.store.search import index_customers
from crm_tui.store.tables import customer, deal, ownership_event, person
from crm_tui.store.transaction import Transaction

REASONS = ("overdue", "leave", "left", "capacity", "customer_wish", "other")


class ReassignCustomer(Command):
    """Give a customer and its open deals to another person.

    ``expected_owner_id`` is the owner the actor saw; if it is another one by now, the command is refused.
    ``deal_owners`` names the open deals that go to somebody else than the customer does.
    """

    kind: ClassVar[str] = "reassign_customer"
    right: ClassVar[Right] = Right.REASSIGN

    customer_id: Id
    to_owner_id: Id
    expected_owner_id: Id | None
    reason: Line
    deal_owners: Mapping[Id, Id] = Field(default_factory=dict, max_length=1000)

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Change the owner by one conditional update and write the ownership log."""
        row = living_customer(tx, context, self.customer_id)
        owner = owner_within(tx, context, self.to_owner_id)
        if not self.reason:
            raise Refused("reason_needed")
        if owner.id == row.owner_id:
            raise Refused("owner_same", name=owner.name)
        self._give_customer(tx, owner)
        elsewhere = self._give_deals(tx, context, owner.id, row.owner_id)
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
        back = self._back(owner.id, row.owner_id, elsewhere) if row.owner_id else ()
        return Outcome({"customer_id": self.customer_id, "owner": owner.name}, undo=back)

    def _give_customer(self, tx: Transaction, owner: Row[Any]) -> None:
        """Write the new owner if the old one is still the one the actor saw."""
        hit = tx.update_where(
            customer,
            customer.c.id == self.customer_id,
            customer.c.owner_id.is_not_distinct_from(self.expected_owner_id),
            owner_id=owner.id,
            branch_id=owner.branch_id,
        )
        if not hit:
            raise self._too_late(tx)

    def _too_late(self, tx: Transaction) -> Refused:
        """Say who gave the customer to whom meanwhile."""
        giver, taker = person.alias("giver"), person.alias("taker")
        last = tx.first(
            select(giver.c.name.label("by"), taker.c.name.label("owner"))
            .join(ownership_event, ownership_event.c.actor_id == giver.c.id)
            .join(taker, taker.c.id == ownership_event.c.to_owner_id)
            .where(ownership_event.c.customer_id == self.customer_id)
            .order_by(ownership_event.c.at.desc(), ownership_event.c.id.desc())
            .limit(1)
        )
        assert last is not None, "a customer has had an owner from the beginning"
        return Refused("owner_changed", by=last.by, owner=last.owner)

    def _give_deals(
        self, tx: Transaction, context: Context, owner_id: str, before_id: str | None
    ) -> dict[str, str]:
        """Give the open deals away; return who had those that were not the customer's owner's."""
        deals = tx.rows(
            select(deal.c.id, deal.c.owner_id, deal.c.state).where(deal.c.customer_id == self.customer_id)
        )
        if not set(self.deal_owners) <= {row.id for row in deals}:
            raise Refused("deal_unknown")
        had = {row.id: row.owner_id for row in deals if row.state == StageKind.OPEN.value}
        new = {one: self.deal_owners.get(one, owner_id) for one in had}
        for new_id in dict.fromkeys(new.values()):
            theirs = [one for one in had if new[one] == new_id]
            branch_id = owner_within(tx, context, new_id).branch_id
            tx.update_where(deal, deal.c.id.in_(theirs), owner_id=new_id, branch_id=branch_id)
        return {one: whose for one, whose in had.items() if whose and whose != before_id}

    def _back(self, owner_id: str, before_id: str, elsewhere: Mapping[str, str]) -> tuple[Command, ...]:
        """Return the reassignment that gives everything back to whom it was taken from."""
        deal_owners = {"deal_owners": elsewhere} if elsewhere else {}
        back = ReassignCustomer(
            customer_id=self.customer_id,
            to_owner_id=before_id,
            expected_owner_id=owner_id,
            reason=self.reason,
            **deal_owners,
        )
        return (back,)
