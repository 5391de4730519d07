"""The fingerprint of a row: a terminal and its hub compare sums of them to know that they hold the same.

A terminal compares by itself, a table an hour, so that neither it nor the hub reads everything at once; at
which table it begins follows from its id, so that not all of them ask for the longest table together.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table

from crm_tui.store.outbox import fact, set_facts
from crm_tui.store.replicated import REPLICATED
from crm_tui.store.transaction import Transaction
from crm_tui.store.types import instant_of, microseconds

EACH = timedelta(hours=1)
"""How long after one table the next one is compared."""


def fingerprint(row: Sequence[Any]) -> int:
    """Return 60 bits of the blake2b hash of a row as it travels."""
    told = json.dumps(list(row), ensure_ascii=False, separators=(",", ":"))
    return int.from_bytes(hashlib.blake2b(told.encode(), digest_size=8).digest(), "big") >> 4


def turn(tx: Transaction, now: datetime) -> Table | None:
    """Return the table that is to be compared now, None where it is too early."""
    at = int(fact(tx, "hub_compared_at", "0"))
    if at and timedelta() <= now - instant_of(at) < EACH:
        return None
    names = [table.name for table in REPLICATED]
    last = fact(tx, "hub_compared")
    place = names.index(last) if last in names else zlib.crc32(fact(tx, "device_id").encode())
    return REPLICATED[(place + 1) % len(REPLICATED)]


def note_turn(tx: Transaction, table: Table, now: datetime) -> None:
    """Note that a table was compared."""
    set_facts(tx, hub_compared=table.name, hub_compared_at=str(microseconds(now)))
