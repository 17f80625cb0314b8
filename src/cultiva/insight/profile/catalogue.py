"""The tag catalogue: what every column of the profile holds today, and how that differs from the last run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cultiva.contracts.types import DataType
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Files, Written
from cultiva.insight.profile.columns import ProfileColumn
from cultiva.insight.profile.drift import Sketch, sketch, stability_index

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 100_000
"""About so many customers stand for all in distributions; all do where there are not many more."""
TOP = 10
"""Commonest values named per tag."""
DIGITS = 9
"""Significant digits of a mean: what does not depend on the order of adding."""
NO_SOURCE = "no source"
"""Status of a tag none of whose tables the bank delivers."""


@dataclass(frozen=True)
class TagFacts:
    """What the catalogue says of one tag beside its values."""

    column: ProfileColumn
    """The column."""
    owner: str
    """Who answers for it."""
    fresh_on: date | None
    """The day of the newest fact it was made of; of several tables the oldest."""


def fresh_on(column: ProfileColumn, newest: Mapping[str, date | None]) -> date | None:
    """The day up to which a column knows the facts: that of the stalest table it is made of.

    Args:
        column: The column.
        newest: Newest fact by table, None where the table is empty; tables that are absent are passed over.
    """
    days = [newest[table] for table in column.tables if table in newest]
    known = [day for day in days if day is not None]
    return min(known) if known and len(known) == len(days) else None


def write_catalogue(profile: Files, facts: Sequence[TagFacts], previous: Files, folder: Path) -> Written:
    """Writes one row per visible column of the profile.

    Args:
        profile: The day's profile.
        facts: Its columns with owner and freshness.
        previous: The last catalogue before; empty at the first run.
        folder: New folder.

    Returns:
        What was written: the columns of `catalogue_schema`.
    """
    import polars as pl

    shown = [one for one in facts if not one.column.hidden]
    exact, sample = _read(profile, [one.column for one in shown])
    before = {} if not previous else {row["tag"]: row for row in pl.read_parquet(part_files(previous)).to_dicts()}
    rows = [_row(one, exact, sample[one.column.name], before.get(one.column.name)) for one in shown]
    return write_arrow(pl.DataFrame(rows, schema=catalogue_schema(), orient="row").to_arrow(), folder)


def catalogue_schema() -> dict[str, Any]:
    """Columns of the catalogue and their types.

    `distinct`, `top` (JSON pairs of value and count) and `sketch` are those of the sample; `distinct_exact` says
    whether the sample is everybody. `tables` are separated by commas. Personal values are not shown.
    """
    import polars as pl

    text, number, whole = pl.String, pl.Float64, pl.Int64
    return {
        "tag": text, "type": text, "origin": text, "owner": text, "personal": pl.Boolean, "status": text,
        "tables": text, "fresh_on": pl.Date, "customers": whole, "known": whole, "coverage": number,
        "distinct": whole, "distinct_exact": pl.Boolean, "minimum": text, "maximum": text, "mean": number,
        "top": text, "sketch": text, "coverage_before": number, "coverage_change": number, "stability_index": number,
    }  # fmt: skip


def _read(profile: Files, columns: Sequence[ProfileColumn]) -> tuple[dict[str, Any], pl.DataFrame]:
    """The exact figures of all columns, and a sample, in one go."""
    import polars as pl

    frame = pl.scan_parquet(part_files(profile))
    customers = int(frame.select(pl.len()).collect().item())
    names = [column.name for column in columns]
    figures = [figure for column in columns for figure in _figures(column)]
    exact, sample = pl.collect_all(
        [frame.select(pl.len().alias("*"), *figures), frame.filter(_drawn(customers)).select(names)],
        engine="streaming",
    )
    return {**exact.row(0, named=True), "* all": customers == sample.height}, sample


def _drawn(customers: int) -> pl.Expr:
    """About `SAMPLE` customers, by the fraction of id times the golden ratio: even, and the same on every engine."""
    import polars as pl

    if customers <= 2 * SAMPLE:
        return pl.lit(True)
    return (pl.col("customer_id") % 2**31 * 2_654_435_761) % 2**32 < 2**32 * SAMPLE // customers


def _figures(column: ProfileColumn) -> list[pl.Expr]:
    import polars as pl

    value = pl.col(column.name)
    found = [value.count().alias(f"{column.name} known")]
    if column.type in _ORDERED:
        found += [value.min().alias(f"{column.name} min"), value.max().alias(f"{column.name} max")]
    if column.type.numeric:
        found.append(value.cast(pl.Float64).mean().alias(f"{column.name} mean"))
    return found


_ORDERED = (DataType.INTEGER, DataType.NUMBER, DataType.MONEY, DataType.DATE, DataType.TIMESTAMP)


def _row(
    one: TagFacts, exact: Mapping[str, Any], values: pl.Series, before: Mapping[str, Any] | None
) -> dict[str, Any]:
    column = one.column
    customers, known = exact["*"], exact[f"{column.name} known"]
    coverage = round(known / customers, 6) if customers else 0.0
    shape = sketch(values)
    return {
        "tag": column.name,
        "type": column.type.value,
        "origin": column.origin.value,
        "owner": one.owner,
        "personal": column.personal,
        "status": NO_SOURCE if column.missing else "ok",
        "tables": ", ".join(sorted(column.tables)),
        "fresh_on": one.fresh_on,
        "customers": customers,
        "known": known,
        "coverage": coverage,
        "distinct": values.drop_nulls().n_unique(),
        "distinct_exact": exact["* all"],
        "minimum": _text(exact.get(f"{column.name} min"), column),
        "maximum": _text(exact.get(f"{column.name} max"), column),
        "mean": _significant(exact.get(f"{column.name} mean")),
        "top": "[]" if column.personal else _top(values),
        "sketch": None if shape is None or column.personal else shape.text(),
        **_change(coverage, values, before if before and before["type"] == column.type.value else None),
    }


def _text(value: Any, column: ProfileColumn) -> str | None:
    return None if value is None or column.personal else str(value)


def _significant(mean: float | None) -> float | None:
    if mean is None or mean == 0 or not math.isfinite(mean):
        return mean
    return float(f"{mean:.{DIGITS - 1}e}")


def _top(values: pl.Series) -> str:
    """The commonest values with their counts in the sample; none for a list or where nearly all differ."""
    import polars as pl

    if values.dtype.is_nested():
        return "[]"
    named = values.rename("value").drop_nulls()
    counted = named.value_counts().sort(["count", "value"], descending=[True, False]).head(TOP)
    pairs = counted.filter(pl.col("count") > 1).with_columns(pl.col("value").cast(pl.String)).rows()
    return json.dumps(pairs, ensure_ascii=False)


def _change(coverage: float, values: pl.Series, before: Mapping[str, Any] | None) -> dict[str, float | None]:
    if before is None:
        return {"coverage_before": None, "coverage_change": None, "stability_index": None}
    index = None
    if before["sketch"] is not None:
        earlier = Sketch.of_text(before["sketch"])
        now = sketch(values, like=earlier)
        index = None if now is None else stability_index(earlier, now)
    was = before["coverage"]
    return {"coverage_before": was, "coverage_change": round(coverage - was, 6), "stability_index": index}
