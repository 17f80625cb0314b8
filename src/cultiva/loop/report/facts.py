"""What a run report says, as data; the templates only lay it out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class StepFact:
    """One step of the run."""

    name: str
    """Its name."""
    title: str
    """What people read."""
    seconds: float
    """How long it took."""
    rows: int
    """Rows written."""


@dataclass(frozen=True)
class TableFact:
    """One delivered table."""

    table: str
    read: int
    """Rows read."""
    kept: int
    """Rows kept."""
    quarantined: int
    """Bad rows set aside with their reason."""
    duplicate: int
    """Equal rows delivered twice."""
    redelivered: int
    """Rows known from an earlier day."""
    late: int
    """Rows that came after their day."""
    not_yet: int
    """Rows of a later day."""


@dataclass(frozen=True)
class CellFact:
    """One cell of the grid stage x value tier."""

    stage: str
    tier: str
    customers: int
    current_value: float
    """Sum over the cell, in money."""


@dataclass(frozen=True)
class SegmentFact:
    """One segment."""

    name: str
    label: str
    customers: int
    share: float
    """Of all customers."""
    entered: int | None
    """Since the last run; None if there was none."""
    left: int | None
    """Since the last run; None if there was none."""
    words: str
    """What sets it apart."""


@dataclass(frozen=True)
class CoverageFact:
    """One tag's coverage."""

    tag: str
    label: str
    coverage: float
    """Share of customers with a value."""


@dataclass(frozen=True)
class StrategyFact:
    """One strategy's funnel: candidates by fate."""

    name: str
    label: str
    fates: dict[str, int]
    """Fate -> candidates."""

    @property
    def candidates(self) -> int:
        """All candidates of the strategy."""
        return sum(self.fates.values())


@dataclass(frozen=True)
class Move:
    """Customers that went from one stage to another since the last run."""

    before: str
    after: str
    customers: int


@dataclass(frozen=True)
class ReviewFact:
    """What was measured of one strategy, and what to do with it."""

    name: str
    label: str
    effect: float | None
    """Money per customer; None if it cannot be said yet."""
    net: float | None
    """Incremental money less cost."""
    verdict: str
    """In words."""
    reason: str
    """One sentence."""


@dataclass(frozen=True)
class ReportFacts:
    """Everything a run report says."""

    workspace: str
    currency: str
    business_date: date
    run_id: str
    version: str
    """Version of all definitions together."""
    engine: str
    seconds: float
    customers: int
    current_value: float
    """Sum over all customers, in money."""
    steps: tuple[StepFact, ...]
    tables: tuple[TableFact, ...]
    faults: tuple[tuple[str, str, int], ...]
    """Quarantine by (table, rule, rows), most first."""
    stages: tuple[str, ...]
    """Stages in the order shown."""
    tiers: tuple[str, ...]
    """Value tiers from lowest to highest."""
    labels: dict[str, str]
    """Labels of stages and tiers in the report's language."""
    cells: tuple[CellFact, ...]
    moves: tuple[Move, ...]
    segments: tuple[SegmentFact, ...]
    coverage: tuple[CoverageFact, ...]
    strategies: tuple[StrategyFact, ...]
    reviews: tuple[ReviewFact, ...]
    """The whole programme first."""
    identity: dict[str, int]
    """party_records, customers, merges, splits, refused."""
