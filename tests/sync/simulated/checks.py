"""What must hold of a hub and its terminals when everything is quiet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crm_tui.commands import Envelope, execute
from crm_tui.commands.base import made_id
from crm_tui.hub import identities, push, verify
from crm_tui.hub.books import HubBooks, meta_value
from crm_tui.hub.chain import chain_hash
from crm_tui.hub.pull import spaces_below
from crm_tui.hub.spaces import spaces_of
from crm_tui.hub.tables import command_alias, command_log, device, feed, identity_key
from crm_tui.store import tables as t
from crm_tui.store.replica import stored_rows
from crm_tui.store.replicated import REPLICATED, column_names, key_text, plain, row_key, settled
from crm_tui.store.transaction import Transaction

Rows = Mapping[str, Mapping[str, tuple[Any, ...]]]
Places = Mapping[tuple[str, str], frozenset[str]]
_MOST_MADE = 50
"""More rows than one command of the simulation makes."""


def hub_rows(tx: Transaction) -> Rows:
    """Return every row of the hub as it travels, by table and key."""
    return {
        table.name: {
            row_key(table, dict(zip(column_names(table), row, strict=True))): tuple(settled(row))
            for row in tx.rows(plain(table))
        }
        for table in REPLICATED
    }


def places_of(tx: Transaction) -> Places:
    """Return in which spaces each row is, worked out from the rows alone."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for table in REPLICATED:
        keys = {key_text(row) for row in tx.rows(select(*table.primary_key.columns))}
        found |= {(table.name, key): where for key, where in spaces_of(tx, table, keys).items() if where}
    return found


def check_feed(tx: Transaction, places: Places) -> None:
    """I6, I10: the feed says of every row where it is, and of nothing else."""
    said: dict[tuple[str, str], frozenset[str]] = {}
    for row in tx.rows(select(feed).where(feed.c.live)):
        said[row.tbl, row.key] = said.get((row.tbl, row.key), frozenset()) | {row.space}
    for place in said.keys() | places.keys():
        assert said.get(place) == places.get(place), f"the feed is wrong about {place}"


def check_terminal(tx: Transaction, terminal: Any, rows: Rows, places: Places, known: Any) -> None:
    """I5, I10: a terminal holds what the hub shows it, no more, no less, no other."""
    scope = set(spaces_below(tx, known.unit_id))
    with terminal.desk._books.read() as own:
        for table in REPLICATED:
            names = column_names(table)
            held = {
                row_key(table, dict(zip(names, row, strict=True))): tuple(row)
                for row in stored_rows(own, table)
            }
            shown = {
                key: _seen_from(scope, names, row) if table is t.customer else row
                for key, row in rows[table.name].items()
                if places.get((table.name, key), frozenset()) & scope
            }
            assert held == shown, f"{terminal.name} holds other rows of {table.name} than the hub shows it"


def _seen_from(scope: set[str], names: Sequence[str], row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a customer as a terminal may know it: by name alone where another branch works on it."""
    seen = dict(zip(names, row, strict=True))
    if seen["branch_id"] not in scope:
        seen |= dict.fromkeys(("source", "address", "note", "phone", "next_step"), "")
        seen |= dict.fromkeys(("birthday", "resident_id", "uscc", "external_id")) | {
            "tags": "[]",
            "extra": "{}",
        }
    return tuple(seen[name] for name in names)


def check_log(tx: Transaction, given: set[str]) -> None:
    """I1: every command has one answer, by its id, and the chain of each device is whole."""
    log = tx.rows(select(command_log).order_by(command_log.c.device_id, command_log.c.seq))
    assert {row.cmd_id for row in log} == given, "commands were lost"
    assert len(log) == len(given), "a command was answered twice"
    copies = tx.rows(select(command_alias))
    for owner in tx.rows(select(device)):
        mine = [row for row in log if row.device_id == owner.device_id]
        seqs = [row.seq for row in mine] + [row.seq for row in copies if row.device_id == owner.device_id]
        assert sorted(seqs) == list(range(1, owner.last_seq + 1)), "a device's count has a gap"
        last = ""
        for row in mine:
            assert row.prev_hash == last
            last = chain_hash(last, row._mapping)
            assert row.hash == last, "the log was tampered with"


def check_counts(tx: Transaction) -> None:
    """I1: nothing was done twice, nothing lost: as many follow-ups as were logged."""
    said = ("applied", "flagged")
    kinds = [row.kind for row in tx.rows(select(command_log)) if row.status in said]
    rows = tx.rows(select(t.follow_up))
    assert len(rows) == kinds.count("log_follow_up") + kinds.count("amend_follow_up")


def check_owners(tx: Transaction) -> None:
    """I7: each customer's history goes from owner to owner without a gap, up to the one there is."""
    chains: dict[str, list[Any]] = {}
    for row in tx.rows(select(t.ownership_event)):
        chains.setdefault(row.customer_id, []).append(row)
    for row in tx.rows(select(t.customer)):
        steps = Counter(one.to_owner_id for one in chains[row.id])
        steps.subtract(one.from_owner_id for one in chains[row.id] if one.from_owner_id is not None)
        held = {owner for owner, many in steps.items() if many and owner is not None}
        assert held == ({row.owner_id} if row.owner_id else set()), "an owner whom no event made one"


def check_identities(tx: Transaction) -> None:
    """I8: every number of a living customer has one key, which one of those who have it holds.

    None holds it where the first of several gave it up: one of the others was taken in with a mark.
    """
    secret = meta_value(tx, "key").encode()
    having: dict[tuple[str, str], set[str]] = {}
    for kind, value, owner in identities._identities(tx, sorted(tx.scalars(select(t.customer.c.id)))):
        having.setdefault((kind, identities._digest(secret, kind, value)), set()).add(owner)
    marked: set[str] = set()
    for row in tx.rows(select(command_log).where(command_log.c.status == "flagged")):
        marked |= {made_id(row.cmd_id, place) for place in range(1, _MOST_MADE)}
        marked.add(str(row.args.get("customer_id")))
    held = {(row.kind, row.hmac): row.customer_id for row in tx.rows(select(identity_key))}
    for key in having.keys() | held.keys():
        if key in held or not having[key] & marked:
            assert held.get(key) in having.get(key, set()), f"nobody who has it holds the key of a {key[0]}"


def check_fold(tx: Transaction, folder: Path, rows: Rows) -> None:
    """I4: the hub is what its log makes of its beginning, in the order of arrival."""
    books = HubBooks.open(f"sqlite:///{folder / 'hub.db'}", clock=lambda: datetime.max.replace(tzinfo=UTC))
    with books.write() as other:
        for row in verify.in_order(tx.rows(select(command_log))):
            if row.status in {"applied", "flagged"}:
                ahead = row.client_at - row.hub_at > push.SLOW_CLOCK
                envelope = Envelope(
                    cmd_id=row.cmd_id,
                    batch_id=row.batch_id,
                    device_id=row.device_id,
                    actor_id=row.actor_id,
                    at=row.hub_at if ahead else row.client_at,
                    kind=row.kind,
                    version=row.version,
                    args=row.args,
                )
                assert execute(envelope, other, lenient=row.status == "flagged").applied
        made = hub_rows(other)
    books.close()
    for name, there in rows.items():
        assert made[name] == there, f"{name} is not what the log makes of it"
