"""Did triggers fire by day as they would have by night? Every firing that fell due on a day, counted both ways.

The live side heard events one by one; the night has all that were delivered to it and counts over whole tables, with
code of its own (`execution.triggers.counting`). Only triggers whose rules read nothing but the event can be counted so:
what the profile was at the second of an event nobody knows at night. The others are named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from cultiva.definitions.workspace import Workspace
from cultiva.execution.triggers import repository
from cultiva.execution.triggers.counting import EVENTS, count_firings
from cultiva.loop.live.archive import FOLDER, PART
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.store.database import Database

_WHO = ("source_system", "source_id")


@dataclass(frozen=True)
class Fired:
    """What a comparison found."""

    on: date
    compared: int
    """Firings that either side has."""
    only_live: Mapping[str, int]
    """Trigger -> firings that only the live side has."""
    only_night: Mapping[str, int]
    """Trigger -> firings that only the count has."""
    left_out: tuple[str, ...]
    """Triggers that cannot be counted at night."""

    @property
    def differences(self) -> int:
        """Firings that only one side has."""
        return sum(self.only_live.values()) + sum(self.only_night.values())

    def data(self) -> dict[str, object]:
        """As JSON-like data."""
        return {**vars(self), "on": self.on.isoformat(), "differences": self.differences}


def compare_fired(parts: Parts, on: date) -> Fired:
    """Compares the firings that fell due on a business date, once its run has been published and workers are idle.

    Args:
        parts: Of the workspace.
        on: The date; what came in behind its mark is not looked at.
    """
    return compared(parts.workspace, parts.store.database, delivered(parts, on), on)


def delivered(parts: Parts, on: date) -> pl.DataFrame:
    """Everything that came in live and was delivered to runs up to a date, as events are counted."""
    folders = [one for one in sorted((parts.root / FOLDER).glob("*")) if one.name <= on.isoformat()]
    files = [file for folder in folders if folder.is_dir() for file in sorted(folder.glob(PART))]
    if not files:
        return pl.DataFrame(schema=EVENTS)
    people = scan(parts.lake.files_current("identity_map", on)).select(*_WHO, "customer_id")
    named = pl.scan_parquet(files).join(people, on=list(_WHO), how="inner")
    return counted_form(named.collect(), parts.workspace.settings.timezone)


def counted_form(rows: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """Rows of the lake's table `event` with their `customer_id`, as events are counted.

    Args:
        rows: `event_id`, `customer_id`, `at` in the bank's local time, `name`, `channel`, `properties`.
        timezone: The bank's.
    """
    at = pl.col("at").dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    return rows.with_columns(
        message_id="event_id",
        at=at.dt.convert_time_zone("UTC"),
        channel=pl.col("channel").fill_null(""),
        properties=pl.col("properties").fill_null("{}"),
        context=pl.lit("{}"),
    ).select(list(EVENTS))


def compared(workspace: Workspace, database: Database, events: pl.DataFrame, on: date) -> Fired:
    """The firings of a day in the store, and those that events should have brought about.

    Args:
        workspace: Checked.
        database: The store.
        events: All that came in live so far, as they are counted.
        on: The bank's day.
    """
    zone = ZoneInfo(workspace.settings.timezone)
    begin, end = (
        datetime.combine(day, time(), zone).astimezone(UTC) - timedelta(microseconds=1)
        for day in (on, on + timedelta(days=1))
    )
    context = {one.name for one in workspace.triggers.values() if "context." in f"{one.when} {one.then_not}"}
    plain = [one.name for one in workspace.triggers.values() if one.active and one.name not in context]
    counted = count_firings(events, workspace, end, only=plain or ("",))
    asked = set(plain) - set(counted.left_out)
    night = counted.fired.filter(pl.col("due") > begin).select("trigger", "message_id")
    with database.reading() as connection:
        rows = repository.due_between(connection, begin, end)
    live = {(trigger, message) for trigger, _, message in rows if trigger in asked}
    mine = set(night.iter_rows())
    return Fired(on, len(live | mine), _by_name(live - mine), _by_name(mine - live), _left_out(workspace, asked))


def _by_name(found: Collection[tuple[str, str]]) -> Mapping[str, int]:
    return dict(sorted(Counter(trigger for trigger, _ in found).items()))


def _left_out(workspace: Workspace, asked: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(one.name for one in workspace.triggers.values() if one.active and one.name not in asked))
