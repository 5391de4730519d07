"""Writes crm_tui/hub/migrations/versions/first.sql: a hub's tables on PostgreSQL, from those in Python.

Only until the first release: from then on a change of the tables is a migration of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeEngine

from crm_tui.hub.copying import CARRIED
from crm_tui.hub.postgres import ROLE, TAKES
from crm_tui.hub.tables import HUB_TABLES, ORG
from crm_tui.hub.touched import postgres_triggers

TARGET = Path(__file__).parents[1] / "crm_tui" / "hub" / "migrations" / "versions" / "first.sql"
_DIALECT = postgresql.dialect()
_OURS = "nullif(current_setting('crm.org', true), '')"
_PLAIN = Text(collation="C")  # compared byte by byte, as SQLite does


def main() -> None:
    TARGET.write_text(schema(), "utf-8")
    print(TARGET)


def schema() -> str:
    """Return the statements, each closed by a semicolon."""
    made = MetaData()
    tables = [_led_by_org(table, made) for table in (*CARRIED, *HUB_TABLES)]
    parts = [*_role(), *_organisation()]
    for table in tables:
        parts.append(str(CreateTable(table).compile(dialect=_DIALECT)).strip())
        parts += [_index(one) for one in sorted(table.indexes, key=lambda one: str(one.name))]
    parts += list(_guards(str(table.name) for table in tables))
    parts += list(postgres_triggers())
    lines = ";\n\n".join("\n".join(line.rstrip() for line in part.splitlines()) for part in parts)
    return f"-- Written by tools/build_hub_schema.py.\n\n{lines};\n"


def _role() -> Iterator[str]:
    yield (
        "DO $$ BEGIN\n"
        f"  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN\n"
        f"    CREATE ROLE {ROLE} NOLOGIN NOBYPASSRLS;\n"
        "  END IF;\n"
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- made just now for another\n"
        "END $$"
    )
    yield (
        "DO $$ BEGIN\n"
        f"  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO {ROLE}', current_database());\n"
        f"  EXECUTE format('GRANT USAGE ON SCHEMA %I TO {ROLE}', current_schema());\n"
        f"  IF NOT pg_has_role(current_user, '{ROLE}', {TAKES}) THEN\n"
        f"    EXECUTE format('GRANT {ROLE} TO %I', current_user);\n"
        "  END IF;\n"
        "END $$"
    )


def _organisation() -> Iterator[str]:
    yield (
        f'CREATE TABLE organisation (\n\t{ORG} TEXT COLLATE "C" PRIMARY KEY,\n\tname TEXT NOT NULL,'
        "\n\tfounded_at BIGINT NOT NULL\n)"
    )
    yield f"GRANT SELECT, INSERT, UPDATE ON organisation TO {ROLE}"


def _guards(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
        yield f"CREATE POLICY own_organisation ON {name} USING ({ORG} = {_OURS})"
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {ROLE}"


def _index(index: Index) -> str:
    return str(CreateIndex(index).compile(dialect=_DIALECT)).strip()


def _led_by_org(table: Table, into: MetaData) -> Table:
    """Return the table with the organisation in front of its row, its key, its references and its indexes."""
    made = Table(
        table.name,
        into,
        Column(ORG, _PLAIN, nullable=False, server_default=text(_OURS)),
        *(Column(one.name, _stored(one.type), nullable=one.nullable) for one in table.columns),
        PrimaryKeyConstraint(ORG, *table.primary_key.columns.keys(), name=str(table.primary_key.name)),
    )
    for rule in sorted(table.constraints, key=lambda one: str(one.name)):
        if isinstance(rule, ForeignKeyConstraint):
            _refer(rule, made)
        elif isinstance(rule, UniqueConstraint):
            made.append_constraint(UniqueConstraint(ORG, *rule.columns.keys(), name=rule.name))
        elif isinstance(rule, CheckConstraint):
            made.append_constraint(CheckConstraint(str(rule.sqltext), name=rule.name))
    for index in table.indexes:
        Index(
            index.name,
            made.c[ORG],
            *(made.c[name] for name in index.columns.keys()),  # noqa: SIM118 - a collection, not a dict
            unique=index.unique,
            postgresql_where=index.dialect_options["postgresql"]["where"],
        )
    return made


def _refer(rule: ForeignKeyConstraint, made: Table) -> None:
    target = rule.referred_table.name
    made.append_constraint(
        ForeignKeyConstraint(
            [ORG, *rule.column_keys],
            [f"{target}.{ORG}", *(f"{target}.{one.column.name}" for one in rule.elements)],
            name=str(rule.name),
            deferrable=True,  # rows that are copied may come in any order
            initially="DEFERRED" if rule.deferrable else "IMMEDIATE",
        )
    )


def _stored(kind: TypeEngine[object]) -> TypeEngine[object]:
    bare = kind.dialect_impl(_DIALECT)
    bare = getattr(bare, "impl_instance", bare)
    if isinstance(bare, String):
        return _PLAIN
    return BigInteger() if isinstance(bare, Integer) else bare


if __name__ == "__main__":
    main()
