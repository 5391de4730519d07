"""What the rows of a portion of deals refer to: owners, customers, leads, products and stages, in sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from crm_tui.commands.contact_points import PHONE, contact_points
from crm_tui.commands.intake.chunk import Branches, Chunk, People
from crm_tui.commands.intake.customers import CustomerIntake, holders, link_targets
from crm_tui.commands.intake.leads import leads_of
from crm_tui.commands.intake.people import Staff
from crm_tui.commands.intake.products import Lines
from crm_tui.commands.intake.rows import CustomerRow, DealRow
from crm_tui.domain.errors import Refused
from crm_tui.domain.lifecycle import Pipeline, Stage
from crm_tui.store.pipelines import all_pipelines, first_pipeline
from crm_tui.store.sql import alive
from crm_tui.store.tables import customer, deal, product

CREATE_CUSTOMERS, CREATE_PEOPLE, CREATE_LINES = "customers", "people", "lines"


@dataclass(frozen=True)
class Owner:
    """Whose deal it is."""

    id: str
    branch_id: str
    active: bool
    name: str


@dataclass(frozen=True)
class Buyer:
    """The customer of a deal."""

    id: str
    name: str
    source: str
    owner_id: str | None
    branch_id: str


class References:
    """Looks everything up before the first row is taken; ``create`` names what may be made on the way."""

    def __init__(self, chunk: Chunk, rows: Sequence[DealRow], create: frozenset[str]) -> None:
        self._chunk = chunk
        self._create = create
        self.branches = Branches(chunk.tx)
        self._people = People(chunk.tx, chunk.context, (row.owner for row in rows))
        self._hired: dict[str, Owner] = {}
        self._staff: Staff | None = None
        self._lines = Lines(chunk)
        self._products = chunk.tx.rows(select(product).order_by(product.c.id))
        self._pipelines = self._read_pipelines()
        self.leads = leads_of(chunk.tx, sorted({row.lead for row in rows if row.lead}))
        self.intake = CustomerIntake(chunk)
        self._read_customers(rows)
        self.known = self._read_known(rows)

    def owner(self, name: str) -> Owner | None:
        """Return the owner a row names, who may be created on the way; None where it names nobody.

        Raises:
            Refused: row_person_unknown, row_person_ambiguous, person_without_branch.
        """
        if not name:
            return None
        found = self._people.find(name)
        if found is None:
            return self._hire(name)
        if found.branch_id is None:
            raise Refused("person_without_branch", name=found.name)
        return Owner(found.id, found.branch_id, found.status == "active", found.name)

    def branch(self, row: DealRow) -> str:
        """Return the branch a new deal will belong to, before anything is made for it.

        Raises:
            Refused: row_person_ambiguous, and what a phone is refused for.
        """
        found = self._people.find(row.owner) if row.owner else None
        if found is not None and found.branch_id is not None:
            return str(found.branch_id)
        bought = self._by_phone(row) or self._targets.get(row.customer, set())
        buyer = self._buyers.get(min(bought)) if len(bought) == 1 and not row.owner else None
        if buyer is not None and buyer.owner_id:
            return buyer.branch_id
        return self._chunk.context.actor.branch_id or self.branches.first()

    def buyer(self, row: DealRow, owner: Owner) -> Buyer | None:
        """Return the customer a row names by external id, phone or an only name; None where it names none.

        Raises:
            Refused: row_customer_unknown, row_customer_ambiguous, customer_unknown.
        """
        if not row.customer and not row.phones:
            return None
        found = self._by_phone(row) or self._targets.get(row.customer, set())
        if len(found) > 1:
            raise Refused("row_customer_ambiguous", name=row.customer, count=len(found))
        if not found:
            return self._take_in(row, owner)
        (customer_id,) = found
        if customer_id not in self._buyers:
            raise Refused("customer_unknown")
        return self._buyers[customer_id]

    def product(self, name: str) -> Row[Any] | None:
        """Return the product of an external id, a code or a name; raises Refused row_product_unknown."""
        if not name:
            return None
        for key in ("external_id", "code", "name"):
            for row in self._products:
                if getattr(row, key) == name:
                    return row
        raise Refused("row_product_unknown", name=name)

    def line(self, name: str) -> str | None:
        """Return the id of a product line; raises Refused row_line_unknown."""
        return self._lines.find(name, create=CREATE_LINES in self._create) if name else None

    def stage(self, row: DealRow) -> tuple[Pipeline, Stage]:
        """Return the pipeline and the stage by code or name.

        Raises:
            Refused: row_pipeline_unknown, row_stage_unknown.
        """
        path = self._pipelines.get(row.pipeline.casefold())
        if path is None:
            raise Refused("row_pipeline_unknown", name=row.pipeline)
        wanted = row.stage.casefold()
        for stage in path.stages:
            if wanted in {stage.code, stage.name.casefold()}:
                return path, stage
        raise Refused("row_stage_unknown", stage=row.stage, known=", ".join(one.name for one in path.stages))

    def write(self) -> None:
        """Write the people and customers that were made on the way."""
        if self._staff is not None:
            self._staff.write()
        self.intake.write()

    def _hire(self, name: str) -> Owner:
        if CREATE_PEOPLE not in self._create:
            raise Refused("row_person_unknown", name=name)
        if name not in self._hired:
            self._staff = self._staff or Staff(self._chunk)
            made = self._staff.hire(name)
            self._hired[name] = Owner(made["id"], made["branch_id"], active=True, name=name)
        return self._hired[name]

    def _take_in(self, row: DealRow, owner: Owner) -> Buyer:
        """Create the customer that a deal names and nobody knows."""
        if CREATE_CUSTOMERS not in self._create:
            raise Refused("row_customer_unknown", name=row.customer or row.phones[0])
        if not owner.active:
            raise Refused("person_frozen", name=owner.name)
        name = row.customer or row.phones[0]
        made = CustomerRow(line=row.line, name=name, phones=row.phones, source=row.source)
        customer_id = self.intake.create(made, owner.id, owner.branch_id)
        self._chunk.implied(customer, customer_id)
        buyer = Buyer(customer_id, name, row.source, owner.id, owner.branch_id)
        self._buyers[customer_id] = buyer
        self._targets.setdefault(name, set()).add(customer_id)
        for point in contact_points(row.phones, "", ""):
            self._phones[point["normal"]] = customer_id
        return buyer

    def _by_phone(self, row: DealRow) -> set[str]:
        found = {self._phones.get(point["normal"]) for point in contact_points(row.phones, "", "")}
        return {one for one in found if one}

    def _read_pipelines(self) -> dict[str, Pipeline]:
        living = {one.name.casefold(): one for one in all_pipelines(self._chunk.tx) if not one.archived}
        return living | {"": first_pipeline(self._chunk.tx)}

    def _read_customers(self, rows: Sequence[DealRow]) -> None:
        tx, context = self._chunk.tx, self._chunk.context
        self._targets = link_targets(tx, context, [row.customer for row in rows if row.customer])
        wanted: set[str] = set()
        for row in rows:
            try:
                wanted |= {point["normal"] for point in contact_points(row.phones, "", "")}
            except Refused:
                continue  # the row is refused for it when its turn comes
        had = holders(tx, {PHONE: wanted} if wanted else {}, self._chunk.batch.id)
        self._phones = {normal: str(holder["customer_id"]) for (_, normal), holder in had.items()}
        ids = {one for found in self._targets.values() for one in found} | {*self._phones.values()}
        seen = select(customer).where(customer.c.id.in_(sorted(ids)), context.actor.scope.where(customer))
        self._buyers = {
            row.id: Buyer(row.id, row.name, row.source, row.owner_id, row.branch_id)
            for row in (tx.rows(seen) if ids else ())
        }

    def _read_known(self, rows: Sequence[DealRow]) -> dict[str, Row[Any]]:
        wanted = sorted({row.external_id for row in rows if row.external_id})
        if not wanted:
            return {}
        found = self._chunk.tx.rows(
            select(deal).where(deal.c.external_id.in_(wanted), alive(deal)).order_by(deal.c.id.desc())
        )
        return {row.external_id: row for row in found}
