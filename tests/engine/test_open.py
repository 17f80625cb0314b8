from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import EngineChoice

from cultiva.engine.open import machine_memory_gb, open_engine
from cultiva.kit.errors import CultivaError, ErrorKind

CHOICE = EngineChoice(name="duckdb", spill="spill")


def setting(engine: object, name: str) -> object:
    return engine.backend.raw_sql(f"SELECT current_setting('{name}')").fetchone()[0]  # type: ignore[attr-defined]


def test_limits_and_the_spill_folder_are_applied(tmp_path: Path) -> None:
    engine = open_engine(replace(CHOICE, memory_gb=0.5, threads=3), root=tmp_path)
    assert setting(engine, "memory_limit") == "476.8 MiB"
    assert setting(engine, "threads") == 3
    assert setting(engine, "temp_directory") == str(tmp_path / "spill")
    assert setting(engine, "TimeZone") == "UTC"
    engine.close()


def test_without_a_limit_sixty_percent_of_the_machine_is_taken(tmp_path: Path) -> None:
    engine = open_engine(replace(CHOICE, memory_gb=None, threads=None), root=tmp_path)
    limit = float(str(setting(engine, "memory_limit")).split()[0]) * 1.073741824
    assert limit == pytest.approx(machine_memory_gb() * 0.6, rel=0.02)
    engine.close()


def test_a_sort_larger_than_the_memory_limit_spills_and_succeeds(tmp_path: Path) -> None:
    engine = open_engine(replace(CHOICE, memory_gb=0.2, threads=2), root=tmp_path)
    table = engine.backend.sql("SELECT range AS n, md5(range::VARCHAR) AS t, repeat('x', 100) AS u FROM range(2000000)")
    assert engine.write(table, tmp_path / "sorted", sort_by=("t",)).rows == 2_000_000
    engine.close()


def test_threads_reach_polars_in_a_new_process(tmp_path: Path) -> None:
    code = (
        "from types import SimpleNamespace; from cultiva.engine.open import open_engine;"
        f"open_engine(SimpleNamespace(name='duckdb', spill={str(tmp_path)!r}, threads=3, memory_gb=1));"
        "import polars; print(polars.thread_pool_size())"
    )
    inherited = {name: value for name, value in os.environ.items() if name != "POLARS_MAX_THREADS"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=inherited)
    assert done.stdout.strip() == "3"


def test_an_unknown_engine_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(CultivaError) as raised:
        open_engine(replace(CHOICE, name="duckbd"), root=tmp_path)
    assert raised.value.hint == "did you mean 'duckdb'?"


def test_spark_without_java_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(CultivaError, match="needs Java") as raised:
        open_engine(replace(CHOICE, name="spark", master="spark://127.0.0.1:1"), root=tmp_path)
    assert raised.value.kind is ErrorKind.UNAVAILABLE


@pytest.mark.spark
def test_engines_of_one_process_share_a_session_that_the_last_one_stops(
    spark_choice: EngineChoice, spark_engine: object
) -> None:
    other = open_engine(spark_choice)
    other.close()
    assert spark_engine.backend.sql("SELECT 1 AS one").count().execute() == 1  # type: ignore[attr-defined]
