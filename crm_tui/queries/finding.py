"""Finding customers by what a person typed, and the owner of a telephone number."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, text

from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import normalize_phone
from crm_tui.domain.text import fold
from crm_tui.store.search import DIGITS, match_expression, newest_matches
from crm_tui.store.sql import one_of
from crm_tui.store.tables import contact_point, customer, deal, person, search_entry
from crm_tui.store.transaction import Transaction
from crm_tui.store.view import View

CANDIDATES = 1000
"""Matches that are looked at: of more the list only says that there are."""
SORTED = 200
"""So many matches are put in order; of more only one's own are."""

NARROWED_CANDIDATES = 5_000
"""Matches of a search that a filter is held against."""

PHONE_DIGITS = 11
# Written out: the statements of every key, whose building would cost more than SQLite needs for them.
_NAMED = (
    " FROM json_each(:numbers) AS given JOIN search_entry AS entry ON entry.no = given.value"
    " JOIN customer ON customer.id = entry.customer_id"
)
_IDS = text("SELECT no, customer_id FROM search_entry WHERE no IN (SELECT value FROM json_each(:numbers))")
_ORDERED = text(
    f"SELECT entry.no{_NAMED} ORDER BY customer.owner_id IS NOT :me, customer.due_at IS NULL,"
    " customer.sort_name, customer.id"
)
_TEXTS = text(f"SELECT entry.no, customer.id, customer.name, customer.phone{_NAMED}")
_MORE_POINTS = text(
    "SELECT customer_id, value, normal FROM contact_point"
    " WHERE customer_id IN (SELECT value FROM json_each(:ids))"
)
_MORE_CONTACTS = text(
    "SELECT customer_id, name, phone FROM contact"
    " WHERE customer_id IN (SELECT value FROM json_each(:ids)) AND archived_at IS NULL"
)
_RUN = re.compile(rf"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]{{3,}}|[0-9]{{{DIGITS + 1},}}")


@dataclass(frozen=True)
class Found:
    """The customers that match, in the order of the list, as numbers of the search index.

    ``exact`` is False where there are more matches than were looked at.
    """

    numbers: tuple[int, ...]
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


def find_customers(view: View, typed: str, most: int = 0) -> Found:
    """Return who matches what was typed, by index; several words must all match.

    One's own customers come first, whatever the number of matches. Up to SORTED others follow by what
    is due and by name; where there are more, the latest indexed first, and at most ``most`` (by default
    CANDIDATES) are looked at. A whole telephone number is looked up as such, a word also as the number a
    customer or a deal has elsewhere. One word of fewer than four digits matches nobody.
    """
    e164 = whole_phone(typed)
    by_phone = _by_phone(view, e164) if e164 else ()
    if by_phone:
        return Found(_numbers(view, by_phone))
    numbered = _numbers(view, _by_external_id(view, typed.strip()))
    found = _by_grams(view, typed, most or CANDIDATES)
    if not numbered:
        return found
    return Found((*numbered, *(one for one in found.numbers if one not in numbered)), found.exact)


def ids_of(tx: Transaction, numbers: Sequence[int]) -> list[str]:
    """Return the customers of these numbers of the search index, in this order, whoever asks."""
    ids = dict(map(tuple, tx.rows(_IDS, {"numbers": json.dumps(numbers)})))
    return [ids[one] for one in numbers if one in ids]


def among_found(view: View, typed: str) -> list[ColumnElement[bool]]:
    """Return the condition that a customer is found by what was typed; none where nothing was."""
    if not typed.strip():
        return []
    ids = ids_of(view.tx, find_customers(view, typed, NARROWED_CANDIDATES).numbers)
    return [one_of(customer.c.id, ids, view.tx.dialect)]


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


def _by_phone(view: View, e164: str) -> Sequence[str]:
    return list(
        view.tx.scalars(
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
    )


def _by_external_id(view: View, typed: str) -> Sequence[str]:
    """Return the customers who have this number elsewhere, or a deal that has it."""
    living, scope = customer.c.archived_at.is_(None), view.scope.where(customer)
    own = select(customer.c.id).where(customer.c.external_id == typed, living, scope)
    by_deal = (
        select(customer.c.id)
        .join(deal, deal.c.customer_id == customer.c.id)
        .where(deal.c.external_id == typed, deal.c.archived_at.is_(None), living, scope)
        .where(view.scope.where(deal))
    )
    return list(view.tx.scalars(own.union(by_deal))) if typed else []


def _numbers(view: View, customer_ids: Sequence[str]) -> tuple[int, ...]:
    if not customer_ids:
        return ()
    entry = search_entry.c
    rows = view.tx.scalars(
        select(entry.no).where(entry.customer_id.in_(customer_ids)).order_by(entry.customer_id)
    )
    return tuple(rows)


def _by_grams(view: View, typed: str, most: int) -> Found:
    expression = match_expression(typed, view.scope)
    if expression is None:
        return Found(())
    numbers = newest_matches(view.tx, expression, most + 1)
    exact = len(numbers) <= most
    runs = _RUN.findall(fold(typed) if len(typed.split()) == 1 else " ".join(map(fold, typed.split())))
    if exact and len(numbers) <= SORTED:
        return Found(_ordered(view, _truly_matching(view, numbers, runs)))
    me = view.viewer.person_id
    mine = newest_matches(view.tx, match_expression(typed, view.scope, me) or expression, most)
    known = set(mine)
    both = [*mine, *(one for one in numbers if one not in known)][:most]
    kept = _truly_matching(view, both, runs)
    own = [one for one in kept if one in known]
    return Found((*_ordered(view, own), *(one for one in kept if one not in known)), exact)


def _ordered(view: View, numbers: Sequence[int]) -> tuple[int, ...]:
    """Return the numbers in the order of the list: one's own, then what is due, then by name."""
    values = {"numbers": json.dumps(numbers), "me": view.viewer.person_id}
    return tuple(row[0] for row in view.tx.rows(_ORDERED, values)) if numbers else ()


def _truly_matching(view: View, numbers: Sequence[int], runs: Sequence[str]) -> Sequence[int]:
    """Return those of the candidates in whose names and numbers every run stands unbroken."""
    if not runs or not numbers:
        return numbers
    texts: dict[str, list[str]] = {}
    ids: dict[int, str] = {}
    for number, customer_id, name, phone in map(
        tuple, view.tx.rows(_TEXTS, {"numbers": json.dumps(numbers)})
    ):
        ids[number] = customer_id
        texts[customer_id] = [fold(name), fold(phone)]

    def doubtful() -> list[str]:
        return [one for one, words in texts.items() if not all(any(run in w for w in words) for run in runs)]

    unsure = json.dumps(doubtful(), ensure_ascii=False)
    for question in (_MORE_POINTS, _MORE_CONTACTS):
        for customer_id, *words in map(tuple, view.tx.rows(question, {"ids": unsure})):
            texts[customer_id] += map(fold, words)
    wrong = set(doubtful())
    return [one for one in numbers if one in ids and ids[one] not in wrong]
