"""One follow-up saved durably: by the desk, and by bare sqlite3 writing the same rows."""

from __future__ import annotations

import itertools
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial

from sqlalchemy import select

from benchmarks.data import Data, now, open_desk
from benchmarks.measuring import Result, in_turn, median, percentile, timed
from crm_tui.commands.follow_ups import LogFollowUp
from crm_tui.desk import Desk
from crm_tui.settings import Home
from crm_tui.store.tables import customer, deal
from crm_tui.store.view import View

_WARM_UP = 50


def saving(data: Data, times: int) -> Iterator[Result]:
    """Median and 99th percentile of the same save, each on a file of its own."""
    homes = []
    for name in ("desk", "bare"):
        homes.append(Home(data.folder / f"save-{name}"))
        homes[-1].path.mkdir()
        shutil.copyfile(data.board.database, homes[-1].database)
    desk = open_desk(homes[0])
    ids = desk.answer(_customers, times + _WARM_UP)
    with closing(sqlite3.connect(homes[1].database, isolation_level=None)) as plain:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            plain.execute(f"PRAGMA {pragma}")
        ours, floor = in_turn(times + _WARM_UP, _by_desk(desk, iter(ids)), _by_hand(desk, plain, iter(ids)))
    desk.close()
    ours, floor = ours[_WARM_UP:], floor[_WARM_UP:]
    name = "sqlite3, same rows, synchronous=FULL"
    yield Result("a follow-up saved durably, p50", name, median(ours), median(floor), 3)
    yield Result("a follow-up saved durably, p99", name, percentile(ours, 99), percentile(floor, 99), 3)


def _customers(view: View, most: int) -> list[str]:
    """Return customers with an open deal."""
    with_deal = select(deal.c.customer_id).where(deal.c.state == "open")
    return list(view.tx.scalars(select(customer.c.id).where(customer.c.id.in_(with_deal)).limit(most)))


def _by_desk(desk: Desk, ids: Iterator[str]) -> Callable[[], float]:
    def save() -> float:
        command = LogFollowUp(
            customer_id=next(ids),
            channel="phone",
            result="reached",
            need_change=_NEED,
            objections=("price",),
            next_step=_STEP,
            next_at=desk.now() + timedelta(days=2),
        )
        verdicts = []
        took = timed(lambda: verdicts.extend(desk.carry_out(command)))
        assert all(verdict.applied for verdict in verdicts), verdicts
        return took

    return save


def _by_hand(desk: Desk, plain: sqlite3.Connection, ids: Iterator[str]) -> Callable[[], float]:
    """Return what writes the rows of such a save: two new ones, the customer, its deals, the outbox."""
    numbers = itertools.count()
    author = desk.viewer.person_id
    ((branch,),) = plain.execute("SELECT branch_id FROM customer LIMIT 1").fetchall()

    def write(customer_id: str) -> None:
        number, at = next(numbers), int(now().timestamp() * 1_000_000)
        version, plan, batch = (f"{number:031x}{place}" for place in "123")
        said = {"customer_id": customer_id, "channel": "phone", "need_change": _NEED}
        plain.execute("BEGIN IMMEDIATE")
        plain.execute(
            _FOLLOW_UP,
            (version, version, customer_id, branch, author, _NEED, '["price"]', _STEP, at, at, _DAY, at),
        )
        plain.execute(_PLAN, (plan, customer_id, at, _STEP, at, author, version))
        plain.execute(_CUSTOMER, (at, at, at, _STEP, at, customer_id))
        plain.execute(_DEALS, (at, customer_id))
        plain.execute(_OUTBOX, (version, batch, author, json.dumps(said, ensure_ascii=False), at))
        plain.execute("COMMIT")

    return lambda: timed(partial(write, next(ids)))


_NEED, _STEP, _DAY = "想要大一点的餐桌", "周五带图纸到店", "2026-01-08"
_FOLLOW_UP = (
    "INSERT INTO follow_up (id, root_id, version, customer_id, branch_id, author_id, channel, result,"
    " need_change, objections, objection_note, next_step, next_at, occurred_at, occurred_on, logged_at,"
    " effective) VALUES (?,?,1,?,?,?,'phone','reached',?,?,'',?,?,?,?,?,1)"
)
_PLAN = (
    "INSERT INTO contact_plan (id, customer_id, next_at, next_step, set_at, actor_id, follow_up_id, reason)"
    " VALUES (?,?,?,?,?,?,?,'')"
)
_CUSTOMER = (
    "UPDATE customer SET last_follow_up_at = ?, last_effective_at = ?, next_contact_at = ?, next_step = ?,"
    " due_at = ?, due_reason = 'next_contact' WHERE id = ?"
)
_DEALS = "UPDATE deal SET due_at = ? WHERE customer_id = ? AND state = 'open'"
_OUTBOX = (
    "INSERT INTO outbox (cmd_id, batch_id, device_id, actor_id, kind, version, args, at, state, code,"
    " supersedes) VALUES (?,?,'device',?,'log_follow_up',1,?,?,'pending','','')"
)
