"""The yardstick: DuckDB reading every column of the same Parquet, and reading and writing it again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import Measured, measure_python

_SCAN = """
import json, sys, duckdb
for path in json.loads(sys.argv[1]):
    duckdb.sql(f"SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet('{path}')").fetchall()
"""
_SCAN_AND_WRITE = """
import json, sys, duckdb
from pathlib import Path
folder = Path(sys.argv[2])
folder.mkdir(parents=True)
duckdb.sql("SET preserve_insertion_order = false")
for path in json.loads(sys.argv[1]):
    target = folder / Path(path).name
    duckdb.sql(f"COPY (SELECT * FROM read_parquet('{path}')) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
"""


def raw_scan(files: Sequence[Path]) -> Measured:
    """Every column of every file, hashed so that nothing can be answered from statistics; files in memory's cache."""
    named = json.dumps([str(path) for path in files])
    measure_python(_SCAN, named)
    return measure_python(_SCAN, named)


def scan_and_write(files: Sequence[Path], scratch: Path) -> Measured:
    """Every file read and written again, zstd."""
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        return measure_python(_SCAN_AND_WRITE, json.dumps([str(path) for path in files]), str(scratch))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
