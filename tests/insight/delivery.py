"""Canonical tables written as the lake would hold them, from rows in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from cultiva.contracts.tables import CANONICAL
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.types import arrow_schema

Row = Mapping[str, Any]


def deliver(root: Path, table: str, rows: Iterable[Row]) -> list[Path]:
    """Writes rows of a canonical table; columns not given are null. The folders, as an engine reads them."""
    schema = arrow_schema(CANONICAL[table].columns)
    cells = [{name: row.get(name) for name in schema.names} for row in rows]
    folder = root / f"{table}-{uuid4().hex[:8]}"
    write_arrow(pa.Table.from_pylist(cells, schema=schema), folder)
    return [folder]


def read(folder: Path) -> list[dict[str, Any]]:
    """The rows of a folder in the order written."""
    return [row for part in part_files([folder]) for row in pq.read_table(part).to_pylist()]
