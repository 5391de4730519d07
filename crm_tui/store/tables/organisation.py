"""The organisation: units, people, products and what it has decided."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from crm_tui.store.tables.base import instant, json_text, later_reference, reference


class OrgUnit(SQLModel, table=True):
    """A company, region, branch or team; a shop is a branch and keeps its time zone."""

    __tablename__ = "org_unit"

    id: str = Field(primary_key=True)
    parent_id: str | None = reference("org_unit.id", index=True)
    kind: str
    name: str
    time_zone: str
    external_id: str | None = None


class Person(SQLModel, table=True):
    """Somebody who works here.

    ``reach`` overrides the role's data scope; ``branch_id`` follows from the unit; ``initials`` are the
    pinyin initials of the name, separated by blanks.
    """

    __tablename__ = "person"

    id: str = Field(primary_key=True)
    number: str = Field(index=True)
    name: str
    initials: str
    role: str
    reach: str | None = None
    unit_id: str = reference("org_unit.id", index=True)
    branch_id: str | None = reference("org_unit.id", index=True)
    manager_id: str | None = later_reference("person.id", index=True)
    status: str
    phone: str | None = None
    hired_on: date | None = None
    left_on: date | None = None
    external_id: str | None = Field(default=None, index=True)


class ProductLine(SQLModel, table=True):
    """A family of products that is reported together."""

    __tablename__ = "product_line"

    id: str = Field(primary_key=True)
    name: str


class Product(SQLModel, table=True):
    """Something that is sold; ``unit_price`` in fen."""

    __tablename__ = "product"

    id: str = Field(primary_key=True)
    line_id: str | None = reference("product_line.id", index=True)
    code: str = Field(index=True)
    name: str = Field(index=True)
    unit_price: int | None = None
    active: bool = True
    external_id: str | None = Field(default=None, index=True)


class Setting(SQLModel, table=True):
    """A decision of the organisation, as JSON, by name (``overdue_rules``)."""

    __tablename__ = "setting"

    name: str = Field(primary_key=True)
    value: Any = json_text()


class ImportBatch(SQLModel, table=True):
    """One import that can be undone as a whole."""

    __tablename__ = "import_batch"

    id: str = Field(primary_key=True)
    kind: str
    file_name: str
    actor_id: str = reference("person.id")
    at: datetime = instant()
    created: int = 0
    updated: int = 0
    refused: int = 0
    undone_at: datetime | None = instant(default=None)


class ImportRow(SQLModel, table=True):
    """What one import did to one row of the table ``kind``; ``seq`` is the line of the file, 0 for none.

    ``before`` is null for a new row; for a changed one it maps a column to its old and its new value.
    """

    __tablename__ = "import_row"
    __table_args__ = (
        Index("ix_import_row_batch", "batch_id", "seq"),
        Index("ix_import_row_row", "row_id", "batch_id"),
    )

    id: str = Field(primary_key=True)
    batch_id: str = reference("import_batch.id")
    seq: int
    kind: str
    row_id: str
    before: Any = json_text(nullable=True)
