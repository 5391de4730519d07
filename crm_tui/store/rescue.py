"""What can still be read of a damaged database: the commands in its outbox, a line of JSON each."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crm_tui.store.file_checks import MAGIC, promised_size
from crm_tui.store.leaf_pages import leaf_rows

_FIELDS = ("seq", "cmd_id", "batch_id", "device_id", "actor_id", "kind", "version", "args", "at", "state")
_NUMBERS = {"seq", "version", "at"}
_ID = re.compile(r"[0-9a-f]{32}")


def rescue_outbox(path: Path) -> list[dict[str, Any]]:
    """Return the outbox rows that can still be read, in order; the damaged file is not changed.

    Where reading through the table's tree breaks off, the rest is read from the pages themselves: a
    broken page costs only what stood on it.
    """
    with TemporaryDirectory(prefix="crm-tui-rescue-") as folder:
        copy = _mended_copy(path, Path(folder))
        found: dict[int, dict[str, Any]] = {}
        if not _by_the_tree(copy, found):
            found = {row["seq"]: row for row in _on_the_pages(copy)} | found
    return [found[seq] for seq in sorted(found)]


def _by_the_tree(copy: Path, found: dict[int, dict[str, Any]]) -> bool:
    """Add the rows up to the first that SQLite cannot read; tell whether there was no such row."""
    try:
        with closing(sqlite3.connect(copy)) as plain:
            for values in plain.execute(f"SELECT {', '.join(_FIELDS)} FROM outbox ORDER BY seq"):  # noqa: S608 - our words
                row = dict(zip(_FIELDS, values, strict=True))
                found[row["seq"]] = row | {"args": json.loads(row["args"])}
    except (sqlite3.DatabaseError, ValueError):
        return False
    return True


def _on_the_pages(copy: Path) -> Iterator[dict[str, Any]]:
    """Yield what looks like a row of the outbox on any page; the newest comes last."""
    for seq, values in leaf_rows(copy, len(_FIELDS)):
        row = dict(zip(_FIELDS, values, strict=False)) | {"seq": seq}  # newer files have columns behind these
        kinds = all(isinstance(row[name], int if name in _NUMBERS else str) for name in _FIELDS)
        if values[0] is None and kinds and _ID.fullmatch(str(row["cmd_id"])):
            with suppress(ValueError):
                yield row | {"args": json.loads(str(row["args"]))}


def _mended_copy(path: Path, folder: Path) -> Path:
    """Copy the file and its log, with the head's first bytes put right and what was cut off made blank."""
    copy = folder / "copy.db"
    for ending in ("", "-wal"):
        part = path.with_name(f"{path.name}{ending}")
        if part.is_file():
            shutil.copyfile(part, copy.with_name(f"{copy.name}{ending}"))
    with copy.open("r+b") as stream:
        stream.write(MAGIC)
    with copy.open("rb") as stream:
        promised, size = promised_size(stream.read(100)), copy.stat().st_size
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
