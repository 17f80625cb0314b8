"""Writes a delivery chunk by chunk: text files for what banks send as text, Parquet for what is large."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
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
ALWAYS_TEXT = frozenset({"product", "branch", "staff", "partner", "merchant"})
ROW_GROUP_ROWS = 512 * 1024
FILES_AT_ONCE = 4


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
        self._pool = ThreadPoolExecutor(FILES_AT_ONCE)
        self.rows: dict[str, int] = {}
        """Rows written by file, without the ending."""

    def typed(self, name: str) -> bool:
        """Whether this file is Parquet."""
        return name in ALWAYS_PARQUET or (self._parquet and name not in ALWAYS_TEXT)

    def prepare(self, name: str, columns: dict[str, Any], rng: np.random.Generator) -> Any:
        """A table ready to be appended: as text where the file is text, with its few faults put in."""
        typed = self.typed(name)
        plain = {column: values if typed else as_text(values) for column, values in columns.items()}
        decoded = {column: _decoded(values) for column, values in plain.items()}
        return spoil(name, pa.table(decoded), rng, typed=typed)

    def append_all(self, tables: Mapping[str, Any]) -> None:
        """Appends prepared tables to their files, all files at once."""
        for done in [self._pool.submit(self.append, name, table) for name, table in tables.items()]:
            done.result()

    def append(self, name: str, table: Any) -> None:
        """Appends a prepared table to its file."""
        if name not in self._writers:
            self._writers[name] = self._open(name, table)
        if self.typed(name):
            self._writers[name].write_table(table, row_group_size=ROW_GROUP_ROWS)
        else:
            self._writers[name].write_table(table)
        self.rows[name] = self.rows.get(name, 0) + table.num_rows

    def _open(self, name: str, first: Any) -> Any:
        if not self.typed(name):
            options = pc_csv.WriteOptions(quoting_style="needed")
            return pc_csv.CSVWriter(str(self._folder / f"{name}.csv"), first.schema, write_options=options)
        return parquet_writer(self._folder / f"{name}.parquet", first)

    def __enter__(self) -> Delivery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        for writer in self._writers.values():
            writer.close()


def parquet_writer(path: Path, first: Any) -> Any:
    """A writer for a file whose rows are like those of its first table."""
    return pq.ParquetWriter(
        path,
        first.schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=_repetitive(first),
        store_schema=False,
    )


def _repetitive(table: Any) -> list[str]:
    """Columns in which every value comes ten times or more; a dictionary of the others would only cost time."""
    return [name for name in table.column_names if pc.count_distinct(table.column(name)).as_py() * 10 < table.num_rows]


def _decoded(values: Any) -> Any:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def as_text(values: Any) -> Any:
    """A column as the text that a text file has."""
    values = _decoded(values)
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp("s"))
    return pc.cast(values, pa.string())
