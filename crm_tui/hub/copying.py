"""Taking the rows of a terminal over into a hub's PostgreSQL database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert, select, text

from crm_tui.domain.errors import Refused
from crm_tui.hub.postgres import shown
from crm_tui.hub.tables import ORG
from crm_tui.store.replicated import REPLICATED
from crm_tui.store.tables import credential, edit_lease, outbox
from crm_tui.store.transaction import Transaction

_COPIED: tuple[Table, ...] = (*REPLICATED, credential, outbox)
CARRIED: tuple[Table, ...] = (*_COPIED, edit_lease)
"""What a hub's PostgreSQL database has of a terminal's tables: the others are a terminal's own."""

Progress = Callable[[int], None]
"""Told how many rows are copied so far."""
_PORTION = 2_000


def copy_rows(
    source: Transaction,
    target: Transaction,
    url: str,
    *,
    org: str,
    name: str,
    now: int,
    progress: Progress,
) -> None:
    """Copy every row of the business, people's PINs and the outbox; enter the organisation.

    ``progress`` is told now and then how many rows are copied.

    Raises:
        Refused: hub_exists (url).
    """
    known = text(f"SELECT 1 FROM organisation WHERE {ORG} = :org")  # noqa: S608 - a name of ours
    if target.connection.execute(known, {"org": org}).first() is not None:
        raise Refused("hub_exists", url=shown(url))
    entered = text(f"INSERT INTO organisation ({ORG}, name, founded_at) VALUES (:org, :name, :now)")  # noqa: S608
    target.connection.execute(entered, {"org": org, "name": name, "now": now})
    target.connection.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    copied = 0
    for table in _COPIED:
        for rows in _portions(source, table):
            target.connection.execute(insert(table).inline(), rows)
            copied += len(rows)
            progress(copied)
    _take_statistics(target.connection)


def _take_statistics(connection: Connection) -> None:
    """Let PostgreSQL's planner know of the rows of this transaction, of which its own helpers know nothing.

    Without it a question about a hundred customers reads all of them, once for each.
    """
    role = connection.scalar(text("SELECT current_user"))
    connection.execute(text("SET LOCAL ROLE NONE"))  # the owner of the tables alone may
    connection.execute(text("ANALYZE " + ", ".join(table.name for table in CARRIED)))
    connection.execute(text(f'SET LOCAL ROLE "{role}"'))


def _portions(source: Transaction, table: Table) -> Iterator[Sequence[Mapping[str, Any]]]:
    found = source.connection.execute(select(table).execution_options(yield_per=_PORTION))
    for portion in found.mappings().partitions():
        yield [dict(row) for row in portion]
