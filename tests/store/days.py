"""The days, instants and records that tests of the store use."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from cultiva.contracts.snapshots import Snapshot
from cultiva.store import RunRequest

DAY = date(1994, 3, 30)
AT = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
REQUEST = RunRequest(business_date=DAY, workspace_version="v1", inputs={"transaction": "f1"}, engine="duckdb")


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def snapshot(table: str = "profile", day: date = DAY, *, version: str = "a", run_id: str = "1994-03-30.1") -> Snapshot:
    return Snapshot(
        table=table,
        business_date=day,
        path=f"{table}/date={day}/{version}",
        rows=3,
        size_bytes=99,
        fingerprint=f"{table}-{version}",
        run_id=run_id,
    )
