"""What an engine can do. Rules and aggregates are handed to it in a form for every engine; it takes its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cultiva.contracts.aggregates import AggregateFunction
from cultiva.contracts.types import Column, DataType

if TYPE_CHECKING:
    import ibis
    import polars as pl
    import pyarrow as pa
    from pyroaring import BitMap

Files = Sequence[Path]
"""Folders of Parquet files with one schema, read as one table."""


class Form(Protocol):
    """An expression over the columns of a table, in the form that each engine takes."""

    @property
    def type(self) -> DataType:
        """Type of the result."""

    @property
    def columns(self) -> frozenset[str]:
        """Columns it reads."""

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""


@dataclass(frozen=True)
class AggregateForm:
    """One aggregate column."""

    function: AggregateFunction
    """How rows become one value."""
    type: DataType
    """Type of the result; money is summed exactly."""
    value: Form | None = None
    """What is aggregated; None for count."""
    where: Form | None = None
    """Rows that take part (only where it is true); None: all."""
    time: str | None = None
    """For latest: the column that orders rows."""


@dataclass(frozen=True)
class Lookup:
    """A table that says what else is known about a row, e.g. whose account it moves; joined while reading.

    Rows that it does not know do not take part. Apart from the keys no column has the same name on both sides.
    """

    files: Files
    """One row per key."""
    keys: tuple[str, ...]
    """Columns of both sides that name the row; all text."""


@dataclass(frozen=True)
class Written:
    """What a write left behind."""

    rows: int
    """Rows written."""
    size_bytes: int
    """Bytes on disk."""
    settle: Callable[[], str] = field(repr=False, compare=False)
    """Makes the folder durable and gives its content hash."""

    @cached_property
    def fingerprint(self) -> str:
        """Content hash, the same for equal content whatever the engine, row order and file layout.

        Computed when first asked for, from the files as they are on disk, which are made durable by the way; what is
        read once and thrown away needs neither.
        """
        return self.settle()


class Engine(Protocol):
    """Set operations; every one reads Parquet folders and writes one new Parquet folder."""

    @property
    def name(self) -> str:
        """`duckdb` or `spark`."""

    @property
    def backend(self) -> Any:
        """The Ibis backend, for relational work (joins, windows, deduplication)."""

    def scan(self, files: Files, *, columns: Sequence[Column] | None = None) -> ibis.Table:
        """An Ibis table over Parquet folders.

        Args:
            files: Folders; none at all is a table without rows, if `columns` says what it has.
            columns: Exactly these columns in this order: one that the files lack is null, others are left out.
                None: what the first file has.
        """

    def load(self, table: pa.Table) -> ibis.Table:
        """A small table made in Python as a table of this backend; it lives as long as the engine."""

    def fetch(self, table: ibis.Table) -> pa.Table:
        """A small table of this backend in memory, its columns in the types that are stored."""

    def write(self, table: ibis.Table, folder: Path, *, sort_by: Sequence[str] = ()) -> Written:
        """Writes an Ibis table of this backend to a new folder, its columns in the types that are stored.

        Args:
            table: Columns of any type that can be stored; other whole numbers and doubles become 64 bits wide.
            folder: New or empty.
            sort_by: Columns to sort by; readers then skip what they do not need.
        """

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
        """All aggregates of one table in one pass; one row per key that has rows, sorted by it.

        Rows without a key are left out. No files give a table without rows.

        Args:
            files: The rows.
            columns: The aggregates by the name of their column.
            folder: The new folder.
            by: The key; a column of the rows or of `through`.
            through: Inner-joined to the rows first, so that facts keyed by account or party reach their customer.
            where: Over the columns of `files`: only rows for which it is true are looked at, and joined; None: all.
        """

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
        """Left-joins parts (one row per key) to base (one row per key), then adds columns step by step.

        A step's forms see the columns of base, parts and earlier steps, and may replace a column; each is stored in
        its form's type. The result is sorted by the key.

        Args:
            base: One row per key, at least one folder.
            parts: Each has the key and columns that nobody else has; a part without folders is left out.
            steps: Columns by name; the forms of one step do not see each other.
            folder: New or empty.
            keep: Chooses and orders the columns of the result; None: all.
            by: The key: in base and in every part, never null, once per table.

        Raises:
            CultivaError: if two tables have the same column, or a key is missing or there twice.
        """

    def map_batches(
        self,
        table: ibis.Table,
        function: Callable[[pa.RecordBatch], pa.Table],
        columns: Sequence[Column],
        folder: Path,
        *,
        sort_by: Sequence[str] = (),
    ) -> Written:
        """Writes what a function makes of a table, some rows at a time: here one after the other, on Spark wherever
        the rows are.

        Args:
            table: Of this backend.
            function: Takes rows of the table, gives rows with `columns`; which rows come together must not matter. It
                is sent to other machines, so it is a function of a module, or an object that can be pickled.
            columns: Of the result, in their order.
            folder: New or empty.
            sort_by: Columns of the result to sort by.
        """

    def count(self, files: Files, condition: Form) -> int:
        """Rows for which the condition is true."""

    def members(self, files: Files, conditions: Mapping[str, Form], *, by: str = "customer_id") -> dict[str, BitMap]:
        """For each condition the keys of the rows for which it is true, all in one scan."""

    def close(self) -> None:
        """Frees connections and memory."""
