"""The seal on the log: each entry of a device hashes the one before it (decision 0008)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from crm_tui.store.types import microseconds


def chain(last_hash: str, entries: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the entries of one device's log with ``prev_hash`` and ``hash``: each seals the one before it."""
    for entry in entries:
        sealed_by = chain_hash(last_hash, entry)
        yield {**entry, "prev_hash": last_hash, "hash": sealed_by}
        last_hash = sealed_by


def chain_hash(last_hash: str, entry: Any) -> str:
    """Return the hash (blake2b, 128 bits) of an entry of the log and the hash before it."""
    said = [last_hash, entry["cmd_id"], entry["device_id"], entry["seq"], entry["actor_id"], entry["kind"]]
    said += [entry["version"], entry["args"], microseconds(entry["client_at"]), microseconds(entry["hub_at"])]
    said += [entry["status"], entry["code"], entry["details"], entry["batch_id"], entry["supersedes"]]
    said.append(entry["address"])
    told = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()
