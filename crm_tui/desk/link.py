"""The counter's link with its hub: syncing by itself beside the work, and knowing how it stands.

Two threads, neither in anybody's way: the courier runs a round after each command, on a schedule and when
asked; the watcher asks the hub to say when something has changed, and finds out when the hub is back.
"""

from __future__ import annotations

import logging
import random  # noqa: TID251 - a pause that is never quite the same, not a rule
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crm_tui.desk.aside import aside
from crm_tui.desk.books import Books
from crm_tui.domain.errors import Refused
from crm_tui.store.replica import cursors
from crm_tui.store.transaction import Transaction
from crm_tui.sync.client import Progress, Report, SyncClient
from crm_tui.sync.hub import Hub
from crm_tui.sync.joining import Membership, Standing, standing
from crm_tui.sync.messages import HubError, Say
from crm_tui.trouble import places_of

Connect = Callable[[Membership], Hub]
"""How to reach a hub; the composition root knows every kind."""
Listener = Callable[[frozenset[str]], None]

LINK = "link"
"""What listeners are told has changed when only the standing with the hub has."""
DEBOUNCE = 0.2
"""Seconds that a command waits for the next one before both are sent."""
SCHEDULE = 60.0
"""Seconds after which a round runs though nothing is known to have changed."""
WATCH = 25.0
"""Seconds that the hub is asked to wait for news."""
PROBE = 4.0
"""Seconds between two looks for a hub that was not there."""
LONGEST_PAUSE = 300.0
COURIER_PATIENCE, WATCHER_PATIENCE = 1.7, 0.2
"""Seconds that the end waits for the two threads: a round may be under way; who only listens is left."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LinkState:
    """How the link stands; ``online`` None means that nothing has been tried yet.

    ``trouble`` is the code of what keeps it from syncing, ``details`` fill its sentence.
    """

    standing: Standing
    online: bool | None = None
    busy: bool = False
    trouble: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class Link:
    """Syncs one counter with its hub."""

    def __init__(self, books: Books, hub: Hub, *, machine: str, app_version: str = "") -> None:
        self._books = books
        self._hub = hub
        self.listeners: list[Listener] = []
        self.reporters: list[Callable[[Report], None]] = []
        self.on_progress: list[Progress] = []
        self._client = SyncClient(books.rebase, hub, books.now, machine=machine, app_version=app_version)
        self._one_round = threading.Lock()
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._online: bool | None = None
        self._busy = False
        self._trouble = ""
        self._details: Mapping[str, Any] = {}

    @property
    def hub(self) -> Hub:
        """The hub, for what can only be done there."""
        return self._hub

    @property
    def is_away(self) -> bool:
        """Tell whether the hub was not to be reached when it was last tried."""
        return self._online is False

    def state(self) -> LinkState:
        """Return how the link stands now."""
        with self._books.read() as tx:
            return self.state_in(tx)

    def state_in(self, tx: Transaction) -> LinkState:
        """Return how the link stands now, counted in a transaction of the caller's."""
        found = standing(tx)
        assert found is not None, "a link is made only for a terminal that has joined"
        return LinkState(found, self._online, self._busy, self._trouble, self._details)

    async def meet(self) -> Report:
        """Run one round now, for a screen, which goes on meanwhile; see :meth:`run`."""
        return await aside(self.run)

    async def ping(self) -> float | None:
        """Return how many seconds the hub takes to say who it is, None where it does not, for a screen."""
        return await aside(self._ping)

    def _ping(self) -> float | None:
        began = time.perf_counter()
        try:
            self._hub.card()
        except (HubError, Refused):
            return None
        return time.perf_counter() - began

    def run(self, *, digests: bool = False, progress: Progress | None = None) -> Report:
        """Run one round now, in the caller's thread; raises HubError, Refused as the storage does.

        ``progress`` is told how many rows have come while many do.
        """
        with self._one_round:
            self._say(busy=True)
            try:
                report = self._client.run(digests=digests, progress=progress or self._progress)
            except HubError as no:
                self._say(busy=False, online=no.code not in _AWAY, trouble=no.code, details=no.details)
                raise
            except Refused as no:
                self._say(busy=False, trouble=no.code, details=no.details)
                raise
            self._say(busy=False, online=True, trouble="", changed=report.changed)
            for reporter in self.reporters:
                reporter(report)
            return report

    def _progress(self, rows: int) -> None:
        for told in self.on_progress:
            told(rows)

    def heed(self, _changed: frozenset[str]) -> None:
        """Ask for a round because a command was carried out here."""
        self.want()

    def want(self) -> None:
        """Ask for a round soon."""
        self._wanted.set()

    def start(self) -> None:
        """Begin to sync by itself."""
        for name, work in (("hub-courier", self._carry), ("hub-watcher", self._watch)):
            thread = threading.Thread(target=work, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        self.want()

    def stop(self) -> None:
        """End both threads, within two seconds, and let the hub go; what waits is sent the next time."""
        self._stopping.set()
        self._wanted.set()
        for thread, patience in zip(self._threads, (COURIER_PATIENCE, WATCHER_PATIENCE), strict=False):
            thread.join(patience)
        self._hub.close()

    def _carry(self) -> None:
        """Run rounds: soon after something is wanted, later and later while the hub cannot answer.

        Where nothing was wanted for a while, what this terminal holds is compared with what the hub has.
        """
        pause = SCHEDULE
        while not self._stopping.is_set():
            wanted = self._wanted.wait(pause)
            self._stopping.wait(DEBOUNCE)
            self._wanted.clear()
            if self._stopping.is_set():
                return
            try:
                self.run()
                if not wanted and not self._client.compare(self._books.read):
                    self.run()
                pause = SCHEDULE
            except (HubError, Refused):
                pause = _longer(1.0 if pause == SCHEDULE else pause)
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not end what brings work home
                _log.error("a round with the hub broke off: %s", places_of(error))
                self._say(busy=False, trouble="sync_failed")
                pause = _longer(1.0 if pause == SCHEDULE else pause)

    def _watch(self) -> None:
        """Let the hub say when there is news; look every few seconds for one that is away."""
        while not self._stopping.is_set():
            try:
                self._stopping.wait(self._look())
            except (HubError, Refused) as no:
                frozen = no.code == Say.FROZEN != self._trouble
                if frozen or (no.code in _AWAY and self._online):
                    self.want()  # a round finds out, and says so
                self._stopping.wait(PROBE)
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not end what brings news
                if self._stopping.is_set():  # the hub was closed under its hands
                    return
                _log.error("waiting for news of the hub broke off: %s", places_of(error))
                self._stopping.wait(PROBE)

    def _look(self) -> float:
        """Ask for a round where the hub has news, or does again what kept it; return seconds to look again.

        A hub that is there and does not let a round end is left to the courier, who comes later and later: it
        is only looked whether it is still there, since a round for each of its news would never end.
        """
        if self._trouble in _AWAY:
            self._hub.card()
            self._say(busy=self._busy, online=True)
            self.want()
        elif self._trouble == Say.FROZEN:
            self._hub.wait(self._known_cursors(), 0)
            self.want()
        elif self._trouble:
            recovering = self._hub.card().recovering
            if self._trouble == Say.RECOVERING and not recovering:
                self.want()
        elif self._busy:  # a long round: it knows of the news that it brings
            return DEBOUNCE * 2
        else:
            if self._hub.wait(self._known_cursors(), WATCH):
                self.want()
            return DEBOUNCE * 2
        return PROBE

    def _known_cursors(self) -> dict[str, int]:
        with self._books.read() as tx:
            return cursors(tx)

    def _say(
        self,
        *,
        busy: bool,
        online: bool | None = None,
        trouble: str | None = None,
        details: Mapping[str, Any] | None = None,
        changed: frozenset[str] = frozenset(),
    ) -> None:
        """Note how it stands and tell the listeners, off the screen's thread."""
        before = (self._online, self._trouble, self._busy)
        self._busy = busy
        self._online = self._online if online is None else online
        if trouble is not None:
            self._trouble, self._details = trouble, details or {}
        if changed or before != (self._online, self._trouble, self._busy):
            for listener in self.listeners:
                listener(changed | {LINK})


_AWAY = frozenset(
    {
        Say.UNREACHABLE,
        Say.NOT_A_HUB,
        Say.TLS,
        Say.TLS_NAME,
        Say.TLS_TIME,
        Say.NO_TLS,
        Say.WANTS_TLS,
    }
)


def _longer(pause: float) -> float:
    """Return the next pause: twice as long, up to five minutes, and never quite when others come too."""
    return min(pause * 2, LONGEST_PAUSE) * random.uniform(0.7, 1.0)  # noqa: S311 - a jitter, not a rule
