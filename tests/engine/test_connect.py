from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.engine.test_aggregates import COLUMNS
from tests.servers.spark import connect_server

from cultiva.engine.port import Engine

CLIENT = """
import json, sys
from pathlib import Path
from types import SimpleNamespace
from cultiva.engine.open import open_engine
from tests.engine.test_aggregates import COLUMNS
master, spill, written, *files = sys.argv[1:]
choice = SimpleNamespace(name="spark", master=master, options={}, spill=spill, threads=2, memory_gb=None)
engine = open_engine(choice)
there = engine.aggregate([Path(file) for file in files], COLUMNS, Path(written))
print(json.dumps([type(engine.backend._session).__module__, there.fingerprint]))
engine.close()
"""
"""A process of its own: PySpark allows one kind of session per process."""


@pytest.mark.spark
@pytest.mark.slow
def test_spark_connect_gives_what_duckdb_gives(
    spark_cluster: str, duckdb_engine: Engine, movements: list[Path], tmp_path: Path
) -> None:
    here = duckdb_engine.aggregate(movements, COLUMNS, tmp_path / "here")
    with connect_server(spark_cluster, tmp_path / "server") as address:
        paths = [str(path) for path in (tmp_path / "spill", tmp_path / "there", *movements)]
        command = [sys.executable, "-c", CLIENT, address, *paths]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == ["pyspark.sql.connect.session", here.fingerprint]
