"""The feed: what a transaction changed becomes, as its last deed, a new revision of each space it touched.

The counter of a space is moved last, under its row's lock: a sequence as cursor misses rows under several
writers, and the counter taken first lets only one writer work at a time (I2, I3).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import Table, Text, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from crm_tui.hub.spaces import customers_of, hanging_on, notes_on, spaces_of
from crm_tui.hub.tables import feed, key_of, space_rev
from crm_tui.hub.touched import Touched
from crm_tui.store.prepared import Ready
from crm_tui.store.replicated import replicated
from crm_tui.store.sql import is_listed
from crm_tui.store.tables import customer, deal, import_row
from crm_tui.store.transaction import Transaction

_MOVE = (
    update(space_rev)
    .where(space_rev.c.space == bindparam("the_space"))
    .values(rev=space_rev.c.rev + 1)
    .returning(space_rev.c.rev)
)

_STANDING = Ready(
    select(feed.c.key, feed.c.space).where(
        feed.c.tbl == bindparam("the_table"),
        is_listed(feed.c.key, bindparam("keys", type_=Text)),
        feed.c.live,
    )
)

Entry = tuple[str, str, str]
"""A space, a table's name and a row's key."""


def publish(tx: Transaction, touched: Touched) -> dict[str, int]:
    """Write the feed of what was touched; return the new revision of each space that saw a change."""
    entries = _entries(tx, touched)
    revs = {space: _next_rev(tx, space) for space in sorted({space for space, _, _ in entries})}
    _write(tx, entries, revs)
    return revs


def _entries(tx: Transaction, touched: Touched) -> dict[Entry, bool]:
    """Return which rows stand in which space, and where they no longer do."""
    work = {name: set(keys) for name, keys in touched.items()}
    if deal.name in work:  # a deal brings its customer's card into its own branch
        work.setdefault(customer.name, set()).update(customers_of(tx, work[deal.name]))
    noted = work.pop(import_row.name, set())
    notes: set[str] = set()
    entries: dict[Entry, bool] = {}
    for parent in (customer, deal):
        moved = _of_table(tx, parent.name, work.pop(parent.name, set()), entries)
        notes |= notes_on(tx, parent, moved)
        for child, keys in hanging_on(tx, parent, moved).items() if moved else ():
            work.setdefault(child, set()).update(_strayed(tx, child, keys))
    for name, keys in work.items():
        notes |= notes_on(tx, _table(name), _of_table(tx, name, keys, entries))
    _of_table(tx, import_row.name, noted | _strayed(tx, import_row.name, notes), entries)
    return entries


def _of_table(tx: Transaction, name: str, keys: set[str], entries: dict[Entry, bool]) -> set[str]:
    """Enter the rows of one table; return the keys of those that may have moved, or are gone.

    Where a row stood in several spaces, or does, the feed does not say which of them was its own: a customer
    of two branches goes from one to the other and is in both before and after.
    """
    now, before = spaces_of(tx, _table(name), keys), _known_spaces(tx, name, keys)
    moved: set[str] = set()
    for key in keys:
        here, there = now.get(key, frozenset()), before.get(key, frozenset())
        for space in here:
            entries[space, name, key] = True
        for space in there - here:
            entries[space, name, key] = False
        if there and (there != here or len(here) > 1):
            moved.add(key)
    return moved


def _strayed(tx: Transaction, name: str, keys: set[str]) -> set[str]:
    """Return the keys of the rows that are elsewhere than the feed says."""
    now, before = spaces_of(tx, _table(name), keys), _known_spaces(tx, name, keys)
    return {key for key in keys if now.get(key, frozenset()) != before.get(key, frozenset())}


def _known_spaces(tx: Transaction, name: str, keys: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Return where the feed says the rows are."""
    found: dict[str, frozenset[str]] = {}
    for row in tx.rows(_STANDING, {"the_table": name, "keys": json.dumps(sorted(keys))}):
        found[row.key] = found.get(row.key, frozenset()) | {row.space}
    return found


def _next_rev(tx: Transaction, space: str) -> int:
    rev = tx.scalar(_MOVE, {"the_space": space})
    if rev is None:
        dialect = sqlite if tx.dialect == "sqlite" else postgresql
        fresh = dialect.insert(space_rev).values(space=space, rev=1)
        rev = tx.scalar(
            fresh.on_conflict_do_update(
                index_elements=key_of(tx.dialect, space_rev), set_={"rev": space_rev.c.rev + 1}
            ).returning(space_rev.c.rev)
        )
    return int(rev)


def _write(tx: Transaction, entries: Mapping[Entry, bool], revs: Mapping[str, int]) -> None:
    if not entries:
        return
    dialect = sqlite if tx.dialect == "sqlite" else postgresql
    fresh = dialect.insert(feed)
    upsert = fresh.on_conflict_do_update(
        index_elements=key_of(tx.dialect, feed),
        set_={"rev": fresh.excluded.rev, "live": fresh.excluded.live},
    )
    tx.connection.execute(
        upsert,
        [
            {"space": space, "tbl": name, "key": key, "rev": revs[space], "live": live}
            for (space, name, key), live in sorted(entries.items())
        ],
    )


def _table(name: str) -> Table:
    table = replicated(name)
    assert table is not None, "only known tables are touched"
    return table
