"""The tables of the store, every constraint named. Only `repositories/` writes SQL on them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from cultiva.store.columns import JsonText, UtcDateTime

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
"""All tables together; Alembic compares the migrations with it."""

LEASE = Table(
    "lease",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("token", String(32), nullable=False, comment="empty: nobody has it"),
    Column("machine", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born", String(32), nullable=False),
    Column("expires", UtcDateTime, nullable=False),
)
"""Who works on what alone."""

DEFINITION = Table(
    "definition",
    METADATA,
    Column("kind", String(63), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("content_hash", String(64), primary_key=True),
    Column("body", JsonText, nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
)
"""Every version of every definition that a run has used."""

WORKSPACE_VERSION = Table(
    "workspace_version",
    METADATA,
    Column("version", String(64), primary_key=True),
    Column("first_seen", UtcDateTime, nullable=False),
)
"""The workspace as a whole, by the hash of all its definitions."""

WORKSPACE_DEFINITION = Table(
    "workspace_definition",
    METADATA,
    Column("version", ForeignKey("workspace_version.version"), primary_key=True),
    Column("kind", String(63), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("content_hash", String(64), nullable=False),
    ForeignKeyConstraint(
        ["kind", "name", "content_hash"],
        ["definition.kind", "definition.name", "definition.content_hash"],
        name="fk_workspace_definition_definition",
    ),
)
"""Which version of which definition a workspace version holds."""

RUN = Table(
    "run",
    METADATA,
    Column("run_id", String(40), primary_key=True),
    Column("business_date", Date, nullable=False),
    Column("number", Integer, nullable=False, comment="counts the runs of one business date"),
    Column("workspace_version", String(64), nullable=False),
    Column("inputs", JsonText, nullable=False),
    Column("engine", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("started", UtcDateTime, nullable=False),
    Column("ended", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    CheckConstraint("state in ('running', 'finished', 'failed', 'abandoned')", name="state"),
    UniqueConstraint("business_date", "number"),
)
"""Runs of the main job."""

RUN_STEP = Table(
    "run_step",
    METADATA,
    Column("run_id", ForeignKey("run.run_id"), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("started", UtcDateTime, nullable=False),
    Column("ended", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("rows", BigInteger),
    Column("detail", JsonText, nullable=False),
    Column("error", Text, nullable=False),
    CheckConstraint("state in ('running', 'finished', 'failed')", name="state"),
)
"""Steps of runs, as far as they got."""

SNAPSHOT = Table(
    "snapshot",
    METADATA,
    Column("path", String(400), primary_key=True),
    Column("table_name", String(63), nullable=False),
    Column("business_date", Date, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("run_id", String(40), nullable=False),
    Column("step", String(63), nullable=False),
    Column("published", UtcDateTime, nullable=False),
    Index("ix_snapshot_run_id", "run_id"),
)
"""Everything ever published; rows stay after the files are gone, as the record of what a run wrote.

No foreign key to `run_step`: jobs other than the main run publish too.
"""

SNAPSHOT_POINTER = Table(
    "snapshot_pointer",
    METADATA,
    Column("table_name", String(63), primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("path", ForeignKey("snapshot.path"), nullable=False),
    UniqueConstraint("path"),
)
"""The one snapshot that is published for a table and a business date."""

IDENTITY_RANGE = Table(
    "identity_range",
    METADATA,
    Column("run_id", String(40), primary_key=True),
    Column("step", String(63), primary_key=True),
    Column("first_id", BigInteger, nullable=False),
    Column("id_count", BigInteger, nullable=False),
    CheckConstraint("first_id > 0 and id_count >= 0", name="positive"),
)
"""Customer ids given to a step; asked again, the step gets the same."""

IDENTITY_NEXT = Table(
    "identity_next",
    METADATA,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("next_id", BigInteger, nullable=False),
    CheckConstraint("slot = 1", name="one_row"),
    CheckConstraint("next_id > 0", name="positive"),
)
"""One row: the lowest customer id that was never given to anyone."""

IDENTITY_CHANGE = Table(
    "identity_change",
    METADATA,
    Column("change_id", String(60), primary_key=True, comment="run and number within it"),
    Column("run_id", String(40), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("business_date", Date, nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("recorded", UtcDateTime, nullable=False),
    CheckConstraint("kind in ('merge', 'split')", name="kind"),
)
"""Merges and splits of customers."""

IDENTITY_CHANGE_MEMBER = Table(
    "identity_change_member",
    METADATA,
    Column("change_id", ForeignKey("identity_change.change_id", ondelete="CASCADE"), primary_key=True),
    Column("side", String(4), primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False, index=True),
    CheckConstraint("side in ('from', 'to')", name="side"),
)
"""Which customers a change was about, before and after."""
