"""Several workers of a hub on one PostgreSQL: what one of them does when another is in its way.

Whoever works on a customer, a deal or a lead holds its row (``Transaction.hold``); what is left is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy import select

from crm_tui.commands import by_kind
from crm_tui.domain.permission import Right
from crm_tui.hub.books import NORMAL, HubBooks
from crm_tui.hub.identities import Key
from crm_tui.hub.tables import hub_meta
from crm_tui.store.tables import person
from crm_tui.store.transaction import Transaction
from crm_tui.sync.messages import HubError, Say

T = TypeVar("T")
_ATTEMPTS = 4
_ALONE = frozenset({Right.MANAGE_PEOPLE, Right.MANAGE_RULES, Right.IMPORT})
"""Who needs one of these decides by rows that the command does not name: is a number, a file's id free?"""


def persistently(books: HubBooks, work: Callable[[set[Key] | None], T]) -> T:
    """Do the whole of a transaction again where RETRY was said, a few times.

    ``work`` gets the numbers of which it is known that somebody else has them, and adds to them before it
    says RETRY because of one; None means that every number may be somebody else's: nobody writes meanwhile,
    or it was tried often enough.

    Raises:
        HubError: whatever ``work`` says, RETRY only in the end.
    """
    known: set[Key] = set()
    for _ in range(_ATTEMPTS - 1 if books.shared else 0):
        try:
            return work(known)
        except HubError as no:
            if no.code != Say.RETRY:
                raise
    return work(None)


def take_turn(tx: Transaction, *, alone: bool) -> str:
    """Wait until the transaction may begin; return the hub's mode, which no other one changes meanwhile.

    Many write at once; one that is ``alone`` has nobody beside it. SQLite has one writer anyway.
    """
    mode = select(hub_meta.c.value).where(hub_meta.c.name == "mode")
    if tx.dialect == "postgresql":
        mode = mode.with_for_update(read=not alone)
    return str(tx.scalar(mode) or NORMAL)


def work_alone(kinds: Iterable[str]) -> bool:
    """Tell whether one of these kinds of commands can be carried out only while nobody else writes."""
    known = by_kind()
    return any(known[kind].right in _ALONE for kind in kinds if kind in known)


def hold_people(tx: Transaction, ids: Iterable[str]) -> None:
    """Let nobody freeze these people until the transaction ends; who is being frozen is waited for."""
    if tx.dialect == "postgresql":
        these = select(person.c.id).where(person.c.id.in_(sorted(set(ids))))
        tx.rows(these.order_by(person.c.id).with_for_update(read=True))
