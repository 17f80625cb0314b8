"""Tables of erasure, in the store: orders and their certificates, tombstones, legal holds."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Index, Integer, String, Table, Text

from cultiva.store.columns import JsonText, UtcDateTime
from cultiva.store.tables import METADATA

ERASURE = Table(
    "erasure",
    METADATA,
    Column("erasure_id", String(40), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("asked_by", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("people", Integer, nullable=False, comment="how many customers"),
    Column("work", JsonText, nullable=False, comment="who is erased, while it is being done; emptied at the end"),
    Column("begun", UtcDateTime, nullable=False),
    Column("ended", UtcDateTime),
    Column("certificate", JsonText, nullable=False, comment="empty object: not finished"),
    Column("seal", String(64), nullable=False, comment="sha-256 of the certificate, as in the audit"),
    CheckConstraint("state in ('begun', 'done')", name="state"),
)
"""Orders to erase customers, and what was done."""

ERASURE_COUNT = Table(
    "erasure_count",
    METADATA,
    Column("erasure_id", String(40), primary_key=True),
    Column("place", String(400), primary_key=True, comment="lake/<table>/<date>, store/<table>, file/<path> ..."),
    Column("act", String(20), primary_key=True),
    Column("rows", BigInteger, nullable=False),
    CheckConstraint("act in ('removed', 'unlinked', 'mended')", name="act"),
)
"""What an erasure did where, so that one that was interrupted still certifies all of it."""

TOMBSTONE = Table(
    "tombstone",
    METADATA,
    Column("kind", String(200), primary_key=True),
    Column("digest", String(32), primary_key=True, comment="keyed hash; see contracts/erased.py"),
    Column("against", String(32), primary_key=True, comment="keyed hash of the person's id number; empty: none"),
    Column("erasure_id", String(40), nullable=False, index=True),
    Column("key_name", String(32), nullable=False, comment="names the key without telling it"),
)
"""What nobody may bring back."""

LEGAL_HOLD = Table(
    "legal_hold",
    METADATA,
    Column("hold_id", String(40), primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("placed_by", String(100), nullable=False),
    Column("placed", UtcDateTime, nullable=False),
    Column("until", Date, comment="the last day; null: until it is lifted"),
    Column("lifted", UtcDateTime),
    Column("lifted_by", String(100), nullable=False),
    Column("remark", Text, nullable=False),
    Index("ix_legal_hold_customer_id", "customer_id"),
)
"""Customers who may not be erased."""
