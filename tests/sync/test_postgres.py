"""A hub on PostgreSQL: its tables, whose rows a connection sees, and how a terminal's rows get there."""

from __future__ import annotations

import os
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, make_url, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from crm_tui.domain.errors import Refused
from crm_tui.hub import postgres
from crm_tui.hub.books import HubBooks, meta_value
from crm_tui.hub.copying import CARRIED
from crm_tui.hub.opening import make_hub, on_server, open_hub
from crm_tui.hub.overview import overview
from crm_tui.hub.tables import HUB_TABLES
from crm_tui.store.engine import open_engine
from crm_tui.store.tables import customer, org_unit, person
from crm_tui.store.transaction import Transaction
from crm_tui.sync.joining import membership
from crm_tui.sync.messages import HubError, Say
from crm_tui.widgets.refusal import refusal

pytestmark = pytest.mark.postgres


@pytest.fixture
def as_owner(hub_server: str) -> Any:
    """The database as its owner sees it."""
    engine = create_engine(hub_server, poolclass=NullPool)
    yield engine
    engine.dispose()


def test_the_migrated_tables_are_those_of_the_program_led_by_the_organisation(as_owner: Any) -> None:
    there = inspect(as_owner)
    expected = {str(table.name): table for table in (*CARRIED, *HUB_TABLES)}
    assert set(there.get_table_names()) == {*expected, "organisation", "alembic_version"}
    for name, table in expected.items():
        columns = {one["name"]: one for one in there.get_columns(name)}
        assert list(columns) == ["org_id", *(column.name for column in table.columns)]
        assert {one: columns[one]["nullable"] for one in columns if one != "org_id"} == {
            column.name: column.nullable for column in table.columns
        }
        assert not columns["org_id"]["nullable"]
        assert there.get_pk_constraint(name)["constrained_columns"] == [
            "org_id",
            *table.primary_key.columns.keys(),
        ]
        references = there.get_foreign_keys(name)
        assert len(references) == len(table.foreign_key_constraints)
        assert all(
            one["constrained_columns"][0] == one["referred_columns"][0] == "org_id" for one in references
        )
        indexes = {one["name"]: one["column_names"] for one in there.get_indexes(name)}
        for index in table.indexes:
            assert indexes[index.name] == ["org_id", *index.columns.keys()]


def test_every_table_but_the_list_of_organisations_is_guarded_by_a_policy(as_owner: Any) -> None:
    with as_owner.connect() as connection:
        bare = connection.execute(
            text(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
                " AND NOT (relrowsecurity AND relforcerowsecurity)"
            )
        )
        assert {row[0] for row in bare} == {"organisation", "alembic_version"}


def test_a_hub_works_as_a_role_that_owns_nothing_and_sees_one_organisation(
    hub_server: str, office: Any, clock: Any
) -> None:
    office.customer("静安客")
    ours = on_server(office.desk._books._reading, hub_server, clock)
    other = HubBooks.open(hub_server, clock=clock, organisation="another")
    with other.write() as tx:
        assert tx.scalar(text("SELECT current_user")) == postgres.ROLE
        for table in (*CARRIED, *HUB_TABLES):
            assert not tx.rows(select(table)), table.name
        assert not tx.update_where(customer, name="x")
        assert not tx.delete_where(customer)
        tx.insert(org_unit, id="theirs", kind="company", name="Theirs", time_zone="Asia/Shanghai")
    with pytest.raises(DBAPIError, match="row-level security"), other.write() as tx:
        tx.connection.execute(
            text("INSERT INTO space_rev VALUES (:org, 'x', 1)"), {"org": office.units["Haitang"]}
        )
    with pytest.raises(DBAPIError, match="fk_org_unit_parent_id"), other.write() as tx:
        tx.update_where(org_unit, parent_id=office.units["Haitang"])
    with ours.read() as tx:
        assert [row.name for row in tx.rows(select(customer))] == ["静安客"]
        assert "theirs" not in set(tx.scalars(select(org_unit.c.id)))
    ours.close()
    other.close()


def test_the_planner_knows_the_rows_of_an_organisation_before_they_are_committed(
    hub_server: str, office: Any, clock: Any
) -> None:
    """Else claiming the identities of ten thousand customers reads all of them for each hundred: hours."""
    office.customer("静安客")
    ours = on_server(office.desk._books._reading, hub_server, clock)
    with ours.read() as tx:
        counted = text("SELECT relname, reltuples FROM pg_class")
        known = {row.relname: row.reltuples for row in tx.rows(counted)}
        assert (known["customer"], known["person"]) == (1, len(office.people))
        assert tx.scalar(text("SELECT current_user")) == postgres.ROLE
    ours.close()


def test_a_reading_cannot_write(hub_server: str, office: Any, clock: Any) -> None:
    books = on_server(office.desk._books._reading, hub_server, clock)
    with pytest.raises(HubError) as no, books.read() as tx:
        tx.update_where(person, name="x")
    assert no.value.code == Say.RETRY
    books.close()


def test_a_terminals_data_becomes_an_organisation_on_the_server(
    hub_server: str, office: Any, clock: Any, ids: Any
) -> None:
    office.customer("王小满", phones=("13900001111",))
    home = office.desk._books.path
    office.desk.close()
    told: list[int] = []
    made = make_hub(home, hub_server, "https://hub.example", clock=clock, progress=told.append)
    assert told == sorted(told)
    assert told[-1] > made.rows  # people's PINs and the outbox go along
    authority = open_hub(hub_server, clock=clock, new_id=ids)
    try:
        assert authority.card().organisation == made.organisation == "Haitang"
        seen = overview(authority.books)
        assert (seen.terminals, seen.rows) == (1, made.rows)
        assert seen.commands > 0
    finally:
        authority.close()
    engine = open_engine(home)
    with engine.connect() as connection:
        assert membership(Transaction(connection)).url == "https://hub.example"
    engine.dispose()


def test_an_organisation_is_made_once(hub_server: str, office: Any, clock: Any) -> None:
    source = office.desk._books._reading
    on_server(source, hub_server, clock).close()
    with pytest.raises(Refused) as no:
        on_server(source, hub_server, clock)
    assert no.value.code == "hub_exists"


def test_of_several_organisations_the_url_must_name_one(
    hub_server: str, office: Any, as_owner: Any, clock: Any, ids: Any
) -> None:
    on_server(office.desk._books._reading, hub_server, clock).close()
    with as_owner.begin() as connection:
        connection.execute(text("INSERT INTO organisation VALUES ('another', 'Another', 0)"))
    with pytest.raises(Refused) as no:
        open_hub(hub_server, clock=clock, new_id=ids)
    assert no.value.code == "hub_organisations"
    assert "Another: crm_org=another" in no.value.details["names"]
    authority = open_hub(f"{hub_server}&crm_org={office.units['Haitang']}", clock=clock, new_id=ids)
    with authority.books.read() as tx:
        assert meta_value(tx, "organisation") == "Haitang"
    authority.close()


def test_a_database_without_a_hub_is_said_to_have_none(
    hub_server: str, postgres_server: str, clock: Any, ids: Any
) -> None:
    for url in (hub_server, postgres_server):
        with pytest.raises(Refused) as no:
            open_hub(url, clock=clock, new_id=ids)
        assert no.value.code == "hub_missing"


def test_a_newer_programs_tables_are_left_alone(hub_server: str, as_owner: Any) -> None:
    with as_owner.begin() as connection:
        ours = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(Refused) as no:
            postgres.migrate(hub_server)
    finally:
        with as_owner.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :ours"), {"ours": ours})
    assert no.value.code == "schema_newer"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql+psycopg://nobody:secret@127.0.0.1:1/none", "hub_database_unreachable"),
        ("postgresql+nothing://127.0.0.1/none", "hub_db_unknown"),
        ("postgresql", "hub_db_unknown"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/none?nonsense=1", "hub_database_unreachable"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/none?connect_timeout=soon", "hub_database_unreachable"),
    ],
)
def test_a_server_that_does_not_answer_is_told_without_its_password(
    url: str, code: str, clock: Any, ids: Any
) -> None:
    with pytest.raises(Refused) as no:
        open_hub(url, clock=clock, new_id=ids)
    assert no.value.code == code
    assert "secret" not in str(no.value.details)


def test_a_user_without_the_right_to_make_tables_is_told_so(postgres_server: str) -> None:
    weak = "weak_" + os.environ.get("PYTEST_XDIST_WORKER", "only")
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE ROLE {weak} LOGIN"))
    url = make_url(postgres_server).set(username=weak).render_as_string(hide_password=False)
    try:
        with pytest.raises(Refused) as no:
            postgres.migrate(url)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP ROLE {weak}"))
    assert no.value.code == "hub_database_forbidden"
    assert "permission denied" in refusal(no.value.code, no.value.details)


def test_who_has_made_the_role_of_the_hub_but_may_not_act_as_it_yet_gets_it_too(
    postgres_server: str, hub_database: str, office: Any, clock: Any
) -> None:
    """Since PostgreSQL 16 that is everybody who may make roles and is no superuser."""
    assert hub_database, "the role is there"
    office.customer("静安客")
    name = "maker_" + os.environ.get("PYTEST_XDIST_WORKER", "only")
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        if int(connection.scalar(text("SHOW server_version_num")) or 0) < 160_000:
            pytest.skip("a server from before PostgreSQL 16")
        connection.execute(text(f"CREATE ROLE {name} LOGIN CREATEROLE"))
        connection.execute(text(f"GRANT {postgres.ROLE} TO {name} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"))
        connection.execute(text(f"CREATE DATABASE {name} OWNER {name}"))
    url = make_url(postgres_server).set(username=name, database=name).render_as_string(hide_password=False)
    try:
        books = on_server(office.desk._books._reading, url, clock)
        with books.read() as tx:
            assert tx.scalar(text("SELECT current_user")) == postgres.ROLE
            assert [row.name for row in tx.rows(select(customer))] == ["静安客"]
        books.close()
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
            connection.execute(text(f"DROP OWNED BY {name} CASCADE"))
            connection.execute(text(f"DROP ROLE {name}"))


def test_of_several_hosts_the_one_is_asked_for_that_can_be_written_to() -> None:
    several = postgres.server_of("postgresql+psycopg://u@/d?host=a:1&host=b:2&crm_org=x")
    assert several.organisation == "x"
    assert several.url.query["target_session_attrs"] == "read-write"
    assert "crm_org" not in several.url.query
    assert "target_session_attrs" not in postgres.server_of("postgresql+psycopg://u@a/d").url.query
    chosen = "postgresql+psycopg://u@/d?host=a:1&host=b:2&target_session_attrs=any&connect_timeout=1"
    assert postgres.server_of(chosen).url.query["target_session_attrs"] == "any"
    assert postgres.server_of(chosen).url.query["connect_timeout"] == "1"
