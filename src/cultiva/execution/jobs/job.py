"""A job: long work that a person has asked for, and that a worker carries out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """How far a job is."""

    PROPOSED = "proposed"
    """Waits for a second person's word."""
    WAITING = "waiting"
    """For a worker."""
    RUNNING = "running"
    """A worker is at it, or was and has died: then another takes it up."""
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    """Somebody does not want it any more."""


OPEN = frozenset({JobState.WAITING, JobState.RUNNING})
"""States in which workers have to do with it."""
ATTEMPTS_MAX = 3
"""Workers that may die at one job: what kills three would kill the next."""


@dataclass(frozen=True)
class Job:
    """One job."""

    job_id: str
    kind: str
    """What is to be done, e.g. forecast."""
    asked: Mapping[str, Any]
    """What exactly."""
    by: str
    """Login of who asked."""
    asked_at: datetime
    state: JobState = JobState.WAITING
    share: float = 0.0
    """How much is done, 0 to 1."""
    note: Mapping[str, str] = field(default_factory=dict)
    """What it is at: language -> words; empty: not told."""
    attempts: int = 0
    """How often a worker has begun it."""
    begun: datetime | None = None
    """By the last of them."""
    ended: datetime | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    """What came of it; empty until then."""
    error: str = ""
    """Why it failed, masked; or who stopped it."""
    second: str = ""
    """Login of who said yes to it; empty: nobody had to, or has yet."""

    @property
    def open(self) -> bool:
        """Whether workers have to do with it."""
        return self.state in OPEN

    @property
    def ended_already(self) -> bool:
        """Whether nothing more is to come."""
        return not self.open and self.state is not JobState.PROPOSED
