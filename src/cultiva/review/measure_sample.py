"""A look at the first rows of an analysis table: constants near the means, read without an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cultiva.engine.parquet import part_files
from cultiva.review.measure_design import Kind
from cultiva.review.measure_variables import Variable
from cultiva.review.statistics.moments import Floats

if TYPE_CHECKING:
    from cultiva.engine.port import Files

SHIFT_ROWS = 20_000
"""Rows of which the means are taken that sums are shifted by."""
FAR = 30.0
"""Standard deviations between a mean and zero, up to which sums of squares keep their digits without a shift."""
STRATEGY = "strategy"
"""Column that says whose cuts hold."""
Cuts = Mapping[str, Mapping[str, tuple[float, float]]]
"""By column and strategy: the amounts to which smaller and larger ones are cut."""


def shifts_of(files: Files, variables: Sequence[Variable], cuts: Cuts) -> dict[str, float]:
    """Means of the first rows by variable; any constant near the mean will do, and none is needed near zero.

    Args:
        files: The analysis table.
        variables: All that is read of it.
        cuts: Of trimmed columns.
    """
    amounts = [one for one in variables if one.kind is not Kind.SHARE]
    batches = _first_rows(files, sorted({one.column for one in amounts} | {STRATEGY})) if amounts else []
    shifts = dict.fromkeys((one.name for one in variables), 0.0)
    for one in amounts:
        values = np.concatenate([np.empty(0), *(_amounts(batch, one, cuts) for batch in batches)])
        known = values[np.isfinite(values)]
        if known.size:
            mean, spread = float(known.mean()), float(known.std())
            near = abs(mean) <= FAR * spread and not one.filled
            shifts[one.name] = 0.0 if near else float(f"{mean:.12g}")
    return shifts


def _first_rows(files: Files, columns: list[str]) -> list[pa.RecordBatch]:
    found: list[pa.RecordBatch] = []
    left = SHIFT_ROWS
    for part in part_files(files):
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(batch_size=SHIFT_ROWS, columns=columns, use_threads=False):
                found.append(batch.slice(0, left))
                left -= found[-1].num_rows
                if left <= 0:
                    return found
    return found


def _amounts(batch: pa.RecordBatch, variable: Variable, cuts: Cuts) -> Floats:
    """The variable's values, not a number where they are missing."""
    column = pc.cast(batch.column(variable.column), pa.float64(), safe=False)
    values = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
    if not variable.trimmed:
        return values
    strategies = batch.column(STRATEGY).dictionary_encode()
    codes = strategies.indices.fill_null(len(strategies.dictionary)).to_numpy(zero_copy_only=False)
    everything = (-np.inf, np.inf)
    ends = [cuts[variable.column].get(name, everything) for name in strategies.dictionary.to_pylist()]
    low, high = np.array([*ends, everything]).T
    return np.clip(values, low[codes], high[codes])
