"""What an ingestion gives: snapshots to publish, and an account of every row that was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from cultiva.contracts.snapshots import Snapshot


@dataclass(frozen=True)
class Counts:
    """Where the rows of a delivery went: read = kept + quarantined + duplicate + redelivered + not_yet."""

    read: int = 0
    """Rows delivered."""
    kept: int = 0
    """Rows of the snapshot."""
    quarantined: int = 0
    """Rows that broke a contract, or say something else than an earlier row of the same key."""
    duplicate: int = 0
    """Rows delivered more than once in this delivery, with the same content; one of each is kept."""
    redelivered: int = 0
    """Facts published on an earlier date, with the same content."""
    not_yet: int = 0
    """Rows that begin after the business date."""
    late: int = 0
    """Of the kept ones: facts of an earlier published date that were not delivered then."""
    erased: int = 0
    """Of the quarantined ones: rows about people who were erased; no fault of the delivery."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{part.name: getattr(self, part.name) + getattr(other, part.name) for part in fields(self)})

    @property
    def balanced(self) -> bool:
        """Whether every row read went to exactly one place."""
        return self.read == self.kept + self.quarantined + self.duplicate + self.redelivered + self.not_yet


@dataclass(frozen=True)
class BrokenContract:
    """How often one contract of one mapping was broken."""

    mapping: str
    """Name of the mapping."""
    rule: str
    """The contract."""
    column: str
    """The column concerned; empty if none."""
    rows: int
    """Rows quarantined for it."""


@dataclass(frozen=True)
class TableResult:
    """One table's part of an ingestion."""

    snapshot: Snapshot
    """To be published."""
    by_mapping: Mapping[str, Counts]
    """Rows by mapping."""
    broken: tuple[BrokenContract, ...] = ()
    """Broken contracts, most frequent first."""
    notes: tuple[str, ...] = ()
    """What a reader may want to know, e.g. columns that no mapping reads."""
    returned: tuple[tuple[str, str], ...] = ()
    """Party records of erased people under ids that have no tombstone yet."""

    @property
    def counts(self) -> Counts:
        """Rows of all mappings together."""
        return sum(self.by_mapping.values(), Counts())


@dataclass(frozen=True)
class IngestResult:
    """All tables of one business date."""

    quarantine: Snapshot
    """Bad rows of all tables, to be published."""
    tables: Mapping[str, TableResult] = field(default_factory=dict)
    """Tables by name."""

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """Everything to be published."""
        return (*(table.snapshot for table in self.tables.values()), self.quarantine)
