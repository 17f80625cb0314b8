"""The yardstick: DuckDB reading every column of the delivered Parquet, and writing what a run has written.

What a run writes is more than it reads: every delivered table as it was taken, and profiles, holdings and decisions
beside them. So the write is measured on the lake that the run has left: each table is read and written again in the
lake's own compression and row groups, and what merely reading it takes is subtracted.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import Measured, measure_python
from cultiva.engine.parquet import COMPRESSION, COMPRESSION_LEVEL, ROW_GROUP_ROWS

_SCAN = """
import json, sys, duckdb
for paths in json.loads(sys.argv[1]):
    duckdb.sql(f"SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet({paths!r}, hive_partitioning = false)").fetchall()
"""
_COPY = """
import json, sys, duckdb
from pathlib import Path
target = Path(sys.argv[2]) / "copy.parquet"
duckdb.sql("SET preserve_insertion_order = false")
for paths in json.loads(sys.argv[1]):
    rows = f"SELECT * FROM read_parquet({paths!r}, hive_partitioning = false)"
    duckdb.sql(f"COPY ({rows}) TO '{target}' (FORMAT parquet, {sys.argv[3]})")
"""
_FORM = f"COMPRESSION {COMPRESSION}, COMPRESSION_LEVEL {COMPRESSION_LEVEL}, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"

Tables = Sequence[Sequence[Path]]
"""Tables, each as its files."""


@dataclass(frozen=True)
class Rewrite:
    """Tables read, and read and written again."""

    scan: Measured
    """Reading alone."""
    copy: Measured
    """Reading and writing."""

    @property
    def seconds(self) -> float:
        """What writing took beyond reading."""
        return round(max(self.copy.seconds - self.scan.seconds, 0.0), 3)

    @property
    def cpu_seconds(self) -> float:
        """The same of processor time."""
        return round(max(self.copy.cpu_seconds - self.scan.cpu_seconds, 0.0), 2)


def raw_scan(tables: Tables) -> Measured:
    """Every column of every table, hashed so that nothing can be answered from statistics; files in memory's cache."""
    named = _named(tables)
    measure_python(_SCAN, named)
    return measure_python(_SCAN, named)


def rewrite(tables: Tables, scratch: Path) -> Rewrite:
    """Every table read and written again as the lake writes; one copy lies on disk at a time."""
    scan = raw_scan(tables)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        return Rewrite(scan, measure_python(_COPY, _named(tables), str(scratch), _FORM))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def lake_tables(lake: Path) -> dict[str, list[Path]]:
    """The tables of a lake in which a single run has written, each as its files."""
    found = {folder.name: sorted(folder.rglob("*.parquet")) for folder in sorted(lake.iterdir()) if folder.is_dir()}
    return {name: files for name, files in found.items() if files}


def _named(tables: Tables) -> str:
    return json.dumps([[str(path) for path in files] for files in tables])
