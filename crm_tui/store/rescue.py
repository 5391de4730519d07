"""What can still be read of a damaged database: the commands in its outbox, a line of JSON each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

_FIELDS = ("seq", "cmd_id", "batch_id", "device_id", "actor_id", "kind", "version", "args", "at", "state")


def rescue_outbox(path: Path) -> list[dict[str, Any]]:
    """Return the outbox rows that can still be read, in order; the damaged file is not changed.

    Each row is tried by itself, from both ends, so one broken page costs only what stood on it.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as plain:
            forwards = {row["seq"]: row for row in _rows(plain, "ASC")}
            backwards = {row["seq"]: row for row in _rows(plain, "DESC")}
    except sqlite3.DatabaseError:
        return []
    return [row for _, row in sorted((forwards | backwards).items())]


def export_outbox(path: Path, target: Path) -> int:
    """Write the outbox rows that can still be read to ``target``, a JSON object a line; return how many."""
    rows = rescue_outbox(path)
    with target.open("x", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return len(rows)


def _rows(plain: sqlite3.Connection, order: str) -> Iterator[dict[str, Any]]:
    """Yield rows until the first that cannot be read."""
    try:
        found = plain.execute(f"SELECT {', '.join(_FIELDS)} FROM outbox ORDER BY seq {order}")  # noqa: S608
        for values in found:
            row = dict(zip(_FIELDS, values, strict=True))
            yield row | {"args": json.loads(row["args"])}
    except (sqlite3.DatabaseError, ValueError):
        return
