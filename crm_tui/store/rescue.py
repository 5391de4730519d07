"""What can still be read of a damaged database: the commands in its outbox, a line of JSON each."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crm_tui.store.file_checks import MAGIC, promised_size

_FIELDS = ("seq", "cmd_id", "batch_id", "device_id", "actor_id", "kind", "version", "args", "at", "state")


def rescue_outbox(path: Path) -> list[dict[str, Any]]:
    """Return the outbox rows that can still be read, in order; the damaged file is not changed.

    Where reading in one go breaks off, each row is asked for by itself: a broken page costs only what
    stood on it.
    """
    with TemporaryDirectory(prefix="crm-tui-rescue-") as folder:
        copy = _mended_copy(path, Path(folder))
        try:
            with closing(sqlite3.connect(copy)) as plain:
                found = {
                    row["seq"]: row
                    for order in ("ASC", "DESC")
                    for row in _rows(plain, f"ORDER BY seq {order}")
                }
                for seq in range(1, _last(plain, found) + 1):
                    if seq not in found:
                        found |= {row["seq"]: row for row in _rows(plain, f"WHERE seq = {seq}")}
        except sqlite3.DatabaseError:
            return []
    return [found[seq] for seq in sorted(found)]


def _mended_copy(path: Path, folder: Path) -> Path:
    """Copy the file and its log, with the head's first bytes put right and what was cut off made blank."""
    copy = folder / "copy.db"
    for ending in ("", "-wal"):
        part = path.with_name(f"{path.name}{ending}")
        if part.is_file():
            shutil.copyfile(part, copy.with_name(f"{copy.name}{ending}"))
    with copy.open("r+b") as stream:
        stream.write(MAGIC)
    promised, size = promised_size(copy.read_bytes()[:100]), copy.stat().st_size
    if size < promised <= size * 1_000:
        os.truncate(copy, promised)
    return copy


def export_outbox(path: Path, target: Path) -> int:
    """Write the outbox rows that can still be read to ``target``, a JSON object a line; return how many."""
    rows = rescue_outbox(path)
    for_owner = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(for_owner, "w", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False, default=repr) + "\n")
    return len(rows)


def _last(plain: sqlite3.Connection, found: Collection[int]) -> int:
    """Return the highest number a row may have."""
    try:
        known = plain.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    except sqlite3.DatabaseError:
        known = None
    return max(int(known[0]) if known else 0, *found, 0)


def _rows(plain: sqlite3.Connection, which: str) -> Iterator[dict[str, Any]]:
    """Yield rows until the first that cannot be read."""
    try:
        for values in plain.execute(f"SELECT {', '.join(_FIELDS)} FROM outbox {which}"):  # noqa: S608 - our words
            row = dict(zip(_FIELDS, values, strict=True))
            yield row | {"args": json.loads(row["args"])}
    except (sqlite3.DatabaseError, ValueError):
        return
