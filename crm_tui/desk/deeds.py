"""What is done at a counter: commands with their outbox rows, and each person's steps back and forth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from crm_tui.commands import Command, Envelope, Verdict
from crm_tui.commands.base import actor_of, carry_out, seal
from crm_tui.commands.steps import Step, command_of
from crm_tui.desk.books import DEVICE, Books
from crm_tui.domain.errors import Refused
from crm_tui.store.outbox import PENDING, SUPERSEDED, UNSETTLED, fact, name_meant, settle
from crm_tui.store.scope import Viewer
from crm_tui.store.tables import outbox
from crm_tui.store.transaction import Transaction

T = TypeVar("T")
Listener = Callable[[frozenset[str]], None]

UNDO_STEPS = 50


@dataclass(frozen=True)
class _Way:
    """Commands that lead back, or there again; the refused command in whose place the first step stood."""

    commands: tuple[Command, ...]
    supersedes: str


@dataclass
class _Steps:
    """What one person can take back and do again; a batch is one step."""

    undo: list[_Way] = field(default_factory=list)
    redo: list[_Way] = field(default_factory=list)


class Deeds:
    """Carries commands out and knows how to take them back."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._steps: dict[str, _Steps] = {}
        self.listeners: list[Listener] = []
        self._wished = False

    def take_wish(self) -> bool:
        """Tell whether something was done since this was last asked that a hub may still refuse."""
        wished, self._wished = self._wished, False
        return wished

    def carry_out(self, steps: Sequence[Step], actor_id: str, *, supersedes: str = "") -> tuple[Verdict, ...]:
        """Carry out the steps in one transaction and remember how to take them back together."""
        verdicts = self.execute(steps, actor_id, supersedes=supersedes)
        back = _back(verdicts)
        if back:
            done = self._steps_of(actor_id)
            done.undo = [*done.undo, _Way(back, supersedes)][-UNDO_STEPS:]
            done.redo.clear()
        return verdicts

    def execute(
        self, steps: Sequence[Step], actor_id: str, *, supersedes: str = "", reopens: str = ""
    ) -> tuple[Verdict, ...]:
        """Carry out the steps in one transaction, each with its outbox row, and tell the listeners.

        The first one that is applied takes the place of the refused command ``supersedes``, or takes back
        what stood in the place of ``reopens``: somebody has to deal with that one again.
        """
        batch_id = self._books.ids()
        verdicts: list[Verdict] = []
        made: dict[str, Any] = {}
        self._wished = False
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
                    self._wished |= not command.fact
                    supersedes = ""
            if reopens and any(verdict.applied for verdict in verdicts):
                settle(tx, reopens, UNSETTLED)
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
        way = _last(steps.undo, "nothing_to_undo")
        verdicts = self.execute(way.commands, actor_id, reopens=way.supersedes)
        _turn(steps.undo, steps.redo, verdicts)
        return verdicts

    def redo(self, actor_id: str) -> tuple[Verdict, ...]:
        """Do again what was taken back last; raises Refused nothing_to_redo."""
        steps = self._steps_of(actor_id)
        way = _last(steps.redo, "nothing_to_redo")
        verdicts = self.execute(way.commands, actor_id, supersedes=way.supersedes)
        _turn(steps.redo, steps.undo, verdicts)
        return verdicts

    def leave_to_hub(self, command: Command, actor_id: str, *, why: str, about: str, supersedes: str) -> None:
        """Send a fact that cannot be taken in here, because of ``why``: a hub takes facts in all the same.

        It cannot be taken back, nor can what was done before: who tries would take back another step.
        """
        with self._books.write() as tx:
            envelope = self._sealed(tx, command, actor_id, self._books.ids())
            _note(tx, envelope, about, supersedes, code=why)
            changed = frozenset(tx.changed)
        self._steps.pop(actor_id, None)
        self.tell(changed)

    def _one(
        self, tx: Transaction, command: Command, actor: Viewer, batch_id: str, supersedes: str = ""
    ) -> Verdict:
        """Carry out one command and, if it was applied, note it in the outbox."""
        envelope = self._sealed(tx, command, actor.person_id, batch_id)
        about = name_meant(tx, envelope.args)
        verdict = carry_out(command, envelope, tx, actor)
        if verdict.applied:
            _note(tx, envelope, about, supersedes)
        return verdict

    def _sealed(self, tx: Transaction, command: Command, actor_id: str, batch_id: str) -> Envelope:
        return seal(
            command,
            cmd_id=self._books.ids(),
            batch_id=batch_id,
            device_id=tx.keep(DEVICE, lambda: fact(tx, DEVICE)),
            actor_id=actor_id,
            at=self._books.watch.tick(),
        )

    def _steps_of(self, actor_id: str) -> _Steps:
        return self._steps.setdefault(actor_id, _Steps())


def _note(tx: Transaction, envelope: Envelope, about: str, supersedes: str, *, code: str = "") -> None:
    """Put a command into the outbox; what it stands in the place of is dealt with."""
    tx.insert(
        outbox,
        cmd_id=envelope.cmd_id,
        batch_id=envelope.batch_id,
        device_id=envelope.device_id,
        actor_id=envelope.actor_id,
        kind=envelope.kind,
        version=envelope.version,
        args=envelope.args,
        at=envelope.at,
        state=PENDING,
        code=code,
        supersedes=supersedes,
        about=about,
    )
    if supersedes:
        settle(tx, supersedes, SUPERSEDED)


def _last(pile: Sequence[_Way], empty: str) -> _Way:
    if not pile:
        raise Refused(empty)
    return pile[-1]


def _turn(taken_from: list[_Way], given_to: list[_Way], verdicts: Sequence[Verdict]) -> None:
    """Put the way back from the last step of one pile on the other; a failed save never comes here."""
    way = taken_from.pop()
    back = _back(verdicts)
    if back:
        given_to.append(_Way(back, way.supersedes))


def _back(verdicts: Sequence[Verdict]) -> tuple[Command, ...]:
    """Return the commands that take back what was applied, the last one first."""
    return tuple(command for verdict in reversed(verdicts) for command in verdict.undo)
