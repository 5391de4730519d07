"""In which spaces a row lives: the whole organisation's, or those of branches.

A row belongs to the space of the branch that works on it; what hangs on a customer or a deal lives where
that lives. A customer is also in the space of each branch that has a deal with it, so that the deal's card
can name it; the customer's numbers, notes and history are not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, bindparam, select

from crm_tui.hub.touched import Touched
from crm_tui.store.prepared import Ready
from crm_tui.store.replicated import column_names, has_key, key_text, replicated
from crm_tui.store.sql import is_listed
from crm_tui.store.tables import (
    contact,
    contact_plan,
    contact_point,
    customer,
    deal,
    follow_up,
    import_row,
    lead,
    ownership_event,
    stage_evidence,
    stage_visit,
)
from crm_tui.store.transaction import Transaction
from crm_tui.sync.messages import WIDE

Spaces = Mapping[str, frozenset[str]]
"""The spaces of living rows by key; a key that is missing is of a row that is gone."""

OF_CUSTOMER = (contact_point, contact, ownership_event, follow_up, contact_plan)
OF_DEAL = (stage_visit, stage_evidence)
_PORTION = 500

_KEYS = bindparam("keys", type_=Text)
_DEALING = Ready(
    select(deal.c.customer_id, deal.c.branch_id).where(is_listed(deal.c.customer_id, _KEYS)).distinct()
)
_DEALT_WITH = Ready(
    select(deal.c.customer_id).where(is_listed(deal.c.id, _KEYS), deal.c.customer_id.is_not(None))
)
_BRANCHES: dict[Table, Ready] = {}


_OWN = {
    "source": "",
    "tags": "[]",
    "address": "",
    "birthday": None,
    "resident_id": None,
    "uscc": None,
    "note": "",
    "extra": "{}",
    "external_id": None,
    "phone": "",
    "next_step": "",
}
"""What only the branch that works on a customer is told, and how it reads elsewhere."""


def as_shown(table: Table, row: Sequence[Any], scope: Collection[str]) -> Sequence[Any]:
    """Return a row as it travels to a terminal with these spaces (I10)."""
    if table is not customer or row[_place("branch_id")] in scope:
        return row
    shown = list(row)
    for name, value in _OWN.items():
        shown[_place(name)] = value
    return shown


@cache
def _place(name: str) -> int:
    return column_names(customer).index(name)


def spaces_of(tx: Transaction, table: Table, keys: Iterable[str]) -> Spaces:
    """Return where the rows with these keys live."""
    wanted = sorted(keys)
    found: dict[str, frozenset[str]] = {}
    for start in range(0, len(wanted), _PORTION):
        found |= _OF.get(table.name, _wide)(tx, table, wanted[start : start + _PORTION])
    return found


def hanging_on(tx: Transaction, table: Table, keys: Iterable[str]) -> Touched:
    """Return the rows that live where these customers or deals live."""
    children, column = (OF_CUSTOMER, "customer_id") if table is customer else (OF_DEAL, "deal_id")
    found: Touched = {child.name: set() for child in children}
    wanted = sorted(keys)
    for start in range(0, len(wanted), _PORTION):
        portion = wanted[start : start + _PORTION]
        for child in children:
            found[child.name].update(tx.scalars(select(child.c.id).where(child.c[column].in_(portion))))
    return found


def notes_on(tx: Transaction, table: Table, keys: Iterable[str]) -> set[str]:
    """Return the notes that imports have made of these rows: they live where the rows do."""
    wanted = sorted(keys)
    found: set[str] = set()
    for start in range(0, len(wanted), _PORTION):
        portion = wanted[start : start + _PORTION]
        asked = select(import_row.c.id).where(
            import_row.c.kind == table.name, import_row.c.row_id.in_(portion)
        )
        found |= set(tx.scalars(asked))
    return found


def customers_of(tx: Transaction, deal_ids: Iterable[str]) -> set[str]:
    """Return the customers of these deals."""
    return {row.customer_id for row in tx.rows(_DEALT_WITH, _given(sorted(deal_ids)))}


def _wide(tx: Transaction, table: Table, keys: list[str]) -> Spaces:
    columns = list(table.primary_key.columns)
    return {key_text(row): frozenset({WIDE}) for row in tx.rows(select(*columns).where(has_key(table, keys)))}


def _own(tx: Transaction, table: Table, keys: list[str]) -> Spaces:
    return _by_branch(tx, table, keys, table.c.branch_id)


def _of_customer(tx: Transaction, table: Table, keys: list[str]) -> Spaces:
    branch = select(customer.c.branch_id).where(customer.c.id == table.c.customer_id).scalar_subquery()
    return _by_branch(tx, table, keys, branch)


def _of_deal(tx: Transaction, table: Table, keys: list[str]) -> Spaces:
    branch = select(deal.c.branch_id).where(deal.c.id == table.c.deal_id).scalar_subquery()
    return _by_branch(tx, table, keys, branch)


def _by_branch(tx: Transaction, table: Table, keys: list[str], branch: ColumnElement[str]) -> Spaces:
    if table not in _BRANCHES:
        asked = select(table.c.id, branch.label("branch"))
        _BRANCHES[table] = Ready(asked.where(is_listed(table.c.id, _KEYS)))
    return {row.id: frozenset({row.branch}) for row in tx.rows(_BRANCHES[table], _given(keys))}


def _given(keys: Sequence[str]) -> dict[str, str]:
    return {"keys": json.dumps(keys)}


def _of_customers(tx: Transaction, table: Table, keys: list[str]) -> Spaces:
    found = dict(_own(tx, table, keys))
    for row in tx.rows(_DEALING, _given(keys)):
        if row.customer_id in found:
            found[row.customer_id] |= {row.branch_id}
    return found


def _of_import_row(tx: Transaction, table: Table, keys: list[str]) -> Spaces:
    """What an import did to a row is known where the row is worked on, and nowhere once it is gone."""
    asked = select(table.c.id, table.c.kind, table.c.row_id).where(table.c.id.in_(keys))
    meant: dict[str, dict[str, list[str]]] = {}
    for note in tx.rows(asked):
        meant.setdefault(note.kind, {}).setdefault(note.row_id, []).append(note.id)
    found: dict[str, frozenset[str]] = {}
    for kind, rows in meant.items():
        where = _worked_on(tx, kind, list(rows))
        for row_id, notes in rows.items():
            found |= dict.fromkeys(notes, where.get(row_id, frozenset()))
    return found


def _worked_on(tx: Transaction, kind: str, keys: list[str]) -> Spaces:
    """Return where rows are worked on: a customer in its own branch, not where a deal names it."""
    of_kind = replicated(kind)
    if of_kind is None:
        return dict.fromkeys(keys, frozenset({WIDE}))
    return _own(tx, of_kind, keys) if of_kind is customer else spaces_of(tx, of_kind, keys)


_OF: Mapping[str, Callable[[Transaction, Table, list[str]], Spaces]] = {
    customer.name: _of_customers,
    deal.name: _own,
    lead.name: _own,
    import_row.name: _of_import_row,
    **{table.name: _of_customer for table in OF_CUSTOMER},
    **{table.name: _of_deal for table in OF_DEAL},
}
