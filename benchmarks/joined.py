"""A terminal that has joined the measured hub, on a home of its own."""

from __future__ import annotations

from pathlib import Path

from crm_tui.desk import Desk, wall_clock
from crm_tui.desk.link import Link
from crm_tui.store.credentials import hash_pin, set_verifier
from crm_tui.store.engine import open_engine
from crm_tui.sync.http import HttpHub
from crm_tui.sync.joining import become_member
from crm_tui.sync.messages import JoinAnswer

PIN = "2468"


class Joined:
    """A terminal with a home of its own; nobody has worked at it yet."""

    def __init__(self, folder: Path, url: str, answer: JoinAnswer) -> None:
        folder.mkdir()
        self.file = folder / "crm.db"
        self.desk = Desk(open_engine(self.file), clock=wall_clock)
        with self.desk._books.write() as tx:  # noqa: SLF001 - as the command line's join does
            become_member(tx, url, answer, folder.name)
        self.way = HttpHub(url, answer.device_id, answer.secret)
        self.link = Link(self.desk._books, self.way, machine=folder.name)  # noqa: SLF001 - the same

    def log_in(self, person_id: str) -> None:
        """Let somebody work here; the hub has given every terminal its seats."""
        with self.desk._books.write() as tx:  # noqa: SLF001 - the PIN's proof is not what is measured
            set_verifier(tx, person_id, hash_pin(PIN))
        self.desk.log_in(person_id, PIN)

    def close(self) -> None:
        self.link.stop()
        self.desk.close()
