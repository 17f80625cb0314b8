"""Snapshots: immutable pieces of the lake, and the catalogue that says which one is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True)
class Snapshot:
    """One immutable folder of Parquet files, published by one row in the store."""

    table: str
    """Name of the lake table, e.g. `profile`."""
    business_date: date
    """The bank's day it belongs to; one is published per table and day."""
    path: str
    """Folder, relative to the lake's root; a new name at every write."""
    rows: int
    """Rows in it."""
    size_bytes: int
    """Bytes on disk."""
    fingerprint: str
    """Content hash: equal content has an equal fingerprint whatever engine wrote it."""
    run_id: str
    """The run that wrote it."""


class SnapshotCatalogue(Protocol):
    """What a reader of the lake needs to know; the store implements it."""

    def current(self, table: str, on: date) -> Snapshot | None:
        """The one published for exactly this business date."""

    def latest(self, table: str, upto: date | None = None) -> Snapshot | None:
        """The newest one published for a business date up to and including this one; None: the newest of all."""

    def before(self, table: str, on: date) -> Snapshot | None:
        """The newest one published for a business date before this one."""

    def history(self, table: str, upto: date) -> Sequence[Snapshot]:
        """All published up to and including this date, one per business date, oldest first (facts add up)."""

    def published(self) -> Sequence[Snapshot]:
        """Every one that is published, of all tables and dates."""
