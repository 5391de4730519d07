"""Commands and the store are tested on both databases: a terminal's SQLite and a hub's PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, select, text
from sqlmodel import SQLModel

from crm_tui.store.contact_rules import overdue_rules
from crm_tui.store.engine import open_engine
from crm_tui.store.tables import (
    contact,
    contact_plan,
    contact_point,
    customer,
    deal,
    follow_up,
    lead,
    org_unit,
    person,
    pipeline,
    product,
    product_line,
    search_entry,
    stage,
    stage_evidence,
    stage_visit,
)
from crm_tui.store.transaction import Transaction


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> str:
    """A database for each worker."""
    name = "crm_" + os.environ.get("PYTEST_XDIST_WORKER", "only")
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return postgres_server.replace("/postgres?", f"/{name}?", 1)


@pytest.fixture(scope="session")
def postgres_schema(postgres_url: str) -> Iterator[Engine]:
    """The worker's database with the tables a hub has."""
    engine = create_engine(postgres_url)
    SQLModel.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty database: the file a terminal opens, or the tables of a hub."""
    if request.param == "sqlite":
        engine = open_engine(request.getfixturevalue("terminal_file"))
    else:
        engine = request.getfixturevalue("postgres_schema")
        wipe(engine)
    yield engine
    engine.dispose()


def wipe(engine: Engine) -> None:
    """Empty every table of the PostgreSQL database."""
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        for table in SQLModel.metadata.sorted_tables:
            connection.execute(table.delete())
        connection.execute(text("SET session_replication_role = origin"))


class Books:
    """What stands in a database: as people see it, and row by row."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def rows(self, statement: Any) -> list[dict[str, Any]]:
        """Return the rows of a question as dictionaries."""
        with self.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(statement)]

    def one(self, statement: Any) -> dict[str, Any]:
        """Return the only row of a question."""
        (row,) = self.rows(statement)
        return row

    def living(self, *, timeless: bool = False) -> dict[str, Any]:
        """Return the business as it stands: what was taken back, archived or replaced is not in it.

        The logs keep their traces; ``timeless`` also leaves out when something was done, and the ids of
        stage visits, which a move that is done again makes anew.
        """
        with self.engine.connect() as connection:
            return _living(connection, timeless=timeless)

    def everything(self) -> dict[str, Any]:
        """Return every row of every business table: what a replay must arrive at."""
        local = {"outbox", "meta", "credential", "draft", "edit_lease", "search_entry"}
        local |= {"deal_tally", "customer_tally", "tag_tally"}
        with self.engine.connect() as connection:
            return {
                table.name: sorted(
                    (repr(tuple(row)) for row in connection.execute(select(table))),
                )
                for table in SQLModel.metadata.sorted_tables
                if table.name not in local
            }


_WHEN = {"entered_at", "left_at", "stage_entered_at", "rots_at", "closed_at", "set_at", "taken_back_at"}


def _living(connection: Connection, *, timeless: bool) -> dict[str, Any]:
    def shown(name: str, row: Any) -> str:
        left_out = _WHEN | ({"id"} if name == "stage_visit" else set()) if timeless else set()
        return repr({key: value for key, value in row._mapping.items() if key not in left_out})

    alive = select(customer.c.id).where(customer.c.archived_at.is_(None))
    statements = {
        "org_unit": select(org_unit),
        "person": select(person).where(person.c.status != "left"),
        "product_line": select(product_line),
        "product": select(product).where(product.c.active),
        "pipeline": select(pipeline.c.id, pipeline.c.name).where(pipeline.c.archived_at.is_(None)),
        "stage": select(*(column for column in stage.c if column.name != "version")).where(
            stage.c.version
            == select(pipeline.c.version).where(pipeline.c.id == stage.c.pipeline_id).scalar_subquery()
        ),
        "customer": select(customer).where(customer.c.archived_at.is_(None)),
        "contact_point": select(*(column for column in contact_point.c if column.name != "id")).where(
            contact_point.c.customer_id.in_(alive)
        ),
        "contact": select(contact).where(contact.c.archived_at.is_(None)),
        "lead": select(lead),
        "deal": select(deal).where(deal.c.archived_at.is_(None)),
        "stage_visit": select(stage_visit)
        .join(deal, deal.c.id == stage_visit.c.deal_id)
        .where(stage_visit.c.taken_back_at.is_(None), deal.c.archived_at.is_(None)),
        "stage_evidence": select(stage_evidence).where(stage_evidence.c.withdrawn_at.is_(None)),
        "follow_up": select(
            *(
                column
                for column in follow_up.c
                if column.name not in {"id", "version", "logged_at", "amended_by"}
            )
        ).where(follow_up.c.replaced_by.is_(None), follow_up.c.retracted_at.is_(None)),
        "contact_plan": select(
            contact_plan.c.customer_id,
            contact_plan.c.next_at,
            contact_plan.c.next_step,
            contact_plan.c.set_at,
        ).where(contact_plan.c.retracted_at.is_(None)),
        "search_entry": select(search_entry.c.customer_id, search_entry.c.grams),
    }
    found: dict[str, Any] = {
        name: sorted(shown(name, row) for row in connection.execute(statement))
        for name, statement in statements.items()
    }
    found["overdue_rules"] = repr(overdue_rules(Transaction(connection)))
    return found


@pytest.fixture
def books(database: Engine) -> Books:
    """What stands in the database."""
    return Books(database)


@pytest.fixture
def open_books() -> type[Books]:
    """The way to look into another database."""
    return Books


@pytest.fixture
def wiped() -> Any:
    """The way to empty a PostgreSQL database."""
    return wipe
