"""The schema of a terminal's file: as the tables say, strict, moved up whole or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, create_engine, inspect
from sqlmodel import SQLModel

from crm_tui.domain.errors import Refused
from crm_tui.store import migrations
from crm_tui.store.engine import open_engine


def _shape(engine: Any) -> dict[str, Any]:
    found = inspect(engine)
    shape: dict[str, Any] = {}
    for table in SQLModel.metadata.tables:
        keys = found.get_foreign_keys(table)
        shape[table] = {
            "columns": {
                column["name"]: column["nullable"] and not column["primary_key"]
                for column in found.get_columns(table)
            },
            "primary key": sorted(found.get_pk_constraint(table)["constrained_columns"]),
            "foreign keys": sorted(
                (key["constrained_columns"], key["referred_table"], key["referred_columns"]) for key in keys
            ),
            "indexes": sorted(
                (index["name"], index["column_names"], bool(index["unique"]))
                for index in found.get_indexes(table)
                if not str(index["name"]).startswith(("sqlite_autoindex", "uq_"))
            ),
        }
    return shape


def test_the_migrated_file_has_the_schema_that_the_tables_describe(tmp_path):
    migrated, made = open_engine(tmp_path / "a.db"), create_engine(f"sqlite:///{tmp_path / 'b.db'}")
    SQLModel.metadata.create_all(made)
    here, there = _shape(migrated), _shape(made)
    for engine in (migrated, made):
        engine.dispose()
    for table, shape in there.items():
        for part, expected in shape.items():
            assert here[table][part] == expected, f"{table}: {part}"


def test_no_table_of_the_file_is_unknown_to_the_program_and_all_are_strict(tmp_path):
    open_engine(tmp_path / "a.db").dispose()
    with closing(sqlite3.connect(tmp_path / "a.db")) as plain:
        tables = plain.execute("PRAGMA table_list").fetchall()
        (version,) = plain.execute("PRAGMA user_version").fetchone()
    ours = {row[1]: row for row in tables if not row[1].startswith(("sqlite_", "customer_gram"))}
    assert set(ours) == set(SQLModel.metadata.tables)
    assert [name for name, row in ours.items() if not row[5]] == []
    assert version == migrations.newest()


def test_a_word_where_a_number_belongs_is_refused_by_the_file(tmp_path):
    open_engine(tmp_path / "a.db").dispose()
    with (
        closing(sqlite3.connect(tmp_path / "a.db")) as plain,
        pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT"),
    ):
        plain.execute("INSERT INTO pipeline VALUES ('a', 'b', 'one', 1, NULL)")


def test_a_file_of_a_newer_program_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "a.db"
    open_engine(path).dispose()
    with closing(sqlite3.connect(path)) as plain:
        plain.execute(f"PRAGMA user_version = {migrations.newest() + 1}")
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    with pytest.raises(Refused) as no:
        open_engine(path)
    assert no.value.code == "schema_newer"
    assert path.read_bytes() == before


def test_a_migration_that_breaks_off_leaves_nothing_behind(tmp_path, monkeypatch):
    broken = [*migrations.scripts(), (9999, "CREATE TABLE half (id TEXT) STRICT;\nCREATE NONSENSE;")]
    monkeypatch.setattr(migrations, "scripts", lambda: broken)
    with pytest.raises(sqlite3.OperationalError):  # a mistake of ours is no damage of theirs
        open_engine(tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as plain:
        assert plain.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        assert plain.execute("PRAGMA user_version").fetchone() == (0,)


def test_opening_a_file_again_migrates_nothing(tmp_path):
    open_engine(tmp_path / "a.db").dispose()
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as plain:
        assert migrations.migrate(plain) == 0


def test_every_check_of_the_tables_has_a_name():
    for table in SQLModel.metadata.tables.values():
        assert all(one.name for one in table.constraints if isinstance(one, CheckConstraint))
