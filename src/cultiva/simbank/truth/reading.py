"""Reads the truth, for the scoring of the loop and for tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.simbank.arrays import Floats, Ints
from cultiva.simbank.truth.record import LIVED
from cultiva.simbank.truth.twins import UNTOUCHED, without

ALL = "(all)"
"""The whole programme: every strategy together."""


@dataclass(frozen=True)
class TwinMoney:
    """Contribution of the bank and of one twin, week by week."""

    days: tuple[date, ...]
    """Business dates at which the weeks ended."""
    lived: npt.NDArray[np.float32]
    """Shape (weeks, n): of the bank."""
    twin: npt.NDArray[np.float32]
    """Shape (weeks, n): of the twin; the bank's own before the twin began."""

    @property
    def effect(self) -> Floats:
        """What the touches that the twin lacks brought in all, per customer in yuan, costs not deducted; (n,)."""
        return (self.lived.astype(np.float64) - self.twin).sum(axis=0)


def read_twin(folder: Path, twin: str, *, since: date | None = None, until: date | None = None) -> TwinMoney:
    """Reads what the bank and a twin brought in.

    Args:
        folder: The bank's folder.
        twin: `untouched`, or `without:<strategy>`.
        since: Only weeks that end after this date.
        until: Only weeks that end on this date or before.

    Raises:
        CultivaError: If no week has been recorded in between.
    """
    days, lived, twins = [], [], []
    for day, path in _files(folder, "weeks"):
        if (since is None or day > since) and (until is None or day <= until):
            known = pq.read_schema(path).names
            table = pq.read_table(path, columns=[LIVED, *([twin] if twin in known else [])])
            days.append(day)
            lived.append(table.column(LIVED).to_numpy())
            twins.append(table.column(twin).to_numpy() if twin in known else lived[-1])
    if not days:
        raise CultivaError(
            "no week of this bank has been recorded in this time",
            code="simbank.no_truth",
            kind=ErrorKind.NOT_FOUND,
            seen=f"{folder}, after {since} until {until}",
            allowed="weeks that the bank has lived",
            hint="let the bank live, or ask for another time",
        )
    return TwinMoney(tuple(days), np.stack(lived), np.stack(twins))


def true_effect(
    folder: Path, strategy: str, customers: Ints, *, since: date | None = None, until: date | None = None
) -> Floats:
    """What a strategy's touches truly brought per customer: the bank less its twin without them, with equal chance.

    It includes what reached a customer by way of a spouse or a friend. Realised, not expected: it contains the chance
    of those take-ups that the touches changed, and nothing else.

    Args:
        folder: The bank's folder.
        strategy: Its name, or `(all)` for every touch.
        customers: Customer numbers, shape (m,).
        since: Only weeks that end after this date.
        until: Only weeks that end on this date or before.

    Returns:
        Shape (m,), in yuan, costs not deducted.
    """
    name = UNTOUCHED if strategy == ALL else without(strategy)
    return read_twin(folder, name, since=since, until=until).effect[customers]


def read_totals(folder: Path) -> Any:
    """One row per week and bank (`lived` and twins) as an Arrow table, with `business_date`."""
    return _stacked(folder, "totals")


def read_touches(folder: Path) -> Any:
    """Every touch with its status and true expectations as an Arrow table, with `business_date`."""
    return _stacked(folder, "touches")


def read_identity(folder: Path) -> Any:
    """Customer number of every party record as an Arrow table: source_system, source_id, customer."""
    return pq.read_table(folder / "truth" / "identity.parquet")


def _files(folder: Path, kind: str) -> list[tuple[date, Path]]:
    return [(date.fromisoformat(path.stem), path) for path in sorted((folder / "truth" / kind).glob("[0-9]*.parquet"))]


def _stacked(folder: Path, kind: str) -> Any:
    parts = []
    for day, path in _files(folder, kind):
        table = pq.read_table(path)
        parts.append(table.append_column("business_date", pa.array([day] * table.num_rows, pa.date32())))
    return pa.concat_tables(parts, promote_options="permissive") if parts else pa.table({})
