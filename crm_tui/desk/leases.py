"""The customers that are being changed at this counter: nobody else changes one at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Executor

from crm_tui.desk.aside import aside
from crm_tui.desk.books import Books
from crm_tui.desk.door import Door
from crm_tui.desk.link import Link
from crm_tui.domain.errors import Refused
from crm_tui.store import edit_leases
from crm_tui.store.edit_leases import Lease
from crm_tui.store.outbox import pending
from crm_tui.store.scope import viewer_of
from crm_tui.sync.messages import HubError, LeaseRequest

PATIENCE = 1.0
"""Seconds that the end of the program waits until the hub has heard what is free again."""


class Leases:
    """Asks the hub where there is one, else this terminal's own file, which two programs may have open.

    A form takes a lease in its own name, so that the last words of one that goes do not cost another one,
    opened meanwhile, what it has.
    """

    def __init__(self, books: Books, door: Door, link: Link | None, writer: Executor) -> None:
        self._books = books
        self._door = door
        self._link = link
        self._writer = writer
        self._holder = books.ids()
        self._forms: dict[str, object] = {}
        self._one_at_a_time = threading.Lock()
        self._leaving: list[threading.Thread] = []

    async def take(self, customer_id: str, form: object) -> Lease:
        """Take or renew a customer's lease for the person who is logged in, off the screen's thread.

        Raises:
            Refused: lease_unasked (why) where the hub cannot be asked, or does not know of leases yet;
                customer_unknown, not_logged_in; as the storage does.
        """
        person_id = self._door.viewer.person_id
        self._forms[customer_id] = form
        if self._link is not None:
            return await aside(lambda: self._take(customer_id, person_id, form))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self._take, customer_id, person_id, form)

    def let_go(self, customer_id: str, form: object) -> None:
        """Let go what the form has taken, soon and off the caller's thread."""
        if self._forms.get(customer_id) is form:
            del self._forms[customer_id]
            self._apart(lambda: self._release(customer_id))

    def let_all_go(self) -> None:
        """Let go whatever is held here."""
        for customer_id, form in tuple(self._forms.items()):
            self.let_go(customer_id, form)

    def close(self) -> None:
        """Let go whatever is held here and wait a moment until the hub knows."""
        self.let_all_go()
        for thread in self._leaving:
            thread.join(PATIENCE)

    def _take(self, customer_id: str, person_id: str, form: object) -> Lease:
        with self._one_at_a_time:
            if self._forms.get(customer_id) is not form:  # it has gone meanwhile: nobody waits for the answer
                return Lease(mine=False, name="", seconds=0)
            if self._link is None:
                with self._books.write() as tx:
                    viewer, now = viewer_of(tx, person_id), self._books.now()
                    return edit_leases.take(tx, viewer, customer_id, self._holder, now)
            try:
                answer = self._link.hub.lease(self._request(customer_id, person_id))
            except HubError as no:
                raise Refused("lease_unasked", why=no.code) from no
            except Refused as no:
                if no.code != "customer_unknown":  # one whose first command still waits, for instance
                    raise
                raise Refused("lease_unasked", why=no.code) from no
            return Lease(answer.mine, answer.name, answer.seconds)

    def _apart(self, work: Callable[[], None]) -> None:
        if self._link is None:
            self._writer.submit(work)
            return
        thread = threading.Thread(target=work, name="desk-lease", daemon=True)
        self._leaving = [*(one for one in self._leaving if one.is_alive()), thread]
        thread.start()

    def _release(self, customer_id: str) -> None:
        """Release a lease unless another form has taken it over; one that cannot be released runs out."""
        if self._link is not None:
            self._send_first(self._link)
        with self._one_at_a_time, contextlib.suppress(HubError, Refused):
            if customer_id in self._forms:
                return
            if self._link is None:
                with self._books.write() as tx:
                    edit_leases.release(tx, customer_id, self._holder, self._books.now())
                return
            self._link.hub.lease(self._request(customer_id, done=True))

    def _send_first(self, link: Link) -> None:
        """Send what was saved: whoever changes the customer next begins with it."""
        with contextlib.suppress(HubError, Refused):
            with self._books.read() as tx:
                waiting = pending(tx, 1)
            if waiting:
                link.run()

    def _request(self, customer_id: str, person_id: str = "", *, done: bool = False) -> LeaseRequest:
        return LeaseRequest(person_id=person_id, customer_id=customer_id, holder=self._holder, done=done)
