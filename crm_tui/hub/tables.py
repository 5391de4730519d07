"""What a hub keeps beside the rows of the business: devices, the log of commands, and the feed of changes.

People's PINs stand in the table of that name that every terminal has too.

On PostgreSQL the hub's migrations lead every key with ``org_id`` (docs/decisions/0001); here it is left out
as it is in the tables of the business.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from crm_tui.store.types import Instant, JsonText

hub_metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

hub_meta = Table(
    "hub_meta",
    hub_metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts by name: organisation, epoch, mode (normal or recovering), key, safe_until."""

device = Table(
    "device",
    hub_metadata,
    Column("device_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("unit_id", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("forked_from", Text),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_hash", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("enrolled_at", Instant, nullable=False),
    Column("last_seen_at", Instant),
    Column("skew", BigInteger, nullable=False),
    Column("app_version", Text, nullable=False),
    Column("safe_seq", BigInteger, nullable=False),
)
"""A terminal: ``status`` is active, frozen or replaced; ``skew`` is its clock minus the hub's, in us.

``safe_seq`` is its last command in a checked backup, -1 before there is one.
"""

invite = Table(
    "invite",
    hub_metadata,
    Column("code_hash", Text, primary_key=True),
    Column("unit_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("device_id", Text),
)
"""``device_id`` is the terminal that has joined by it: who did not hear the answer may ask again."""

seat = Table(
    "seat",
    hub_metadata,
    Column("device_id", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("since", Instant, nullable=False),
    PrimaryKeyConstraint("device_id", "person_id"),
)
"""Who has proven the PIN at which terminal: a terminal may speak for these people and for nobody else."""

space_rev = Table(
    "space_rev",
    hub_metadata,
    Column("space", Text, primary_key=True),
    Column("rev", BigInteger, nullable=False),
)

feed = Table(
    "feed",
    hub_metadata,
    Column("space", Text, nullable=False),
    Column("tbl", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("live", Boolean, nullable=False),
    PrimaryKeyConstraint("space", "tbl", "key"),
    Index("ix_feed_rev", "space", "rev", "tbl", "key"),
    Index("ix_feed_row", "tbl", "key"),
)
"""The last change of each row in each space; not ``live``: it is no longer there."""

command_log = Table(
    "command_log",
    hub_metadata,
    Column("cmd_id", Text, primary_key=True),
    Column("device_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("batch_id", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("args", JsonText, nullable=False),
    Column("client_at", Instant, nullable=False),
    Column("hub_at", Instant, nullable=False),
    Column("address", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("details", JsonText, nullable=False),
    Column("supersedes", Text, nullable=False),
    Column("revs", JsonText, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("device_id", "seq"),
    Index("ix_command_log_hub_at", "hub_at", "device_id", "seq"),
    Index("ix_command_log_actor", "actor_id", "hub_at"),
)
"""Every command that has an answer, for ever: the audit trail, chained by hashes for each device."""

command_alias = Table(
    "command_alias",
    hub_metadata,
    Column("device_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("cmd_id", Text, nullable=False),
    PrimaryKeyConstraint("device_id", "seq"),
)
"""A command that another device has handed over before: a copied terminal sends what its original sent."""

review = Table(
    "review",
    hub_metadata,
    Column("cmd_id", Text, primary_key=True),
    Column("opened_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("decided_at", Instant),
    Column("decision", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("answer_no", BigInteger, nullable=False),
    Column("answer", Text, nullable=False),
    Column("answer_code", Text, nullable=False),
    Column("answer_details", JsonText, nullable=False),
    Index("ix_review_open", "decided_at", "opened_at"),
    Index("ix_review_answer", "answer_no"),
)
"""What somebody should look at: flagged, held and quarantined commands; ``decision`` is empty while open.

The log never changes: an answer that is another one now stands here, the ``answer_no``-th of its kind (0: it
is the log's).
"""

recovery = Table(
    "recovery",
    hub_metadata,
    Column("device_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("cmd_id", Text, nullable=False),
    Column("hub_at", BigInteger, nullable=False),
    Column("sealed", JsonText, nullable=False),
    Column("address", Text, nullable=False),
    PrimaryKeyConstraint("device_id", "seq"),
)
"""What terminals have sent again to a hub that was put back, until all of it is carried out in order."""

awaited = Table(
    "awaited",
    hub_metadata,
    Column("device_id", Text, primary_key=True),
    Column("done_at", Instant),
)
"""The terminals that a recovering hub waits for, and when each had sent everything it has."""

flip = Table(
    "flip",
    hub_metadata,
    Column("cmd_id", Text, primary_key=True),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
"""Commands that had another end before the hub was put back: applied then and refused now, or otherwise."""

identity_key = Table(
    "identity_key",
    hub_metadata,
    Column("kind", Text, nullable=False),
    Column("hmac", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    PrimaryKeyConstraint("kind", "hmac"),
    Index("ix_identity_key_customer", "customer_id"),
)
"""Which customer has a phone, a resident ID or a USCC; the number itself is not in it."""

HUB_TABLES = tuple(hub_metadata.sorted_tables)

ORG = "org_id"
"""What leads every key on PostgreSQL."""


def key_of(dialect: str, table: Table) -> list[str]:
    """Return the columns of a hub table's key as this kind of database has it."""
    led = [] if dialect == "sqlite" else [ORG]
    return [*led, *(str(column.name) for column in table.primary_key.columns)]
