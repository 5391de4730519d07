"""What is done at a counter: commands with their outbox rows, and each person's steps back and forth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from crm_tui.commands import Command, Verdict
from crm_tui.commands.base import actor_of, carry_out, seal
from crm_tui.commands.steps import Step, command_of
from crm_tui.desk.books import DEVICE, Books
from crm_tui.domain.errors import Refused
from crm_tui.store.outbox import PENDING, SUPERSEDED, fact, settle
from crm_tui.store.scope import Viewer
from crm_tui.store.tables import outbox
from crm_tui.store.transaction import Transaction

T = TypeVar("T")
Listener = Callable[[frozenset[str]], None]

UNDO_STEPS = 50


@dataclass
class _Steps:
    """What one person can take back and do again; a batch is one step."""

    undo: list[tuple[Command, ...]] = field(default_factory=list)
    redo: list[tuple[Command, ...]] = field(default_factory=list)


class Deeds:
    """Carries commands out and knows how to take them back."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._steps: dict[str, _Steps] = {}
        self.listeners: list[Listener] = []

    def carry_out(self, steps: Sequence[Step], actor_id: str, *, supersedes: str = "") -> tuple[Verdict, ...]:
        """Carry out the steps in one transaction and remember how to take them back together."""
        verdicts = self.execute(steps, actor_id, supersedes=supersedes)
        back = _back(verdicts)
        if back:
            done = self._steps_of(actor_id)
            done.undo = [*done.undo, back][-UNDO_STEPS:]
            done.redo.clear()
        return verdicts

    def execute(self, steps: Sequence[Step], actor_id: str, *, supersedes: str = "") -> tuple[Verdict, ...]:
        """Carry out the steps in one transaction, each with its outbox row, and tell the listeners.

        The first one that is applied takes the place of the refused command ``supersedes``.
        """
        batch_id = self._books.ids()
        verdicts: list[Verdict] = []
        made: dict[str, Any] = {}
        with self._books.write() as tx:
            actor = actor_of(tx, actor_id)
            for step in steps:
                command = command_of(step, made)
                if command is None:
                    continue
                verdict = self._one(tx, command, actor, batch_id, supersedes)
                verdicts.append(verdict)
                if verdict.applied:
                    made |= verdict.details
                    supersedes = ""
            changed = frozenset(tx.changed)
        self.tell(changed)
        return tuple(verdicts)

    def tell(self, changed: frozenset[str]) -> None:
        """Tell the listeners what kinds of rows have changed."""
        for listener in self.listeners:
            listener(changed)

    def rehearse(self, work: Callable[[Callable[[Command], Verdict]], T], actor_id: str) -> T:
        """Let ``work`` carry out commands and forget them all: what would happen, without it happening."""
        batch_id = self._books.ids()
        with self._books.write() as tx:
            actor = actor_of(tx, actor_id)
            trial = tx.connection.begin_nested()
            try:
                return work(lambda command: self._one(tx, command, actor, batch_id))
            finally:
                trial.rollback()

    def undo(self, actor_id: str) -> tuple[Verdict, ...]:
        """Take back the person's last step; raises Refused nothing_to_undo."""
        steps = self._steps_of(actor_id)
        return self._again(steps.undo, steps.redo, actor_id, "nothing_to_undo")

    def redo(self, actor_id: str) -> tuple[Verdict, ...]:
        """Do again what was taken back last; raises Refused nothing_to_redo."""
        steps = self._steps_of(actor_id)
        return self._again(steps.redo, steps.undo, actor_id, "nothing_to_redo")

    def _again(
        self,
        taken_from: list[tuple[Command, ...]],
        given_to: list[tuple[Command, ...]],
        actor_id: str,
        empty: str,
    ) -> tuple[Verdict, ...]:
        """Carry out the last step of one pile and put its way back on the other; a failed save keeps both."""
        if not taken_from:
            raise Refused(empty)
        verdicts = self.execute(taken_from[-1], actor_id)
        taken_from.pop()
        back = _back(verdicts)
        if back:
            given_to.append(back)
        return verdicts

    def _one(
        self, tx: Transaction, command: Command, actor: Viewer, batch_id: str, supersedes: str = ""
    ) -> Verdict:
        """Carry out one command and, if it was applied, note it in the outbox."""
        envelope = seal(
            command,
            cmd_id=self._books.ids(),
            batch_id=batch_id,
            device_id=tx.keep(DEVICE, lambda: fact(tx, DEVICE)),
            actor_id=actor.person_id,
            at=self._books.watch.tick(),
        )
        verdict = carry_out(command, envelope, tx, actor)
        if verdict.applied:
            tx.insert(
                outbox,
                cmd_id=envelope.cmd_id,
                batch_id=batch_id,
                device_id=envelope.device_id,
                actor_id=envelope.actor_id,
                kind=envelope.kind,
                version=envelope.version,
                args=envelope.args,
                at=envelope.at,
                state=PENDING,
                supersedes=supersedes,
            )
            if supersedes:
                settle(tx, supersedes, SUPERSEDED)
        return verdict

    def _steps_of(self, actor_id: str) -> _Steps:
        return self._steps.setdefault(actor_id, _Steps())


def _back(verdicts: Sequence[Verdict]) -> tuple[Command, ...]:
    """Return the commands that take back what was applied, the last one first."""
    return tuple(command for verdict in reversed(verdicts) for command in verdict.undo)
