"""A terminal's copy of its hub's rows, and the way back to it from what the terminal did on its own.

While commands wait for the hub's answer, triggers keep how each row was before. A rebase puts the rows back,
takes over what the hub says, and lets the waiting commands be carried out anew (I5, I14).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Row, Table, select, text

from crm_tui.store.outbox import drop_facts, set_facts
from crm_tui.store.replicated import (
    REPLICATED,
    column_names,
    has_key,
    key_columns,
    plain,
    replicated,
)
from crm_tui.store.search import index_customers
from crm_tui.store.tables import contact, contact_point, customer, sync_cursor, sync_undo
from crm_tui.store.transaction import Transaction

_QUIET = "sync_quiet"
_KEYS = 500
_FIRST = text(
    "SELECT tbl, key, before FROM sync_undo WHERE no IN (SELECT min(no) FROM sync_undo GROUP BY tbl, key)"
)
_FOUND_BY = ("name", "tags", "owner_id", "branch_id", "archived_at")
"""What the search index knows of a customer."""


def keep_undo(tx: Transaction) -> None:
    """Begin to keep how rows were: from now on this terminal has a hub."""
    for statement in _triggers():
        tx.connection.exec_driver_sql(statement)


def has_undo(tx: Transaction) -> int:
    """Return how many changes can be put back."""
    return int(tx.scalar(text("SELECT count(*) FROM sync_undo")))


class Rebase:
    """One taking over of what the hub says, in one transaction of the terminal."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._search: set[str] = set()

    @contextmanager
    def hub_state(self) -> Iterator[None]:
        """Put the rows back as the hub last had them, let them be changed, and then begin to note again."""
        set_facts(self._tx, **{_QUIET: "1"})
        self._put_back()
        yield
        self._index()
        self._tx.delete_where(sync_undo)
        drop_facts(self._tx, _QUIET)

    def clear(self) -> None:
        """Remove every row of the business: the hub tells all of it anew."""
        self._search |= set(self._tx.scalars(select(customer.c.id)))
        for table in reversed(REPLICATED):
            self._tx.delete_where(table)
        self._tx.delete_where(sync_cursor)

    def put(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Take rows over; columns this program does not know are left, those it misses stay as they are."""
        table = replicated(name)
        if table is None or not rows:
            return
        known = [(place, column) for place, column in enumerate(columns) if column in table.c]
        names = tuple(column for _, column in known)
        values = [tuple(row[place] for place, _ in known) for row in rows]
        self._found_otherwise(table, names, values)
        self._tx.connection.exec_driver_sql(_upsert(table, names), values)
        self._tx.changed.add(name)

    def remove(self, name: str, keys: Sequence[str]) -> None:
        """Take away rows that are gone at the hub or no longer this terminal's."""
        table = replicated(name)
        if table is None:
            return
        for start in range(0, len(keys), _KEYS):
            portion = keys[start : start + _KEYS]
            self._search |= _customers_behind(self._tx, table, portion)
            self._tx.delete_where(table, has_key(table, portion))

    def _put_back(self) -> None:
        """Give every changed row the values it had before the first change."""
        before: dict[str, list[list[Any]]] = {}
        fresh: dict[str, list[str]] = {}
        for row in self._tx.rows(_FIRST):
            if row.before is None:
                fresh.setdefault(row.tbl, []).append(row.key)
            else:
                before.setdefault(row.tbl, []).append(json.loads(row.before))
        for name, keys in fresh.items():
            self.remove(name, keys)
        for name, rows in before.items():
            table = replicated(name)
            assert table is not None, "triggers stand only on tables that are replicated"
            self.put(name, column_names(table), rows)

    def _found_otherwise(self, table: Table, names: Sequence[str], values: Sequence[Sequence[Any]]) -> None:
        """Note the customers that will be found under other words from now on."""
        at = {name: place for place, name in enumerate(names)}
        if table is customer:
            watched = [name for name in _FOUND_BY if name in at]
            new = {row[at["id"]]: tuple(row[at[name]] for name in watched) for row in values}
            old = _as_found(self._tx, sorted(new), watched)
            self._search |= {one for one, words in new.items() if old.get(one) != words}
        elif table in {contact, contact_point} and "customer_id" in at:
            self._search |= {row[at["customer_id"]] for row in values}

    def _index(self) -> None:
        ids = sorted(self._search)
        for start in range(0, len(ids), _KEYS):
            index_customers(self._tx, ids[start : start + _KEYS])


def cursors(tx: Transaction) -> dict[str, int]:
    """Return how far each space has been read."""
    return {row.space: row.rev for row in tx.rows(select(sync_cursor))}


def set_cursors(tx: Transaction, revs: Mapping[str, int]) -> None:
    """Note how far each space has been read; spaces that are not named are no longer read."""
    tx.delete_where(sync_cursor)
    tx.insert_all(sync_cursor, [{"space": space, "rev": rev} for space, rev in sorted(revs.items())])


def stored_rows(tx: Transaction, table: Table) -> Iterable[Row[Any]]:
    """Return the rows of a table as they travel."""
    return tx.connection.execute(plain(table))


def _as_found(tx: Transaction, ids: Sequence[str], watched: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    names = ", ".join(f'"{name}"' for name in ("id", *watched))
    for start in range(0, len(ids), _KEYS):
        portion = ids[start : start + _KEYS]
        marks = ", ".join("?" * len(portion))
        asked = f"SELECT {names} FROM customer WHERE id IN ({marks})"
        for row in tx.connection.exec_driver_sql(asked, tuple(portion)):
            found[row[0]] = tuple(row[1:])
    return found


def _customers_behind(tx: Transaction, table: Table, keys: Sequence[str]) -> set[str]:
    if table is customer:
        return set(keys)
    if table in {contact, contact_point}:
        return set(tx.scalars(select(table.c.customer_id).where(has_key(table, keys))))
    return set()


def _upsert(table: Table, names: Sequence[str]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    keys = key_columns(table)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in keys)
    then = f"UPDATE SET {changes}" if changes else "NOTHING"
    return (
        f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks}) ON CONFLICT ({", ".join(keys)}) DO {then}'
    )


def _triggers() -> Iterator[str]:
    for table in REPLICATED:
        old = ", ".join(f'OLD."{name}"' for name in column_names(table))
        for deed, side, before in (
            ("INSERT", "NEW", "NULL"),
            ("UPDATE", "OLD", f"json_array({old})"),
            ("DELETE", "OLD", f"json_array({old})"),
        ):
            key = " || char(31) || ".join(f'{side}."{name}"' for name in key_columns(table))
            yield (
                f"CREATE TRIGGER IF NOT EXISTS undo_{table.name}_{deed.lower()}"
                f' AFTER {deed} ON "{table.name}"'
                f" WHEN NOT EXISTS (SELECT 1 FROM meta WHERE name = '{_QUIET}')"
                f" BEGIN INSERT INTO sync_undo (tbl, key, before)"
                f" VALUES ('{table.name}', {key}, {before}); END"
            )
