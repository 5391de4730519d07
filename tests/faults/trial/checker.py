"""What is true at the end: read from all databases, by other means than those that made them so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from crm_tui.desk import wall_clock
from crm_tui.hub.books import HubBooks
from crm_tui.hub.chain import chain_hash
from crm_tui.hub.pull import digests, spaces_below
from crm_tui.hub.tables import command_alias, command_log, device
from crm_tui.store.engine import check_integrity, open_engine
from crm_tui.store.outbox import PENDING, fact
from crm_tui.store.replica import stored_rows
from crm_tui.store.replicated import REPLICATED
from crm_tui.store.tables import customer, deal, follow_up, org_unit, outbox
from crm_tui.store.transaction import Transaction
from crm_tui.sync.digests import fingerprint

MADE = {
    "create_customer": customer.c.name,
    "log_follow_up": follow_up.c.next_step,
    "create_deal": deal.c.title,
    "create_unit": org_unit.c.name,
}
"""Where the mark of a command stands in the row that it makes."""
DONE = frozenset({"applied", "flagged"})


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what, how many, and what was wrong."""

    what: str
    many: int
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class _Home:
    """What a terminal holds at the end."""

    name: str
    device_id: str
    journal: list[list[str]]
    outbox: dict[str, Any]
    digests: dict[str, tuple[int, int]]
    owners: dict[str, str | None]


def check(homes: list[Path], database: str) -> Iterator[Finding]:
    """Yield what was found about the terminals in ``homes`` and their hub at ``database``."""
    terminals = [_read_home(home) for home in homes]
    books = HubBooks.open(database, clock=wall_clock)
    with closing(books), books.read() as tx:
        log = {row.cmd_id: row for row in tx.rows(select(command_log))}
        yield _acknowledged(terminals, log)
        yield _same_answers(terminals, log)
        yield _once(tx, terminals, log)
        yield _nothing_else(tx, log)
        yield _amounts(tx, log)
        yield Finding(
            "queues drained",
            len(terminals),
            tuple(t.name for t in terminals if any(row.state == PENDING for row in t.outbox.values())),
        )
        yield _digests(tx, terminals)
        yield _owners(tx, terminals)
        yield _chains(tx, log)
        yield Finding("answers: " + _spelt(log), len(log), _of_status(log, "quarantined"))
    waits = [int((home / "slowest").read_text()) for home in homes]
    yield Finding("milliseconds that the slowest push of a terminal took", max(waits), ())
    files = [home / "crm.db" for home in homes]
    if database.startswith(("sqlite:", "file:")):
        files.append(Path("/" + database.partition("://")[2].lstrip("/")))
    yield Finding(
        "files sound", len(files), tuple(f"{f}: {w}" for f in files for w in check_integrity(f)[:1])
    )


def _read_home(home: Path) -> _Home:
    engine = open_engine(home / "crm.db")
    with engine.connect() as connection:
        tx = Transaction(connection)
        journal = home / "journal"
        lines = journal.read_text().split("\n")[:-1] if journal.exists() else []
        held = _Home(
            home.name,
            fact(tx, "device_id"),
            [line.split(" ", 2) for line in lines],
            {row.cmd_id: row for row in tx.rows(select(outbox))},
            {table.name: _digest(tx, table) for table in REPLICATED},
            {row.id: row.owner_id for row in tx.rows(select(customer.c.id, customer.c.owner_id))},
        )
    engine.dispose()
    return held


def _digest(tx: Transaction, table: Any) -> tuple[int, int]:
    rows = [fingerprint(row) for row in stored_rows(tx, table)]
    return len(rows), sum(rows) % 2**63


def _acknowledged(terminals: list[_Home], log: dict[str, Any]) -> Finding:
    """I1: what was acknowledged is in the hub's log."""
    said = [(t.name, line[0]) for t in terminals for line in t.journal]
    lost = [f"{name}: {cmd_id}" for name, cmd_id in said if cmd_id not in log]
    return Finding("acknowledged commands are in the log", len(said), tuple(lost))


def _same_answers(terminals: list[_Home], log: dict[str, Any]) -> Finding:
    """Every terminal knows of each of its commands what the hub has decided."""
    wrong = [
        f"{t.name}: {cmd_id} {row.state}, hub: {log[cmd_id].status if cmd_id in log else 'unknown'}"
        for t in terminals
        for cmd_id, row in t.outbox.items()
        if cmd_id not in log or log[cmd_id].status != row.state
    ]
    return Finding("terminals know the hub's answers", sum(len(t.outbox) for t in terminals), tuple(wrong))


def _once(tx: Transaction, terminals: list[_Home], log: dict[str, Any]) -> Finding:
    """What was applied has made one row, what was not has made none."""
    made = {kind: Counter(tx.scalars(select(column))) for kind, column in MADE.items()}
    wrong, seen = [], 0
    for t in terminals:
        for cmd_id, kind, mark in t.journal:
            if kind in made and cmd_id in log:
                seen += 1
                want = int(log[cmd_id].status in DONE)
                if made[kind][mark] != want:
                    wrong.append(f"{t.name}: {kind} {mark} {log[cmd_id].status}: {made[kind][mark]} rows")
    return Finding("applied once, refused never", seen, tuple(wrong))


def _nothing_else(tx: Transaction, log: dict[str, Any]) -> Finding:
    """There are as many rows as commands that made one: nothing was invented, nothing doubled."""
    wrong, seen = [], 0
    for kind, column in (one for one in MADE.items() if one[0] != "create_unit"):
        rows = int(tx.scalar(select(func.count()).select_from(column.table)) or 0)
        done = sum(row.kind == kind and row.status in DONE for row in log.values())
        seen += rows
        if rows != done:
            wrong.append(f"{kind}: {done} commands, {rows} rows")
    return Finding("as many rows as commands", seen, tuple(wrong))


def _amounts(tx: Transaction, log: dict[str, Any]) -> Finding:
    """Money is conserved: the amounts of the deals are those of the commands that opened them."""
    given = sum(
        row.args.get("amount") or 0
        for row in log.values()
        if row.kind == "create_deal" and row.status in DONE
    )
    found = int(tx.scalar(select(func.coalesce(func.sum(deal.c.amount), 0))) or 0)
    return Finding("amounts conserved (fen)", found, () if given == found else (f"given {given}",))


def _digests(tx: Transaction, terminals: list[_Home]) -> Finding:
    """I5, I6, I10: a terminal holds what it should of every table, no more and no less."""
    wrong = []
    for t in terminals:
        row = tx.first(select(device).where(device.c.device_id == t.device_id))
        if row is None:
            wrong.append(f"{t.name}: unknown to the hub")
            continue
        said = {one.table: (one.rows, one.sum) for one in digests(tx, spaces_below(tx, row.unit_id))}
        wrong += [
            f"{t.name}: {name} holds {t.digests[name]}, should {said[name]}"
            for name in said
            if t.digests[name] != said[name]
        ]
    return Finding("digests equal", len(terminals) * len(REPLICATED), tuple(wrong))


def _owners(tx: Transaction, terminals: list[_Home]) -> Finding:
    """I7: everybody names the same owner of a customer."""
    truth = {row.id: row.owner_id for row in tx.rows(select(customer.c.id, customer.c.owner_id))}
    wrong = [
        f"{t.name}: {one}" for t in terminals for one, owner in t.owners.items() if truth.get(one) != owner
    ]
    return Finding("one owner each", len(truth), tuple(wrong))


def _chains(tx: Transaction, log: dict[str, Any]) -> Finding:
    """Every device's log is whole: counted without a gap, and each entry sealed by the next."""
    wrong = []
    copies = {(row.device_id, row.seq) for row in tx.rows(select(command_alias))}
    for row in tx.rows(select(device)):
        mine = sorted((one for one in log.values() if one.device_id == row.device_id), key=lambda o: o.seq)
        last = ""
        for one in mine:
            if one.prev_hash != last or one.hash != chain_hash(last, one._mapping):
                wrong.append(f"{row.name}: entry {one.seq} is not sealed")
            last = one.hash
        counted = {one.seq for one in mine} | {seq for device_id, seq in copies if device_id == row.device_id}
        if counted != set(range(1, row.last_seq + 1)):
            wrong.append(f"{row.name}: {len(counted)} of {row.last_seq} are there")
        if last != row.last_hash:
            wrong.append(f"{row.name}: the last seal is another one")
    return Finding("hash chains sound", len(log), tuple(wrong))


def _spelt(log: dict[str, Any]) -> str:
    return ", ".join(f"{n} {s}" for s, n in Counter(row.status for row in log.values()).most_common())


def _of_status(log: dict[str, Any], status: str) -> tuple[str, ...]:
    return tuple(f"{row.kind} {row.code}" for row in log.values() if row.status == status)
