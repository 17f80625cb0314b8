"""Bulk work on one machine by Polars' streaming engine: it reads Parquet lazily and keeps little in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from cultiva.contracts.types import DataType
from cultiva.engine import exact
from cultiva.engine.aggregates import aggregate_polars
from cultiva.engine.parquet import (
    COMPRESSION,
    COMPRESSION_LEVEL,
    ROW_GROUP_ROWS,
    key_span,
    part_files,
    part_path,
    rows_in,
)
from cultiva.engine.port import AggregateForm, Files, Form, Lookup
from cultiva.engine.types import STORED

CELLS_PER_PASS = 150_000_000
"""Keys times aggregates held in memory at a time: 3 GB (measured: 19 bytes a cell)."""


def scan(files: Files) -> pl.LazyFrame:
    """A lazy frame over Parquet folders; at least one."""
    return pl.scan_parquet(part_files(files), hive_partitioning=False)


def sink(frame: pl.LazyFrame, part: Path) -> None:
    """Runs a lazy frame and writes its rows to one Parquet file, in order."""
    frame.sink_parquet(
        part,
        compression=COMPRESSION,
        compression_level=COMPRESSION_LEVEL,
        row_group_size=ROW_GROUP_ROWS,
        engine="streaming",
    )


def aggregate(
    files: Files,
    columns: Mapping[str, AggregateForm],
    folder: Path,
    *,
    by: str,
    through: Lookup | None,
    where: Form | None = None,
) -> None:
    """Writes all aggregates of one table, one row per key, sorted; no files give no rows."""
    if not files or (through and not through.files):
        sink(_no_rows(columns, by=by), part_path(folder, 0))
        return
    rows = scan(files) if where is None else scan(files).filter(is_true(where))
    if through:
        rows = rows.join(scan(through.files), on=list(through.keys), how="inner")
    forms = {name: aggregate_polars(form, by=by) for name, form in columns.items()}
    for number, chosen in enumerate(_passes(files, through, len(columns), by=by)):
        sink(rows.filter(chosen).group_by(by).agg(**forms).sort(by), part_path(folder, number))


def _passes(files: Files, through: Lookup | None, columns: int, *, by: str) -> list[pl.Expr]:
    """Ranges of the key, each small enough to be aggregated in memory; one for most banks.

    Rows that are sorted by the key are still read only once: a range skips the row groups of the others.
    """
    span = key_span(through.files if through and by in _names(through.files) else files, by)
    if span is None:
        return [pl.col(by).is_not_null()]
    first, last = span
    groups = min(last - first + 1, rows_in(files))
    width = max(1, -(-(last - first + 1) // max(1, -(-groups * columns // CELLS_PER_PASS))))
    return [pl.col(by).is_between(start, start + width - 1) for start in range(first, last + 1, width)]


def _names(files: Files) -> list[str]:
    return scan(files).collect_schema().names()


def _no_rows(columns: Mapping[str, AggregateForm], *, by: str) -> pl.LazyFrame:
    schema: dict[str, Any] = {by: STORED[DataType.INTEGER].polars}
    return pl.LazyFrame(schema=schema | {name: STORED[form.type].polars for name, form in columns.items()})


def with_steps(frame: pl.LazyFrame, steps: Sequence[Mapping[str, Form]]) -> pl.LazyFrame:
    """Adds columns step by step, each in the type that its form is stored as."""
    for step in steps:
        added = frame.with_columns(**{name: form.polars() for name, form in step.items()})
        schema = added.collect_schema()
        frame = added.with_columns(**{name: _stored(name, schema[name], form.type) for name, form in step.items()})
    return frame


def _stored(name: str, dtype: pl.DataType, wanted: DataType) -> pl.Expr:
    value = pl.col(name)
    if wanted is DataType.NUMBER:
        return exact.number_polars(value)
    if wanted is DataType.MONEY and dtype != STORED[wanted].polars:
        return exact.money_polars(exact.cents_polars(value))
    return value.cast(STORED[wanted].polars)


def is_true(condition: Form) -> pl.Expr:
    """A condition as a Boolean expression; a constant one too has a type."""
    return condition.polars().cast(pl.Boolean)


def count(files: Files, condition: Form) -> int:
    """Rows for which the condition is true."""
    if not files:
        return 0
    hits = scan(files).filter(is_true(condition)).select(pl.len())
    return int(hits.collect(engine="streaming").item())
