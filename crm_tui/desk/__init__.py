"""What one counter can do: log somebody in, answer questions, carry out commands, take them back.

The desk knows no screen. Its plain methods work at once in the caller's thread and serve the command
line; ``ask`` and ``act`` are the same for a screen, off its thread: one writer, two readers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine, select
from sqlalchemy.exc import DatabaseError, OperationalError
from uuid_utils import uuid7

from crm_tui.commands import Command, Verdict
from crm_tui.commands.base import APPLIED, SYSTEM, actor_of, carry_out, seal
from crm_tui.commands.steps import Step, command_of
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.store import credentials, drafts
from crm_tui.store.backup import backup
from crm_tui.store.engine import for_writing, open_engine, storage_refusal
from crm_tui.store.scope import Viewer, viewer_of
from crm_tui.store.tables import meta, outbox
from crm_tui.store.transaction import Transaction
from crm_tui.store.view import View

P = ParamSpec("P")
T = TypeVar("T")
Clock = Callable[[], datetime]
Listener = Callable[[frozenset[str]], None]

DEVICE = "device_id"
UNDO_STEPS = 50
_TICK = timedelta(microseconds=1)


def wall_clock() -> datetime:
    """Return the present instant, aware UTC: the one place that reads the clock."""
    return datetime.now(UTC)  # noqa: TID251 - the desk is where time comes in


def new_id() -> str:
    """Return a fresh UUIDv7 as 32 hex digits."""
    return uuid7().hex


@dataclass
class _Steps:
    """What one person can take back and do again; a batch is one step."""

    undo: list[tuple[Command, ...]] = field(default_factory=list)
    redo: list[tuple[Command, ...]] = field(default_factory=list)


class Desk:
    """One counter on one database file, with at most one person logged in."""

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock = wall_clock,
        ids: Callable[[], str] = new_id,
        writer: Executor | None = None,
        reader: Executor | None = None,
    ) -> None:
        self._reading = engine
        self._writing = for_writing(engine)
        self._clock = clock
        self._ids = ids
        self._writer = writer or ThreadPoolExecutor(1, "desk-writer")
        self._reader = reader or ThreadPoolExecutor(2, "desk-reader")
        self._listeners: list[Listener] = []
        self._steps: dict[str, _Steps] = {}
        self._viewer: Viewer | None = None
        self._last = datetime.min.replace(tzinfo=UTC)
        self._device = self._device_id()

    @classmethod
    def open(cls, path: Path, *, clock: Clock = wall_clock) -> Desk:
        """Open the desk on a database file; raises Refused as ``open_engine`` does."""
        return cls(open_engine(path), clock=clock)

    def close(self) -> None:
        """Finish what is under way and let the file go."""
        self._writer.shutdown()
        self._reader.shutdown()
        self._reading.dispose()

    # -- who is here

    @property
    def viewer(self) -> Viewer:
        """The person who is logged in; raises Refused not_logged_in."""
        if self._viewer is None:
            raise Refused("not_logged_in")
        return self._viewer

    @property
    def is_logged_in(self) -> bool:
        """Tell whether somebody is logged in."""
        return self._viewer is not None

    def log_in(self, person_id: str, pin: str) -> Viewer:
        """Check the PIN, counting the try, and let the person in.

        Raises:
            Refused: pin_unset, pin_wrong (left), pin_locked (minutes), person_unknown, person_frozen.
        """
        viewer = self._check(lambda _: person_id, pin)
        self._viewer = viewer
        return viewer

    def unlock(self, person_id: str, number: str, pin: str) -> None:
        """Let a manager, by number and PIN, give a person the tries back; a wrong PIN counts on the manager.

        Raises:
            Refused: person_unknown, person_frozen, not_allowed (right), pin_unset, pin_wrong (left),
                pin_locked (minutes).
        """
        manager = self._check(lambda tx: credentials.person_of(tx, number), pin)
        with self._write() as tx:
            credentials.unlock_within(tx, manager, person_id)

    def log_out(self) -> None:
        """Let nobody be logged in; what was done stays, and can be taken back after the next log-in."""
        self._viewer = None

    def choose_pin(self, person_id: str, pin: str) -> None:
        """Set the first PIN of a person who has none yet on this terminal.

        Raises:
            Refused: pin_shape, pin_set, person_unknown, person_frozen.
        """
        verifier = credentials.hash_pin(pin)
        with self._write() as tx:
            viewer_of(tx, person_id)
            if credentials.has_pin(tx, person_id):
                raise Refused("pin_set")
            credentials.set_verifier(tx, person_id, verifier)

    def reset_pin(self, person_id: str) -> None:
        """Take a PIN away, so that the person chooses a new one; needs the right to manage people."""
        with self._write() as tx:
            if not viewer_of(tx, self.viewer.person_id).may(Right.MANAGE_PEOPLE):
                raise Refused("not_allowed", right=Right.MANAGE_PEOPLE)
            credentials.drop_verifier(tx, person_id)

    # -- questions and commands, at once

    def now(self) -> datetime:
        """Return the present instant of this desk's clock, aware UTC."""
        return self._clock()

    def answer(self, question: Callable[Concatenate[View, P], T], *args: P.args, **more: P.kwargs) -> T:
        """Ask a query in the name of the person who is logged in."""
        with self._read() as tx:
            return question(View(tx, viewer_of(tx, self.viewer.person_id), self.now()), *args, **more)

    def answer_anyone(
        self, question: Callable[Concatenate[Transaction, P], T], *args: P.args, **more: P.kwargs
    ) -> T:
        """Ask what a log-in screen may ask before anybody is logged in."""
        with self._read() as tx:
            return question(tx, *args, **more)

    def carry_out(self, *steps: Step) -> tuple[Verdict, ...]:
        """Carry out commands as one step in one transaction, each with its outbox row.

        Each is applied or refused on its own; what was applied can be taken back together. A step that
        cannot be built from what was made before it is left out and has no verdict.

        Raises:
            Refused: disk_full, database_busy; nothing was changed.
        """
        verdicts = self._carry_out(steps, self.viewer.person_id)
        back = tuple(command for verdict in reversed(verdicts) for command in verdict.undo)
        if back:
            done = self._steps.setdefault(self.viewer.person_id, _Steps())
            done.undo = [*done.undo, back][-UNDO_STEPS:]
            done.redo.clear()
        return verdicts

    def carry_out_as_system(self, *commands: Command) -> tuple[Verdict, ...]:
        """Carry out commands that nobody in particular gives: founding the organisation."""
        return self._carry_out(commands, SYSTEM)

    def rehearse(self, work: Callable[[Callable[[Command], Verdict]], T]) -> T:
        """Let ``work`` carry out commands and forget them all: what would happen, without it happening."""
        batch_id = self._ids()
        with self._write() as tx:
            actor = actor_of(tx, self.viewer.person_id)
            trial = tx.connection.begin_nested()
            try:
                return work(lambda command: self._one(tx, command, actor, batch_id))
            finally:
                trial.rollback()

    def undo(self) -> tuple[Verdict, ...]:
        """Take back the person's last step; raises Refused nothing_to_undo."""
        return self._step(lambda steps: steps.undo, lambda steps: steps.redo, "nothing_to_undo")

    def redo(self) -> tuple[Verdict, ...]:
        """Do again what was taken back last; raises Refused nothing_to_redo."""
        return self._step(lambda steps: steps.redo, lambda steps: steps.undo, "nothing_to_redo")

    # -- the same for a screen

    async def ask(self, question: Callable[Concatenate[View, P], T], *args: P.args, **more: P.kwargs) -> T:
        """Ask a query off the screen's thread."""
        return await self._off(self._reader, lambda: self.answer(question, *args, **more))

    async def act(self, *steps: Step) -> tuple[Verdict, ...]:
        """Carry out commands off the screen's thread; see :meth:`carry_out`."""
        return await self._off(self._writer, lambda: self.carry_out(*steps))

    async def write(self, work: Callable[[], T]) -> T:
        """Run any other method of this desk that writes, off the screen's thread."""
        return await self._off(self._writer, work)

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` after each commit, in the writer's thread, with the names of changed tables."""
        self._listeners.append(listener)

    def back_up(self, target: Path) -> Path:
        """Copy the data to a file that is checked; raises Refused as ``store.backup.backup`` does."""
        return backup(Path(str(self._reading.url.database)), target)

    # -- drafts

    def keep_draft(self, form: str, subject_id: str, answers: Mapping[str, Any]) -> None:
        """Keep an unfinished form of the person who is logged in."""
        with self._write() as tx:
            drafts.keep_draft(tx, self.viewer.person_id, drafts.Draft(form, subject_id, answers, self.now()))

    def find_draft(self, form: str, subject_id: str) -> drafts.Draft | None:
        """Return the person's unfinished form about a subject."""
        return self.answer_anyone(drafts.find_draft, self.viewer.person_id, form, subject_id)

    def drop_draft(self, form: str, subject_id: str) -> None:
        """Throw an unfinished form away."""
        with self._write() as tx:
            drafts.drop_draft(tx, self.viewer.person_id, form, subject_id)

    # -- within

    def _carry_out(self, steps: Sequence[Step], actor_id: str) -> tuple[Verdict, ...]:
        batch_id = self._ids()
        verdicts: list[Verdict] = []
        made: dict[str, Any] = {}
        with self._write() as tx:
            actor = actor_of(tx, actor_id)
            for step in steps:
                command = command_of(step, made)
                if command is None:
                    continue
                verdict = self._one(tx, command, actor, batch_id)
                verdicts.append(verdict)
                if verdict.applied:
                    made |= verdict.details
            changed = frozenset(tx.changed)
        for listener in self._listeners:
            listener(changed)
        return tuple(verdicts)

    def _one(self, tx: Transaction, command: Command, actor: Viewer, batch_id: str) -> Verdict:
        """Carry out one command and, if it was applied, note it in the outbox."""
        envelope = seal(
            command,
            cmd_id=self._ids(),
            batch_id=batch_id,
            device_id=self._device,
            actor_id=actor.person_id,
            at=self._tick(),
        )
        verdict = carry_out(command, envelope, tx, actor)
        if verdict.code == APPLIED:
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
                state="pending",
            )
        return verdict

    def _step(
        self,
        taken_from: Callable[[_Steps], list[tuple[Command, ...]]],
        given_to: Callable[[_Steps], list[tuple[Command, ...]]],
        empty: str,
    ) -> tuple[Verdict, ...]:
        steps = self._steps.setdefault(self.viewer.person_id, _Steps())
        if not taken_from(steps):
            raise Refused(empty)
        verdicts = self._carry_out(taken_from(steps)[-1], self.viewer.person_id)
        taken_from(steps).pop()
        back = tuple(command for verdict in reversed(verdicts) for command in verdict.undo)
        if back:
            given_to(steps).append(back)
        return verdicts

    @contextmanager
    def _read(self) -> Iterator[Transaction]:
        """Open a transaction that reads one state of the rows, whoever writes meanwhile."""
        with _refusing(), self._reading.connect() as connection, connection.begin():
            yield Transaction(connection)

    @contextmanager
    def _write(self) -> Iterator[Transaction]:
        """Open the one transaction that writes; what cannot be written is refused whole."""
        with _refusing(), self._writing.connect() as connection, connection.begin():
            yield Transaction(connection)

    def _check(self, who: Callable[[Transaction], str], pin: str) -> Viewer:
        """Check a PIN and count the try; return whose it is, raise Refused where it is not right."""
        now = self.now()
        with self._write() as tx:
            viewer = viewer_of(tx, who(tx))
            no = credentials.check_pin(tx, viewer.person_id, pin, now)
            left = credentials.tries_left(tx, viewer.person_id)
            until = credentials.locked_until(tx, viewer.person_id, now)
        if no is not None:
            minutes = -(-(until - now) // timedelta(minutes=1)) if until else 0
            raise Refused(no, left=left, minutes=minutes)
        return viewer

    def _tick(self) -> datetime:
        """Return the clock's instant, moved on where the clock stood still: no two commands share one."""
        self._last = max(self._clock(), self._last + _TICK)
        return self._last

    def _device_id(self) -> str:
        """Return this terminal's own id, made at the first opening."""
        with self._write() as tx:
            known = tx.scalar(select(meta.c.value).where(meta.c.name == DEVICE))
            if known is None:
                known = self._ids()
                tx.insert(meta, name=DEVICE, value=known)
        return str(known)

    @staticmethod
    async def _off(executor: Executor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, work)


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn what the storage could not do into a refusal; a mistake of the program stays an error."""
    try:
        yield
    except DatabaseError as error:
        if type(error) not in {DatabaseError, OperationalError}:
            raise
        raise storage_refusal(error.orig) from error
