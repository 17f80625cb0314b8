"""After a run: snapshots past their time go, and so do leftovers of crashes."""

from __future__ import annotations

from datetime import date, timedelta

from cultiva.contracts.tables import CANONICAL
from cultiva.engine.lake import Retention
from cultiva.loop.parts import Parts
from cultiva.store import RunState

REVIEWED = frozenset(("performance", "readout", "verdict", "flag", "feature_log"))
"""Tables that add up from date to date, as facts do, or are small and tell how things went."""


def tidy(parts: Parts, on: date) -> None:
    """Removes what retention allows and what no pointer names; other dates' unfinished runs keep their folders.

    What is withdrawn now is removed by a sweep after the time of grace, so that nobody who reads it is disturbed.
    """
    facts = frozenset(name for name, table in CANONICAL.items() if table.is_fact) | REVIEWED
    settings = parts.workspace.settings.lake
    retention = Retention(keep_days=settings.keep_days, whole=facts)
    parts.lake.prune(retention, on, parts.store.snapshots.withdraw)
    # An abandoned run is never resumed: what it has left is a leftover.
    resumable = (RunState.RUNNING, RunState.FAILED)
    unfinished = [run.run_id for run in parts.store.runs.history() if run.state in resumable]
    parts.lake.sweep(at=parts.clock(), grace=timedelta(minutes=settings.grace_minutes), active_runs=unfinished)
