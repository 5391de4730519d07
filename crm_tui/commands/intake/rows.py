"""One row of each kind as it travels in the command: plain values, references still as written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crm_tui.commands.base import Day, Line, Prose, StaffNumber
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Role

MOST_FEN = 10**15


class IntakeRow(BaseModel):
    """What every row has: the ``line`` of the file it came from, and perhaps an id of another system."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: int = Field(ge=1, le=10**9)
    external_id: Line | None = None


class PersonRow(IntakeRow):
    """A person; units and manager by name, the manager also by number or external id."""

    number: StaffNumber = ""
    name: Line
    role: Role = Role.CLERK
    region: Line = ""
    branch: Line = ""
    team: Line = ""
    manager: Line = ""
    phone: Line = ""
    status: Literal["active", "frozen", "left"] = "active"
    hired_on: Day | None = None
    left_on: Day | None = None


class ProductRow(IntakeRow):
    """A product; ``line_name`` is its product line, ``unit_price`` in fen."""

    code: Line = ""
    name: Line
    line_name: Line = ""
    unit_price: int | None = Field(default=None, ge=0, le=MOST_FEN)
    active: bool = True


class CustomerRow(IntakeRow):
    """A customer; owner, branch and parent firm as written in the file."""

    name: Line
    kind: Literal["person", "firm"] = "person"
    phones: tuple[Line, ...] = Field(default=(), max_length=10)
    wechat: Line = ""
    email: Line = ""
    level: Line = "C"
    source: Line = ""
    tags: tuple[Line, ...] = Field(default=(), max_length=20)
    address: Prose = ""
    birthday: Day | None = None
    resident_id: Line = ""
    uscc: Line = ""
    owner: Line = ""
    branch: Line = ""
    note: Prose = ""
    created_on: Day | None = None
    parent: Line = ""
    extra: Mapping[Line, Prose] = Field(default_factory=dict)


class DealRow(IntakeRow):
    """A deal; ``amount`` in fen, references by external id, number, name or phone as written."""

    customer: Line = ""
    phones: tuple[Line, ...] = Field(default=(), max_length=10)
    lead: Line = ""
    title: Line = ""
    pipeline: Line = ""
    stage: Line
    owner: Line = ""
    product: Line = ""
    line_name: Line = ""
    amount: int | None = Field(default=None, ge=0, le=MOST_FEN)
    engaged_on: Day | None = None
    created_on: Day | None = None
    expected_close_on: Day | None = None
    closed_on: Day | None = None
    lost_reason: Line = ""
    source: Line = ""
    extra: Mapping[Line, Prose] = Field(default_factory=dict)


class LeadRow(IntakeRow):
    """A lead; without a name it goes by its phone or its external id."""

    name: Line = ""
    phone: Line = ""
    source: Line = ""
    owner: Line = ""
    branch: Line = ""
    status: Literal["new", "following", "converted", "invalid"] = "new"
    created_on: Day | None = None
    converted_on: Day | None = None
    customer: Line = ""
    extra: Mapping[Line, Prose] = Field(default_factory=dict)


def read_row(model: type[IntakeRow], raw: Mapping[str, Any]) -> IntakeRow:
    """Return the checked row.

    Raises:
        Refused: row_text_too_long (field, limit), row_invalid (field, value), name_needed, day_out_of_range.
    """
    try:
        row = model.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] in {"string_too_long", "too_long"}:
            raise Refused("row_text_too_long", field=field, limit=first["ctx"]["max_length"]) from error
        if first["type"] == "missing":
            raise Refused("name_needed") from error
        raise Refused("row_invalid", field=field, value=str(first["input"])[:40]) from error
    if getattr(row, "name", "-") == "" and not isinstance(row, LeadRow):
        raise Refused("name_needed")
    return row
