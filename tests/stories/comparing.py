"""Where two workspaces' tables differ, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl
from tests.stories.workspaces import DAY, content, table

PLACE = (
    "customer_id", "source_system", "source_id", "account_id", "transaction_id", "event_id", "touch_id", "segment",
    "strategy", "offer", "tag", "stage", "value_tier", "from_stage", "to_stage", "date", "at",
)  # fmt: skip
"""Columns that may tell one row from another."""
EXAMPLES = 3


def differing_tables(one: Path, other: Path, on: date = DAY) -> list[str]:
    """The tables of a business date whose content is not the same in both workspaces."""
    left, right = content(one), content(other)
    keys = sorted(key for key in left.keys() | right.keys() if key[1] == on)
    return [key[0] for key in keys if left.get(key) != right.get(key)]


def differences(one: Path, other: Path, name: str, on: date = DAY) -> list[str]:
    """Which columns of a table differ, in how many rows, with examples."""
    left, right = table(one, name, on), table(other, name, on)
    if set(left.columns) != set(right.columns):
        return [f"{name}: columns {sorted(set(left.columns) ^ set(right.columns))} are in one only"]
    if left.height != right.height:
        return [f"{name}: {left.height} rows against {right.height}"]
    by = [column for column in PLACE if column in left.columns] or left.columns
    left, right = left.sort(by, nulls_last=True), right.select(left.columns).sort(by, nulls_last=True)
    found = (_column(name, left, right, column, by) for column in left.columns)
    return [line for line in found if line]


def _column(name: str, left: pl.DataFrame, right: pl.DataFrame, column: str, by: Sequence[str]) -> str:
    if left.schema[column] != right.schema[column]:
        return f"{name}.{column}: {left.schema[column]} against {right.schema[column]}"
    unequal = left[column].ne_missing(right[column])
    if not unequal.any():
        return ""
    places = unequal.arg_true().head(EXAMPLES)
    examples = [
        f"{left.select(by).row(place)}: {left[column][place]!r} against {right[column][place]!r}" for place in places
    ]
    return f"{name}.{column}: {unequal.sum()} of {left.height} rows, e.g. " + "; ".join(examples)


def all_differences(one: Path, other: Path, on: date = DAY) -> list[str]:
    """Every difference between two workspaces' tables of a business date; empty if there is none."""
    return [
        line
        for name in differing_tables(one, other, on)
        for line in differences(one, other, name, on) or [f"{name}: equal rows but another fingerprint"]
    ]
