"""The day's prices in the lake: every version of a day, as `cultiva reprice` has made them one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from cultiva.engine.parquet import part_files
from cultiva.loop.parts import Parts
from cultiva.strategy.live.charges import Again

TABLE = "day_price"
"""Lake table: a row per version and resource or pool; published anew with every version, earlier ones within it."""

STALE_DAYS = 3
"""An older plan is not decided by any more."""


@dataclass(frozen=True)
class Version:
    """One version of a day's prices."""

    version: str
    """<day>.<number>; decisions say it."""
    rows: Sequence[dict[str, Any]]
    """Of `TABLE`."""
    again: Again
    """As live decisions charge them."""


def price_path(parts: Parts, day: date) -> str:
    """Where the day's prices lie; empty if there are none but the night's. Every version has a place of its own."""
    found = parts.store.snapshots.current(TABLE, day)
    return "" if found is None else found.path


def versions(parts: Parts, day: date, run: date | None = None) -> list[Version]:
    """Every version of a day, the oldest first.

    Args:
        parts: Of the workspace.
        day: The bank's day.
        run: Business date of the plan that they rest on; None: of any.
    """
    files = parts.lake.files_current(TABLE, day)
    if not files:
        return []
    rows = pl.scan_parquet(part_files(files)).sort("number", "kind", "resource", descending=[False, True, False])
    zone, found = ZoneInfo(parts.workspace.settings.timezone), []
    for mine in rows.collect().partition_by("number", maintain_order=True):
        told = mine.to_dicts()
        if run is None or told[0]["run"] == run:
            at = told[0]["made_at"].replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).replace(tzinfo=None)
            found.append(Version(told[0]["version"], told, Again({row["resource"]: row for row in told}, at)))
    return found


def newest_version(parts: Parts, day: date, run: date) -> Version | None:
    """The prices that live decisions of a day charge; None: the night's."""
    found = versions(parts, day, run)
    return found[-1] if found else None
