"""The engine for many machines: everything as Ibis expressions on Spark, over a lake that all of them see."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from cultiva.contracts.types import Column, DataType
from cultiva.engine import bulk, draws, exact, membership, wide
from cultiva.engine.aggregates import aggregate_ibis
from cultiva.engine.columns import with_columns
from cultiva.engine.parquet import new_folder, part_files, seal, write_arrow
from cultiva.engine.port import AggregateForm, Files, Form, Lookup, Written
from cultiva.engine.session import WRITE_OPTIONS, close_session, open_session
from cultiva.engine.types import STORED, arrow_schema, column_types, empty_sql, stored_table

if TYPE_CHECKING:
    import ibis
    from pyroaring import BitMap


class SparkEngine:
    """Spark on a standalone, YARN or Kubernetes cluster, or through Spark Connect.

    The lake and the spill folder must have the same path on every machine.

    Args:
        master: The cluster; see `session.open_session`.
        options: Further Spark settings.
        spill: Folder for intermediate Parquet.
        threads: Threads of this machine for bitmaps and hashing; None: all cores.
    """

    name = "spark"

    def __init__(self, *, master: str, options: Mapping[str, str], spill: Path, threads: int | None = None) -> None:
        import ibis

        self._spill = spill.resolve() / f"spark-{uuid4().hex}"
        self._threads = threads
        self._session = open_session(master, options)
        self._backend = ibis.pyspark.connect(self._session)
        self._session.sql(draws.SPARK_FUNCTION)

    @property
    def backend(self) -> Any:
        return self._backend

    def scan(self, files: Files, *, columns: Sequence[Column] | None = None) -> ibis.Table:
        """Files of one table, or of several dates; see the port."""
        import ibis

        if not files:
            assert columns is not None, "a table without files needs columns"
            return self._backend.sql(empty_sql(columns, "spark"))
        paths = [_url(part) for part in part_files(files)]
        frame = self._session.read.option("mergeSchema", str(columns is not None).lower()).parquet(*paths)
        name = ibis.util.gen_name("scan")
        frame.createOrReplaceTempView(name)
        table = self._backend.table(name)
        return table if columns is None else with_columns(table, columns)

    def load(self, table: pa.Table) -> ibis.Table:
        folder = self._spill / f"loaded-{uuid4().hex}"
        write_arrow(table, folder)
        return self.scan([folder])

    def fetch(self, table: ibis.Table) -> pa.Table:
        with self._written(stored_table(table)) as folder:
            import pyarrow.parquet as pq

            parts = [pq.read_table(part) for part in part_files([folder])]
            return pa.concat_tables(parts).cast(arrow_schema(column_types(table)))

    def write(self, table: ibis.Table, folder: Path, *, sort_by: Sequence[str] = ()) -> Written:
        """As many files as Spark has partitions, whose row groups are then sealed; see the port."""
        stored = stored_table(table)
        self._write(stored.order_by(list(sort_by)) if sort_by else stored, new_folder(folder))
        return seal(folder, threads=self._threads)

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
        """By Ibis, where DuckDB has SQL of its own; nothing to read gives the columns without rows."""
        if not files or (through and not through.files):
            bulk.aggregate([], columns, new_folder(folder), by=by, through=None)
            return seal(folder, threads=self._threads)
        rows = self.scan(files)
        if where:
            rows = rows.filter(where.ibis(rows))
        if through:
            rows = rows.inner_join(self.scan(through.files), list(through.keys))
        rows = rows.filter(rows[by].notnull())
        values = {name: aggregate_ibis(form, rows, by=by) for name, form in columns.items()}
        return self.write(rows.group_by(by).aggregate(**values), folder, sort_by=(by,))

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
        """Joins the parts to the base and adds the steps one after another; a column keeps its place."""
        tables = [self.scan(files) for files in (base, *parts) if files]
        wide.check_columns([table.columns for table in tables], by=by)
        joined = tables[0]
        for part in tables[1:]:
            joined = joined.left_join(part, by).select(*joined.columns, *(name for name in part.columns if name != by))
        for step in steps:
            joined = joined.mutate(**{name: _stored(form, joined) for name, form in step.items()})
        written = self.write(joined if keep is None else joined.select(*keep), folder, sort_by=(by,))
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
        import ibis

        frame = self._session.sql(self._backend.compile(stored_table(table)))
        shape = ", ".join(f"`{one.name}` {STORED[one.type].spark}" for one in columns)
        mapped = frame.mapInArrow(_Mapped(function, _spark_schema(columns)), shape)
        name = ibis.util.gen_name("mapped")
        mapped.createOrReplaceTempView(name)
        return self.write(self._backend.table(name), folder, sort_by=sort_by)

    def count(self, files: Files, condition: Form) -> int:
        if not files:
            return 0
        table = self.scan(files)
        return int(table.filter(condition.ibis(table)).count().execute())

    def members(self, files: Files, conditions: Mapping[str, Form], *, by: str = "customer_id") -> dict[str, BitMap]:
        if not files or not conditions:
            return membership.members([], conditions, by=by)
        table = self.scan(files)
        columns = {f"condition_{number}": form.ibis(table) for number, form in enumerate(conditions.values())}
        with self._written(table.select(by, **columns)) as folder:
            return dict(zip(conditions, membership.bitmaps(bulk.scan([folder]), by=by), strict=True))

    def close(self) -> None:
        shutil.rmtree(self._spill, ignore_errors=True)
        close_session(self._session)

    @contextmanager
    def _written(self, table: ibis.Table) -> Iterator[Path]:
        """A table as Parquet for as long as it is read here."""
        folder = self._spill / f"read-{uuid4().hex}"
        folder.mkdir(parents=True)
        self._write(table, folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def _write(self, table: ibis.Table, folder: Path) -> None:
        self._backend.to_parquet(table, _url(folder), mode="append", **WRITE_OPTIONS)
        for other in folder.iterdir():
            if other.name.startswith((".", "_")):  # Hadoop's checksums and markers
                other.unlink()


@dataclass(frozen=True)
class _Mapped:
    """A function over single batches as Spark wants it: over all batches of a partition."""

    function: Callable[[pa.RecordBatch], pa.Table]
    schema: pa.Schema

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from self.function(batch).select(self.schema.names).cast(self.schema).to_batches()


def _spark_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of columns as Spark has it: its texts are not large."""
    return pa.schema([
        pa.field(one.name, pa.string()) if pa.types.is_large_string(one.type) else one for one in arrow_schema(columns)
    ])  # fmt: skip


def _url(path: Path) -> str:
    """A path as Hadoop takes it: it does not undo the escapes of a proper URI."""
    return f"file://{path.resolve()}"


def _stored(form: Form, table: ibis.Table) -> ibis.Value:
    """A form's value in the type that it is stored as."""
    value = form.ibis(table)
    if form.type is DataType.MONEY and not value.type().is_decimal():
        return exact.money_ibis(exact.cents_ibis(value))
    return value.cast(STORED[form.type].ibis)  # -0.0 loses its sign in write
