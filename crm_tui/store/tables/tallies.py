"""Counts that triggers keep beside the rows, so that a sum costs the same for any number of rows.

Only a terminal's SQLite file has the triggers (``0001_start.sql``): elsewhere these tables stay empty.
"""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint
from sqlmodel import SQLModel


class DealTally(SQLModel, table=True):
    """The deals, not archived and not lost, that share all of the key: how many, and their sums.

    ``amount`` is in fen, ``entered`` the sum of ``stage_entered_at`` in milliseconds since 1970. An open deal
    has no ``closed_on`` and an empty owner where nobody owns it; the won ones of all owners are one.
    """

    __tablename__ = "deal_tally"
    __table_args__ = (
        PrimaryKeyConstraint(
            *("pipeline_id", "state", "closed_on", "branch_id", "owner_id", "stage"), name="pk_deal_tally"
        ),
    )

    pipeline_id: str
    state: str
    closed_on: str
    branch_id: str
    owner_id: str
    stage: str
    uses: int
    amount: int
    entered: int


class CustomerTally(SQLModel, table=True):
    """How many customers that are not archived share all of the key."""

    __tablename__ = "customer_tally"
    __table_args__ = (PrimaryKeyConstraint("branch_id", "level", "kind", "source", name="pk_customer_tally"),)

    branch_id: str
    level: str
    kind: str
    source: str
    uses: int


class TagTally(SQLModel, table=True):
    """How many customers of a branch that are not archived carry a tag."""

    __tablename__ = "tag_tally"
    __table_args__ = (PrimaryKeyConstraint("branch_id", "tag", name="pk_tag_tally"),)

    branch_id: str
    tag: str
    uses: int
