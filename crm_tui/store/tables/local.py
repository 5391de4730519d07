"""What belongs to this terminal alone: its outbox, its log-ins, its drafts and its search index."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from crm_tui.store.tables.base import instant, json_text


class Outbox(SQLModel, table=True):
    """Every command in the order it was carried out here: what will be synced, and the audit trail."""

    __tablename__ = "outbox"

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


class Meta(SQLModel, table=True):
    """Facts about this terminal by name: device_id, created_at, language."""

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
    """An unfinished form of one person about one subject."""

    __tablename__ = "draft"

    person_id: str = Field(primary_key=True)
    form: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    answers: Any = json_text()
    saved_at: datetime = instant()


class SearchEntry(SQLModel, table=True):
    """The grams under which a customer stands in the full-text index; ``no`` is the index's row id."""

    __tablename__ = "search_entry"

    no: int | None = Field(default=None, primary_key=True)
    customer_id: str = Field(unique=True)
    grams: str
