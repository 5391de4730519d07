"""The full-text index of customers: ready-made grams, so that one hanzi, two initials or four digits answer.

SQLite's own trigram tokenizer finds nothing for one or two hanzi, the usual length of a Chinese name.
Each customer stands under: every hanzi and pair of hanzi of its names; words, pinyin initials and full
pinyin, whole and as prefixes of up to PREFIX letters; every DIGITS digits in a row of its numbers; its
tags; and its owner and branch, so that the scope is part of the same index look-up.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, func, select, text

from crm_tui.domain.identity import full, initials
from crm_tui.domain.text import fold
from crm_tui.store.prepared import Ready
from crm_tui.store.scope import Scope
from crm_tui.store.tables import contact, contact_point, customer, search_entry
from crm_tui.store.transaction import Transaction

Row = Mapping[str, Any]

PREFIX = 3
DIGITS = 4
_STEM, _TAG, _OWNER, _BRANCH = "λ", "τ", "ωo", "ωb"
_PHONE = "phone"
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_WORD = re.compile(r"[a-z]+")
_NUMBER = re.compile(r"[0-9]+")

_ADD = Ready(text("INSERT INTO customer_gram (rowid, grams) VALUES (:no, :grams)"))
_REMOVE = Ready(
    text("INSERT INTO customer_gram (customer_gram, rowid, grams) VALUES ('delete', :no, :grams)")
)
_FORGET = Ready(text("DELETE FROM search_entry WHERE customer_id IN (SELECT value FROM json_each(:ids))"))
_NEWEST = text("SELECT rowid FROM customer_gram WHERE customer_gram MATCH :q ORDER BY rowid DESC LIMIT :n")


def grams(
    names: Iterable[str], numbers: Iterable[str], tags: Iterable[str], owner_id: str | None, branch_id: str
) -> str:
    """Return the terms under which a customer is found, separated by blanks."""
    terms: set[str] = {_BRANCH + branch_id}
    if owner_id:
        terms.add(_OWNER + owner_id)
    for name in names:
        terms |= _name_terms(name)
    for number in numbers:
        digits = "".join(_NUMBER.findall(number))
        terms |= {digits[at : at + DIGITS] for at in range(len(digits) - DIGITS + 1)}
    terms |= {_TAG + _plain(tag) for tag in tags}
    return " ".join(sorted(terms))


def index_customers(tx: Transaction, customer_ids: Sequence[str]) -> None:
    """Bring the index up to date for these customers; an archived one leaves it.

    Only a terminal's SQLite file has the index: elsewhere this does nothing.
    """
    if tx.dialect != "sqlite" or not customer_ids:
        return
    these = {"ids": json.dumps(list(customer_ids))}
    old = tx.rows(_OLD, these)
    if old:
        tx.change_all(search_entry, _REMOVE, [{"no": row.no, "grams": row.grams} for row in old])
        tx.change(search_entry, _FORGET, these)
    _add(tx, _entries(tx, these))


def index_new(tx: Transaction, fresh: Iterable[tuple[Row, Sequence[Row]]]) -> None:
    """Add customers that are not in the index: the row of each with its ways of contact, as written.

    A person at the customer may stand among these as a point of any kind but phone.
    """
    if tx.dialect != "sqlite":
        return
    _add(
        tx,
        {
            row["id"]: grams(
                [row["name"], *(point["value"] for point in points if point["kind"] != _PHONE)],
                [point["normal"] for point in points if point["kind"] == _PHONE],
                row["tags"],
                row["owner_id"],
                row["branch_id"],
            )
            for row, points in fresh
        },
    )


def _add(tx: Transaction, entries: Mapping[str, str]) -> None:
    """Add the terms of customers by id."""
    if not entries:
        return
    last = tx.scalar(_LAST) or 0  # nobody else writes meanwhile
    numbered = [
        {"no": no, "customer_id": one, "grams": terms}
        for no, (one, terms) in enumerate(entries.items(), start=last + 1)
    ]
    tx.insert_all(search_entry, numbered)
    tx.change_all(search_entry, _ADD, numbered)


def match_expression(typed: str, scope: Scope, owner_id: str = "") -> str | None:
    """Return the index query for what a person typed within a scope; None: nothing can match.

    Several words must all match. Fewer than DIGITS digits match nothing. With ``owner_id`` only that
    person's customers match, whose terms the index meets first: hundreds instead of a million.
    """
    terms: list[str] = []
    for word in _words(typed):
        found = _word_terms(word)
        if not found:
            return None
        terms += found
    limits = _scope_terms(scope)
    if not terms or limits is None:
        return None
    own = [f'"{_OWNER}{owner_id}"'] if owner_id else []
    return " AND ".join(terms + limits + own)


def newest_matches(tx: Transaction, expression: str, limit: int) -> list[int]:
    """Return the numbers (``search_entry.no``) that match an index query, the latest indexed first.

    The index walks backwards and stops at ``limit``: as fast for half of all customers as for a few.
    """
    return [row[0] for row in tx.rows(_NEWEST, {"q": expression, "n": limit})]


def _entries(tx: Transaction, these: Mapping[str, str]) -> dict[str, str]:
    """Return the index terms of the customers that are not archived."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    numbers: defaultdict[str, list[str]] = defaultdict(list)
    for point in tx.rows(_POINTS, these):
        (numbers if point.kind == _PHONE else names)[point.customer_id].append(
            point.normal if point.kind == _PHONE else point.value
        )
    for one in tx.rows(_CONTACTS, these):
        names[one.customer_id].append(one.name)
        numbers[one.customer_id].append(one.phone)
    return {
        row.id: grams(
            [row.name, *names[row.id]], numbers[row.id], row.tags or [], row.owner_id, row.branch_id
        )
        for row in tx.rows(_CUSTOMERS, these)
    }


def _of_these(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a column is one of ``ids``, a JSON list: one value for any number."""
    return column.in_(select(func.json_each(bindparam("ids", type_=String)).table_valued("value").c.value))


_OLD = Ready(select(search_entry).where(_of_these(search_entry.c.customer_id)))
_LAST = Ready(select(func.max(search_entry.c.no).label("last")))
_POINTS = Ready(
    select(contact_point.c.customer_id, contact_point.c.kind, contact_point.c.normal, contact_point.c.value)
    .where(_of_these(contact_point.c.customer_id))
    .order_by(contact_point.c.id)
)
_CONTACTS = Ready(
    select(contact.c.customer_id, contact.c.name, contact.c.phone).where(
        _of_these(contact.c.customer_id), contact.c.archived_at.is_(None)
    )
)
_CUSTOMERS = Ready(
    select(customer.c.id, customer.c.name, customer.c.tags, customer.c.owner_id, customer.c.branch_id).where(
        _of_these(customer.c.id), customer.c.archived_at.is_(None)
    )
)


def _name_terms(name: str) -> set[str]:
    folded = fold(name)
    terms: set[str] = set()
    runs = _HAN.findall(folded)
    for run in runs:
        terms |= set(run) | {run[at : at + 2] for at in range(len(run) - 1)}
    stems = set() if runs == [folded] else set(_WORD.findall(fold_words(name)))
    if terms:
        stems |= initials(folded) | full(folded)
    for stem in stems:
        terms.add(stem)
        terms |= {_STEM + stem[:length] for length in range(1, PREFIX + 1)}
    for number in _NUMBER.findall(folded):
        terms |= {number[at : at + DIGITS] for at in range(len(number) - DIGITS + 1)}
    return terms


def fold_words(name: str) -> str:
    """Return the name folded for comparing with its blanks kept, so that words stay words."""
    return " ".join(fold(part) for part in name.split())


def _words(typed: str) -> list[str]:
    return [word for word in fold_words(typed).split() if word]


def _word_terms(word: str) -> list[str]:
    """Return the query terms of one typed word; empty: the index cannot find it."""
    if word.startswith("#"):
        return [f'"{_TAG}{_plain(word[1:])}"'] if _plain(word[1:]) else []
    terms: list[str] = []
    for run in _HAN.findall(word):
        pairs = [run[at : at + 2] for at in range(len(run) - 1)] or [run]
        terms += [f'"{pair}"' for pair in pairs]
    for stem in _WORD.findall(word):
        terms.append(f'"{_STEM}{stem}"' if len(stem) <= PREFIX else f'"{stem}"*')
    for number in _NUMBER.findall(word):
        if len(number) < DIGITS:
            return []
        terms += [f'"{number[at : at + DIGITS]}"' for at in range(len(number) - DIGITS + 1)]
    return terms


def _scope_terms(scope: Scope) -> list[str] | None:
    """Return the scope as query terms: none for everything, None where the scope sees nothing."""
    if scope.everything:
        return []
    if scope.branches:
        who = [f'"{_BRANCH}{branch}"' for branch in sorted(scope.branches)]
    else:
        who = [f'"{_OWNER}{one}"' for one in sorted(scope.people)]
    return [f"({' OR '.join(who)})"] if who else None


def _plain(tag: str) -> str:
    """Return a tag as one term: letters and digits only, because the tokenizer splits at the rest."""
    return "".join(char for char in fold(tag) if char.isalnum())
