"""The loop closes: what Cultiva has sent and heard itself is a delivery to the next run like any of the bank's.

Touches and signals name customers; the lake's histories name party records, so that they follow a person through
merges and splits. Each goes to one party record of the customer as the last run knew it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from cultiva.contracts.tables import CANONICAL
from cultiva.definitions.sources import FileFormat, Input
from cultiva.definitions.sources import Mapping as TableMapping
from cultiva.execution.returns.service import Returns
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan

FOLDER = ".cultiva/returns"
OWN = "cultiva"
"""Name of the mappings of what came back."""
TABLES = ("contact", "outcome")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES: Mapping[str, Any] = {"at": pl.Datetime("us"), "amount": pl.Float64, "customer_id": pl.Int64}


def with_returns(parts: Parts, on: date, *, write: bool = True) -> Parts:
    """The parts of a run that reads what execution brought back since the run before; the same if it brought nothing.

    Args:
        parts: Of the workspace.
        on: Business date of the run.
        write: Whether to write the deliveries; else those of an earlier attempt are described.
    """
    returns = Returns(parts.store.database, parts.workspace.settings.timezone)
    before = parts.lake.catalogue.before("identity_map", on)
    if before is None or not returns.anything():
        return parts
    paths = {table: parts.root / FOLDER / on.isoformat() / f"{table}.parquet" for table in TABLES}
    if write:
        _write(parts, returns, paths, since=before.business_date, on=on)
    sources = parts.workspace.sources
    inputs = [_input(table, path, parts.root) for table, path in paths.items()]
    mappings = [_mapping(table) for table in TABLES]
    both = sources.model_copy(update={"inputs": (*sources.inputs, *inputs), "tables": (*sources.tables, *mappings)})
    return replace(parts, workspace=replace(parts.workspace, sources=both))


def _write(parts: Parts, returns: Returns, paths: Mapping[str, Path], *, since: date, on: date) -> None:
    zone = ZoneInfo(parts.workspace.settings.timezone)
    after, until = _end_of(since, zone), _end_of(on, zone)
    found = {"contact": returns.contacts(after, until), "outcome": returns.outcomes(after, until)}
    records = _one_record_each(parts, since)
    for table, path in paths.items():
        frame = pl.DataFrame(found[table], schema_overrides=_schema(found[table]))
        named = frame.lazy().join(records, on="customer_id").drop("customer_id").sort(CANONICAL[table].key)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        named.collect().write_parquet(beside)
        beside.replace(path)


def _schema(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _TYPES.get(name, pl.String) for name in columns}


def _one_record_each(parts: Parts, on: date) -> pl.LazyFrame:
    """customer_id, source_system, source_id: the first party record of every customer."""
    records = scan(parts.lake.files_current("identity_map", on)).sort("customer_id", "source_system", "source_id")
    return records.unique("customer_id", keep="first", maintain_order=True)


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    """The last moment of a bank's day."""
    return datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC) - timedelta(microseconds=1)


def _input(table: str, path: Path, root: Path) -> Input:
    return Input(name=f"{OWN}_{table}", file=str(path.relative_to(root)), format=FileFormat(kind="parquet"))


def _mapping(table: str) -> TableMapping:
    columns = {column.name: column.name for column in CANONICAL[table].columns}
    return TableMapping.model_validate(
        {"table": table, "name": OWN, "from": f"{OWN}_{table}", "columns": columns, "bad_rows_few": 100}
    )
