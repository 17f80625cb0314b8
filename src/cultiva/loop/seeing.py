"""Who is in sight: the customers whom somebody may see, as a set, found once per run and sight.

Whose a customer is, is what the newest run says, also in questions about earlier days: who has left a branch is no
longer seen there, however far back one looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
from pyroaring import BitMap

from cultiva.contracts.sight import Sight
from cultiva.engine.parquet import part_files
from cultiva.loop.parts import Parts

SIGHTS_KEPT = 4096
"""Sights of which the customers are kept in memory: an adviser's take a kilobyte."""
_LARGEST = 2**32


def sees(parts: Parts, customer_id: int, sight: Sight) -> bool:
    """Whether a customer is in sight. Over the whole bank everybody is, also who does not exist.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        sight: Of whoever asks.
    """
    return sight.whole_bank or (0 <= customer_id < _LARGEST and customer_id in seen(parts, sight))


def those_in_sight(parts: Parts, members: BitMap, sight: Sight) -> BitMap:
    """Those of some customers who are in sight."""
    return members if sight.whole_bank else members & seen(parts, sight)


def customers_of(parts: Parts, on: date) -> BitMap:
    """All customers of the profile of a business date."""
    return _everybody(tuple(parts.lake.files_current("profile", on)))


def seen(parts: Parts, sight: Sight) -> BitMap:
    """The customers of a sight that is narrower than the bank."""
    assert not sight.whole_bank, "the whole bank needs no set"
    return BitMap() if sight.nobody else _seen(_customers(parts), sight.branches, sight.advisers)


def explanation_in_sight(parts: Parts, explanation: Mapping[str, Any], sight: Sight) -> dict[str, Any]:
    """What approvers read of a launch, its sample customers being those in sight."""
    samples = explanation.get("samples")
    if sight.whole_bank or not samples:
        return dict(explanation)
    return {**explanation, "samples": [one for one in samples if sees(parts, one["customer_id"], sight)]}


def condition(sight: Sight) -> pl.Expr:
    """Whether a row with `branch_id` and `adviser_id` is in sight; a row that names neither is not."""
    if sight.whole_bank:
        return pl.lit(value=True)
    mine = pl.col("branch_id").is_in(sorted(sight.branches)) | pl.col("adviser_id").is_in(sorted(sight.advisers))
    return mine.fill_null(value=False)


def _customers(parts: Parts) -> tuple[Path, ...]:
    """The newest run's customers; a folder of the lake never changes, so it names what was found in it."""
    return tuple(parts.lake.files_current("customer", parts.newest_date()))


@lru_cache(maxsize=SIGHTS_KEPT)
def _seen(files: Sequence[Path], branches: frozenset[str], advisers: frozenset[str]) -> BitMap:
    if not files:
        return BitMap()
    mine = condition(Sight(branches=branches, advisers=advisers))
    rows = pl.scan_parquet(part_files(files), hive_partitioning=False).filter(mine)
    return BitMap(rows.select("customer_id").collect(engine="streaming")["customer_id"].to_numpy())


@lru_cache(maxsize=2)
def _everybody(files: Sequence[Path]) -> BitMap:
    if not files:
        return BitMap()
    rows = pl.scan_parquet(part_files(files), hive_partitioning=False).select("customer_id")
    return BitMap(rows.collect(engine="streaming")["customer_id"].to_numpy())
