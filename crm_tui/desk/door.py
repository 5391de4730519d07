"""The door of a counter: who is logged in, and everything about PINs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from crm_tui.desk.books import Books
from crm_tui.desk.link import Link
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.store import credentials
from crm_tui.store.outbox import set_facts
from crm_tui.store.scope import Viewer, viewer_of
from crm_tui.store.transaction import Transaction
from crm_tui.sync.hub import Hub
from crm_tui.sync.joining import LEASE
from crm_tui.sync.messages import HubError, LogInAnswer, LogInRequest, PinRequest, Say

T = TypeVar("T")


class Door:
    """Lets at most one person in at a time.

    Where the counter has a hub, the hub says once who somebody is; from then on the terminal knows, as long
    as it meets the hub now and then (the lease).
    """

    def __init__(self, books: Books, link: Link | None = None) -> None:
        self._books = books
        self._link = link
        self._viewer: Viewer | None = None
        self._without_pin: set[str] = set()

    @property
    def viewer(self) -> Viewer:
        """The person who is logged in; raises Refused not_logged_in."""
        if self._viewer is None:
            raise Refused("not_logged_in")
        return self._viewer

    @property
    def is_taken(self) -> bool:
        """Tell whether somebody is logged in."""
        return self._viewer is not None

    def log_in(self, person_id: str, pin: str) -> Viewer:
        """Check the PIN, counting the try, and let the person in.

        Raises:
            Refused: pin_unset, pin_wrong (left), pin_locked (minutes), person_unknown, person_frozen; with
                a hub: hub_needed, lease_over (days).
        """
        if self._link is not None:
            self._meet(self._link, person_id, pin)
        viewer = self._check(lambda _: person_id, pin)
        self._viewer = viewer
        return viewer

    def has_pin(self, person_id: str) -> bool:
        """Tell whether a person has chosen a PIN: here, or as far as is known at the hub."""
        if self._link is not None:
            return person_id not in self._without_pin
        with self._books.read() as tx:
            return credentials.has_pin(tx, person_id)

    def _meet(self, link: Link, person_id: str, pin: str) -> None:
        """Let the hub say who somebody is whom this terminal does not know, or no longer may."""
        with self._books.read() as tx:
            known = credentials.has_pin(tx, person_id)
        standing = link.state().standing
        if known and not standing.frozen and not standing.lease_over(self._books.now()):
            return
        try:
            if known:
                link.run()
            else:
                self._introduce(link.hub.log_in(LogInRequest(person_id=person_id, pin=pin)), person_id)
        except HubError as no:
            code = no.code if no.code == Say.FROZEN else "lease_over" if known else "hub_needed"
            raise Refused(code, days=LEASE.days, why=no.code) from no
        except Refused as no:
            if no.code == "pin_unset":
                self._without_pin.add(person_id)
            raise

    def _introduce(self, answer: LogInAnswer, person_id: str) -> None:
        with self._books.write() as tx:
            credentials.set_verifier(tx, person_id, answer.verifier)
            set_facts(tx, hub_frozen="")  # a hub that lets somebody in has let the terminal in before

    def log_out(self) -> None:
        """Let nobody be logged in."""
        self._viewer = None

    def unlock(self, person_id: str, number: str, pin: str) -> None:
        """Let a manager, by number and PIN, give a person the tries back; a wrong PIN counts on the manager.

        Raises:
            Refused: person_unknown, person_frozen, not_allowed (right), pin_unset, pin_wrong (left),
                pin_locked (minutes).
        """
        manager = self._check(lambda tx: credentials.person_of(tx, number), pin)
        if self._link is not None:
            request = PinRequest(actor_id=manager.person_id, person_id=person_id)
            self._at_hub(lambda hub: hub.unlock(request))
        with self._books.write() as tx:
            credentials.unlock_within(tx, manager, person_id)

    def choose_pin(self, person_id: str, pin: str) -> None:
        """Set the first PIN of a person who has none yet on this terminal.

        Raises:
            Refused: pin_shape, pin_set, person_unknown, person_frozen; with a hub: hub_needed.
        """
        if self._link is not None:
            credentials.check_shape(pin)
            request = LogInRequest(person_id=person_id, pin=pin)
            self._introduce(self._at_hub(lambda hub: hub.choose_pin(request)), person_id)
            self._without_pin.discard(person_id)
            return
        verifier = credentials.hash_pin(pin)
        with self._books.write() as tx:
            viewer_of(tx, person_id)
            if credentials.has_pin(tx, person_id):
                raise Refused("pin_set")
            credentials.set_verifier(tx, person_id, verifier)

    def reset_pin(self, person_id: str) -> None:
        """Take a PIN away, so that the person chooses a new one; needs the right to manage people."""
        with self._books.write() as tx:
            if not viewer_of(tx, self.viewer.person_id).may(Right.MANAGE_PEOPLE):
                raise Refused("not_allowed", right=Right.MANAGE_PEOPLE)
        if self._link is not None:
            request = PinRequest(actor_id=self.viewer.person_id, person_id=person_id)
            self._at_hub(lambda hub: hub.reset_pin(request))
        with self._books.write() as tx:
            credentials.drop_verifier(tx, person_id)

    def confirm(self) -> Viewer:
        """Let the hub, if there is one, be met now, for what must not be done in its absence; return who may.

        Raises:
            Refused: hub_needed, hub_frozen, person_frozen, person_unknown.
        """
        if self._link is None:
            return self.viewer
        try:
            self._link.run()
        except HubError as no:
            raise Refused(Say.FROZEN if no.code == Say.FROZEN else "hub_needed", why=no.code) from no
        with self._books.read() as tx:
            return viewer_of(tx, self.viewer.person_id)

    def _at_hub(self, deed: Callable[[Hub], T]) -> T:
        """Do what only the hub can; raises Refused hub_needed where it cannot be reached."""
        assert self._link is not None, "only a counter with a hub asks it"
        try:
            return deed(self._link.hub)
        except HubError as no:
            raise Refused("hub_needed", why=no.code) from no

    def _check(self, who: Callable[[Transaction], str], pin: str) -> Viewer:
        """Check a PIN and count the try; return whose it is, raise Refused where it is not right."""
        now = self._books.now()
        with self._books.write() as tx:
            viewer = viewer_of(tx, who(tx))
            no = credentials.check_pin(tx, viewer.person_id, pin, now)
            left = credentials.tries_left(tx, viewer.person_id)
            until = credentials.locked_until(tx, viewer.person_id, now)
        if no is not None:
            minutes = -(-(until - now) // timedelta(minutes=1)) if until else 0
            raise Refused(no, left=left, minutes=minutes)
        return viewer
