"""Finding customers by what a person typed, and the owner of a telephone number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import normalize_phone
from crm_tui.domain.text import fold
from crm_tui.store.search import DIGITS, match_expression, matching
from crm_tui.store.tables import contact, contact_point, customer, person
from crm_tui.store.view import View

CANDIDATES = 1000
"""Matches that are looked at closely: more are only counted."""

PHONE_DIGITS = 11
_RUN = re.compile(rf"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]{{3,}}|[0-9]{{{DIGITS + 1},}}")


@dataclass(frozen=True)
class Found:
    """The customers that match: the ids of the first CANDIDATES of ``count``.

    ``exact`` is False where there are more than CANDIDATES and false matches of the index could not
    be taken out of the count; this needs a name of three hanzi or more, or five digits or more.
    """

    ids: tuple[str, ...]
    count: int
    exact: bool = True


@dataclass(frozen=True)
class PhoneHit:
    """Who has a telephone number: ``customer_id`` and ``name`` are empty for what the viewer may not see."""

    customer_id: str
    name: str
    owner_name: str

    @property
    def visible(self) -> bool:
        """Tell whether the viewer may see the customer."""
        return bool(self.customer_id)


def find_customers(view: View, typed: str) -> Found:
    """Return who matches what was typed, by index; several words must all match.

    A whole telephone number is looked up as such. One word of fewer than four digits matches nobody.
    """
    e164 = whole_phone(typed)
    if e164:
        exact = _by_phone(view, e164)
        if exact:
            return Found(exact, len(exact))
    expression = match_expression(typed, view.scope)
    if expression is None:
        return Found((), 0)
    count, ids = matching(view.tx, expression, CANDIDATES)
    runs = _RUN.findall(fold(typed) if len(typed.split()) == 1 else " ".join(map(fold, typed.split())))
    if not runs:
        return Found(tuple(ids), count)
    kept = _truly_matching(view, ids, runs)
    if count > CANDIDATES:
        return Found(kept, count, exact=False)
    return Found(kept, len(kept))


def who_has_phone(view: View, phone: str) -> PhoneHit | None:
    """Return the living customer who has this number, whoever owns it; None: nobody, or no number.

    Of a customer outside the viewer's scope only the owner's name is told, so that the clerk knows
    whom to ask.
    """
    e164 = whole_phone(phone)
    if not e164:
        return None
    rows = view.tx.rows(
        select(customer, person.c.name.label("owner_name"))
        .join(contact_point, contact_point.c.customer_id == customer.c.id)
        .outerjoin(person, person.c.id == customer.c.owner_id)
        .where(
            contact_point.c.kind == "phone",
            contact_point.c.normal == e164,
            customer.c.archived_at.is_(None),
        )
        .order_by(customer.c.id)
    )
    seen = [row for row in rows if view.scope.covers(owner_id=row.owner_id, branch_id=row.branch_id)]
    if seen:
        return PhoneHit(seen[0].id, seen[0].name, seen[0].owner_name or "")
    return PhoneHit("", "", rows[0].owner_name or "") if rows else None


def whole_phone(typed: str) -> str:
    """Return the E.164 form of what was typed if it is one whole telephone number, else nothing."""
    if sum(char.isdecimal() for char in typed) < PHONE_DIGITS - 1:
        return ""
    try:
        return normalize_phone(typed).e164
    except Refused:
        return ""


def _by_phone(view: View, e164: str) -> tuple[str, ...]:
    rows = view.tx.scalars(
        select(customer.c.id)
        .join(contact_point, contact_point.c.customer_id == customer.c.id)
        .where(
            contact_point.c.kind == "phone",
            contact_point.c.normal == e164,
            customer.c.archived_at.is_(None),
            view.scope.where(customer),
        )
        .order_by(customer.c.id)
    )
    return tuple(rows)


def _truly_matching(view: View, ids: Sequence[str], runs: Sequence[str]) -> tuple[str, ...]:
    """Return those of the candidates in whose names and numbers every run stands unbroken."""
    texts: dict[str, list[str]] = {one: [] for one in ids}
    wanted = list(ids)
    questions: tuple[Select[Any], ...] = (
        select(customer.c.id, customer.c.name, customer.c.phone).where(customer.c.id.in_(wanted)),
        select(contact_point.c.customer_id, contact_point.c.value, contact_point.c.normal).where(
            contact_point.c.customer_id.in_(wanted)
        ),
        select(contact.c.customer_id, contact.c.name, contact.c.phone).where(
            contact.c.customer_id.in_(wanted), contact.c.archived_at.is_(None)
        ),
    )
    for question in questions:
        for customer_id, *words in map(tuple, view.tx.rows(question)):
            texts[customer_id] += [fold(word) for word in words]
    return tuple(one for one in ids if all(any(run in text for text in texts[one]) for run in runs))
