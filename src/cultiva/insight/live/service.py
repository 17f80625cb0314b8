"""The use case: the live profile of a customer, kept and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import msgspec

from cultiva.contracts.moments import Moment
from cultiva.definitions.workspace import Workspace
from cultiva.insight.live.folding import Folder
from cultiva.insight.live.program import DayProgram, Freshness, Program, program_of
from cultiva.insight.live.records import Held, read_held, write_held
from cultiva.insight.live.row import LiveRow

DAYS_KEPT = 4
"""Days whose compiled rules are kept: today, and a little around it."""


class Live:
    """The live profiles of a workspace.

    Args:
        workspace: A checked workspace.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.zone = ZoneInfo(workspace.settings.timezone)
        self._days: dict[date, DayProgram] = {}
        self._today: tuple[datetime, datetime, date] | None = None

    @cached_property
    def program(self) -> Program:
        """Which column comes from where."""
        return program_of(self.workspace)

    @cached_property
    def folder(self) -> Folder:
        """Puts moments where they belong."""
        return Folder(self.program.measures, self.zone)

    @property
    def freshness(self) -> Mapping[str, Freshness]:
        """How far each column is up to date."""
        return self.program.freshness

    def fold(self, record: msgspec.Raw, moments: Sequence[Moment], label: str) -> msgspec.Raw:
        """A customer's record with what has come in.

        Args:
            record: `HotRecord.profile`.
            moments: Of this customer, in any order, each once.
            label: Name of the last mark of the log that stands before them; empty if there is none.
        """
        held = read_held(record)
        return write_held(held) if self.folder.fold(held, moments, label) else record

    def row(self, record: msgspec.Raw, now: datetime, *, customer_id: int | None = None) -> LiveRow:
        """A customer's live profile at an instant.

        Args:
            record: `HotRecord.profile`.
            now: Aware; the bank's day of it is today.
            customer_id: Whose.
        """
        return self.row_on(read_held(record), self.day_of(now), customer_id=customer_id)

    def row_on(self, held: Held, day: date, *, customer_id: int | None = None) -> LiveRow:
        """A customer's live profile at the end of a day of the bank."""
        return LiveRow(customer_id, held, self.on(day))

    def segments(self, row: LiveRow) -> dict[str, bool]:
        """Whether the customer is in each segment now."""
        return {name: row.in_segment(name) for name in self.workspace.segments}

    def stage(self, row: LiveRow) -> str | None:
        """Where the customer stands in the lifecycle now; None only for whom no rule fits."""
        stage: str | None = row["stage"]
        return stage

    def on(self, day: date) -> DayProgram:
        """How columns are made on a day of the bank."""
        found = self._days.get(day)
        if found is None:
            while len(self._days) >= DAYS_KEPT:
                del self._days[next(iter(self._days))]
            found = self._days[day] = self.program.on(day)
        return found

    def day_of(self, now: datetime) -> date:
        """The bank's day of an instant."""
        if self._today is None or not self._today[0] <= now < self._today[1]:
            day = self.folder.day_of(now)
            self._today = (self._midnight(day), self._midnight(day + timedelta(days=1)), day)
        return self._today[2]

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone)
