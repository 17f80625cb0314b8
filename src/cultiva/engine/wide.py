"""Putting the wide table together on one machine: in ranges of the key, so that memory does not grow with the bank.

Base and parts are sorted by the key, so a range of it reads only some row groups of each, and the join is a merge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from cultiva.engine import bulk
from cultiva.engine.parquet import part_files, part_path, rows_in
from cultiva.engine.port import Files, Form
from cultiva.kit.errors import CultivaError, ErrorKind

RANGE_GROUPS = 4
"""Row groups of base that are joined at a time: about half a million rows, 1 GB at 100 columns."""


def assemble(
    base: Files,
    parts: Sequence[Files],
    steps: Sequence[Mapping[str, Form]],
    folder: Path,
    *,
    keep: Sequence[str] | None,
    by: str,
) -> None:
    """Writes the wide table; see `port.Engine.assemble`."""
    tables = [base, *(part for part in parts if part)]
    check_columns([bulk.scan(files).collect_schema().names() for files in tables], by=by)
    in_order = [_key_in_order(files, by) for files in tables]
    ranges = key_ranges(base, by) if all(in_order) else [None]
    for number, span in enumerate(ranges):
        frame = _joined(tables, span, by=by, in_order=all(in_order))
        frame = bulk.with_steps(frame, steps)
        bulk.sink(frame if keep is None else frame.select(keep), part_path(folder, number))


def check_columns(tables: Sequence[Sequence[str]], *, by: str) -> None:
    """Every table has the key, and no other column is in two tables.

    Raises:
        CultivaError: if it is not so.
    """
    if not all(by in names for names in tables):
        raise _bad_parts("a table to join lacks the key", by)
    seen = Counter(name for names in tables for name in names if name != by)
    twice = sorted(name for name, times in seen.items() if times > 1)
    if twice:
        raise _bad_parts("two tables to join have the same column", ", ".join(twice))


def key_ranges(files: Files, by: str) -> list[tuple[Any, Any] | None]:
    """Ranges of the key, both ends inside, that cover a sorted table group by group."""
    spans: list[tuple[Any, Any] | None] = []
    for part in part_files(files):
        metadata = pq.read_metadata(part)
        column = metadata.schema.to_arrow_schema().get_field_index(by)
        groups = [metadata.row_group(n).column(column).statistics for n in range(metadata.num_row_groups)]
        if any(group is None or not group.has_min_max for group in groups):
            return [None]
        for first in range(0, len(groups), RANGE_GROUPS):
            chosen = groups[first : first + RANGE_GROUPS]
            spans.append((chosen[0].min, chosen[-1].max))
    return spans or [None]


def _joined(tables: Sequence[Files], span: tuple[Any, Any] | None, *, by: str, in_order: bool) -> pl.LazyFrame:
    key = pl.col(by)
    frames = [bulk.scan(files) for files in tables]
    if span is not None:
        frames = [frame.filter(key.is_between(pl.lit(span[0]), pl.lit(span[1]))) for frame in frames]
    if in_order:
        frames = [frame.set_sorted(by) for frame in frames]
    wide = frames[0]
    for part in frames[1:]:
        wide = wide.join(part, on=by, how="left", maintain_order="left")
    return wide if in_order else wide.sort(by)


def _key_in_order(files: Files, by: str) -> bool:
    """Whether the key grows from row to row.

    Raises:
        CultivaError: if a key is missing or there twice.
    """
    keys = bulk.scan(files).select(by).collect(engine="streaming")[by]
    if keys.null_count():
        raise _bad_parts("a table to join has rows without a key", by)
    if keys.is_sorted():
        unique = not bool((keys == keys.shift()).any())
        in_order = True
    else:
        unique, in_order = keys.n_unique() == len(keys), False
    if not unique:
        raise _bad_parts("a table to join has a key twice", by)
    return in_order


def _bad_parts(message: str, seen: str) -> CultivaError:
    return CultivaError(
        message,
        code="engine.bad_parts",
        kind=ErrorKind.CONFLICT,
        seen=seen,
        allowed="tables with one row per key, and columns that no other table has",
        hint="deduplicate or rename before joining",
    )


def check_rows(base: Files, rows: int) -> None:
    """The wide table has the rows of its base.

    Raises:
        CultivaError: if it has not.
    """
    expected = rows_in(base)
    if rows != expected:
        raise _bad_parts("the wide table does not have one row per row of its base", f"{rows} of {expected}")
