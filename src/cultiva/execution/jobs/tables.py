"""The table of jobs, in the store."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

from cultiva.store.columns import JsonText, UtcDateTime
from cultiva.store.tables import METADATA

JOB = Table(
    "job",
    METADATA,
    Column("job_id", String(40), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("slot", String(40), comment="what only one open job may have; null: ended"),
    Column("asked", JsonText, nullable=False),
    Column("by", String(100), nullable=False, comment="login"),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("share", Float, nullable=False),
    Column("note", JsonText, nullable=False, comment="language -> what it is at"),
    Column("attempts", Integer, nullable=False),
    Column("begun", UtcDateTime),
    Column("ended", UtcDateTime),
    Column("result", JsonText, nullable=False, comment="empty object: nothing yet"),
    Column("error", Text, nullable=False),
    Column("second", String(100), nullable=False, comment="login of who said yes; empty: nobody"),
    CheckConstraint("state in ('proposed', 'waiting', 'running', 'done', 'failed', 'stopped')", name="state"),
    UniqueConstraint("slot", name="uq_job_slot"),
    Index("ix_job_kind", "kind", "asked_at"),
)
"""Long work that people have asked for."""
