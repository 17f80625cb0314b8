"""What the store gives out: frozen records, never rows of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from cultiva.contracts.snapshots import Snapshot
from cultiva.kit.processes import Process


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    """Begun and not ended; if its process is dead it can be resumed."""
    FINISHED = "finished"
    """Every step is finished."""
    FAILED = "failed"
    """A step raised an error; the run can be resumed."""
    ABANDONED = "abandoned"
    """Stopped half-way and replaced by a run on other definitions or inputs; never resumed."""


class StepState(StrEnum):
    """Where a step of a run stands."""

    RUNNING = "running"
    """Begun; nothing of it is visible."""
    FINISHED = "finished"
    """Its outputs are published."""
    FAILED = "failed"
    """It raised an error; nothing of it is visible."""


@dataclass(frozen=True)
class RunRequest:
    """What makes two runs the same run: an unfinished run on an equal request is resumed."""

    business_date: date
    """The bank's day."""
    workspace_version: str
    """Content hash of all definitions together."""
    inputs: Mapping[str, str]
    """Name of an input -> fingerprint of its content; everything that the run reads and does not write."""
    engine: str
    """Name of the engine, e.g. `duckdb`."""


@dataclass(frozen=True)
class StepRecord:
    """One step of a run."""

    name: str
    """Unique within its run."""
    position: int
    """Its place in the plan, from 1."""
    state: StepState
    started: datetime
    """UTC."""
    ended: datetime | None
    """UTC; None while it is running."""
    attempts: int
    """How many times it was begun."""
    rows: int | None
    """Rows it wrote, if it counts any."""
    detail: Mapping[str, object]
    """What else it found, as JSON-like data."""
    outputs: tuple[Snapshot, ...]
    """What it published."""
    error: str
    """Why it failed, without personal data; empty if it did not."""

    @property
    def seconds(self) -> float | None:
        """How long its last attempt took; None while it is running."""
        return (self.ended - self.started).total_seconds() if self.ended else None


@dataclass(frozen=True)
class Run:
    """One run with its steps."""

    run_id: str
    """Business date and a number within it, e.g. `1994-03-30.1`."""
    request: RunRequest
    """What it runs on."""
    state: RunState
    started: datetime
    """UTC, of the first attempt."""
    ended: datetime | None
    """UTC; None while it is running."""
    attempts: int
    """How many processes have worked on it."""
    error: str
    """Why it failed, without personal data; empty if it did not."""
    steps: tuple[StepRecord, ...] = ()
    """In the order of the plan, as far as it got."""

    @property
    def business_date(self) -> date:
        """The bank's day."""
        return self.request.business_date

    def step(self, name: str) -> StepRecord | None:
        """The step of that name, None if the run has not come to it."""
        return next((step for step in self.steps if step.name == name), None)


@dataclass(frozen=True)
class Lease:
    """The right to work on something alone, until it is released, expires, or its owner dies."""

    name: str
    """What is leased, e.g. `run:1994-03-30`."""
    token: str
    """Changes with every owner; a write under an old token is refused."""
    owner: Process
    """Who has it."""
    expires: datetime
    """UTC; renewed while the owner lives."""


@dataclass(frozen=True)
class DefinitionRecord:
    """One version of one definition."""

    kind: str
    """E.g. `segment`."""
    name: str
    """Unique within its kind."""
    content_hash: str
    """Equal content, equal hash."""
    body: object
    """The definition as JSON-like data."""
    first_seen: datetime | None = None
    """UTC; when the store met this version first, None before it is recorded."""


@dataclass(frozen=True)
class WorkspaceVersion:
    """The definitions of a workspace at one moment, by hash."""

    version: str
    """Content hash of all of them together."""
    first_seen: datetime
    """UTC."""
    definitions: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(kind, name) -> content hash."""


class IdentityChangeKind(StrEnum):
    """How customer ids change."""

    MERGE = "merge"
    """Several customers turned out to be one; the first of the new ids goes on."""
    SPLIT = "split"
    """One customer turned out to be several."""


@dataclass(frozen=True)
class IdentityChange:
    """A merge or split of customers, with its reason."""

    kind: IdentityChangeKind
    business_date: date
    """The day it was found on."""
    from_ids: tuple[int, ...]
    """Customer ids before; ascending."""
    to_ids: tuple[int, ...]
    """Customer ids after; ascending."""
    reason: str
    """Which rule or key brought it about; no personal data."""
    run_id: str = ""
    """The run that found it; filled by the store."""
