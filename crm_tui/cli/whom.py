"""Whom a word on the command line means, and how a customer is written as a row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crm_tui.cli.terminal import USAGE, fail, must_apply
from crm_tui.i18n import t
from crm_tui.widgets.figures import phone

if TYPE_CHECKING:
    from crm_tui.desk import Desk
    from crm_tui.queries.customer_lines import CustomerLine
    from crm_tui.queries.pickers import PersonChoice
    from crm_tui.queries.profile import DealLine

CUSTOMER_COLUMNS = (
    "id",
    "name",
    "phone",
    "level",
    "stage",
    "amount",
    "last_follow_up_at",
    "next_contact_at",
    "next_step",
    "due_at",
    "due_reason",
    "owner",
    "source",
    "tags",
)
CUSTOMER_BRIEF = ("name", "phone", "level", "stage", "amount", "due_at", "owner", "next_step")
"""The columns of a table for people, which has to fit a terminal."""

_ID = re.compile(r"[0-9a-f]{32}")


def customer_of(desk: Desk, word: str) -> str:
    """Return the id of the one customer that an id, a number or a name means; else say so and end."""
    from crm_tui.queries.customers import customers_page

    if _ID.fullmatch(word):
        return word
    page = desk.answer(customers_page, typed=word, limit=5)
    same = [line for line in page.lines if line.name == word] or list(page.lines)
    if len(same) != 1:
        names = ", ".join(line.name for line in same)
        fail(t("cli.not_one_customer", word=word, count=page.count, names=names or "-"), USAGE)
    return same[0].id


def deal_of(desk: Desk, word: str) -> DealLine:
    """Return the deal of this id, or the newest open one (else the newest) of the customer meant."""
    from crm_tui.domain.errors import Refused
    from crm_tui.queries.profile import gate, profile

    if _ID.fullmatch(word):
        try:
            return desk.answer(gate, word).deal
        except Refused:
            pass  # it may be the id of a customer
    found = desk.answer(profile, customer_of(desk, word)).deals
    if not found:
        fail(t("cli.no_deal", word=word), USAGE)
    return found[0]


def person_of(desk: Desk, word: str) -> PersonChoice:
    """Return the one person that a number, a name or pinyin initials mean; else say so and end."""
    from crm_tui.queries.pickers import people

    choices = desk.answer(people)
    found = [one for one in choices if word in {one.id, one.number, one.name}]
    found = found or [one for one in choices if word.lower() in one.initials.split()]
    if len(found) != 1:
        fail(t("cli.not_one_person", word=word, count=len(found)), USAGE)
    return found[0]


def clear_phones(desk: Desk, lines: Sequence[CustomerLine]) -> dict[str, str]:
    """Return the numbers of these customers in clear; each look is carried out, and so audited, as one."""
    from crm_tui.commands.customers import RevealIdentity

    if not lines:
        return {}
    looked = must_apply(desk.carry_out(*(RevealIdentity(customer_id=line.id) for line in lines)))
    return {
        line.id: (verdict.details["phones"] or [""])[0] for line, verdict in zip(lines, looked, strict=True)
    }


def customer_rows(desk: Desk, lines: Sequence[CustomerLine], *, clear: bool) -> list[dict[str, Any]]:
    """Return customers as rows of CUSTOMER_COLUMNS; amounts in yuan, numbers masked unless ``clear``."""
    shown = clear_phones(desk, lines) if clear else {}
    zone = ZoneInfo(desk.viewer.zone)
    return [local(_row(line, shown), zone) for line in lines]


def local(row: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Return a row with its instants as the branch's clock shows them."""
    return {
        key: value.astimezone(zone) if isinstance(value, datetime) else value for key, value in row.items()
    }


def yuan(fen: int | None) -> Decimal | None:
    """Return an amount in yuan with its two places."""
    return None if fen is None else Decimal(fen).scaleb(-2)


def _row(line: CustomerLine, shown: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": line.id,
        "name": line.name,
        "phone": shown[line.id] if line.id in shown else phone(line.phone) if line.phone else "",
        "level": line.level,
        "stage": line.stage_name,
        "amount": yuan(line.amount),
        "last_follow_up_at": line.last_follow_up_at,
        "next_contact_at": line.next_contact_at,
        "next_step": line.next_step,
        "due_at": line.due_at,
        "due_reason": line.due_reason,
        "owner": line.owner_name,
        "source": line.source,
        "tags": list(line.tags),
    }
