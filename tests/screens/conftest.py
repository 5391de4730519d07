"""The whole program on a founded organisation, in one thread: nothing of it can race."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from crm_tui.app import CrmApp
from crm_tui.desk import Desk
from crm_tui.hub import accounts, founding
from crm_tui.hub.authority import Authority
from crm_tui.hub.books import HubBooks
from crm_tui.hub.share import SharedHub
from crm_tui.hub.tables import command_log
from crm_tui.settings import Home
from crm_tui.store.backup import backup
from crm_tui.store.engine import open_engine
from crm_tui.store.transaction import Transaction
from crm_tui.sync.joining import become_member
from crm_tui.sync.messages import HubCard, HubError, JoinRequest, Say
from crm_tui.widgets.navigation import Go

URL = "http://10.2.0.5:8765"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The folder of the terminal's data."""
    return Home(tmp_path / "home")


@pytest.fixture
def program(home: Home, in_line: Any) -> Callable[[Desk], CrmApp]:
    """Build the app over a desk that works in the caller's thread."""
    return lambda desk: CrmApp(home, opener=lambda: desk, starter=in_line)


@pytest.fixture
def lines() -> Callable[[Any], list[str]]:
    """Return the way to read what stands on the screen, line by line."""
    return lambda app: [strip.text for strip in app.screen._compositor.render_strips()]


@pytest.fixture
def at_work(home: Home, in_line: Any) -> Callable[..., AbstractAsyncContextManager[Any]]:
    """Return the way to run the program with somebody logged in, on the place asked for; gives the pilot."""

    @asynccontextmanager
    async def run(
        office: Any, go: Go, number: str = "6001", size: tuple[int, int] = (80, 24)
    ) -> AsyncIterator[Any]:
        office.as_person(number)
        app = CrmApp(home, opener=lambda: office.desk, starter=in_line, begin_at="board")
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await pilot.pause()
            app.screen.post_message(go)
            await pilot.pause()
            await pilot.pause()
            yield pilot

    return run


class Way(SharedHub):
    """A way to the hub in this process that can be cut."""

    cut = False
    at = URL

    def _proven(self) -> Any:
        if self.cut:
            raise HubError(Say.UNREACHABLE, url=self.at, why="cut")
        return super()._proven()

    def card(self) -> HubCard:
        """Say who the hub is, unless the way is cut."""
        self._proven()
        return super().card()

    def close(self) -> None:
        """The hub is everybody's in these tests."""


class Shop:
    """The office's hub, and terminals that reach it in this process."""

    def __init__(self, office: Any, folder: Path, in_line: Any) -> None:
        backup(office.desk._books.path, folder / "hub" / "hub.db")
        self.books = HubBooks.open(f"sqlite:///{folder / 'hub' / 'hub.db'}", clock=office.clock)
        founding.found(self.books)
        self.authority = Authority(self.books, office.desk._books.ids)
        self.office = office
        self.pin = office.pin
        self.people = office.people
        self.clock = office.clock
        self._folder = folder
        self._line = in_line
        self.desks: list[Any] = []

    def terminal(self, name: str, number: str = "6001", url: str = URL) -> Any:
        """Let a terminal join at Jingan, with somebody known there and logged in."""
        code = accounts.invite_terminal(self.books, self.office.units["Jingan"], name).code
        answer = self.authority.join(JoinRequest(code=code, machine=name, protocol=1))
        engine = open_engine(self._folder / name / "crm.db")
        ids = self.office.desk._books.ids
        Desk(engine, clock=self.clock, ids=ids, writer=self._line, reader=self._line)
        with engine.begin() as connection:
            become_member(Transaction(connection), url, answer, name)
        way = Way(self.authority, answer.device_id, answer.secret)
        desk: Any = Desk(
            engine,
            clock=self.clock,
            ids=ids,
            writer=self._line,
            reader=self._line,
            connect=lambda _: way,
        )
        desk.way = way
        desk.link._client._identity._machine = name
        desk.link.run()
        if number:
            self.introduce(desk, number)
        self.desks.append(desk)
        return desk

    def introduce(self, desk: Desk, number: str) -> None:
        """Let the hub say who somebody is."""
        desk.log_in(self.people[number], self.pin)

    def log(self) -> Sequence[Row[Any]]:
        """Return the hub's log."""
        with self.books.read() as tx:
            return tx.rows(select(command_log).order_by(command_log.c.device_id, command_log.c.seq))


@pytest.fixture
def shop(office: Any, tmp_path: Path, in_line: Any) -> Iterator[Shop]:
    """The office as an organisation with a hub."""
    made = Shop(office, tmp_path, in_line)
    yield made
    for desk in made.desks:
        desk.close()
    made.books.close()


@pytest.fixture
def run_at(home: Home, in_line: Any) -> Callable[..., tuple[CrmApp, Any]]:
    """Return the way to run the program over a terminal's desk: the app, and its run."""

    def opened(desk: Desk, size: tuple[int, int] = (80, 24)) -> tuple[CrmApp, Any]:
        app = CrmApp(home, opener=lambda: desk, starter=in_line)
        return app, app.run_test(size=size)

    return opened
