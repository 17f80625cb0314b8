"""What came in live is a delivery to the next run: everything in the log before the run's mark, once.

A run reads what stands between the mark of the last run that was published and its own, whatever day it happened: late
events go to their own days. What happened after the business date does not exist yet for the run; it is held, and
delivered to the next one. The files stay: they are what `cultiva events replay --from` reads.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from cultiva.contracts.moments import Moment, read_moment
from cultiva.definitions.sources import FileFormat, Input
from cultiva.definitions.sources import Mapping as TableMapping
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.stream.port import Log

FOLDER = ".cultiva/events"
OWN = "cultiva"
"""Name of the mapping of what came in live."""
EVER = 36_500
"""Days: the intake has judged how late an event may be; what it has accepted the run takes."""
READ = 10_000
"""Records read at a time."""
HELD = "held.parquet"
PART = "part-*.parquet"
SCHEMA: dict[str, Any] = {
    "event_id": pl.String,
    "source_system": pl.String,
    "source_id": pl.String,
    "at": pl.Datetime("us"),
    "name": pl.String,
    "channel": pl.String,
    "properties": pl.String,
    "customer_id": pl.Int64,
}


def with_events(parts: Parts, log: Log, on: date, *, write: bool = True) -> Parts:
    """The parts of a run that reads what came in live since the run before; the same if nothing did.

    Args:
        parts: Of the workspace.
        log: What came in; gets the run's mark.
        on: Business date of the run.
        write: Whether to mark the log and write the delivery; else that of an earlier attempt is described.
    """
    folder = parts.root / FOLDER / on.isoformat()
    if write:
        deliver(parts, log, on)
    if not any(folder.glob(PART)):
        return parts
    sources = parts.workspace.sources
    source = Input(
        name=f"{OWN}_event", file=str(folder.relative_to(parts.root) / PART), format=FileFormat(kind="parquet")
    )
    both = sources.model_copy(
        update={"inputs": (*sources.inputs, source), "tables": (*sources.tables, _mapping(source.name))}
    )
    return replace(parts, workspace=replace(parts.workspace, sources=both))


def deliver(parts: Parts, log: Log, on: date) -> Path:
    """Marks the log and writes the delivery of a date, if no earlier attempt has; its folder."""
    ends = log.mark(on.isoformat())
    folder = parts.root / FOLDER / on.isoformat()
    if folder.exists():
        return folder  # the run's mark stands where it stood, so the delivery is the same
    before = parts.lake.catalogue.before("identity_map", on)
    since = None if before is None else before.business_date
    beside = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    _Delivery(parts, on, since, beside).write(log, ends)
    beside.rename(folder)
    return folder


@dataclass(frozen=True)
class _Delivery:
    parts: Parts
    on: date
    since: date | None
    """Business date of the run before."""
    folder: Path

    def write(self, log: Log, ends: Sequence[int]) -> None:
        """A file per partition, and one with what is held for the next run."""
        held = [self._part("held", self._held_before())]
        for partition, end in enumerate(ends):
            begin = begin_of(log, partition, self.since, self.on)
            held.append(self._part(f"{partition:04}", self._rows(log, partition, begin, end)))
        pl.concat(held).sort("event_id").write_parquet(self.folder / HELD)

    def _part(self, name: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Writes the rows up to the business date; gives the later ones."""
        due = rows.filter(pl.col("at").dt.date() <= self.on)
        if not due.is_empty():
            due.drop("customer_id").sort("event_id").write_parquet(self.folder / f"part-{name}.parquet")
        return rows.filter(pl.col("at").dt.date() > self.on)

    def _held_before(self) -> pl.DataFrame:
        """What the run before has left, because it had not happened yet on its date."""
        path = None if self.since is None else self.folder.with_name(self.since.isoformat()) / HELD
        return pl.DataFrame(schema=SCHEMA) if path is None or not path.exists() else pl.read_parquet(path)

    def _rows(self, log: Log, partition: int, begin: int, end: int) -> pl.DataFrame:
        zone = ZoneInfo(self.parts.workspace.settings.timezone)
        rows = [_row(moment, zone) for moment in moments_between(log, partition, begin, end)]
        frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
        return self._named(frame) if (frame["source_id"] == "").any() else frame

    def _named(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Moments that name a customer but no party record go to the customer's first one."""
        records = _first_records(self.parts, self.since)
        found = frame.join(records, on="customer_id", how="left", suffix="_first")
        empty = pl.col("source_id") == ""
        named = [
            pl.when(empty).then(f"{name}_first").otherwise(name).alias(name) for name in ("source_system", "source_id")
        ]
        return found.with_columns(named).filter(pl.col("source_id").is_not_null()).select(list(SCHEMA))


def begin_of(log: Log, partition: int, since: date | None, on: date) -> int:
    """After which position of a partition a run reads: the mark of the run before it, or the newest before that.

    Args:
        log: The log.
        partition: Which part of it.
        since: Business date of the last run published before; None: there is none.
        on: Business date of the run.
    """
    if since is None:
        return 0
    last = since.isoformat()
    known = [position for position, name in log.marks(partition) if len(name) == len(last) and name <= last < str(on)]
    return max(known, default=0)


def moments_between(log: Log, partition: int, begin: int, end: int) -> Iterator[Moment]:
    """Moments of a partition after one position, up to another."""
    after = begin
    while after < end and (found := log.read(partition, after=after, limit=READ)):
        for one in found:
            if one.position <= end and not one.mark:
                yield read_moment(one.record.body)
        after = found[-1].position


def _row(moment: Moment, zone: ZoneInfo) -> tuple[Any, ...]:
    return (
        moment.message_id,
        moment.source_system,
        moment.source_id,
        moment.at.astimezone(zone).replace(tzinfo=None),
        moment.name,
        moment.channel or None,
        msgspec.json.encode(moment.properties).decode(),
        moment.customer_id,
    )


def _first_records(parts: Parts, on: date | None) -> pl.DataFrame:
    """customer_id, source_system, source_id: the first party record of every customer as the last run knew it."""
    files = [] if on is None else parts.lake.files_current("identity_map", on)
    names = ["customer_id", "source_system", "source_id"]
    if not files:
        return pl.DataFrame(schema={name: SCHEMA[name] for name in names})
    records = scan(files).select(names).sort(names)
    return records.unique("customer_id", keep="first", maintain_order=True).collect()


def _mapping(source: str) -> TableMapping:
    columns = {name: name for name in SCHEMA if name != "customer_id"}
    return TableMapping.model_validate(
        {
            "table": "event",
            "name": OWN,
            "from": source,
            "columns": columns,
            "late_days": EVER,
            "bad_rows_max": 1.0,  # an id that the bank's own delivery has too is set aside, and counted there
        }
    )
