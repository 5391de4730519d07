"""Who a terminal is to its hub: the id it has, another one where two work under one, and what is sent again.

A hub that was put back knows less than its terminals, perhaps not even all of them: what it lacks comes from
the archive, under the terminal's own id where the hub counts on from there, else under a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from crm_tui.store import outbox
from crm_tui.store.outbox import fact, set_facts
from crm_tui.store.transaction import Transaction
from crm_tui.sync.hub import Hub
from crm_tui.sync.joining import refuse_other
from crm_tui.sync.messages import ForkRequest, HubError, JoinAnswer

Begin = Callable[[], AbstractContextManager[Transaction]]
"""Opens a writing transaction of the terminal."""


class Identity:
    """One terminal's name at its hub; ``machine`` says on which machine this program runs."""

    def __init__(self, begin: Begin, hub: Hub, machine: str) -> None:
        self._begin = begin
        self._hub = hub
        self._machine = machine

    def refuse_other(self) -> None:
        """Tell a hub that was restored from that of other people, which gets nothing and gives nothing."""
        card = self._hub.card()
        with self._begin() as tx:
            refuse_other(tx, card)

    def begin_anew(self, epoch: str, last_seq: int) -> None:
        """Send again what a hub that was put back does not know; it knows nothing of its later copies.

        The last one that it does know goes along: a copy may have used the count of those that it lost.
        """
        with self._begin() as tx:
            if fact(tx, "hub_epoch") == epoch:  # another program on this home was faster
                return
            whole = outbox.reaches(tx, last_seq + 1) and not outbox.has_older(tx)
            if whole:
                last = min(last_seq, outbox.first_pending(tx) - 1)
                outbox.reopen(tx, last - 1 if outbox.reaches(tx, last) else last)
                set_facts(tx, hub_epoch=epoch, hub_scope_hash="", hub_decided="0", hub_newest="")
        if not whole:
            self._start_over()

    def send_again(self, expected: int, no: HubError) -> None:
        """Send the archive from a command on that the hub misses; raises ``no`` where nothing is left to."""
        with self._begin() as tx:
            whole = outbox.reaches(tx, expected)
            if whole and not outbox.reopen(tx, expected - 1):
                raise no
        if not whole:
            self._start_over()

    def _start_over(self) -> None:
        """Send everything there still is under a new device id: the hub counts commands without a gap."""
        self._begin_as(self._hub.fork(ForkRequest(machine=self._machine, instead=True)))

    def come_back(self, no: HubError) -> None:
        """Begin anew as the one who joined, where a hub that was put back does not know a later id.

        Raises:
            HubError: ``no`` where there is no other id, or what the hub says to that one.
        """
        with self._begin() as tx:
            now, first = _identity(tx), (fact(tx, "hub_first_device"), fact(tx, "hub_first_secret"))
        if first in {now, ("", "")}:
            raise no
        self._hub.speak_as(*first)
        try:
            self._begin_as(self._hub.fork(ForkRequest(machine=self._machine)))
        except HubError:
            self._hub.speak_as(*now)
            raise

    def _begin_as(self, answer: JoinAnswer) -> None:
        """Let the whole archive wait, to be sent under a new id to a hub that knows nothing of it."""
        with self._begin() as tx:
            self._note_identity(tx, answer)
            outbox.reopen_all(tx, answer.device_id)
            set_facts(tx, hub_epoch=answer.epoch, hub_scope_hash="", hub_decided="0", hub_newest="")

    def present(self) -> None:
        """Speak as who this home is by now; a copy on another machine takes an id of its own before all."""
        with self._begin() as tx:
            identity, known = _identity(tx), fact(tx, "hub_machine")
        self._hub.speak_as(*identity)
        if known and known != self._machine:
            self.fork()

    def fork(self) -> None:
        """Take an id of our own, where another terminal works under this one, for what waits and comes.

        Of a hub that was put back, and has told nothing since, nobody knows whose answers it has: all of the
        archive is sent then.
        """
        answer = self._hub.fork(ForkRequest(machine=self._machine))
        with self._begin() as tx:
            put_back = not fact(tx, "hub_scope_hash")
            if not put_back:
                self._note_identity(tx, answer)
                outbox.renumber(tx, answer.device_id)
        if put_back:
            self._begin_as(answer)
        self._hub.speak_as(answer.device_id, answer.secret)

    def _note_identity(self, tx: Transaction, answer: JoinAnswer) -> None:
        """Keep the secret of another id, and the id with which the terminal joined."""
        if not fact(tx, "hub_first_device"):
            device_id, secret = _identity(tx)
            set_facts(tx, hub_first_device=device_id, hub_first_secret=secret)
        set_facts(tx, hub_secret=answer.secret, hub_machine=self._machine)


def _identity(tx: Transaction) -> tuple[str, str]:
    """Return who this terminal is to its hub: id and secret."""
    return fact(tx, "device_id"), fact(tx, "hub_secret")
