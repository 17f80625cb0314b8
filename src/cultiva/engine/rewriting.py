"""A snapshot written anew without some of its rows, part by part: what is not concerned is not even read whole.

Parts keep their names and the order of their rows. A part without a concerned row is the same file under a second
name; the others are streamed, so that a snapshot may be larger than memory.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cultiva.engine.parquet import COMPRESSION, COMPRESSION_LEVEL, ROW_GROUP_ROWS, part_files
from cultiva.engine.port import Files

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = ROW_GROUP_ROWS
"""Rows treated at a time."""


@dataclass(frozen=True)
class Treated:
    """Some rows after treatment."""

    rows: pa.RecordBatch
    """What is left of them."""
    removed: int
    """Rows that are not there any more."""
    mended: int
    """Rows that have changed."""


class Treatment(Protocol):
    """What is done to the rows of a table."""

    @property
    def columns(self) -> Sequence[str]:
        """Columns that say whether a row is concerned."""

    def concerns(self, rows: pa.RecordBatch) -> int:
        """How many of these rows are concerned; they have `columns` at least."""

    def apply(self, rows: pa.RecordBatch) -> Treated:
        """What is left of whole rows."""


def concerned(parts: Sequence[Path], treatment: Treatment) -> dict[Path, int]:
    """Parts that have concerned rows, and how many; reads only the columns that say so."""
    found = {}
    for part in parts:
        rows = _concerned(part, treatment)
        if rows:
            found[part] = rows
    return found


def rewrite(files: Files, folder: Path, treatment: Treatment) -> tuple[int, int]:
    """Writes what a treatment leaves of a snapshot; rows removed, rows mended.

    Args:
        files: The snapshot.
        folder: A new or empty folder.
        treatment: What is done.
    """
    parts = part_files(files)
    touched = concerned(parts, treatment)
    removed = mended = 0
    for part in parts:
        target = folder / part.name
        if part not in touched:
            _second_name(part, target)
            continue
        out, changed = rewrite_part(part, target, treatment)
        removed, mended = removed + out, mended + changed
    return removed, mended


def rewrite_part(part: Path, target: Path, treatment: Treatment) -> tuple[int, int]:
    """Writes what a treatment leaves of one file; rows removed, rows mended."""
    import pyarrow.parquet as pq

    removed = mended = 0
    with pq.ParquetFile(part) as opened:
        schema = opened.schema_arrow
        how = {"compression": COMPRESSION, "compression_level": COMPRESSION_LEVEL}
        with pq.ParquetWriter(target, schema, **how) as writer:
            for batch in opened.iter_batches(BATCH_ROWS):
                done = treatment.apply(batch)
                removed, mended = removed + done.removed, mended + done.mended
                if done.rows.num_rows:
                    writer.write_batch(done.rows, row_group_size=ROW_GROUP_ROWS)
    return removed, mended


def _concerned(part: Path, treatment: Treatment) -> int:
    import pyarrow.parquet as pq

    with pq.ParquetFile(part) as opened:
        names = [name for name in treatment.columns if name in opened.schema_arrow.names]
        if not names:
            return 0
        return sum(treatment.concerns(batch) for batch in opened.iter_batches(BATCH_ROWS, columns=names))


def _second_name(part: Path, target: Path) -> None:
    """The same file under another name; a copy where the disk has no second names."""
    try:
        os.link(part, target)
    except OSError:
        shutil.copyfile(part, target)
