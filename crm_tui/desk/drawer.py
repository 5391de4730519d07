"""The drawer of a counter: unfinished forms, each person's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_tui.desk.books import Books
from crm_tui.desk.door import Door
from crm_tui.store import drafts
from crm_tui.store.outbox import name_meant


class Drawer:
    """Keeps the drafts of the person who is logged in."""

    def __init__(self, books: Books, door: Door) -> None:
        self._books = books
        self._door = door

    def keep(self, form: str, subject_id: str, answers: Mapping[str, Any], about: str = "") -> None:
        """Keep an unfinished form about a subject in place of an earlier one.

        ``about`` is the name of the customer, where the form knows one who may be gone from here by now.
        """
        with self._books.write() as tx:
            name = about or name_meant(tx, {"customer_id": subject_id})
            unfinished = drafts.Draft(form, subject_id, answers, self._books.now(), name)
            drafts.keep_draft(tx, self._door.viewer.person_id, unfinished)

    def find(self, form: str, subject_id: str) -> drafts.Draft | None:
        """Return the unfinished form about a subject."""
        with self._books.read() as tx:
            return drafts.find_draft(tx, self._door.viewer.person_id, form, subject_id)

    def drop(self, form: str, subject_id: str) -> None:
        """Throw an unfinished form away."""
        with self._books.write() as tx:
            drafts.drop_draft(tx, self._door.viewer.person_id, form, subject_id)
