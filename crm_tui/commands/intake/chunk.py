"""One portion of an imported table: its rows, what each became, and what the portion looks up at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar, cast

from sqlalchemy import Row, Table, or_, select

from crm_tui.commands.base import Context
from crm_tui.commands.intake.rows import IntakeRow, read_row
from crm_tui.domain.calendar import business_date, day_window
from crm_tui.domain.errors import Refused
from crm_tui.store.tables import import_batch, import_row, org_unit, person
from crm_tui.store.transaction import Transaction

AnyRow = TypeVar("AnyRow", bound=IntakeRow)

CREATED, UPDATED, SAME, REFUSED = "c", "u", "=", "r"


class Chunk:
    """The rows of one command and the account of what became of them.

    ``became`` has one letter a row: c created, u updated, = as it was, r refused.
    """

    def __init__(
        self, tx: Transaction, context: Context, batch: Row[Any], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        self.tx = tx
        self.context = context
        self.batch = batch
        self.became = [REFUSED] * len(rows)
        self.problems: list[list[Any]] = []
        self.warnings: list[list[Any]] = []
        self.pending: list[list[Any]] = []
        self._raw = rows
        self._notes: list[dict[str, Any]] = []
        self._midnights: dict[tuple[date, str], datetime] = {}

    def rows(self, model: type[AnyRow]) -> Iterator[tuple[int, AnyRow]]:
        """Yield the rows that are whole, with their place in the portion; the others are refused."""
        for at, raw in enumerate(self._raw):
            try:
                yield at, cast("AnyRow", read_row(model, raw))
            except Refused as no:
                self.refuse(at, no)

    def refuse(self, at: int, no: Refused) -> None:
        """Note why the row at this place was not taken in."""
        self.became[at] = REFUSED
        self.problems.append([at, no.code, dict(no.details)])

    def warn(self, at: int, code: str, **details: object) -> None:
        """Note what a person should see about a row that was taken in."""
        self.warnings.append([at, code, details])

    def created(self, at: int, line: int, table: Table, row_id: str) -> None:
        """Note that the row at this place became a new one."""
        self.became[at] = CREATED
        self._note(line, table, row_id, None)

    def implied(self, table: Table, row_id: str) -> None:
        """Note a new row that no line of the file stands for: a unit, a line, a manager only mentioned."""
        self._note(0, table, row_id, None)

    def updated(
        self, at: int, line: int, table: Table, row_id: str, changes: Mapping[str, Sequence[Any]]
    ) -> None:
        """Note that the row at this place changed one; ``changes`` maps a column to its old and new value."""
        self.became[at] = UPDATED if changes else SAME
        if changes:
            self._note(line, table, row_id, changes)

    def touched(self, table: Table, row_id: str, changes: Mapping[str, Sequence[Any]]) -> None:
        """Note a change to a row that no line of the file stands for."""
        self._note(0, table, row_id, changes)

    def mine(self, row_ids: Iterable[str]) -> set[str]:
        """Return which of these rows this import has already brought in or changed."""
        wanted = sorted(set(row_ids))
        if not wanted:
            return set()
        noted = select(import_row.c.row_id).where(
            import_row.c.row_id.in_(wanted), import_row.c.batch_id == self.batch.id
        )
        return set(self.tx.scalars(noted))

    def midnight(self, day: date, zone: str) -> datetime:
        """Return the instant at which a business date begins in a time zone."""
        if (day, zone) not in self._midnights:
            self._midnights[day, zone] = day_window(day, zone)[0]
        return self._midnights[day, zone]

    def close(self) -> dict[str, Any]:
        """Write the account into the batch and return it as the answer to the command."""
        self.tx.insert_all(import_row, self._notes)
        counts = {name: self.became.count(name) for name in (CREATED, UPDATED, REFUSED)}
        self.tx.update(
            import_batch,
            self.batch.id,
            created=import_batch.c.created + counts[CREATED],
            updated=import_batch.c.updated + counts[UPDATED],
            refused=import_batch.c.refused + counts[REFUSED],
        )
        return {
            "became": "".join(self.became),
            "refused": self.problems,
            "warnings": self.warnings,
            "pending": self.pending,
        }

    def _note(
        self, line: int, table: Table, row_id: str, changes: Mapping[str, Sequence[Any]] | None
    ) -> None:
        self._notes.append(
            {
                "id": self.context.new_id(),
                "batch_id": self.batch.id,
                "seq": line,
                "kind": table.name,
                "row_id": row_id,
                "before": plain(changes),
            }
        )


class People:
    """The people within the actor's sight whom some texts may mean, looked up at once."""

    def __init__(self, tx: Transaction, context: Context, texts: Iterable[str]) -> None:
        wanted = sorted({text for text in texts if text})
        self._external: dict[str, Row[Any]] = {}
        self._number: dict[str, Row[Any]] = {}
        self._name: dict[str, list[Row[Any]]] = {}
        if not wanted:
            return
        mentioned = or_(
            person.c.external_id.in_(wanted), person.c.number.in_(wanted), person.c.name.in_(wanted)
        )
        for row in tx.rows(
            select(person).where(mentioned, context.actor.scope.people_where()).order_by(person.c.id)
        ):
            self.add(row)

    def add(self, row: Row[Any]) -> None:
        """Know one more person."""
        if row.external_id:
            self._external[row.external_id] = row
        self._number[row.number] = row
        self._name.setdefault(row.name, []).append(row)

    def find(self, text: str) -> Row[Any] | None:
        """Return who is meant: by external id, number, or a name that only one person has.

        Raises:
            Refused: row_person_ambiguous.
        """
        found = self._external.get(text) or self._number.get(text)
        if found is not None:
            return found
        named = self._name.get(text, [])
        if len(named) > 1:
            raise Refused("row_person_ambiguous", name=text, count=len(named))
        return named[0] if named else None


class Branches:
    """The branches of the organisation by name and id, with their time zones."""

    def __init__(self, tx: Transaction) -> None:
        rows = tx.rows(select(org_unit).where(org_unit.c.kind == "branch").order_by(org_unit.c.id))
        self._by_id = {row.id: row for row in rows}
        self._named: dict[str, list[Row[Any]]] = {}
        for row in rows:
            self._named.setdefault(row.name, []).append(row)
            if row.external_id:
                self._named.setdefault(row.external_id, []).append(row)

    def find(self, name: str) -> str:
        """Return the id of the branch of that name; raises Refused row_branch_unknown."""
        found = self._named.get(name, [])
        if len(found) != 1:
            raise Refused("row_branch_unknown", branch=name)
        return str(found[0].id)

    def zone(self, branch_id: str) -> str:
        """Return the time zone of a branch."""
        return str(self._by_id[branch_id].time_zone)

    def day(self, branch_id: str, at: datetime) -> date:
        """Return the business date of an instant at a branch, as ``within.branch_day`` does for one row."""
        return business_date(at, self.zone(branch_id))

    def first(self) -> str:
        """Return the id of the branch that was founded first."""
        return str(next(iter(self._by_id)))

    def home(self, context: Context) -> str:
        """Return the branch that takes in what names none: the actor's own.

        Raises:
            Refused: person_without_branch.
        """
        if context.actor.branch_id is None:
            raise Refused("person_without_branch", name=context.actor.name)
        return context.actor.branch_id


def differences(old: Row[Any], new: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the columns whose value changes, each with the old and the new value."""
    return {name: [getattr(old, name), value] for name, value in new.items() if getattr(old, name) != value}


def plain(value: Any) -> Any:
    """Return a value in the form JSON keeps: days and instants as ISO text."""
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value
