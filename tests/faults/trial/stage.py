"""The processes of a trial: hub, terminals and what lies between, begun, killed and begun again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from operator import ne
from pathlib import Path

from database import Database
from office import FIRST, Place, found
from proxy import Proxy

from crm_tui.desk import new_id, wall_clock
from crm_tui.hub.accounts import invite_terminal
from crm_tui.hub.devices import move
from crm_tui.hub.opening import make_hub, open_hub

HERE = Path(__file__).parent
PATIENCE = 400.0
"""Seconds after which something that must happen is said not to have happened."""


def until(what: str, true: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until something is true; raise TimeoutError with ``what`` where it never is."""
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


@dataclass
class Running:
    """A terminal and its process, if it has one."""

    place: Place
    home: Path
    pid: int = 0
    lives: int = 0


class Stage:
    """Everything that runs."""

    def __init__(self, folder: Path, database: Database, seed: int, pace: float) -> None:
        self.folder = folder
        self.database = database
        self.shared = database.url.startswith("file:")
        self.pace = pace
        self.terminals: dict[str, Running] = {}
        self.exits: dict[int, int] = {}
        self._started: dict[str, int] = {}
        self._hub: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._log = (folder / "hub.log").open("ab")
        self._forks = subprocess.Popen(
            [sys.executable, str(HERE / "clerk.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / "terminals.log").open("ab"),
            env=os.environ | {"PYTHONUTF8": "1"},
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self._port = _free_port()
        self.proxy = Proxy(self._port, seed)

    @property
    def url(self) -> str:
        """Where terminals look for the hub."""
        return self.database.url if self.shared else f"http://127.0.0.1:{self.proxy.port}"

    @property
    def hub_pid(self) -> int:
        assert self._hub is not None
        return self._hub.pid

    def set_up(self) -> None:
        """Found the organisation, make the hub, and let every terminal join it."""
        first = self.folder / FIRST
        places = found(first / "crm.db")
        make_hub(first / "crm.db", self.database.url, self.url, clock=wall_clock)
        codes = {FIRST: ""}
        authority = open_hub(self.database.url, clock=wall_clock, new_id=new_id)
        for place in places[1:]:
            codes[place.name] = invite_terminal(authority.books, place.unit_id, place.name).code
        authority.close()
        self.start_hub()
        for place in places:
            self.terminals[place.name] = Running(place, self.folder / place.name)
            self.order(place.name, "join", url=self.url, code=codes[place.name])
        for name in self.terminals:
            self.wait_for(name)
        self.save()

    def save(self) -> None:
        """Keep a copy of the hub."""
        if self.database.is_file:
            self.database.save()
        else:
            self.kill_hub()
            self.database.save()
            self.start_hub()

    def _fact(self, name: str, fact: str) -> str:
        with closing(sqlite3.connect(self.terminals[name].home / "crm.db")) as own:
            found = own.execute("SELECT value FROM meta WHERE name = ?", (fact,)).fetchone()
        return str(found[0]) if found else ""

    def _meetings(self) -> list[str]:
        """Return when each terminal has met the hub last, by its own clock, and in which epoch."""
        facts = ("hub_last_sync", "hub_epoch")
        return [" ".join(self._fact(name, one) for one in facts) for name in sorted(self.terminals)]

    def move(self, name: str, unit_id: str) -> None:
        """Let a terminal stand at another unit."""
        device_id = self._fact(name, "device_id")
        with closing(open_hub(self.database.url, clock=wall_clock, new_id=new_id)) as authority:
            move(authority.books, device_id, unit_id)

    def start_hub(self) -> None:
        if self.shared:
            return
        words = ["hub", "serve", "--db", self.database.url, "--port", str(self._port)]
        self._hub = subprocess.Popen(
            [sys.executable, "-m", "crm_tui", "--home", str(self.folder / "server"), *words],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        until("the hub answers", self._answers)

    def kill_hub(self) -> None:
        if self._hub is not None:
            self._hub.kill()
            self._hub.wait()
            self._hub = None

    def put_hub_back(self, *, by_hand: bool) -> None:
        """Put the hub's last copy in its place, by the verb or by hand, and take a new one."""
        self.kill_hub()
        if by_hand:
            self.database.put_back_by_hand()
        else:
            words = ["hub", "restore", str(self.database.saved), "--db", self.database.url]
            subprocess.run(
                [sys.executable, "-m", "crm_tui", "--home", str(self.folder / "server"), *words],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                check=True,
            )
        before = self._meetings()
        self.start_hub()
        if by_hand:  # nobody has told the hub: whoever misses something there tells it, or nothing is missed
            until(
                "everybody has met the hub that was copied back",
                lambda: not self._is_normal() or all(map(ne, before, self._meetings())),
            )
        until("the hub has recovered", self._is_normal)
        self.save()

    def order(self, name: str, mode: str, **more: object) -> None:
        """Start a terminal process."""
        one = self.terminals[name]
        self._started.pop(name, None)
        order = {"mode": mode, "home": str(one.home), "name": name, "person": one.place.person_id}
        order |= {"pace": self.pace} | more
        assert self._forks.stdin is not None
        self._forks.stdin.write(json.dumps(order).encode() + b"\n")
        self._forks.stdin.flush()
        until(f"{name} is there", lambda: name in self._started)
        one.pid = self._started[name]
        one.lives += 1

    def kill(self, name: str) -> None:
        """SIGKILL a terminal; it may have ended by itself."""
        one = self.terminals[name]
        if one.pid not in self.exits:
            os.kill(one.pid, signal.SIGKILL)
        until(f"{name} is gone", lambda: one.pid in self.exits)

    def wait_for(self, name: str) -> None:
        """Wait for a terminal to end by itself, soundly."""
        one = self.terminals[name]
        until(f"{name} ends", lambda: one.pid in self.exits)
        if self.exits[one.pid]:
            raise RuntimeError(f"{name} ended with {self.exits[one.pid]}")

    def copy(self, name: str, copied: str) -> None:
        """Copy a terminal that does not run, as a disk is cloned."""
        one = self.terminals[name]
        shutil.copytree(one.home, self.folder / copied, ignore=shutil.ignore_patterns("journal"))
        place = Place(copied, one.place.unit_id, one.place.person_id)
        self.terminals[copied] = Running(place, self.folder / copied)

    def acknowledged(self) -> int:
        """Return how many commands have been acknowledged."""
        journals = (one.home / "journal" for one in self.terminals.values())
        return sum(journal.read_bytes().count(b"\n") for journal in journals if journal.exists())

    def close(self) -> None:
        """End what still runs."""
        for name in self.terminals:
            self.kill(name)
        self.kill_hub()
        self._forks.kill()
        self._forks.wait()
        self.proxy.close()
        self._log.close()

    def _listen(self) -> None:
        assert self._forks.stdout is not None
        for line in self._forks.stdout:
            word, pid, rest = line.decode().split()
            if word == "start":
                self._started[rest] = int(pid)
            else:
                self.exits[int(pid)] = int(rest)

    def _is_normal(self) -> bool:
        """Tell whether every terminal has brought what it had: the hub tells of itself."""
        address = f"http://127.0.0.1:{self._port}/v1/card"
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(json.loads(answer.read())["mode"] == "normal")

    def _answers(self) -> bool:
        assert self._hub is not None
        if self._hub.poll() is not None:
            raise RuntimeError("the hub has ended by itself")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/v1/card", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])
