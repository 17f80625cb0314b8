"""The table of drafts, in the store."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text

from cultiva.store.columns import UtcDateTime
from cultiva.store.tables import METADATA

DRAFT = Table(
    "draft",
    METADATA,
    Column("draft_id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("name", String(200), nullable=False, comment="of the definition"),
    Column("file", String(400), nullable=False, comment="relative to the workspace"),
    Column("body", Text, nullable=False, comment="the definition as YAML"),
    Column("base_text", Text, nullable=False, comment="what the file said when it was begun; empty: new"),
    Column("base_hash", String(64), nullable=False, comment="of the live definition then; empty: new"),
    Column("remark", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("author", String(100), nullable=False, comment="login"),
    Column("judge", String(100), nullable=False, comment="login; empty: nobody yet"),
    Column("verdict", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("changed", UtcDateTime, nullable=False),
    CheckConstraint("kind in ('segment', 'strategy')", name="kind"),
    CheckConstraint("state in ('draft', 'submitted', 'approved', 'rejected', 'published', 'withdrawn')", name="state"),
    Index("ix_draft_name", "kind", "name"),
    Index("ix_draft_state", "state", "changed"),
)
"""Proposed changes of definitions."""
