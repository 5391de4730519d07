"""What the organisation decides once for everybody: overdue rules, product lines and products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field
from sqlalchemy import Row, select

from crm_tui.commands.base import Command, Context, Fen, Id, Line, Outcome
from crm_tui.commands.contact_state import refresh_contact_states
from crm_tui.commands.overtaken import Seen, refuse_row_overtaken, seen_of
from crm_tui.commands.within import refuse_used_id
from crm_tui.domain.errors import Refused
from crm_tui.domain.overdue import LEVELS
from crm_tui.domain.permission import Right
from crm_tui.store.contact_rules import RULES, overdue_rules
from crm_tui.store.tables import customer, product, product_line, setting
from crm_tui.store.transaction import Transaction

_AT_ONCE = 500
"""How many customers are judged together when the rules change."""


class SetOverdueRules(Command):
    """Decide the organisation's patience: days per level, hours to the first contact, days of escalation."""

    kind: ClassVar[str] = "set_overdue_rules"
    right: ClassVar[Right] = Right.MANAGE_RULES

    days: Mapping[str, int]
    first_contact_hours: int = Field(ge=1, le=24 * 30)
    escalate_days: tuple[int, int, int]

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Write the rules and judge every living customer anew."""
        if set(self.days) != set(LEVELS) or not all(1 <= days <= 365 for days in self.days.values()):
            raise Refused("rules_days", levels=", ".join(LEVELS))
        if not 0 < self.escalate_days[0] <= self.escalate_days[1] <= self.escalate_days[2] <= 365:
            raise Refused("rules_escalation")
        before = overdue_rules(tx)
        value = self.model_dump(mode="json")
        if not tx.update_where(setting, setting.c.name == RULES, value=value):
            tx.insert(setting, name=RULES, value=value)
        rules = overdue_rules(tx)
        everybody = list(tx.scalars(select(customer.c.id).where(customer.c.archived_at.is_(None))))
        for start in range(0, len(everybody), _AT_ONCE):
            refresh_contact_states(tx, everybody[start : start + _AT_ONCE], rules)
        back = SetOverdueRules(
            days=before.days,
            first_contact_hours=before.first_contact_hours,
            escalate_days=before.escalate_days,
        )
        return Outcome(undo=(back,))


class CreateProductLine(Command):
    """Add a product line."""

    kind: ClassVar[str] = "create_product_line"
    right: ClassVar[Right] = Right.MANAGE_RULES

    name: Line

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Add the line unless one of that name exists."""
        if not self.name:
            raise Refused("name_needed")
        if tx.first(select(product_line.c.id).where(product_line.c.name == self.name)):
            raise Refused("product_line_taken", name=self.name)
        line_id = context.new_id()
        tx.insert(product_line, id=line_id, name=self.name)
        return Outcome({"line_id": line_id})


class RenameProductLine(Command):
    """Give a product line another name; its products and deals stay with it."""

    kind: ClassVar[str] = "rename_product_line"
    right: ClassVar[Right] = Right.MANAGE_RULES

    line_id: Id
    name: Line

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Write the name unless another line has it."""
        row: Row[Any] | None = tx.get(product_line, self.line_id)
        if row is None:
            raise Refused("product_line_unknown")
        if not self.name:
            raise Refused("name_needed")
        same = (product_line.c.name == self.name) & (product_line.c.id != self.line_id)
        if tx.first(select(product_line.c.id).where(same)):
            raise Refused("product_line_taken", name=self.name)
        tx.update(product_line, self.line_id, name=self.name)
        return Outcome(
            {"line_id": self.line_id}, undo=(RenameProductLine(line_id=self.line_id, name=row.name),)
        )


class CreateProduct(Command):
    """Add a product; ``unit_price`` in fen."""

    kind: ClassVar[str] = "create_product"
    right: ClassVar[Right] = Right.MANAGE_RULES

    code: Line = ""
    name: Line
    line_id: Id | None = None
    unit_price: Fen | None = None
    external_id: Line | None = None

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Add the product."""
        if not self.name:
            raise Refused("name_needed")
        if self.line_id and tx.get(product_line, self.line_id) is None:
            raise Refused("product_unknown")
        if self.code and tx.first(select(product.c.id).where(product.c.code == self.code)):
            raise Refused("product_taken", code=self.code)
        refuse_used_id(tx, context, product, self.external_id)
        product_id = context.new_id()
        tx.insert(
            product,
            id=product_id,
            line_id=self.line_id,
            code=self.code or product_id,
            name=self.name,
            unit_price=self.unit_price,
            active=True,
            external_id=self.external_id,
        )
        return Outcome({"product_id": product_id}, undo=(EditProduct(product_id=product_id, active=False),))


class EditProduct(Command):
    """Change a product's name, line, price, or whether it is still sold; only what is given changes.

    ``expected`` says what the actor saw in fields; one that holds something else by now is not overwritten.
    """

    kind: ClassVar[str] = "edit_product"
    right: ClassVar[Right] = Right.MANAGE_RULES

    product_id: Id
    name: Line | None = None
    line_id: Id | None = None
    unit_price: Fen | None = None
    active: bool | None = None
    expected: Seen = Field(default_factory=dict)

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Write the given fields."""
        row: Row[Any] | None = tx.get(product, self.product_id)
        if row is None:
            raise Refused("product_unknown")
        given = self.given(but="product_id", clears=frozenset({"line_id", "unit_price"}))
        if "name" in given and not self.name:
            raise Refused("name_needed")
        if self.line_id and tx.get(product_line, self.line_id) is None:
            raise Refused("product_unknown")
        values = {name: getattr(self, name) for name in given}
        refuse_row_overtaken(tx, self.expected, row, values)
        tx.update(product, self.product_id, **values)
        back = {name: getattr(row, name) for name in given}
        undo = EditProduct(product_id=self.product_id, **back, expected=seen_of(values))
        return Outcome({"product_id": self.product_id}, undo=(undo,))
