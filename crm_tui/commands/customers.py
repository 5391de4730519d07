"""Customers: create, edit, archive, and the clear text of what is masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import Row

from crm_tui.commands.base import Command, Context, Day, Id, Line, Outcome, Prose
from crm_tui.commands.contact_points import (
    PHONE,
    contact_points,
    first_phone,
    insert_points,
    points_of,
    refuse_taken,
)
from crm_tui.commands.contact_state import refresh_contact_state
from crm_tui.commands.overtaken import refuse_overtaken
from crm_tui.commands.within import branch_day, customer_within, living_customer, owner_within, refuse_used_id
from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import (
    mask_phone,
    mask_resident_id,
    normalize_phone,
    normalize_resident_id,
    normalize_uscc,
    sort_key,
)
from crm_tui.domain.overdue import LEVELS
from crm_tui.domain.permission import Right
from crm_tui.domain.plausible import check_birthday
from crm_tui.store.search import index_customers
from crm_tui.store.tables import contact, contact_point, customer, deal, ownership_event
from crm_tui.store.transaction import Transaction

CLEARED = frozenset({"birthday", "resident_id", "uscc"})
"""What an edit empties by naming it without a value."""
DEFAULT_LEVEL = "C"
MOST_EXTRA = 1024
"""How many fields of its own an imported table may bring: as many as it may have columns."""


class CreateCustomer(Command):
    """Take in a new customer, owned by the actor unless somebody else is named."""

    kind: ClassVar[str] = "create_customer"
    fact: ClassVar[bool] = True

    name: Line
    customer_kind: Literal["person", "firm"] = "person"
    phones: tuple[Line, ...] = Field(default=(), max_length=10)
    wechat: Line = ""
    email: Line = ""
    level: Line = DEFAULT_LEVEL
    source: Line = ""
    tags: tuple[Line, ...] = Field(default=(), max_length=20)
    address: Prose = ""
    birthday: Day | None = None
    resident_id: Line = ""
    uscc: Line = ""
    note: Prose = ""
    owner_id: Id | None = None
    parent_id: Id | None = None
    external_id: Line | None = None
    extra: Mapping[Line, Prose] = Field(default_factory=dict, max_length=MOST_EXTRA)

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Add the customer, its numbers and the first ownership event."""
        if not self.name:
            raise Refused("name_needed")
        owner = owner_within(tx, context, self.owner_id or context.actor.person_id)
        if self.parent_id is not None:
            living_customer(tx, context, self.parent_id)
        refuse_used_id(tx, context, customer, self.external_id)
        points = contact_points(self.phones, self.wechat, self.email)
        refuse_taken(tx, context, points)
        customer_id = context.new_id()
        self._insert(tx, context, customer_id, owner, first_phone(points))
        insert_points(tx, context, customer_id, points)
        tx.insert(
            ownership_event,
            id=context.new_id(),
            customer_id=customer_id,
            kind="create",
            to_owner_id=owner.id,
            at=context.at,
            actor_id=context.actor.person_id,
        )
        refresh_contact_state(tx, customer_id)
        index_customers(tx, [customer_id])
        return Outcome({"customer_id": customer_id}, undo=(ArchiveCustomer(customer_id=customer_id),))

    def _insert(
        self, tx: Transaction, context: Context, customer_id: str, owner: Row[Any], phone: str
    ) -> None:
        """Add the row itself, in the branch of its owner and on that branch's day."""
        today = branch_day(tx, owner.branch_id, context.at)
        check_birthday(self.birthday, today)
        tx.insert(
            customer,
            id=customer_id,
            branch_id=owner.branch_id,
            owner_id=owner.id,
            kind=self.customer_kind,
            name=self.name,
            sort_name=sort_key(self.name),
            level=checked_level(self.level),
            source=self.source,
            tags=unique(self.tags),
            address=self.address,
            birthday=self.birthday,
            resident_id=normalize_resident_id(self.resident_id).value if self.resident_id else None,
            uscc=normalize_uscc(self.uscc) if self.uscc else None,
            note=self.note,
            parent_id=self.parent_id,
            extra=dict(self.extra),
            external_id=self.external_id,
            created_at=context.at,
            created_on=today,
            phone=phone,
        )


class EditCustomer(Command):
    """Change what is known of a customer; only the fields that are given change.

    ``expected`` says what the actor saw in fields, as a form shows them: one that somebody else has changed
    since, to something else than is given, is not overwritten unseen.
    """

    kind: ClassVar[str] = "edit_customer"

    customer_id: Id
    name: Line | None = None
    customer_kind: Literal["person", "firm"] | None = None
    phones: tuple[Line, ...] | None = Field(default=None, max_length=10)
    wechat: Line | None = None
    email: Line | None = None
    level: Line | None = None
    source: Line | None = None
    tags: tuple[Line, ...] | None = Field(default=None, max_length=20)
    address: Prose | None = None
    birthday: Day | None = None
    resident_id: Line | None = None
    uscc: Line | None = None
    note: Prose | None = None
    expected: Mapping[str, Prose] = Field(default_factory=dict, max_length=20)

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Write the given fields; the way back carries their old values."""
        row = living_customer(tx, context, self.customer_id)
        given = self.given(but="customer_id", clears=CLEARED)
        old_points = points_of(tx, self.customer_id)
        refuse_overtaken(
            self.expected,
            lambda name: _as_seen(name, row, old_points),
            {name: _in_a_line(getattr(self, name)) for name in given},
            lambda _, now: str(now),
        )
        if self.birthday is not None:
            check_birthday(self.birthday, branch_day(tx, row.branch_id, context.at))
        back: dict[str, Any] = {name: _old_value(name, row, old_points) for name in given}
        columns = _changed_columns(self, given)
        if given & {"phones", "wechat", "email"}:
            points = contact_points(
                self.phones if self.phones is not None else _old_value("phones", row, old_points),
                self.wechat if self.wechat is not None else _old_value("wechat", row, old_points),
                self.email if self.email is not None else _old_value("email", row, old_points),
            )
            refuse_taken(tx, context, points, but=self.customer_id)
            tx.delete_where(contact_point, contact_point.c.customer_id == self.customer_id)
            insert_points(tx, context, self.customer_id, points)
            columns["phone"] = first_phone(points)
        if columns:
            tx.update(customer, self.customer_id, **columns)
        if "level" in given:
            refresh_contact_state(tx, self.customer_id)
        index_customers(tx, [self.customer_id])
        wrote, new_points = customer_within(tx, context, self.customer_id), points_of(tx, self.customer_id)
        seen = {name: _as_seen(name, wrote, new_points) for name in given}
        return Outcome(
            {"customer_id": self.customer_id},
            undo=(EditCustomer(customer_id=self.customer_id, **back, expected=seen),),
        )


class ArchiveCustomer(Command):
    """Put a customer away with its deals: they leave every list and stay in the history."""

    kind: ClassVar[str] = "archive_customer"

    customer_id: Id

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Mark the customer and its deals as archived at the same instant."""
        row = customer_within(tx, context, self.customer_id)
        if row.archived_at is not None:
            raise Refused("customer_archived")
        tx.update(customer, self.customer_id, archived_at=context.at)
        tx.update_where(
            deal,
            deal.c.customer_id == self.customer_id,
            deal.c.archived_at.is_(None),
            archived_at=context.at,
        )
        refresh_contact_state(tx, self.customer_id)
        index_customers(tx, [self.customer_id])
        return Outcome(
            {"customer_id": self.customer_id}, undo=(RestoreCustomer(customer_id=self.customer_id),)
        )


class RestoreCustomer(Command):
    """Bring an archived customer back, with the deals that went away together with it."""

    kind: ClassVar[str] = "restore_customer"

    customer_id: Id

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Take the archive mark away unless somebody else has a number or the outside id by now."""
        row = customer_within(tx, context, self.customer_id)
        if row.archived_at is None:
            raise Refused("customer_not_archived")
        refuse_used_id(tx, context, customer, row.external_id)
        points = [{"kind": p.kind, "normal": p.normal} for p in points_of(tx, self.customer_id)]
        refuse_taken(tx, context, points, but=self.customer_id)
        tx.update(customer, self.customer_id, archived_at=None)
        tx.update_where(
            deal,
            deal.c.customer_id == self.customer_id,
            deal.c.archived_at == row.archived_at,
            archived_at=None,
        )
        refresh_contact_state(tx, self.customer_id)
        index_customers(tx, [self.customer_id])
        return Outcome(
            {"customer_id": self.customer_id}, undo=(ArchiveCustomer(customer_id=self.customer_id),)
        )


class AddContact(Command):
    """Note a person at a customer."""

    kind: ClassVar[str] = "add_contact"

    customer_id: Id
    name: Line
    title: Line = ""
    phone: Line = ""
    note: Line = ""

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Add the person; the number is normalised."""
        living_customer(tx, context, self.customer_id)
        if not self.name:
            raise Refused("name_needed")
        contact_id = context.new_id()
        tx.insert(
            contact,
            id=contact_id,
            customer_id=self.customer_id,
            name=self.name,
            title=self.title,
            phone=normalize_phone(self.phone).e164 if self.phone else "",
            note=self.note,
        )
        index_customers(tx, [self.customer_id])
        return Outcome(
            {"contact_id": contact_id},
            undo=(SetContactArchived(customer_id=self.customer_id, contact_id=contact_id, archived=True),),
        )


class SetContactArchived(Command):
    """Put a person at a customer away or bring the person back; refused where that is already so."""

    kind: ClassVar[str] = "set_contact_archived"

    customer_id: Id
    contact_id: Id
    archived: bool

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Set or clear the archive mark."""
        living_customer(tx, context, self.customer_id)
        hit = tx.update_where(
            contact,
            contact.c.id == self.contact_id,
            contact.c.customer_id == self.customer_id,
            contact.c.archived_at.is_(None) if self.archived else contact.c.archived_at.is_not(None),
            archived_at=context.at if self.archived else None,
        )
        if not hit:
            raise Refused("contact_unknown")
        index_customers(tx, [self.customer_id])
        return Outcome(undo=(self.model_copy(update={"archived": not self.archived}),))


class RevealIdentity(Command):
    """Look at what is masked; the look itself is what is recorded."""

    kind: ClassVar[str] = "reveal_identity"
    right: ClassVar[Right] = Right.REVEAL

    customer_id: Id

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Return the numbers in clear text."""
        row = customer_within(tx, context, self.customer_id)
        return Outcome(
            {
                "phones": [point.normal for point in points_of(tx, self.customer_id) if point.kind == PHONE],
                "resident_id": row.resident_id or "",
            }
        )


def checked_level(level: str) -> str:
    """Return the level in upper case; raises Refused level_unknown."""
    upper = level.upper()
    if upper not in LEVELS:
        raise Refused("level_unknown", level=level, known=", ".join(LEVELS))
    return upper


def unique(words: Sequence[str]) -> list[str]:
    """Return the words without blanks and repetitions, in their order."""
    return list(dict.fromkeys(word for word in words if word))


def _changed_columns(edit: EditCustomer, given: set[str]) -> dict[str, Any]:
    """Return the customer columns that an edit writes."""
    plain = given & {"source", "address", "birthday", "note"}
    columns = {name: getattr(edit, name) for name in plain}
    if edit.customer_kind is not None:
        columns["kind"] = edit.customer_kind
    if "name" in given:
        if not edit.name:
            raise Refused("name_needed")
        columns |= {"name": edit.name, "sort_name": sort_key(edit.name)}
    if edit.level is not None:
        columns["level"] = checked_level(edit.level)
    if edit.tags is not None:
        columns["tags"] = unique(edit.tags)
    if "resident_id" in given:
        columns["resident_id"] = normalize_resident_id(edit.resident_id).value if edit.resident_id else None
    if "uscc" in given:
        columns["uscc"] = normalize_uscc(edit.uscc) if edit.uscc else None
    return columns


def _old_value(name: str, row: Row[Any], points: Sequence[Row[Any]]) -> Any:
    """Return what an edited field held before."""
    if name == "phones":
        return [point.value for point in points if point.kind == PHONE]
    if name in {"wechat", "email"}:
        return next((point.value for point in points if point.kind == name), "")
    value = getattr(row, "kind" if name == "customer_kind" else name)
    return "" if value is None and name in {"resident_id", "uscc"} else value


def _as_seen(name: str, row: Row[Any], points: Sequence[Row[Any]]) -> str:
    """Return what a form shows of a field: what is masked elsewhere is masked."""
    if name == "phones":
        return ", ".join(mask_phone(point.normal) for point in points if point.kind == PHONE)
    value = _old_value(name, row, points)
    return mask_resident_id(value) if name == "resident_id" else _in_a_line(value)


def _in_a_line(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(value)
    return "" if value is None else str(value)
