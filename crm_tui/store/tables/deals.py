"""Pipelines, deals and the log of their stages."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, PrimaryKeyConstraint, text
from sqlmodel import Field, SQLModel

from crm_tui.store.tables.base import instant, json_text, reference

STANDING = "state = 'open' AND archived_at IS NULL"
"""Which deals the board sums up: the index of its sums holds these alone."""


class Pipeline(SQLModel, table=True):
    """A way of selling; ``version`` is the one in force, an archived one takes no new deals."""

    __tablename__ = "pipeline"

    id: str = Field(primary_key=True)
    name: str
    version: int
    position: int = 0
    archived_at: datetime | None = instant(default=None)


class Stage(SQLModel, table=True):
    """One step of one version of a pipeline; a deal names its stage by ``code``, which versions share."""

    __tablename__ = "stage"
    __table_args__ = (PrimaryKeyConstraint("pipeline_id", "version", "code", name="pk_stage"),)

    pipeline_id: str = reference("pipeline.id")
    version: int
    code: str
    name: str
    kind: str
    position: int
    probability: int
    rotting_days: int
    goal: str
    exit_criteria: str
    required_fields: Any = json_text()
    required_actions: Any = json_text()


class Deal(SQLModel, table=True):
    """An opportunity; ``amount`` in fen, ``due_at`` follows the customer's while the deal is open.

    ``engaged_on`` is the business day it first left the first stage, ``closed_on`` the day it was won
    or lost.
    """

    __tablename__ = "deal"
    __table_args__ = (
        Index("ix_deal_board", "pipeline_id", "state", "stage", "due_at", "id"),
        Index("ix_deal_owner_board", "owner_id", "pipeline_id", "state", "stage", "due_at", "id"),
        Index("ix_deal_branch_board", "branch_id", "pipeline_id", "state", "stage", "due_at", "id"),
        Index(
            "ix_deal_standing",
            *("pipeline_id", "state", "stage", "amount", "stage_entered_at"),
            *("branch_id", "owner_id", "customer_id", "archived_at"),
            sqlite_where=text(STANDING),
            postgresql_where=text(STANDING),
        ),
        Index("ix_deal_customer", "customer_id", "state"),
        Index(
            "ix_deal_opened",  # covers the cohort funnel and dwell
            *("archived_at", "pipeline_id", "created_on", "branch_id", "owner_id"),
            *("state", "stage", "lost_from", "id"),
        ),
        Index(
            "ix_deal_outcome",  # covers won, lost, amounts, cycles and ages
            *("archived_at", "closed_on", "engaged_on", "state", "stage", "branch_id", "owner_id", "amount"),
        ),
        Index(
            "ix_deal_waiting",  # covers the forecast, what rots and what is past its expected day
            *("archived_at", "state", "expected_close_on", "pipeline_id", "stage", "amount", "rots_at"),
            *("branch_id", "owner_id"),
        ),
        Index(
            "ix_deal_closed",  # covers the won column of the board
            *("state", "closed_on", "id", "pipeline_id", "stage", "archived_at", "branch_id", "owner_id"),
            sqlite_where=text("closed_on IS NOT NULL"),
            postgresql_where=text("closed_on IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    customer_id: str | None = reference("customer.id")
    branch_id: str = reference("org_unit.id")
    owner_id: str | None = reference("person.id", default=None)
    pipeline_id: str = reference("pipeline.id")
    title: str
    stage: str
    state: str
    cycle: int = 1
    stage_entered_at: datetime = instant()
    rots_at: datetime | None = instant(default=None)
    due_at: datetime | None = instant(default=None)
    amount: int | None = None
    product_id: str | None = reference("product.id", default=None, index=True)
    line_id: str | None = reference("product_line.id", default=None, index=True)
    source: str = ""
    created_at: datetime = instant()
    created_on: date
    engaged_on: date | None = None
    expected_close_on: date | None = None
    closed_at: datetime | None = instant(default=None)
    closed_on: date | None = None
    lost_reason: str = ""
    lost_from: str = ""
    extra: Any = json_text()
    external_id: str | None = Field(default=None, index=True)
    archived_at: datetime | None = instant(default=None)


class StageVisit(SQLModel, table=True):
    """One stay of a deal in a stage; only ``left_at`` is filled in later, ``taken_back_*`` by an undo."""

    __tablename__ = "stage_visit"
    __table_args__ = (
        Index("ix_stage_visit_deal", "deal_id", "entered_at"),
        Index("ix_stage_visit_dwell", "deal_id", "taken_back_at", "stage", "entered_at", "left_at"),
        Index("ix_stage_visit_stage", "stage", "entered_at"),
    )

    id: str = Field(primary_key=True)
    deal_id: str = reference("deal.id")
    cycle: int
    stage: str
    from_stage: str = ""
    kind: str
    entered_at: datetime = instant()
    left_at: datetime | None = instant(default=None)
    actor_id: str = reference("person.id")
    reason: str = ""
    taken_back_at: datetime | None = instant(default=None)
    taken_back_by: str | None = reference("person.id", default=None)


class StageEvidence(SQLModel, table=True):
    """Proof that a required action of a stage was done in this cycle of the deal."""

    __tablename__ = "stage_evidence"
    __table_args__ = (Index("ix_stage_evidence_deal", "deal_id", "cycle", "stage"),)

    id: str = Field(primary_key=True)
    deal_id: str = reference("deal.id")
    cycle: int
    stage: str
    action: str
    words: str = ""
    at: datetime = instant()
    actor_id: str = reference("person.id")
    withdrawn_at: datetime | None = instant(default=None)
