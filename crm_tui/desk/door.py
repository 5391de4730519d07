"""The door of a counter: who is logged in, and everything about PINs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from crm_tui.desk.books import Books
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.store import credentials
from crm_tui.store.scope import Viewer, viewer_of
from crm_tui.store.transaction import Transaction


class Door:
    """Lets at most one person in at a time."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._viewer: Viewer | None = None

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
            Refused: pin_unset, pin_wrong (left), pin_locked (minutes), person_unknown, person_frozen.
        """
        viewer = self._check(lambda _: person_id, pin)
        self._viewer = viewer
        return viewer

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
        with self._books.write() as tx:
            credentials.unlock_within(tx, manager, person_id)

    def choose_pin(self, person_id: str, pin: str) -> None:
        """Set the first PIN of a person who has none yet on this terminal.

        Raises:
            Refused: pin_shape, pin_set, person_unknown, person_frozen.
        """
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
            credentials.drop_verifier(tx, person_id)

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
