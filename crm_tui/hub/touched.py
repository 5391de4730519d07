"""Which rows a transaction has changed: noted by triggers, so that no statement can change one unseen."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Table, text

from crm_tui.store.replicated import REPLICATED, key_columns

Touched = dict[str, set[str]]
"""The keys of the changed rows by the name of their table."""

_SQLITE_TABLE = (
    "CREATE TEMP TABLE IF NOT EXISTS touched (tbl TEXT, key TEXT, PRIMARY KEY (tbl, key)) WITHOUT ROWID"
)
_POSTGRES_TABLE = (
    "CREATE TEMP TABLE IF NOT EXISTS touched (tbl text, key text, PRIMARY KEY (tbl, key))"
    " ON COMMIT DELETE ROWS"
)
_READ = text("SELECT tbl, key FROM touched")
_FORGET = text("DELETE FROM touched")


def preparation(dialect: str) -> Iterator[str]:
    """Yield what makes a fresh connection note changes; PostgreSQL has its triggers from a migration."""
    if dialect == "sqlite":
        yield _SQLITE_TABLE
        yield from _sqlite_triggers()
        yield from _left_customer()
    else:
        yield _POSTGRES_TABLE


def take_touched(connection: Connection) -> Touched:
    """Return what this transaction has changed since it was asked last."""
    found: Touched = {}
    for table, key in connection.execute(_READ):
        found.setdefault(table, set()).add(key)
    if found:
        connection.execute(_FORGET)
    return found


def postgres_triggers() -> Iterator[str]:
    """Yield the statements that make PostgreSQL note changes: one function and one trigger for each table."""
    yield (
        "CREATE FUNCTION note_touched() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        "DECLARE row_json jsonb; made text;\n"
        "BEGIN\n"
        "  row_json := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;\n"
        "  SELECT string_agg(row_json ->> name, chr(31) ORDER BY place) INTO made\n"
        "    FROM unnest(TG_ARGV) WITH ORDINALITY AS names(name, place);\n"
        "  INSERT INTO pg_temp.touched (tbl, key) VALUES (TG_TABLE_NAME, made) ON CONFLICT DO NOTHING;\n"
        "  IF TG_TABLE_NAME = 'deal' AND TG_OP <> 'INSERT' THEN\n"
        "    made := to_jsonb(OLD) ->> 'customer_id';\n"
        "    IF made IS NOT NULL THEN\n"
        "      INSERT INTO pg_temp.touched (tbl, key) VALUES ('customer', made) ON CONFLICT DO NOTHING;\n"
        "    END IF;\n"
        "  END IF;\n"
        "  RETURN NULL;\n"
        "END $$"
    )
    for table in REPLICATED:
        names = ", ".join(f"'{name}'" for name in key_columns(table))
        yield (
            f"CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON {table.name}"
            f" FOR EACH ROW EXECUTE FUNCTION note_touched({names})"
        )


def _sqlite_triggers() -> Iterator[str]:
    for table in REPLICATED:
        for deed, side in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            yield (
                f"CREATE TEMP TRIGGER IF NOT EXISTS note_{table.name}_{deed.lower()} AFTER {deed}"
                f" ON main.{table.name} BEGIN"
                f" INSERT OR IGNORE INTO touched VALUES ('{table.name}', {_key_of(table, side)}); END"
            )


def _left_customer() -> Iterator[str]:
    """A deal that goes to another customer, or is gone, may have been what brought its customer here."""
    for deed in ("UPDATE", "DELETE"):
        yield (
            f"CREATE TEMP TRIGGER IF NOT EXISTS note_customer_of_deal_{deed.lower()} AFTER {deed}"
            " ON main.deal WHEN OLD.customer_id IS NOT NULL BEGIN"
            " INSERT OR IGNORE INTO touched VALUES ('customer', OLD.customer_id); END"
        )


def _key_of(table: Table, side: str) -> str:
    return " || char(31) || ".join(f'{side}."{name}"' for name in key_columns(table))
