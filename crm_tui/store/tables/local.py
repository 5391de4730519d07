"""What is never synced: a terminal's outbox, its log-ins, its drafts, edit leases and its search index."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from crm_tui.store.tables.base import instant, json_text

ANSWERED = "state NOT IN ('pending', 'applied') AND settled = ''"
"""Which commands somebody may have to look at: few, so that their index costs a save nothing."""


class Outbox(SQLModel, table=True):
    """Every command in the order it was carried out here: what will be synced, and the audit trail.

    ``state`` is pending until the hub has answered, then the answer's status; ``code`` and ``details`` say
    why, for a pending one why the hub will probably refuse it. ``told`` is the answer it had before it had
    to be sent again, because the hub was put back. ``settled`` says how a person has dealt with an answer:
    discarded or superseded, empty for not at all. ``about`` is the name of the customer or lead when it was
    given: whom it is about may be gone from this terminal when the answer comes.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_answered", "seq", sqlite_where=text(ANSWERED), postgresql_where=text(ANSWERED)),
    )

    seq: int | None = Field(default=None, primary_key=True)
    cmd_id: str = Field(unique=True)
    batch_id: str
    device_id: str
    actor_id: str
    kind: str
    version: int
    args: Any = json_text()
    at: datetime = instant()
    state: str
    code: str = ""
    details: Any = json_text(nullable=True, default=None)
    supersedes: str = ""
    hub_at: datetime | None = instant(default=None)
    told: str = ""
    settled: str = ""
    about: str = ""


class SyncCursor(SQLModel, table=True):
    """How far this terminal has read a space of its hub."""

    __tablename__ = "sync_cursor"

    space: str = Field(primary_key=True)
    rev: int


class SyncUndo(SQLModel, table=True):
    """How a row was before commands changed it that the hub has not answered; written by triggers.

    ``before`` is a JSON list of the row's values as stored, null for a row that was not there.
    """

    __tablename__ = "sync_undo"

    no: int | None = Field(default=None, primary_key=True)
    tbl: str
    key: str
    before: str | None = None


class Meta(SQLModel, table=True):
    """Facts about this terminal by name: device_id, and ``hub_*`` once it has joined a hub."""

    __tablename__ = "meta"

    name: str = Field(primary_key=True)
    value: str


class Credential(SQLModel, table=True):
    """A person's PIN verifier (argon2id) here, with the wrong tries since the last right one."""

    __tablename__ = "credential"

    person_id: str = Field(primary_key=True)
    verifier: str
    failures: int = 0
    locked_until: datetime | None = instant(default=None)


class Draft(SQLModel, table=True):
    """An unfinished form of one person about one subject; ``about`` is the customer's name, if any."""

    __tablename__ = "draft"

    person_id: str = Field(primary_key=True)
    form: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    answers: Any = json_text()
    saved_at: datetime = instant()
    about: str = ""


class EditLease(SQLModel, table=True):
    """Who is changing a customer, and until when unless it is renewed.

    ``holder`` is the running program; the row stands where all who may change the customer look: at the hub,
    or in the file of a terminal without one.
    """

    __tablename__ = "edit_lease"

    customer_id: str = Field(primary_key=True)
    holder: str
    person_id: str
    until: datetime = instant()


class SearchEntry(SQLModel, table=True):
    """The grams under which a customer stands in the full-text index; ``no`` is the index's row id."""

    __tablename__ = "search_entry"

    no: int | None = Field(default=None, primary_key=True)
    customer_id: str = Field(unique=True)
    grams: str
