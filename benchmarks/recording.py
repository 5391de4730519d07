"""What a piece of work says to its database, kept, and said again by the driver alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

Said = tuple[str, str, Any]
"""What was called (execute, executemany, commit), the statement and its values."""


@contextmanager
def recording(engine: Engine) -> Iterator[list[Said]]:
    """Keep every statement that connections of the engine send from now on."""
    said: list[Said] = []

    def connect(_dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> None:
        if engine.dialect.name == "sqlite":
            parameters["factory"] = _recording_sqlite(said)
        else:
            parameters["cursor_factory"] = _recording_psycopg(said)

    def commit(_connection: Any) -> None:
        said.append(("commit", "", ()))

    engine.dispose()
    event.listen(engine, "do_connect", connect)
    event.listen(engine, "commit", commit)
    yield said
    event.remove(engine, "do_connect", connect)
    event.remove(engine, "commit", commit)
    engine.dispose()


def replay(plain: Any, said: Sequence[Said]) -> None:
    """Say it all again on a connection of the same driver, and read what the questions answer."""
    cursor = plain.cursor()
    for what, statement, values in said:
        if what == "commit":
            plain.commit()
        elif what == "execute":
            cursor.execute(statement, values)
            if cursor.description is not None:
                cursor.fetchall()
        else:
            cursor.executemany(statement, values)


def _recording_sqlite(said: list[Said]) -> type[sqlite3.Connection]:
    class Cursor(sqlite3.Cursor):
        def execute(self, statement: str, values: Any = (), /) -> Cursor:
            said.append(("execute", statement, values))
            return super().execute(statement, values)  # type: ignore[return-value]  # it returns itself

        def executemany(self, statement: str, values: Any, /) -> Cursor:
            kept = list(values)
            said.append(("executemany", statement, kept))
            return super().executemany(statement, kept)  # type: ignore[return-value]  # it returns itself

    class Connection(sqlite3.Connection):
        def cursor(self, _factory: Any = None, /) -> Any:
            return super().cursor(Cursor)

    return Connection


def _recording_psycopg(said: list[Said]) -> Any:
    from psycopg import Cursor as Bare

    class Cursor(Bare[Any]):
        def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
            said.append(("execute", query, params))
            return super().execute(query, params, **more)

        def executemany(self, query: Any, params_seq: Any, **more: Any) -> None:
            kept = list(params_seq)
            said.append(("executemany", query, kept))
            super().executemany(query, kept, **more)

    return Cursor
