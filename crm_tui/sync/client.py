"""A terminal's side of the conversation: hand over what was done, take over what changed, rebase.

Kept here: I5 (the terminal's state is the hub's at the cursor and the waiting commands carried out on it)
and I14 (epoch, cursors, rows and outbox change together or not at all).
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO

import msgspec
from sqlalchemy import Table

from crm_tui.store import outbox
from crm_tui.store.credentials import keep_only
from crm_tui.store.outbox import fact, set_facts
from crm_tui.store.replica import Rebase, cursors, set_cursors, stored_rows
from crm_tui.store.replicated import REPLICATED
from crm_tui.store.transaction import Transaction
from crm_tui.store.types import instant_of, microseconds
from crm_tui.sync.commands import fitting, mark, replay, sealed
from crm_tui.sync.digests import fingerprint, note_turn, turn
from crm_tui.sync.hub import Hub
from crm_tui.sync.identity import Begin, Identity
from crm_tui.sync.messages import (
    PROTOCOL,
    PUSH_COMMANDS,
    SCHEMA,
    Digest,
    HubError,
    PullAnswer,
    PullRequest,
    PushRequest,
    Say,
)
from crm_tui.sync.spool import Spool

KEPT_FOR = timedelta(days=35)
"""How long an applied command stays in the archive, even if the hub has a backup."""
_BUSINESS = frozenset(table.name for table in REPLICATED)
_SPOOL = 8 * 1024 * 1024
"""Bytes of pages that wait in memory; more go to a temporary file."""
_TURNS = 20
"""How often one round may begin anew because the hub has something to say first."""

Progress = Callable[[int], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Report:
    """What one round brought: commands answered, rows taken over, and the tables that changed."""

    sent: int = 0
    pulled: int = 0
    changed: frozenset[str] = frozenset()
    mended: bool = False


@dataclass
class _Round:
    """The account of a round while it runs."""

    sent: int = 0
    pulled: int = 0
    changed: frozenset[str] = frozenset()
    mended: bool = False
    digests: bool = False
    progress: Progress | None = None

    def note(self, answer: PullAnswer) -> None:
        """Count the rows that have come."""
        self.pulled += sum(len(rows.rows) for rows in answer.put)
        if self.progress is not None and answer.more is not None:
            self.progress(self.pulled)

    def report(self) -> Report:
        return Report(self.sent, self.pulled, self.changed, self.mended)


@dataclass(frozen=True)
class _Pulled:
    """What a pull brought: what was asked, the last answer, and the pages before it.

    The last answer is whole: what the hub held at one instant, with its answers and digests.
    """

    request: PullRequest
    answer: PullAnswer
    pages: Spool

    @property
    def fresh(self) -> bool:
        """Tell whether the hub tells everything anew."""
        return self.answer.scope_hash != self.request.scope_hash

    @property
    def nothing_new(self) -> bool:
        """Tell whether no row has to be put back and forth."""
        told = self.answer
        return self.pages.empty and not (told.put or told.gone or told.acks or told.digests)

    def follows(self, tx: Transaction) -> bool:
        """Tell whether the terminal still stands where it stood when it asked."""
        return _stands(tx, self.request)


class SyncClient:
    """Brings one terminal and its hub together.

    ``begin`` opens a writing transaction in which references are not checked: a row may refer to one that
    is not this terminal's to have.
    """

    def __init__(
        self,
        begin: Begin,
        hub: Hub,
        now: Callable[[], datetime],
        *,
        machine: str,
        app_version: str = "",
    ) -> None:
        self._begin = begin
        self._hub = hub
        self._now = now
        self._identity = Identity(begin, hub, machine)
        self._version = app_version
        self._kept = 0
        """The last of the device's commands that a recovering hub has said it keeps."""

    def run(self, *, digests: bool = False, progress: Progress | None = None) -> Report:
        """Push and pull until both sides have told everything; ``digests`` compares what they hold.

        ``progress`` is told how many rows have come while there are pages of them.

        Raises:
            HubError: what the hub or the way to it says; what was done until then stays done.
        """
        account = _Round(digests=digests, progress=progress)
        for _ in range(_TURNS):
            try:
                self._identity.present()
                self._push(account)
                if self._pull(account):
                    return account.report()
            except HubError as no:
                self._heed(no)
        raise HubError(Say.RETRY)

    def compare(self, read: Begin) -> bool:
        """Compare the table whose turn it is with the hub's; return False where it differs.

        The next round fetches all anew then. ``read`` opens a snapshot, which holds up nobody who saves.
        While something waits, or the hub has moved on, nothing is said of a table; its turn comes again.

        Raises:
            HubError: as :meth:`run`.
        """
        with read() as tx:
            table = turn(tx, self._now())
            if table is None or outbox.pending(tx, 1):
                return True
            request = _request(tx, digests=True, tables=[str(table.name)])
            ours = _sum(tx, table)
        answer = self._hub.pull(request)
        if (answer.scope_hash, answer.upto) != (request.scope_hash, request.cursors):
            return True
        told = {one.table: (one.rows, one.sum) for one in answer.digests}
        sound = told.get(table.name, ours) == ours  # an older hub may not have the table
        with self._begin() as tx:
            note_turn(tx, table, self._now())
            if not sound and _stands(tx, request):
                _log.warning("%s is not what the hub has: everything is fetched anew", table.name)
                set_facts(tx, hub_scope_hash="")
        return sound

    def _heed(self, no: HubError) -> None:
        """Do what the hub asks before the next turn; raise what only time or a person can mend."""
        if no.code != Say.RECOVERING:
            self._kept = 0
        if no.code in {Say.EPOCH, Say.AUTH}:
            self._identity.refuse_other()
        if no.code == Say.EPOCH:
            self._identity.begin_anew(str(no.details["epoch"]), int(no.details["last_seq"]))
        elif no.code == Say.GAP:
            self._identity.send_again(int(no.details["expected"]), no)
        elif no.code == Say.FORKED:
            self._identity.fork()
        elif no.code == Say.AUTH:
            self._identity.come_back(no)
        else:
            if no.code == Say.FROZEN:
                with self._begin() as tx:
                    keep_only(tx, ())
                    set_facts(tx, hub_frozen="1")
            raise no

    def _push(self, account: _Round) -> None:
        """Hand over the waiting commands, in requests of bounded size; their answers come with the pull."""
        last = self._kept
        while True:
            with self._begin() as tx:
                epoch, less = fact(tx, "hub_epoch"), outbox.offset(tx)
                answered, newest = outbox.first_pending(tx) - 1, fact(tx, "hub_newest")
                rows = outbox.pending(tx, PUSH_COMMANDS, after=last + less)
            if not rows:
                return
            commands = fitting([sealed(row, less) for row in rows])
            answer = self._hub.push(
                PushRequest(
                    epoch=epoch,
                    protocol=PROTOCOL,
                    now=microseconds(self._now()),
                    commands=commands,
                    app_version=self._version,
                    answered=answered,
                    newest=newest,
                )
            )
            last = commands[-1].seq
            self._kept = answer.kept
            account.sent += len(commands)

    def _pull(self, account: _Round) -> bool:
        """Take over what changed; return False where there is more to ask for."""
        with self._begin() as tx:
            _fetch_anew_where_rows_have_more(tx)
            request = _request(tx, digests=account.digests)
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as spool:
            answer = self._gather(request, spool, account)
            self._kept = 0  # the hub has recovered, and answers
            if answer is None:
                return False
            pulled = _Pulled(request, answer, Spool(spool))
            return self._nothing_new(pulled) if pulled.nothing_new else self._take_over(pulled, account)

    def _gather(self, request: PullRequest, spool: IO[bytes], account: _Round) -> PullAnswer | None:
        """Keep pages until one is whole; return it, None where the terminal was moved meanwhile.

        While several pages are read the hub moves on, and a row may be beyond the bound of the pages whose
        history is not: what they show together was never there, and nobody gets to see it before it is made
        good. Pages of what is no longer the terminal's to have are forgotten (I10).
        """
        asked = request
        while True:
            answer = self._hub.pull(asked)
            account.note(answer)
            same = answer.scope_hash == asked.scope_hash
            if asked is not request and not same:
                return None
            if same and asked.after is None and answer.more is None:
                return answer
            Spool(spool).keep(answer)
            asked = msgspec.structs.replace(
                request,
                scope_hash=answer.scope_hash,
                cursors=(asked.cursors if same else {}) if answer.more else answer.upto,
                upto=answer.upto if answer.more else None,
                newest=answer.newest,
                after=answer.more,
            )

    def _nothing_new(self, pulled: _Pulled) -> bool:
        """Note that the hub was met; no row is put back and forth for nothing."""
        with self._begin() as tx:
            if not pulled.follows(tx):  # another program on this home was faster
                return False
            set_cursors(tx, pulled.answer.upto)
            self._note_meeting(tx, pulled.answer)
        return True

    def _note_meeting(self, tx: Transaction, answer: PullAnswer) -> None:
        if answer.seats is not None:
            keep_only(tx, answer.seats)
        now = self._now()
        set_facts(
            tx,
            hub_safe_until=str(answer.safe_until),
            hub_decided=str(answer.decided),
            hub_newest=answer.newest,
            hub_schema=str(answer.hub_schema),
            hub_last_sync=str(microseconds(now)),
            hub_frozen="",
            hub_skew=str(microseconds(now) - answer.hub_now),
        )
        outbox.prune(tx, answer.safe_seq, instant_of(answer.hub_now) - KEPT_FOR)

    def _take_over(self, pulled: _Pulled, account: _Round) -> bool:
        """Rebase in one transaction; return False where the hub has to be asked again."""
        answer = pulled.answer
        with self._begin() as tx:
            if not pulled.follows(tx):  # another program on this home was faster
                return False
            rebase = Rebase(tx)
            with rebase.hub_state():
                if pulled.fresh:
                    rebase.clear()
                for page in pulled.pages.read():
                    _apply(rebase, page)
                _apply(rebase, answer)
                sound = not answer.digests or _agrees(tx, answer.digests)
            for ack in answer.acks:
                mark(tx, ack)
            replay(tx)
            set_cursors(tx, answer.upto)
            set_facts(tx, hub_epoch=answer.epoch, hub_scope_hash=answer.scope_hash if sound else "")
            self._note_meeting(tx, answer)
            account.changed |= tx.changed & _BUSINESS
        account.mended |= not sound
        return sound


def _fetch_anew_where_rows_have_more(tx: Transaction) -> None:
    """Ask for everything where this program and the hub both know more of a row than when it came."""
    both = min(SCHEMA, int(fact(tx, "hub_schema", "1")))
    if int(fact(tx, "hub_rows", "1")) < both:
        set_facts(tx, hub_rows=str(both), hub_scope_hash="")


def _apply(rebase: Rebase, page: PullAnswer) -> None:
    for gone in page.gone:
        rebase.remove(gone.table, gone.keys)
    for rows in page.put:
        rebase.put(rows.table, rows.columns, rows.rows)


def _stands(tx: Transaction, asked: PullRequest) -> bool:
    """Tell whether the terminal stands where it stood when it asked."""
    stands = (fact(tx, "hub_epoch"), fact(tx, "hub_scope_hash"), cursors(tx))
    return stands == (asked.epoch, asked.scope_hash, asked.cursors)


def _request(tx: Transaction, *, digests: bool, tables: Sequence[str] = ()) -> PullRequest:
    """Ask for what changed since the terminal stood where it stands."""
    return PullRequest(
        epoch=fact(tx, "hub_epoch"),
        protocol=PROTOCOL,
        scope_hash=fact(tx, "hub_scope_hash"),
        cursors=cursors(tx),
        first_pending=outbox.first_pending(tx),
        decided=int(fact(tx, "hub_decided", "0")),
        newest=fact(tx, "hub_newest"),
        digests=digests,
        tables=list(tables),
    )


def _agrees(tx: Transaction, told: Sequence[Digest]) -> bool:
    """Compare what this terminal holds of every table with what the hub says it should."""
    said = {one.table: (one.rows, one.sum) for one in told}
    return all(table.name not in said or said[table.name] == _sum(tx, table) for table in REPLICATED)


def _sum(tx: Transaction, table: Table) -> tuple[int, int]:
    """Return how many rows a table has, and the sum of their fingerprints."""
    rows = total = 0
    for row in stored_rows(tx, table):
        rows += 1
        total += fingerprint(row)
    return rows, total % 2**63
