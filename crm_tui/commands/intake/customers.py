"""Customers of an imported table: checked against each other and the database in sets, written in sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, and_, select

from crm_tui.commands.base import Context
from crm_tui.commands.contact_points import PHONE, contact_points, first_phone
from crm_tui.commands.contact_state import refresh_contact_states
from crm_tui.commands.customers import checked_level, unique
from crm_tui.commands.intake.chunk import Branches, Chunk, People, differences
from crm_tui.commands.intake.rows import CustomerRow
from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import mask_phone, normalize_resident_id, normalize_uscc, sort_key
from crm_tui.domain.overdue import ContactFacts, due
from crm_tui.domain.plausible import check_birthday
from crm_tui.store.contact_rules import overdue_rules
from crm_tui.store.search import index_customers, index_new
from crm_tui.store.sql import alive
from crm_tui.store.tables import contact_point, customer, import_row, ownership_event, person
from crm_tui.store.transaction import Transaction

Points = list[dict[str, Any]]
_UPDATED = (
    *("name", "sort_name", "kind", "level", "source", "tags", "address", "birthday"),
    *("resident_id", "uscc", "note", "extra", "phone"),
)


def take_customers(chunk: Chunk) -> None:
    """Create or update the customers of a portion."""
    rows = list(chunk.rows(CustomerRow))
    intake = CustomerIntake(chunk)
    intake.look_up([row for _, row in rows])
    for at, row in rows:
        try:
            intake.take(at, row)
        except Refused as no:
            chunk.refuse(at, no)
    intake.find_parents()
    intake.write()


class CustomerIntake:
    """Collects what a portion adds and changes; nothing is written before :meth:`write`."""

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self._tx = chunk.tx
        self._context = chunk.context
        self._rules = overdue_rules(chunk.tx)
        self._branches = Branches(chunk.tx)
        self._people = People(chunk.tx, chunk.context, ())
        self._known: dict[str, Row[Any]] = {}
        self._given: dict[int, Points] = {}
        self._mine: set[str] = set()
        self._old_points: dict[str, Points] = {}
        self._taken: dict[tuple[str, str], dict[str, Any]] = {}
        self._fresh_ids: set[str] = set()
        self._fresh: list[dict[str, Any]] = []
        self._reach: list[Points] = []
        """The ways of contact of each fresh customer."""
        self._points: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []
        self._changed: list[dict[str, Any]] = []
        self._children: list[tuple[int, str, str]] = []

    def look_up(self, rows: Sequence[CustomerRow]) -> None:
        """Read at once whatever the rows may mean: owners, customers of the same id, holders of numbers."""
        self._people = People(self._tx, self._context, (row.owner for row in rows))
        for one in by_external_id(self._tx, (row.external_id for row in rows)):
            self._known.setdefault(one.external_id, one)
        self._mine = self._chunk.mine(one.id for one in self._known.values())
        self._old_points = points_of_all(self._tx, [one.id for one in self._known.values()])
        self.look_up_points(row for row in rows)

    def look_up_points(self, rows: Iterable[CustomerRow]) -> None:
        """Read who has the numbers and addresses of the rows."""
        wanted: dict[str, set[str]] = {}
        for row in rows:
            try:
                points = contact_points(row.phones, row.wechat, row.email)
            except Refused:
                continue  # the row is refused for it when its turn comes
            self._given[row.line] = points
            for point in points:
                wanted.setdefault(point["kind"], set()).add(point["normal"])
        self._taken |= holders(self._tx, wanted, self._chunk.batch.id)

    def take(self, at: int, row: CustomerRow) -> None:
        """Create the row's customer, or update the one of the same external id."""
        known = self._known.get(row.external_id) if row.external_id else None
        if known is not None and known.id not in self._mine:
            self._update(at, row, known)
            return
        owner_id, branch_id = self._place(row)
        customer_id = self.create(row, owner_id, branch_id)
        self._chunk.created(at, row.line, customer, customer_id)
        if row.external_id:
            self._fresh_ids.add(row.external_id)
        if row.parent:
            self._children.append((at, customer_id, row.parent))

    def create(self, row: CustomerRow, owner_id: str | None, branch_id: str) -> str:
        """Collect a new customer and return its id."""
        if row.external_id and row.external_id in self._fresh_ids | self._known.keys():
            raise Refused("row_id_twice", external_id=row.external_id)
        points = self._points_of(row)
        self._refuse_taken(points, "")
        columns = _columns(row)
        today = self._branches.day(branch_id, self._context.at)
        check_birthday(row.birthday, today)
        created_on = row.created_on or today
        if created_on > today:
            raise Refused("row_day_in_future", field="created_on", day=created_on.isoformat())
        created_at = (
            self._chunk.midnight(created_on, self._branches.zone(branch_id))
            if row.created_on
            else self._context.at
        )
        customer_id = self._context.new_id()
        facts = ContactFacts(columns["level"], owner_id is not None, created_at, None, None)
        judged = due(facts, self._rules)
        self._fresh.append(
            columns
            | {
                "id": customer_id,
                "branch_id": branch_id,
                "owner_id": owner_id,
                "parent_id": None,
                "external_id": row.external_id,
                "created_at": created_at,
                "created_on": created_on,
                "phone": first_phone(points),
                "due_at": judged.at if judged else None,
                "due_reason": judged.reason if judged else "",
            }
        )
        self._reach.append(points)
        self._own(customer_id, points, row)
        self._log_owner(customer_id, owner_id)
        return customer_id

    def find_parents(self) -> None:
        """Link the firms whose parent is known by now; the others wait for the end of the file."""
        if not self._children:
            return
        by_name = link_targets(self._tx, self._context, (name for _, _, name in self._children))
        for one in self._fresh:
            for key in {one["external_id"], one["name"]} - {None}:
                by_name.setdefault(key, set()).add(one["id"])
        fresh = {one["id"]: one for one in self._fresh}
        for at, child_id, name in self._children:
            found = by_name.get(name, set()) - {child_id}
            if len(found) == 1:
                fresh[child_id]["parent_id"] = min(found)
            else:
                self._chunk.pending.append([at, child_id, name])

    def write(self) -> None:
        """Write all that was collected, the derived columns and the search index with it."""
        changed = [one["id"] for one in self._changed]
        self._tx.insert_all(customer, self._fresh)
        self._tx.update_all(customer, self._changed)
        self._tx.insert_all(contact_point, self._points)
        self._tx.insert_all(ownership_event, self._events)
        refresh_contact_states(self._tx, changed, self._rules)
        index_new(self._tx, zip(self._fresh, self._reach, strict=True))
        index_customers(self._tx, changed)

    def _place(self, row: CustomerRow) -> tuple[str | None, str]:
        """Return owner and branch: those of the file, else the person who imports."""
        if row.owner:
            owner = self._people.find(row.owner)
            if owner is None:
                raise Refused("row_person_unknown", name=row.owner)
            if owner.status != "active":
                raise Refused("person_frozen", name=owner.name)
            if owner.branch_id is None:
                raise Refused("person_without_branch", name=owner.name)
            return owner.id, owner.branch_id
        if row.branch:
            branch_id = self._branches.find(row.branch)
            if not self._context.actor.scope.covers(owner_id=None, branch_id=branch_id):
                raise Refused("row_branch_unknown", branch=row.branch)
            return None, branch_id
        return self._context.actor.person_id, self._branches.home(self._context)

    def _update(self, at: int, row: CustomerRow, known: Row[Any]) -> None:
        """Collect what the row changes in a customer; owner, branch and day of creation stay."""
        if not self._context.actor.scope.covers(owner_id=known.owner_id, branch_id=known.branch_id):
            raise Refused("customer_unknown")
        check_birthday(row.birthday, self._branches.day(known.branch_id, self._context.at))
        given = row.model_fields_set
        columns = {name: value for name, value in _columns(row).items() if _source(name) in given}
        if "extra" in columns:
            columns["extra"] = {**known.extra, **columns["extra"]}
        changes = differences(known, columns)
        if given & {"phones", "wechat", "email"}:
            changes |= self._update_points(known, row, given)
        if changes:
            old = {name: getattr(known, name) for name in _UPDATED}
            new = {name: pair[1] for name, pair in changes.items() if name != "points"}
            self._changed.append({"id": known.id} | old | new)
            self._mine.add(known.id)
        self._chunk.updated(at, row.line, customer, known.id, changes)
        if row.owner and (owner := self._people.find(row.owner)) and owner.id != known.owner_id:
            self._chunk.warn(at, "import_owner_kept", name=known.name, owner=row.owner)
        if row.parent and known.parent_id is None:
            self._chunk.pending.append([at, known.id, row.parent])

    def _update_points(self, known: Row[Any], row: CustomerRow, given: set[str]) -> dict[str, list[Any]]:
        """Collect the new ways to reach a customer, the kinds that the file does not give kept."""
        old = self._old_points.get(known.id, [])
        kinds = {"phones": PHONE, "wechat": "wechat", "email": "email"}
        replaced = {kind for field, kind in kinds.items() if field in given}
        fresh = self._points_of(row)
        wanted = fresh + [one for one in old if one["kind"] not in replaced]
        if {(one["kind"], one["normal"]) for one in old} == {(one["kind"], one["normal"]) for one in wanted}:
            return {}
        self._refuse_taken(fresh, known.id)
        wanted = [one | {"position": place} for place, one in enumerate(wanted)]
        self._tx.delete_where(contact_point, contact_point.c.customer_id == known.id)
        self._own(known.id, wanted, row)
        return {"points": [old, wanted], "phone": [known.phone, first_phone(wanted)]}

    def _points_of(self, row: CustomerRow) -> Points:
        known = self._given.get(row.line)
        return contact_points(row.phones, row.wechat, row.email) if known is None else known

    def _own(self, customer_id: str, points: Points, row: CustomerRow) -> None:
        for point in points:
            self._points.append({"id": self._context.new_id(), "customer_id": customer_id, **point})
            self._taken[point["kind"], point["normal"]] = {
                "customer_id": customer_id,
                "name": row.name,
                "line": row.line,
            }

    def _refuse_taken(self, points: Points, customer_id: str) -> None:
        """Refuse a number that another living customer has, naming its line where the file brought it."""
        for point in points:
            holder = self._taken.get((point["kind"], point["normal"]))
            if holder is None or holder["customer_id"] == customer_id:
                continue
            shown = mask_phone(point["normal"]) if point["kind"] == PHONE else point["value"]
            if holder.get("line"):
                raise Refused("row_duplicate", phone=shown, line=holder["line"])
            seen = self._context.actor.scope.covers(
                owner_id=holder["owner_id"], branch_id=holder["branch_id"]
            )
            raise Refused(
                "phone_taken",
                phone=shown,
                customer=holder["name"] if seen else "***",
                owner=holder["owner_name"] or "-",
                customer_id=holder["customer_id"] if seen else "",
            )

    def _log_owner(self, customer_id: str, owner_id: str | None) -> None:
        self._events.append(
            {
                "id": self._context.new_id(),
                "customer_id": customer_id,
                "kind": "create",
                "to_owner_id": owner_id,
                "at": self._context.at,
                "actor_id": self._context.actor.person_id,
            }
        )


def by_external_id(tx: Transaction, ids: Iterable[str | None]) -> Sequence[Row[Any]]:
    """Return the living customers of these external ids, the oldest first."""
    wanted = sorted({one for one in ids if one})
    if not wanted:
        return ()
    return tx.rows(
        select(customer).where(customer.c.external_id.in_(wanted), alive(customer)).order_by(customer.c.id)
    )


def points_of_all(tx: Transaction, customer_ids: Sequence[str]) -> dict[str, Points]:
    """Return the contact points of customers, each customer's in their order."""
    found: dict[str, Points] = {}
    if customer_ids:
        for row in tx.rows(
            select(contact_point)
            .where(contact_point.c.customer_id.in_(customer_ids))
            .order_by(contact_point.c.customer_id, contact_point.c.position)
        ):
            point = {name: getattr(row, name) for name in ("kind", "value", "normal", "note", "position")}
            found.setdefault(row.customer_id, []).append(point)
    return found


def holders(
    tx: Transaction, wanted: Mapping[str, set[str]], batch_id: str
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return which living customer has each way of contact; ``line`` where this batch created it."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for kind, normals in wanted.items():
        for row in tx.rows(
            select(
                contact_point.c.normal,
                contact_point.c.customer_id,
                customer.c.name,
                customer.c.owner_id,
                customer.c.branch_id,
                person.c.name.label("owner_name"),
                import_row.c.seq.label("line"),
            )
            .join(customer, customer.c.id == contact_point.c.customer_id)
            .outerjoin(person, person.c.id == customer.c.owner_id)
            .outerjoin(
                import_row,
                and_(
                    import_row.c.row_id == customer.c.id,
                    import_row.c.batch_id == batch_id,
                    import_row.c.before.is_(None),
                ),
            )
            .where(
                contact_point.c.kind == kind,
                contact_point.c.normal.in_(sorted(normals)),
                customer.c.archived_at.is_(None),
            )
            .order_by(customer.c.id.desc())
        ):
            found[kind, row.normal] = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return found


def link_targets(tx: Transaction, context: Context, texts: Iterable[str]) -> dict[str, set[str]]:
    """Return the ids of the living customers in sight that have a text as external id or as name."""
    wanted = sorted(set(texts))
    found: dict[str, set[str]] = {}
    sight = and_(context.actor.scope.where(customer), customer.c.archived_at.is_(None))
    keys = [sort_key(text) for text in wanted]  # names are found by the index of the sort order
    for row in tx.rows(select(customer.c.id, customer.c.name).where(customer.c.sort_name.in_(keys), sight)):
        found.setdefault(row.name, set()).add(row.id)
    for row in by_external_id(tx, wanted):
        if context.actor.scope.covers(owner_id=row.owner_id, branch_id=row.branch_id):
            found[row.external_id] = {row.id}
    return found


def link_parents(chunk: Chunk, links: Sequence[tuple[int, str, str]]) -> None:
    """Give firms the parents that came later in the file; ``links`` are place, child id and the name."""
    by_name = link_targets(chunk.tx, chunk.context, (name for _, _, name in links))
    for at, child_id, name in links:
        found = by_name.get(name, set()) - {child_id}
        if len(found) != 1:
            chunk.warn(at, "import_parent_unknown", name=name)
            continue
        (parent_id,) = found
        sight = chunk.context.actor.scope.where(customer)
        if chunk.tx.update_where(customer, customer.c.id == child_id, sight, parent_id=parent_id):
            chunk.touched(customer, child_id, {"parent_id": [None, parent_id]})


def _columns(row: CustomerRow) -> dict[str, Any]:
    """Return the customer columns of a row, normalised."""
    return {
        "kind": row.kind,
        "name": row.name,
        "sort_name": sort_key(row.name),
        "level": checked_level(row.level),
        "source": row.source,
        "tags": unique(row.tags),
        "address": row.address,
        "birthday": row.birthday,
        "resident_id": normalize_resident_id(row.resident_id).value if row.resident_id else None,
        "uscc": normalize_uscc(row.uscc) if row.uscc else None,
        "note": row.note,
        "extra": dict(row.extra),
    }


def _source(column: str) -> str:
    """Return the field of a row that a column comes from."""
    return "name" if column == "sort_name" else column
