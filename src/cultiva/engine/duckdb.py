"""The engine for one machine: DuckDB for relational work, Polars' streaming engine for bulk work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from cultiva.contracts.types import Column
from cultiva.engine import bulk, draws, membership, wide
from cultiva.engine.columns import with_columns
from cultiva.engine.parquet import (
    COMPRESSION,
    COMPRESSION_LEVEL,
    DICTIONARY_VALUES_MAX,
    ROW_GROUP_ROWS,
    new_folder,
    part_files,
    part_path,
    seal,
)
from cultiva.engine.port import AggregateForm, Files, Form, Lookup, Written
from cultiva.engine.types import arrow_schema, column_types, empty_sql, stored_table

if TYPE_CHECKING:
    import ibis
    from pyroaring import BitMap


class DuckDBEngine:
    """DuckDB in memory, spilling to a folder, and Polars over the same Parquet.

    Args:
        threads: Threads of DuckDB and of hashing; None: all cores. (Polars takes `POLARS_MAX_THREADS`.)
        memory_gb: DuckDB's limit, beyond which it spills.
        spill: Folder for what does not fit in memory.
    """

    name = "duckdb"

    def __init__(self, *, threads: int | None, memory_gb: float, spill: Path) -> None:
        spill.mkdir(parents=True, exist_ok=True)
        self._threads = threads
        self._settings: dict[str, Any] = {"memory_limit": f"{memory_gb}GB", "temp_directory": str(spill)}
        if threads:
            self._settings["threads"] = threads
        self._opened: Any = None
        self._opening = Lock()

    @property
    def backend(self) -> Any:
        """The connection; opened when first asked for, since many questions are answered without it."""
        with self._opening:
            if self._opened is None:
                import ibis

                self._opened = ibis.duckdb.connect(**self._settings)
                self._opened.raw_sql("SET TimeZone = 'UTC'")
                self._opened.raw_sql(draws.DUCKDB_FUNCTION)
            return self._opened

    def scan(self, files: Files, *, columns: Sequence[Column] | None = None) -> ibis.Table:
        if not files:
            return self.backend.sql(empty_sql(_needed(columns), "duckdb"))
        paths = [str(part) for part in part_files(files)]
        table = self.backend.read_parquet(paths, union_by_name=columns is not None, hive_partitioning=False)
        return table if columns is None else with_columns(table, columns)

    def load(self, table: pa.Table) -> ibis.Table:
        import ibis

        return self.backend.create_table(ibis.util.gen_name("loaded"), table, temp=True)

    def fetch(self, table: ibis.Table) -> pa.Table:
        return self.backend.to_pyarrow(stored_table(table)).cast(arrow_schema(column_types(table)))

    def write(self, table: ibis.Table, folder: Path, *, sort_by: Sequence[str] = ()) -> Written:
        """One file by COPY, which streams; see the port."""
        self._to_parquet(stored_table(table), part_path(new_folder(folder), 0), sort_by)
        return seal(folder, threads=self._threads)

    def _to_parquet(self, stored: ibis.Table, path: Path, sort_by: Sequence[str]) -> None:
        # Without an order to keep, DuckDB writes with less memory; with one it must be told to keep it.
        self.backend.raw_sql(f"SET preserve_insertion_order = {'true' if sort_by else 'false'}")
        self.backend.to_parquet(
            stored.order_by(list(sort_by)) if sort_by else stored,
            path,
            compression=COMPRESSION,
            compression_level=COMPRESSION_LEVEL,
            row_group_size=ROW_GROUP_ROWS,
            dictionary_size_limit=DICTIONARY_VALUES_MAX,
        )

    def aggregate(
        self,
        files: Files,
        columns: Mapping[str, AggregateForm],
        folder: Path,
        *,
        by: str = "customer_id",
        through: Lookup | None = None,
        where: Form | None = None,
    ) -> Written:
        bulk.aggregate(files, columns, new_folder(folder), by=by, through=through, where=where)
        return seal(folder, threads=self._threads)

    def assemble(
        self,
        base: Files,
        parts: Sequence[Files],
        steps: Sequence[Mapping[str, Form]],
        folder: Path,
        *,
        keep: Sequence[str] | None = None,
        by: str = "customer_id",
    ) -> Written:
        wide.assemble(base, parts, steps, new_folder(folder), keep=keep, by=by)
        written = seal(folder, threads=self._threads)
        wide.check_rows(base, written.rows)
        return written

    def map_batches(
        self,
        table: ibis.Table,
        function: Callable[[pa.RecordBatch], pa.Table],
        columns: Sequence[Column],
        folder: Path,
        *,
        sort_by: Sequence[str] = (),
    ) -> Written:
        schema = arrow_schema(columns)
        made = new_folder(folder) / "mapped.arrow" if sort_by else part_path(new_folder(folder), 0)
        batches = self.backend.to_pyarrow_batches(stored_table(table), chunk_size=ROW_GROUP_ROWS)
        with pq.ParquetWriter(made, schema, compression=COMPRESSION, compression_level=COMPRESSION_LEVEL) as writer:
            for batch in batches:
                writer.write_table(function(batch).select(schema.names).cast(schema))
        if not sort_by:
            return seal(folder, threads=self._threads)
        mapped = self.backend.read_parquet(str(made))
        self._to_parquet(mapped.select(*schema.names), part_path(folder, 0), sort_by)
        made.unlink()
        return seal(folder, threads=self._threads)

    def count(self, files: Files, condition: Form) -> int:
        return bulk.count(files, condition)

    def members(self, files: Files, conditions: Mapping[str, Form], *, by: str = "customer_id") -> dict[str, BitMap]:
        return membership.members(files, conditions, by=by)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.disconnect()


def _needed(columns: Sequence[Column] | None) -> Sequence[Column]:
    assert columns is not None, "a table without files needs columns"
    return columns
