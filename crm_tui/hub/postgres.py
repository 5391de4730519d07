"""A hub's database on PostgreSQL: where it is, whose rows it shows, and which steps its tables have gone.

Every row has ``org_id`` in front, filled in and guarded by the database itself from the connection's setting
``crm.org``: statements say nothing of it (docs/decisions/0001). Rows are touched as the role ``crm_tui_hub``,
which owns nothing and is bound by the policies; only migrations need the owner.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from crm_tui.domain.errors import Refused
from crm_tui.hub.tables import ORG

ROLE = "crm_tui_hub"
TAKES = "CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END"
"""What somebody must be of a role to act as it: since PostgreSQL 16 who has made it is not that by itself."""
SCHEME = "postgresql"
NEWEST = "0001"
"""The last step in ``migrations/versions``."""

ONE_STATE: Mapping[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""How a transaction reads that must see one state of the rows."""

_ASKED = "crm_org"
_FORBIDDEN = "42501"
"""PostgreSQL's code for a right that is lacking (its appendix A)."""
_POOL, _MORE = 8, 8
_NAME = "crm-tui hub "
"""How the connections of a hub are called, with the organisation's id behind it."""
_LOOKS, _BETWEEN_LOOKS = 10, 0.2
_PATIENCE: Mapping[str, str] = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",  # milliseconds until a server that fell silent is given up
}


@dataclass(frozen=True)
class Server:
    """What a URL says: the server, and the organisation where it names one."""

    url: URL
    organisation: str


@dataclass(frozen=True)
class Found:
    """What is in a database: the step its tables are at (empty: none), organisations by id, our role."""

    step: str
    organisations: Mapping[str, str]
    takes_role: bool


def server_of(url: str) -> Server:
    """Return what ``postgresql+psycopg://…?host=a&host=b&crm_org=ID`` names.

    Of several hosts the one is taken that can be written to, unless the URL says otherwise.

    Raises:
        Refused: hub_db_unknown.
    """
    try:
        made = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise Refused("hub_db_unknown", url=_SHOWN) from error
    organisation = made.query.get(_ASKED, "")
    made = made.difference_update_query([_ASKED])
    hosts = made.query.get("host", ())
    asked = dict(_PATIENCE)
    if not isinstance(hosts, str) and len(hosts) > 1:
        asked["target_session_attrs"] = "read-write"
    asked = {name: value for name, value in asked.items() if name not in made.query}
    return Server(made.update_query_dict(asked), str(organisation))


def look(url: str) -> Found:
    """Return what is in a database.

    Raises:
        Refused: hub_db_unknown, hub_database_unreachable, hub_database_forbidden (url, why),
            postgres_extra_needed.
    """
    with _plain(url) as connection:
        return _found(connection)


def migrate(url: str) -> Found:
    """Bring the tables to the newest step, whoever else does so at the same time.

    Raises:
        Refused: as ``look`` does; schema_newer.
    """
    from alembic import command
    from alembic.config import Config

    with _plain(url) as connection, connection.begin():
        # The one advisory lock of the hub: it keeps two of its processes from making the same tables.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('crm_tui_migrations'))"))
        found = _found(connection)
        if found.step > NEWEST:
            raise Refused("schema_newer", found=found.step, known=NEWEST)
        if found.step != NEWEST:
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, NEWEST)
        return _found(connection)


def connected(url: str, organisation: str = "") -> Engine:
    """Return a pool of connections that see one organisation: the given one, the URL's, or the only one.

    Raises:
        Refused: as ``look`` does; hub_missing (url), hub_organisations (names).
    """
    server, found = server_of(url), look(url)
    if not found.step:
        raise Refused("hub_missing", url=shown(url))
    org = organisation or _chosen(url, server, found)
    told = f"-c crm.org={org}"
    if found.takes_role:
        told += f" -c role={ROLE}"
    own = server.url.query.get("options", "")
    return create_engine(
        server.url.update_query_dict({"options": f"{own} {told}".strip(), "application_name": _NAME + org}),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=_POOL,
        max_overflow=_MORE,
    )


def organisation_of(url: str) -> str:
    """Return the organisation that a URL means: the one it names, or the only one there is; empty: none yet.

    Raises:
        Refused: as ``look`` does; hub_organisations (names).
    """
    return _meant(server_of(url), look(url))


def in_use(url: str, organisation: str) -> bool:
    """Tell whether anybody is connected to an organisation's rows; who has just left gets time to be gone.

    Raises:
        Refused: as ``look`` does.
    """
    asked = text(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = :name"
    )
    with _plain(url) as connection:
        for _ in range(_LOOKS):
            if connection.execute(asked, {"name": _NAME + organisation}).first() is None:
                return False
            connection.rollback()  # the next look is a new one
            time.sleep(_BETWEEN_LOOKS)
    return True


def shown(url: str) -> str:
    """Return a URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return _SHOWN


_SHOWN = "postgresql+psycopg://…"


def _chosen(url: str, server: Server, found: Found) -> str:
    meant = _meant(server, found)
    if meant not in found.organisations:
        raise Refused("hub_missing", url=shown(url))
    return meant


def _meant(server: Server, found: Found) -> str:
    known = found.organisations
    if server.organisation or len(known) < 2:
        return server.organisation or next(iter(known), "")
    named = ", ".join(f"{name}: {_ASKED}={org}" for org, name in sorted(known.items()))
    raise Refused("hub_organisations", names=named)


@contextmanager
def _plain(url: str) -> Iterator[Connection]:
    """Open one connection as whoever the URL names, for looking and for migrations."""
    try:
        engine = create_engine(server_of(url).url, hide_parameters=True, poolclass=NullPool)
    except NoSuchModuleError as error:
        raise Refused("hub_db_unknown", url=shown(url)) from error
    except ModuleNotFoundError as error:
        raise Refused("postgres_extra_needed", package=error.name or "") from error
    try:
        connection = engine.connect()
    except DBAPIError as error:  # no server, no such user, a parameter that there is not
        raise Refused("hub_database_unreachable", url=shown(url), why=_first_line(error)) from error
    with connection:
        try:
            yield connection
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _FORBIDDEN:
                raise
            raise Refused("hub_database_forbidden", url=shown(url), why=_first_line(error)) from error


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).splitlines()[0]


def _found(connection: Connection) -> Found:
    tables = set(inspect(connection).get_table_names())
    if "organisation" not in tables or "alembic_version" not in tables:
        return Found("", {}, takes_role=False)
    rows: list[Any] = list(connection.execute(text(f"SELECT {ORG}, name FROM organisation")))  # noqa: S608
    takes = f"SELECT coalesce((SELECT pg_has_role(oid, {TAKES}) FROM pg_roles WHERE rolname = :role), false)"  # noqa: S608
    return Found(
        step=str(connection.scalar(text("SELECT version_num FROM alembic_version")) or ""),
        organisations={str(row[0]): str(row[1]) for row in rows},
        takes_role=bool(connection.scalar(text(takes), {"role": ROLE})),
    )
