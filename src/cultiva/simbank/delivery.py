"""Writes a delivery chunk by chunk: text files for what banks send as text, Parquet for what is large."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from cultiva.simbank.dirt import spoil

ALWAYS_PARQUET = frozenset({"balance", "transaction", "event"})
ALWAYS_TEXT = frozenset({"product", "branch", "staff"})
ROW_GROUP_ROWS = 512 * 1024


class Delivery:
    """An open delivery: tables are appended to their files; a context manager that closes them.

    Args:
        folder: Where the files go; made if it is missing.
        parquet: Whether the files about customers and accounts are Parquet too.
    """

    def __init__(self, folder: Path, *, parquet: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._parquet = parquet
        self._writers: dict[str, Any] = {}
        self.rows: dict[str, int] = {}
        """Rows written by file, without the ending."""

    def typed(self, name: str) -> bool:
        """Whether this file is Parquet."""
        return name in ALWAYS_PARQUET or (self._parquet and name not in ALWAYS_TEXT)

    def prepare(self, name: str, columns: dict[str, Any], rng: np.random.Generator) -> Any:
        """A table ready to be appended: as text where the file is text, with its few faults put in."""
        typed = self.typed(name)
        plain = {column: values if typed else _as_text(values) for column, values in columns.items()}
        decoded = {column: _decoded(values) for column, values in plain.items()}
        return spoil(name, pa.table(decoded), rng, typed=typed)

    def append(self, name: str, table: Any) -> None:
        """Appends a prepared table to its file."""
        if name not in self._writers:
            self._writers[name] = self._open(name, table.schema)
        if self.typed(name):
            self._writers[name].write_table(table, row_group_size=ROW_GROUP_ROWS)
        else:
            self._writers[name].write_table(table)
        self.rows[name] = self.rows.get(name, 0) + table.num_rows

    def _open(self, name: str, schema: Any) -> Any:
        if self.typed(name):
            path = self._folder / f"{name}.parquet"
            return pq.ParquetWriter(path, schema, compression="zstd", compression_level=1, store_schema=False)
        options = pc_csv.WriteOptions(quoting_style="needed")
        return pc_csv.CSVWriter(str(self._folder / f"{name}.csv"), schema, write_options=options)

    def __enter__(self) -> Delivery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()


def _decoded(values: Any) -> Any:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _as_text(values: Any) -> Any:
    values = _decoded(values)
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp("s"))
    return pc.cast(values, pa.string())
