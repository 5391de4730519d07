"""What a person does with a command that the hub did not simply apply: try it again, or let it go."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from crm_tui.commands import Command, Verdict, by_kind
from crm_tui.commands.base import only, open_command
from crm_tui.desk.books import Books
from crm_tui.desk.deeds import Deeds
from crm_tui.desk.door import Door
from crm_tui.desk.link import Link
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.store.outbox import DISCARDED, settle
from crm_tui.store.tables import outbox
from crm_tui.store.transaction import Transaction
from crm_tui.sync.messages import Status

OPEN = frozenset({Status.REJECTED, Status.HELD, Status.QUARANTINED, Status.FLAGGED})
"""The answers that somebody has to look at."""


class Inbox:
    """The commands of this terminal with such an answer; whoever is logged in works on them."""

    def __init__(self, books: Books, door: Door, deeds: Deeds, link: Link | None) -> None:
        self._books = books
        self._door = door
        self._deeds = deeds
        self._link = link

    def take_unconfirmed(self) -> bool:
        """Tell whether something was done since this was last asked that a hub which is away may refuse."""
        return self._deeds.take_wish() and self._link is not None and self._link.is_away

    def discard(self, cmd_id: str) -> None:
        """Take a command off the list; it stays in the history with everything that was typed.

        Raises:
            Refused: command_settled; not_allowed for somebody else's without the right to reassign.
        """
        with self._books.write() as tx:
            self._open(tx, cmd_id)
            settle(tx, cmd_id, DISCARDED)
        self._deeds.tell(frozenset({outbox.name}))

    def again(self, cmd_id: str) -> Verdict:
        """Carry a rejected command out anew, in place of the old one.

        Raises:
            Refused: command_settled, not_allowed; command_unknown and command_invalid where this program
                no longer knows it; held_at_hub where the hub has not decided yet.
        """
        with self._books.read() as tx:
            row = self._open(tx, cmd_id)
        if row.state != Status.REJECTED:
            raise Refused("held_at_hub")
        command = open_command(by_kind(), row.kind, row.args, row.version)
        return only(self._deeds.carry_out((command,), self._door.viewer.person_id, supersedes=cmd_id))

    def leave_to_hub(self, fact: Command, *, about: str, supersedes: str = "") -> None:
        """Let the hub take in a fact about a customer who was taken away from this terminal meanwhile.

        It waits among the other commands, and comes back marked; ``about`` is the customer's name.
        """
        self._deeds.leave_to_hub(
            fact, self._door.viewer.person_id, why="customer_unknown", about=about, supersedes=supersedes
        )

    def _open(self, tx: Transaction, cmd_id: str) -> Row[Any]:
        viewer = self._door.viewer
        row = tx.first(select(outbox).where(outbox.c.cmd_id == cmd_id))
        if row is None or row.settled or row.state not in OPEN:
            raise Refused("command_settled")
        if row.actor_id != viewer.person_id and not viewer.may(Right.REASSIGN):
            raise Refused("not_allowed", right=Right.REASSIGN)
        return row
