"""Rows of the lake about one customer, found without reading the others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from cultiva.engine.parquet import part_files
from cultiva.insight.identity.keys import PARTY_KEY
from cultiva.loop.parts import Parts

Row = dict[str, Any]


def scanned(files: Sequence[Path]) -> pl.LazyFrame:
    """Folders of the lake as one frame; columns that an older folder lacks are null there."""
    return pl.scan_parquet(part_files(files), hive_partitioning=False, missing_columns="insert", extra_columns="ignore")


def rows_of(parts: Parts, table: str, ids: Collection[int], on: date, columns: Sequence[str] = ()) -> list[Row]:
    """The rows of some customers in a table of a business date; none if it was not published.

    Args:
        parts: Of the workspace.
        table: With a column customer_id.
        ids: Whose.
        on: Business date.
        columns: Those wanted, as far as the table has them; empty: all.
    """
    files = parts.lake.files_current(table, on)
    return rows_in(files, ids, columns) if files and ids else []


def rows_in(files: Sequence[Path], ids: Collection[int], columns: Sequence[str] = ()) -> list[Row]:
    """The rows of some customers in folders of the lake; `columns` as in `rows_of`."""
    found = scanned(files).filter(pl.col("customer_id").is_in(list(ids)))
    if columns:
        there = found.collect_schema().names()
        found = found.select([name for name in columns if name in there])
    return found.collect().to_dicts()


def records_of(parts: Parts, ids: Collection[int], on: date) -> pl.DataFrame:
    """source_system, source_id, customer_id: the party records of some customers."""
    mapping = scanned(parts.lake.files_current("identity_map", on))
    return mapping.filter(pl.col("customer_id").is_in(list(ids))).select(*PARTY_KEY, "customer_id").collect()
