"""Customers: persons and firms, how they are reached, and who owns them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from crm_tui.store.tables.base import instant, json_text, reference

NEVER_CONTACTED = "due_reason = 'never_contacted'"


class Customer(SQLModel, table=True):
    """A person or a firm that buys or may buy.

    ``last_*``, ``next_contact_at`` and ``due_*`` are derived from the follow-up log by
    ``commands.contact_state`` and by nothing else.
    """

    __tablename__ = "customer"
    __table_args__ = (
        Index("ix_customer_owner_due", "owner_id", "due_at"),
        Index("ix_customer_branch_due", "branch_id", "due_at", "id", "owner_id"),
        Index("ix_customer_due", "due_at"),
        Index(
            "ix_customer_never",
            *("due_at", "id", "owner_id", "branch_id", "due_reason"),  # the last one makes it cover
            sqlite_where=text(NEVER_CONTACTED),
            postgresql_where=text(NEVER_CONTACTED),
        ),
        Index("ix_customer_owner_sort", "owner_id", "archived_at", "sort_name", "id"),
        Index("ix_customer_branch_sort", "branch_id", "archived_at", "sort_name", "id"),
        Index(
            "ix_customer_care",  # covers overdue and follow-up compliance
            *("archived_at", "due_at", "owner_id", "branch_id", "level", "last_effective_at"),
        ),
        Index("ix_customer_sort", "archived_at", "sort_name", "id"),
        Index(
            "ix_customer_parent",
            "parent_id",
            sqlite_where=text("parent_id IS NOT NULL"),
            postgresql_where=text("parent_id IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    branch_id: str = reference("org_unit.id")
    owner_id: str | None = reference("person.id", default=None)
    kind: str
    name: str
    sort_name: str
    level: str
    source: str = ""
    tags: Any = json_text()
    address: str = ""
    birthday: date | None = None
    resident_id: str | None = None
    uscc: str | None = None
    note: str = ""
    parent_id: str | None = None
    """A customer above this one, who need not be here: another branch's stay there. So it is no foreign key:
    what refers to a row that this terminal does not have could be neither written nor changed."""
    extra: Any = json_text()
    external_id: str | None = Field(default=None, index=True)
    created_at: datetime = instant()
    created_on: date
    archived_at: datetime | None = instant(default=None)
    phone: str = ""
    last_follow_up_at: datetime | None = instant(default=None)
    last_effective_at: datetime | None = instant(default=None)
    next_contact_at: datetime | None = instant(default=None)
    next_step: str = ""
    due_at: datetime | None = instant(default=None)
    due_reason: str = ""


class ContactPoint(SQLModel, table=True):
    """One way to reach a customer; ``normal`` is the form that identifies: E.164 for a phone."""

    __tablename__ = "contact_point"
    __table_args__ = (Index("ix_contact_point_kind_normal", "kind", "normal"),)

    id: str = Field(primary_key=True)
    customer_id: str = reference("customer.id", index=True)
    kind: str
    value: str
    normal: str
    note: str = ""
    position: int = 0


class Contact(SQLModel, table=True):
    """A person at a customer."""

    __tablename__ = "contact"

    id: str = Field(primary_key=True)
    customer_id: str = reference("customer.id", index=True)
    name: str
    title: str = ""
    phone: str = ""
    note: str = ""
    archived_at: datetime | None = instant(default=None)


class OwnershipEvent(SQLModel, table=True):
    """A change of owner; the log that says who had whom and when."""

    __tablename__ = "ownership_event"
    __table_args__ = (Index("ix_ownership_event_customer", "customer_id", "at"),)

    id: str = Field(primary_key=True)
    customer_id: str = reference("customer.id")
    kind: str
    from_owner_id: str | None = reference("person.id", default=None)
    to_owner_id: str | None = reference("person.id", default=None)
    at: datetime = instant()
    actor_id: str = reference("person.id")
    reason: str = ""


class Lead(SQLModel, table=True):
    """Somebody who may become a customer: new, following, converted or invalid."""

    __tablename__ = "lead"
    __table_args__ = (
        Index("ix_lead_branch_created", "branch_id", "created_on"),
        Index(
            "ix_lead_customer",
            "customer_id",
            sqlite_where=text("customer_id IS NOT NULL"),
            postgresql_where=text("customer_id IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    branch_id: str = reference("org_unit.id")
    owner_id: str | None = reference("person.id", default=None, index=True)
    name: str
    phone: str = ""
    source: str = ""
    status: str
    created_on: date
    converted_on: date | None = None
    customer_id: str | None = None
    """Whom it became, who may be another branch's by now: no foreign key (see ``Customer.parent_id``)."""
    extra: Any = json_text()
    external_id: str | None = Field(default=None, index=True)


class FollowUp(SQLModel, table=True):
    """One version of what was said with a customer; an amendment is a new version of the same ``root_id``.

    The current version of a root has ``replaced_by`` null; a retracted one also has ``retracted_at``.
    ``author_id`` is who had the contact, in every version; ``amended_by`` is who wrote a later version.
    """

    __tablename__ = "follow_up"
    __table_args__ = (
        Index("ix_follow_up_customer_occurred", "customer_id", "occurred_at"),
        Index("ix_follow_up_author_on", "author_id", "occurred_on"),
        Index("ix_follow_up_branch_on", "branch_id", "occurred_on"),
    )

    id: str = Field(primary_key=True)
    root_id: str = Field(index=True)
    version: int = 1
    replaced_by: str | None = None
    retracted_at: datetime | None = instant(default=None)
    customer_id: str = reference("customer.id")
    deal_id: str | None = Field(default=None, index=True)
    """What it was about, perhaps another branch's by now: no foreign key (see ``Customer.parent_id``)."""
    branch_id: str = reference("org_unit.id")
    author_id: str = reference("person.id")
    amended_by: str | None = reference("person.id", default=None)
    channel: str
    result: str
    need_change: str
    objections: Any = json_text()
    objection_note: str = ""
    next_step: str
    next_at: datetime = instant()
    occurred_at: datetime = instant()
    occurred_on: date
    logged_at: datetime = instant()
    effective: bool


class ContactPlan(SQLModel, table=True):
    """A decision when to speak next: from a follow-up or a postponement; the newest one that stands rules."""

    __tablename__ = "contact_plan"
    __table_args__ = (Index("ix_contact_plan_customer", "customer_id", "set_at"),)

    id: str = Field(primary_key=True)
    customer_id: str = reference("customer.id")
    next_at: datetime = instant()
    next_step: str
    set_at: datetime = instant()
    actor_id: str = reference("person.id")
    follow_up_id: str | None = reference("follow_up.id", default=None)
    reason: str = ""
    retracted_at: datetime | None = instant(default=None)
