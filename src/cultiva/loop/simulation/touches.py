"""What the loop decided becomes what the simulated bank's execution carries out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan

CORE = "core"
"""The source system by whose ids the bank is told whom to touch, where a customer has one there."""
COLUMNS = ("source_system", "source_id", "strategy", "offer", "channel")
"""Columns of a list of touches."""


def decided_touches(parts: Parts, on: date) -> pl.DataFrame:
    """The proposals of a date as touches: columns `COLUMNS`, in the order of strategy and customer."""
    decisions = scan(parts.lake.files_current("decisions", on))
    chosen = decisions.filter(pl.col("fate") == Fate.CHOSEN.value)
    named = chosen.join(_source_ids(parts.lake.files_current("identity_map", on)), on="customer_id")
    return named.sort("strategy", "customer_id").select(COLUMNS).collect()


def _source_ids(identity_map: Sequence[object]) -> pl.LazyFrame:
    """One party record per customer, the core system's first."""
    records = scan(identity_map).with_columns(first=pl.col("source_system") != CORE)  # type: ignore[arg-type]
    ordered = records.sort("customer_id", "first", "source_system", "source_id")
    return ordered.unique("customer_id", keep="first", maintain_order=True).select(
        "customer_id", "source_system", "source_id"
    )
