"""Imports: a table comes in as a batch of portions and can be taken back as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import Row

from crm_tui.commands.base import Command, Context, Id, Line, Outcome
from crm_tui.commands.intake.chunk import Chunk
from crm_tui.commands.intake.customers import link_parents, take_customers
from crm_tui.commands.intake.deal_lookup import CREATE_LINES, CREATE_PEOPLE
from crm_tui.commands.intake.deals import take_deals
from crm_tui.commands.intake.leads import take_leads
from crm_tui.commands.intake.people import link_managers, take_people
from crm_tui.commands.intake.products import take_products
from crm_tui.commands.intake.undo import Undoing
from crm_tui.domain.errors import Refused
from crm_tui.domain.permission import Right
from crm_tui.store.tables import import_batch
from crm_tui.store.transaction import Transaction

PORTION = 500
"""The most rows of one command: a hundred thousand customers are two hundred rows of the outbox."""

Kind = Literal["people", "products", "customers", "deals", "leads"]
May = Literal["customers", "people", "lines"]

_NEEDS = {"people": Right.MANAGE_PEOPLE, "products": Right.MANAGE_RULES}
_CREATING = {CREATE_PEOPLE: Right.MANAGE_PEOPLE, CREATE_LINES: Right.MANAGE_RULES}
_TAKE: Mapping[str, Callable[[Chunk], None]] = {
    "people": take_people,
    "products": take_products,
    "customers": take_customers,
    "leads": take_leads,
}


class BeginImport(Command):
    """Begin an import of one kind of rows from a file."""

    kind: ClassVar[str] = "begin_import"
    right: ClassVar[Right] = Right.IMPORT

    rows_kind: Kind
    file_name: Line

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Open the batch; people and products need the right to manage them."""
        _require(context, _NEEDS.get(self.rows_kind))
        batch_id = context.new_id()
        tx.insert(
            import_batch,
            id=batch_id,
            kind=self.rows_kind,
            file_name=self.file_name,
            actor_id=context.actor.person_id,
            at=context.at,
        )
        return Outcome({"batch_id": batch_id})


class ImportRows(Command):
    """Take in one portion of a table; each row is applied or refused on its own.

    ``rows`` hold plain values (see :mod:`crm_tui.commands.intake.rows`); ``create`` names what deals may
    bring into being where a name matches nothing. The answer: ``became``, one letter a row (c created,
    u updated, = as it was, r refused); ``refused`` and ``warnings``, each [place, code, details];
    ``pending``, links to rows that come later: [place, id, name].
    """

    kind: ClassVar[str] = "import_rows"
    right: ClassVar[Right] = Right.IMPORT

    batch_id: Id
    rows: tuple[Mapping[str, Any], ...] = Field(min_length=1, max_length=PORTION)
    create: tuple[May, ...] = ()

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Check, match and write the rows in sets."""
        batch = _open_batch(tx, context, self.batch_id)
        _require(context, _NEEDS.get(batch.kind))
        for what in self.create:
            _require(context, _CREATING.get(what))
        chunk = Chunk(tx, context, batch, self.rows)
        if batch.kind == "deals":
            take_deals(chunk, frozenset(self.create))
        else:
            _TAKE[batch.kind](chunk)
        return Outcome(chunk.close())


class ImportLinks(Command):
    """Make the links that had to wait for the end of the file: a firm's parent, a person's manager.

    ``links`` are (id, name); one that cannot be made is a warning, the row itself stays.
    """

    kind: ClassVar[str] = "import_links"
    right: ClassVar[Right] = Right.IMPORT

    batch_id: Id
    links: tuple[tuple[Id, Line], ...] = Field(min_length=1, max_length=PORTION)

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Link the rows; a manager who is only mentioned is created."""
        batch = _open_batch(tx, context, self.batch_id)
        _require(context, _NEEDS.get(batch.kind))
        chunk = Chunk(tx, context, batch, ())
        links = [(at, row_id, name) for at, (row_id, name) in enumerate(self.links)]
        if batch.kind == "people":
            link_managers(chunk, links)
        else:
            link_parents(chunk, links)
        return Outcome(chunk.close())


class FinishImport(Command):
    """Close an import: what it did can now be taken back like any other step."""

    kind: ClassVar[str] = "finish_import"
    right: ClassVar[Right] = Right.IMPORT

    batch_id: Id
    unreadable: int = Field(default=0, ge=0, le=10**9)

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Count the rows that never came as far as a command."""
        batch = _open_batch(tx, context, self.batch_id)
        tx.update(import_batch, batch.id, refused=batch.refused + self.unreadable)
        undo = (UndoImport(batch_id=batch.id),) if batch.created + batch.updated else ()
        return Outcome({"batch_id": batch.id}, undo=undo)


class UndoImport(Command):
    """Take a whole import back: new rows go, changed ones get their old values.

    Rows that later work hangs on stay. The answer: ``removed`` and ``restored`` counts, ``kept`` the
    first of the rows that stay as [table, name], and ``kept_count``.
    """

    kind: ClassVar[str] = "undo_import"
    right: ClassVar[Right] = Right.IMPORT

    batch_id: Id

    def apply(self, tx: Transaction, context: Context) -> Outcome:
        """Reverse the batch and mark it as undone."""
        batch = _open_batch(tx, context, self.batch_id)
        _require(context, _NEEDS.get(batch.kind))
        report = Undoing(tx, context, batch).run()
        tx.update(import_batch, batch.id, undone_at=context.at)
        return Outcome({"batch_id": batch.id, **report})


def _open_batch(tx: Transaction, context: Context, batch_id: str) -> Row[Any]:
    """Return a batch that is the actor's or that the actor may see, and that has not been undone.

    Raises:
        Refused: import_unknown, import_undone.
    """
    batch = tx.get(import_batch, batch_id)
    actor = context.actor
    if batch is None or not (batch.actor_id == actor.person_id or actor.scope.everything):
        raise Refused("import_unknown", batch=batch_id)
    if batch.undone_at is not None:
        raise Refused("import_undone", file=batch.file_name)
    return batch


def _require(context: Context, right: Right | None) -> None:
    if right is not None and not context.actor.may(right):
        raise Refused("not_allowed", right=right)
