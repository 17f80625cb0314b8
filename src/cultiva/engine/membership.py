"""Who fulfils a hundred conditions: one scan, one roaring bitmap of keys per condition."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import polars as pl
from pyroaring import BitMap

from cultiva.engine import bulk
from cultiva.engine.port import Files, Form
from cultiva.kit.errors import CultivaError

KEY_MAX = 2**32 - 1
"""The largest key that a bitmap holds."""


def members(files: Files, conditions: Mapping[str, Form], *, by: str) -> dict[str, BitMap]:
    """For each condition the keys of the rows for which it is true."""
    if not files:
        return {name: BitMap() for name in conditions}
    names = {name: f"condition_{number}" for number, name in enumerate(conditions)}
    columns = {names[name]: bulk.is_true(condition) for name, condition in conditions.items()}
    found = bitmaps(bulk.scan(files).select(by, **columns), by=by)
    return dict(zip(conditions, found, strict=True))


def bitmaps(frame: pl.LazyFrame, *, by: str) -> list[BitMap]:
    """One bitmap for each column beside the key, of the keys for which it is true.

    The columns are a bit per row, so all of them are held at once: 20 bytes a customer for 100 conditions.
    """
    table = frame.collect(engine="streaming")
    keys = _keys(table[by])
    with ThreadPoolExecutor(max_workers=pl.thread_pool_size()) as pool:
        return list(pool.map(lambda column: _bitmap(keys, column), table.drop(by).get_columns()))


def _keys(column: pl.Series) -> pl.Series:
    fits = column.null_count() == 0 and bool(column.is_between(0, KEY_MAX).all())
    if not fits:
        raise CultivaError(
            "a key does not fit into a bitmap",
            code="engine.key_range",
            seen=f"{column.min()!r} to {column.max()!r}, {column.null_count()} missing",
            allowed=f"whole numbers from 0 to {KEY_MAX}",
            hint="use the customer ids that identity resolution gives",
        )
    return column.cast(pl.UInt32)


def _bitmap(keys: pl.Series, condition: pl.Series) -> BitMap:
    # From an `array` a bitmap copies whole words; from a NumPy array it takes Python numbers, ten times slower.
    return BitMap(array("I", keys.filter(condition).to_numpy().tobytes()))
