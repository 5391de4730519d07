"""What one counter can do: log somebody in, answer questions, carry out commands, take them back.

The desk knows no screen. Its plain methods work at once in the caller's thread and serve the command
line; ``ask``, ``act`` and ``write`` are the same for a screen, off its thread: one writer, two readers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine

from crm_tui.commands import Command, Verdict
from crm_tui.commands.base import SYSTEM
from crm_tui.commands.steps import Step
from crm_tui.desk.aside import aside
from crm_tui.desk.books import Books, new_id, wall_clock
from crm_tui.desk.deeds import Deeds, Listener
from crm_tui.desk.door import Door
from crm_tui.desk.drawer import Drawer
from crm_tui.desk.inbox import Inbox
from crm_tui.desk.leases import Leases
from crm_tui.desk.link import Connect, Link
from crm_tui.desk.outlook import Outlook
from crm_tui.desk.watch import Clock
from crm_tui.store.backup import backup
from crm_tui.store.engine import open_engine
from crm_tui.store.scope import Viewer, known_viewer
from crm_tui.store.transaction import Transaction
from crm_tui.store.view import View
from crm_tui.sync.joining import membership
from crm_tui.sync.machine import program_version, this_machine

P = ParamSpec("P")
T = TypeVar("T")


class Desk:
    """One counter on one database file.

    ``door`` has the PINs, ``drawer`` the drafts, ``watch`` the time, ``link`` the way to the hub, if any,
    ``inbox`` the commands that the hub refused or may refuse, ``leases`` the customers being changed here,
    ``outlook`` what the hub says of itself and of the other terminals.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock = wall_clock,
        ids: Callable[[], str] = new_id,
        writer: Executor | None = None,
        reader: Executor | None = None,
        connect: Connect | None = None,
    ) -> None:
        self._books = Books(engine, clock, ids)
        self._deeds = Deeds(self._books)
        self.link = _link(self._books, connect)
        if self.link is not None:
            self._deeds.listeners.append(self.link.heed)
        self._writer = writer or ThreadPoolExecutor(1, "desk-writer")
        self._reader = reader or ThreadPoolExecutor(2, "desk-reader")
        self.door = Door(self._books, self.link)
        self.drawer = Drawer(self._books, self.door)
        self.leases = Leases(self._books, self.door, self.link, self._writer)
        self.inbox = Inbox(self._books, self.door, self._deeds, self.link)
        self.outlook = Outlook(self.door, self.link)
        self.watch = self._books.watch

    @classmethod
    def open(cls, path: Path, *, clock: Clock = wall_clock, connect: Connect | None = None) -> Desk:
        """Open the desk on a database file; raises Refused as ``open_engine`` does.

        ``connect`` reaches the hub of a terminal that has joined one; without it the desk works alone.
        """
        return cls(open_engine(path), clock=clock, connect=connect)

    def close(self) -> None:
        """Finish what is under way and let the file go."""
        self.leases.close()
        if self.link is not None:
            self.link.stop()
        self._writer.shutdown()
        self._reader.shutdown()
        self._books.close()

    @property
    def viewer(self) -> Viewer:
        """The person who is logged in; raises Refused not_logged_in."""
        return self.door.viewer

    @property
    def is_logged_in(self) -> bool:
        """Tell whether somebody is logged in."""
        return self.door.is_taken

    def log_in(self, person_id: str, pin: str) -> Viewer:
        """Let a person in; see :meth:`Door.log_in`."""
        return self.door.log_in(person_id, pin)

    def log_out(self) -> None:
        """Let nobody be logged in; what was done can be taken back after the next log-in."""
        self.door.log_out()
        self.leases.let_all_go()

    def now(self) -> datetime:
        """Return the present instant of this desk's clock, aware UTC."""
        return self._books.now()

    def answer(self, question: Callable[Concatenate[View, P], T], *args: P.args, **more: P.kwargs) -> T:
        """Ask a query in the name of the person who is logged in."""
        with self._books.read() as tx:
            return question(View(tx, known_viewer(tx, self.viewer.person_id), self.now()), *args, **more)

    def answer_anyone(
        self, question: Callable[Concatenate[Transaction, P], T], *args: P.args, **more: P.kwargs
    ) -> T:
        """Ask what a log-in screen may ask before anybody is logged in."""
        with self._books.read() as tx:
            return question(tx, *args, **more)

    def carry_out(self, *steps: Step, supersedes: str = "") -> tuple[Verdict, ...]:
        """Carry out commands as one step in one transaction, each with its outbox row.

        Each is applied or refused on its own; what was applied can be taken back together. A step that
        cannot be built from what was made before it is left out and has no verdict. ``supersedes`` is the
        id of a refused command in whose place the first one stands: that one is dealt with then.

        Raises:
            Refused: disk_full, database_busy; nothing was changed.
        """
        return self._deeds.carry_out(steps, self.viewer.person_id, supersedes=supersedes)

    def carry_out_as_system(self, *commands: Command) -> tuple[Verdict, ...]:
        """Carry out commands that nobody in particular gives: founding the organisation."""
        return self._deeds.execute(commands, SYSTEM)

    def rehearse(self, work: Callable[[Callable[[Command], Verdict]], T]) -> T:
        """Let ``work`` carry out commands and forget them all: what would happen, without it happening."""
        return self._deeds.rehearse(work, self.viewer.person_id)

    def undo(self) -> tuple[Verdict, ...]:
        """Take back the person's last step; raises Refused nothing_to_undo."""
        return self._deeds.undo(self.viewer.person_id)

    def redo(self) -> tuple[Verdict, ...]:
        """Do again what was taken back last; raises Refused nothing_to_redo."""
        return self._deeds.redo(self.viewer.person_id)

    async def ask(self, question: Callable[Concatenate[View, P], T], *args: P.args, **more: P.kwargs) -> T:
        """Ask a query off the screen's thread."""
        return await _off(self._reader, lambda: self.answer(question, *args, **more))

    async def act(self, *steps: Step, supersedes: str = "") -> tuple[Verdict, ...]:
        """Carry out commands off the screen's thread; see :meth:`carry_out`."""
        return await _off(self._writer, lambda: self.carry_out(*steps, supersedes=supersedes))

    async def write(self, work: Callable[[], T], *, at_hub: bool = False) -> T:
        """Run anything else that writes here, off the screen's thread; a wait for the hub holds nobody up."""
        return await (aside(work) if at_hub and self.link is not None else _off(self._writer, work))

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` after each commit, in the writer's thread, with the names of changed tables."""
        self._deeds.listeners.append(listener)
        if self.link is not None:
            self.link.listeners.append(listener)

    def back_up(self, target: Path) -> Path:
        """Copy the data to a file that is checked; raises Refused as ``store.backup.backup`` does."""
        return backup(self._books.path, target)


def _link(books: Books, connect: Connect | None) -> Link | None:
    """Return the link of a terminal that has joined a hub."""
    with books.read() as tx:
        found = membership(tx)
    if found is None or connect is None:
        return None
    return Link(books, connect(found), machine=this_machine(), app_version=program_version())


async def _off(executor: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, work)


__all__ = ["Clock", "Desk", "Step", "new_id", "wall_clock"]
