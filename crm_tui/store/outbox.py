"""The commands of this terminal: those the hub has not answered yet, and what became of the others.

The device's own count of its commands starts anew when it gets another id: it is the row's ``seq`` less an
offset that is kept beside it. Unanswered commands are always the last ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, func, select, text

from crm_tui.store.tables import customer, deal, follow_up, lead, meta, outbox
from crm_tui.store.tables.local import ANSWERED
from crm_tui.store.transaction import Transaction

PENDING, DISCARDED, SUPERSEDED, UNSETTLED = "pending", "discarded", "superseded", ""
DISCARDED_THERE = "review_discarded"
"""The code of a command that somebody has looked at and discarded at the hub."""
_before = outbox.alias("before")
_RUN = select(func.max(outbox.c.seq)).where(~exists().where(_before.c.seq == outbox.c.seq - 1))
_OFFSET = "hub_offset"
_DONE = "hub_done"


def fact(tx: Transaction, name: str, default: str = "") -> str:
    """Return a fact about this terminal."""
    found = tx.scalar(select(meta.c.value).where(meta.c.name == name))
    return default if found is None else str(found)


def set_facts(tx: Transaction, **facts: str) -> None:
    """Keep facts about this terminal."""
    for name, value in facts.items():
        if not tx.update_where(meta, meta.c.name == name, value=value):
            tx.insert(meta, name=name, value=value)


def drop_facts(tx: Transaction, *names: str) -> None:
    """Forget facts about this terminal."""
    tx.delete_where(meta, meta.c.name.in_(names))


def name_meant(tx: Transaction, args: Mapping[str, Any]) -> str:
    """Return the name of the customer or lead that a command with these arguments is about, where known."""
    if args.get("lead_id"):
        found = tx.get(lead, args["lead_id"])
        return found.name if found is not None else ""
    customer_id = args.get("customer_id")
    for field, table in (("deal_id", deal), ("follow_up_id", follow_up)):
        if not customer_id and args.get(field):
            row = tx.get(table, args[field])
            customer_id = row.customer_id if row is not None else None
    found = tx.get(customer, customer_id) if customer_id else None
    return found.name if found is not None else ""


def offset(tx: Transaction) -> int:
    """Return what to take from a row's ``seq`` to get the device's count."""
    return int(fact(tx, _OFFSET, "0"))


def pending(tx: Transaction, limit: int | None = None, *, after: int = 0) -> Sequence[Row[Any]]:
    """Return the commands without an answer behind the row ``after``, in the order they were given."""
    done = max(after, int(fact(tx, _DONE, "0")))
    asked = select(outbox).where(outbox.c.seq > done, outbox.c.state == PENDING).order_by(outbox.c.seq)
    return tx.rows(asked.limit(limit) if limit is not None else asked)


def first_pending(tx: Transaction) -> int:
    """Return the device's count of the first command without an answer, or of the next one to come."""
    done = int(fact(tx, _DONE, "0"))
    return done + 1 - offset(tx)


def mark(tx: Transaction, seq: int, cmd_id: str, state: str, **answer: Any) -> bool:
    """Note the hub's answer to the device's command ``seq``; False where that is another command."""
    row_seq = seq + offset(tx)
    hit = tx.update_where(
        outbox, outbox.c.seq == row_seq, outbox.c.cmd_id == cmd_id, state=state, told="", **answer
    )
    if hit:
        done = int(fact(tx, _DONE, "0"))
        set_facts(tx, **{_DONE: str(max(done, row_seq))})
    return bool(hit)


def settle(tx: Transaction, cmd_id: str, how: str) -> None:
    """Note that a person has dealt with an answer, or has to again; what was typed stays in the history."""
    tx.update_where(outbox, outbox.c.cmd_id == cmd_id, outbox.c.state != PENDING, settled=how)


def doubt(tx: Transaction, seq: int, code: str, details: dict[str, Any] | None) -> None:
    """Note why the hub will probably refuse a command that waits; an empty ``code`` takes the doubt back."""
    tx.update_where(outbox, outbox.c.seq == seq, code=code, details=details)


def reopen(tx: Transaction, last_seq: int) -> int:
    """Let the commands after the device's ``last_seq`` wait for an answer again; return how many.

    One that waits already goes on waiting, whatever the hub knows of its count: a copy may have used it.
    """
    newest = int(tx.scalar(select(func.max(outbox.c.seq))) or 0)
    waiting = tx.scalar(select(func.min(outbox.c.seq)).where(outbox.c.state == PENDING))
    done = min(last_seq + offset(tx), newest, newest if waiting is None else int(waiting) - 1)
    set_facts(tx, **{_DONE: str(done)})
    return _wait_again(tx, done)


def reopen_all(tx: Transaction, device_id: str) -> int:
    """Let everything in the archive, back to the last gap, wait again as commands of another device id."""
    before = _first(tx) - 1
    set_facts(tx, **{_OFFSET: str(before), _DONE: str(before), "device_id": device_id})
    tx.update_where(outbox, outbox.c.seq > before, device_id=device_id)
    return _wait_again(tx, before)


def has_older(tx: Transaction) -> bool:
    """Tell whether the archive holds commands that were sent under another device id."""
    return _first(tx) <= offset(tx)


def reaches(tx: Transaction, seq: int) -> bool:
    """Tell whether the archive holds the device's commands from ``seq`` on."""
    return _first(tx) <= seq + offset(tx)


def _first(tx: Transaction) -> int:
    """Return where the archive begins, behind what was pruned; the next row to come where it is empty."""
    found = tx.scalar(_RUN)
    return int(found) if found is not None else int(fact(tx, _DONE, "0")) + 1


def _wait_again(tx: Transaction, done: int) -> int:
    again = (outbox.c.seq > done, outbox.c.state != PENDING)
    tx.update_where(outbox, *again, outbox.c.code == DISCARDED_THERE, settled=DISCARDED)
    tx.update_where(outbox, *again, told=outbox.c.state)
    return tx.update_where(outbox, *again, state=PENDING, code="", details=None)


def settle_all(tx: Transaction) -> None:
    """Note that every command is part of the hub's beginning."""
    set_facts(tx, **{_DONE: str(tx.scalar(select(func.max(outbox.c.seq))) or 0)})
    tx.update_where(outbox, outbox.c.state == PENDING, state="applied")


def renumber(tx: Transaction, device_id: str) -> None:
    """Let the commands without an answer be the first ones of another device id; their ids stay."""
    done = int(fact(tx, _DONE, "0"))
    set_facts(tx, **{_OFFSET: str(done), "device_id": device_id})
    tx.update_where(outbox, outbox.c.seq > done, device_id=device_id)


def answered(tx: Transaction, limit: int) -> Sequence[Row[Any]]:
    """Return the commands whose answer somebody may have to look at, the newest first."""
    return tx.rows(select(outbox).where(text(ANSWERED)).order_by(outbox.c.seq.desc()).limit(limit))


def waiting(tx: Transaction) -> int:
    """Return how many commands the hub has not answered yet; none where this terminal works alone."""
    if not fact(tx, "hub_url"):
        return 0
    done = int(fact(tx, _DONE, "0"))
    asked = select(func.count()).select_from(outbox).where(outbox.c.seq > done, outbox.c.state == PENDING)
    return int(tx.scalar(asked))


def counts(tx: Transaction) -> dict[str, int]:
    """Return how many commands wait for an answer and how many were answered in each way but applied."""
    found = {PENDING: waiting(tx)}
    asked = select(outbox.c.state, func.count().label("many")).where(text(ANSWERED)).group_by(outbox.c.state)
    return found | {row.state: row.many for row in tx.rows(asked)}


def prune(tx: Transaction, safe_seq: int, older_than: datetime) -> int:
    """Forget applied commands that a checked backup of the hub holds and that are old; return how many.

    The device's ``safe_seq`` says how far the backup goes, not the time: clocks are put back.
    """
    if safe_seq < 0:
        return 0
    return tx.delete_where(
        outbox,
        outbox.c.seq <= safe_seq + offset(tx),
        outbox.c.state == "applied",
        outbox.c.hub_at < older_than,
    )
