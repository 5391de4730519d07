"""Copying the rows of a hub or a terminal into another database, whichever kind each of the two is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Table, insert, select, text

from crm_tui.hub.tables import HUB_TABLES, ORG
from crm_tui.store.replicated import REPLICATED, plain, settled
from crm_tui.store.tables import credential, edit_lease, outbox
from crm_tui.store.transaction import Transaction
from crm_tui.sync.digests import fingerprint

FOUNDING: tuple[Table, ...] = (*REPLICATED, credential, outbox)
"""What a hub is made of: every row of the business, people's PINs and the outbox of a terminal."""
CARRIED: tuple[Table, ...] = (*FOUNDING, edit_lease)
"""What a hub's PostgreSQL database has of a terminal's tables: the others are a terminal's own."""
WHOLE: tuple[Table, ...] = (*CARRIED, *HUB_TABLES)
"""Everything that a hub keeps."""

Progress = Callable[[int], None]
"""Told how many rows are copied so far."""
_PORTION = 2_000
_CHECK_LATER = {"sqlite": "PRAGMA defer_foreign_keys = ON", "postgresql": "SET CONSTRAINTS ALL DEFERRED"}


def in_silence(_rows: int) -> None:
    """Tell nobody how far it is."""


def enter_organisation(target: Transaction, *, org: str, name: str, now: int) -> bool:
    """Enter an organisation in a PostgreSQL database; tell whether it was not there yet."""
    into = f"INSERT INTO organisation ({ORG}, name, founded_at)"
    entered = text(f"{into} VALUES (:org, :name, :now) ON CONFLICT DO NOTHING")
    return bool(target.connection.execute(entered, {"org": org, "name": name, "now": now}).rowcount)


def copy_rows(
    source: Transaction, target: Transaction, tables: Sequence[Table], progress: Progress = in_silence
) -> None:
    """Copy every row of some tables in portions; ``progress`` is told now and then how many are copied."""
    _check_later(target)
    copied, filled = 0, []
    for table in tables:
        before = copied
        with source.connection.execute(select(table).execution_options(yield_per=_PORTION)) as found:
            for portion in found.mappings().partitions():
                target.connection.execute(insert(table).inline(), [dict(row) for row in portion])
                copied += len(portion)
                progress(copied)
        filled += [table] if copied > before else []
    if target.dialect == "postgresql" and filled:
        _take_statistics(target.connection, filled)


def remove_rows(tx: Transaction, tables: Sequence[Table]) -> None:
    """Remove every row of some tables, of the one organisation that the transaction sees."""
    _check_later(tx)
    for table in tables:
        tx.delete_where(table)


def digests_of(tx: Transaction, tables: Sequence[Table]) -> dict[str, str]:
    """Return a fingerprint of each table's rows, the same on every kind of database."""
    found: dict[str, str] = {}
    for table in tables:
        with tx.connection.execute(plain(table).execution_options(yield_per=_PORTION)) as rows:
            found[table.name] = f"{sum(fingerprint(settled(row)) for row in rows) % 2**60:015x}"
    return found


def _check_later(tx: Transaction) -> None:
    """Let references lead nowhere until the transaction ends."""
    tx.connection.execute(text(_CHECK_LATER[tx.dialect]))


def _take_statistics(connection: Connection, tables: Sequence[Table]) -> None:
    """Let PostgreSQL's planner know of the rows of this transaction, of which its own helpers know nothing.

    Without it a question about a hundred customers reads all of them, once for each. Tables without rows are
    left out: told that they are empty, the planner would go on reading them whole while they grow.
    """
    role = connection.scalar(text("SELECT current_user"))
    connection.execute(text("SET LOCAL ROLE NONE"))  # the owner of the tables alone may
    connection.execute(text("ANALYZE " + ", ".join(table.name for table in tables)))
    connection.execute(text(f'SET LOCAL ROLE "{role}"'))
