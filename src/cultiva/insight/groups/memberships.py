"""Who is in which segment: all rules in one scan, kept as one roaring bitmap per segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pyroaring import BitMap

from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Files, Form, Written
from cultiva.insight.groups.day import GroupDay
from cultiva.insight.profile.forms import Known
from cultiva.insight.profile.rulebook import segment_rules

EVERYBODY = "*"
"""Stands for all customers beside the segments; no segment can have this name."""


@dataclass(frozen=True)
class Memberships:
    """The members of every segment on one day."""

    everybody: BitMap
    """All customers."""
    segments: Mapping[str, BitMap]
    """Segment -> members."""


def find_members(day: GroupDay) -> Memberships:
    """Tries every segment's rule on every customer, in one scan of the profile; lists are columns of it."""
    conditions: dict[str, Form] = {name: rule.form(day.on) for name, rule in segment_rules(day.workspace).items()}
    found = day.engine.members(day.profile, {EVERYBODY: Known("customer_id"), **conditions})
    everybody = found.pop(EVERYBODY)
    return Memberships(everybody=everybody, segments={name: found[name] for name in conditions})


def write_members(members: Memberships, folder: Path) -> Written:
    """Writes the snapshot: one row per segment and one for everybody, sorted by name.

    Returns:
        What was written: segment, size, bitmap (portable serialisation of a 32-bit roaring bitmap).
    """
    import pyarrow as pa

    rows = sorted({EVERYBODY: members.everybody, **members.segments}.items())
    table = pa.table(
        {
            "segment": pa.array([name for name, _ in rows], pa.string()),
            "size": pa.array([len(bitmap) for _, bitmap in rows], pa.int64()),
            "bitmap": pa.array([bitmap_bytes(bitmap) for _, bitmap in rows], pa.large_binary()),
        }
    )
    return write_arrow(table, folder)


def bitmap_bytes(bitmap: BitMap) -> bytes:
    """The portable serialisation: the same bytes for the same members, however the bitmap came to be."""
    copy = BitMap(bitmap)
    copy.run_optimize()
    return bytes(copy.serialize())


def read_members(snapshot: Files) -> Memberships:
    """Reads a whole snapshot."""
    found = dict(_read(snapshot, None))
    return Memberships(everybody=found.pop(EVERYBODY), segments=found)


def read_segment(snapshot: Files, segment: str) -> BitMap | None:
    """Reads one segment's members; None if the snapshot does not have it."""
    return next((bitmap for _, bitmap in _read(snapshot, segment)), None)


def _read(snapshot: Files, segment: str | None) -> Iterator[tuple[str, BitMap]]:
    import polars as pl

    for part in part_files(snapshot):
        rows = pl.scan_parquet(part, hive_partitioning=False).select("segment", "bitmap")
        chosen = rows if segment is None else rows.filter(pl.col("segment") == segment)
        for name, bitmap in chosen.collect().iter_rows():
            yield name, BitMap.deserialize(bitmap)
