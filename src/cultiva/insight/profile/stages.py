"""Where customers stand and how they moved: the check of stages, the transition matrix, the grid stage x tier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Engine, Files, Written
from cultiva.kit.errors import CultivaError, ErrorKind

if TYPE_CHECKING:
    import ibis

NEW = "none"
"""Stands for the stage before of a customer who is new."""
GONE = "gone"
"""Stands for the stage after of a customer id that is no longer there, e.g. merged into another."""
TIER = "value_tier"
"""The tiering that makes the columns of the grid."""
AUM = "aum"
"""The tag that is summed in the grid if the workspace has it."""
SUMMED = (AUM, "current_value", "comprehensive_value")
"""Tags whose sums the grid shows, as far as the profile has them."""


@dataclass(frozen=True)
class Frame:
    """The rows and columns of the grid, in the order in which they are shown."""

    stages: tuple[str, ...]
    """Stages."""
    tiers: tuple[str, ...]
    """Value tiers from lowest to highest; empty if the workspace has none."""


def check_stages(engine: Engine, profile: Files) -> None:
    """Makes sure that every customer is in exactly one stage.

    Raises:
        CultivaError: with the number of customers without one.
    """
    table = engine.scan(profile)
    facts = table.aggregate(
        rows=table.count(), without=table["stage"].isnull().sum(), ids=table["customer_id"].nunique()
    )
    (row,) = _rows(engine, facts)
    without, doubled = int(row["without"] or 0), row["rows"] - row["ids"]
    if without or doubled:
        raise CultivaError(
            "not every customer is in exactly one lifecycle stage",
            code="profile.stages",
            kind=ErrorKind.CONFLICT,
            seen=f"{without:,} of {row['rows']:,} customers without a stage, {doubled:,} profile rows too many",
            allowed="one profile row and one stage per customer",
            hint="let the last stage's rule be `true`",
        )


def write_transitions(engine: Engine, profile: Files, previous: Files, folder: Path) -> Written:
    """Writes how many customers went from which stage to which since the last profile.

    Args:
        engine: Where sets are computed.
        profile: Today's profile.
        previous: The last profile before; empty at the first run.
        folder: New folder: from_stage (`none`: new), to_stage (`gone`: an id that is no more), customers.
    """
    table = engine.scan(profile)
    moved = table.group_by("previous_stage", "stage").aggregate(customers=table.count())
    rows = [(row["previous_stage"] or NEW, row["stage"], row["customers"]) for row in _rows(engine, moved)]
    if previous:
        before = engine.scan(previous).select("customer_id", "stage")
        left = before.anti_join(table, "customer_id")
        counted = left.group_by("stage").aggregate(customers=left.count())
        rows += [(row["stage"], GONE, row["customers"]) for row in _rows(engine, counted)]
    return _write(("from_stage", "to_stage", "customers"), sorted(rows), folder)


def write_grid(engine: Engine, profile: Files, frame: Frame, folder: Path) -> Written:
    """Writes the grid stage x value tier: customers and sums of money, empty cells included.

    Args:
        engine: Where sets are computed.
        profile: Today's profile.
        frame: Stages and tiers in the order shown.
        folder: New folder: stage, value_tier, customers, and the sums of `SUMMED` (null where the tag is absent).
    """
    table = engine.scan(profile)
    summed = [name for name in SUMMED if name in table.columns and table[name].type().is_numeric()]
    keys = ["stage", *([TIER] if TIER in table.columns else [])]
    sums: dict[str, Any] = {name: _total(table[name]) for name in summed}
    found = {
        (row["stage"], row.get(TIER)): row
        for row in _rows(engine, table.group_by(keys).aggregate(customers=table.count(), **sums))
    }
    rows = [_cell(place, found, summed) for place in _places(frame)]
    return _write(("stage", TIER, "customers", *SUMMED), rows, folder)


def _total(column: ibis.Value) -> ibis.Value:
    return column.cast("decimal(18, 2)").sum().cast("decimal(38, 2)")


def _places(frame: Frame) -> Iterable[tuple[str, str | None]]:
    for stage in frame.stages:
        for tier in frame.tiers or (None,):
            yield stage, tier


def _cell(
    place: tuple[str, str | None], found: Mapping[tuple[str, str | None], Mapping[str, Any]], summed: list[str]
) -> tuple[Any, ...]:
    row = found.get(place, {})
    sums = [(row.get(name) or Decimal(0)) if name in summed else None for name in SUMMED]
    return (*place, row.get("customers", 0), *sums)


def _write(columns: tuple[str, ...], rows: list[tuple[Any, ...]], folder: Path) -> Written:
    import pyarrow as pa

    types = {"customers": pa.int64(), **{name: pa.decimal128(18, 2) for name in SUMMED}}
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = {
        name: pa.array(column, type=types.get(name, pa.string())) for name, column in zip(columns, cells, strict=True)
    }
    return write_arrow(pa.table(arrays), folder)


def _rows(engine: Engine, table: ibis.Table) -> list[dict[str, Any]]:
    return list(engine.backend.to_pyarrow(table).to_pylist())
