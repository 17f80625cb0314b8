"""The main job on DuckDB and on a Spark standalone cluster: time of each, and that every table is equal."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks.banks import BUSINESS_DATE, bank, workspace
from benchmarks.harness import DATA, measure, parse_size, size_name

DESCRIPTION = "the whole run on DuckDB and on Spark, table by table; --size 0.1m (default)"


def run(size: str | None) -> dict[str, Any]:
    """Runs both engines on one delivery and compares all that they publish."""
    from tests.servers.spark import DRIVER_OPTIONS, shared_cluster
    from tests.stories.comparing import all_differences
    from tests.stories.workspaces import on_spark, published

    customers = parse_size(size or "0.1m")
    data, _ = bank(customers)
    duckdb = _moved(workspace(customers, data), "parity-duckdb")
    spark = _moved(workspace(customers, data), "parity-spark")
    folder = DATA / "spark-cluster"
    shutil.rmtree(folder, ignore_errors=True)
    on_duckdb = measure(_command(duckdb))
    options = {**DRIVER_OPTIONS, "spark.driver.memory": "3g", "spark.executor.memory": "2g"}
    with shared_cluster(folder) as master:
        on_cluster = measure(_command(spark, *on_spark(spark, master, options)), env={"SPARK_LOCAL_IP": "127.0.0.1"})
    tables = {name: one for (name, _), one in published(duckdb).items()}
    return {
        "title": "Both engines",
        "size": size_name(customers),
        "customers": customers,
        "tables_compared": len(tables),
        "rows_compared": sum(one.rows for one in tables.values()),
        "differences": all_differences(duckdb, spark),
        "duckdb_seconds": on_duckdb.seconds,
        "spark_seconds": on_cluster.seconds,
        "duckdb_peak_gib": on_duckdb.peak_gib,
        "spark_driver_peak_gib": on_cluster.peak_gib,
    }


def _moved(root: Path, name: str) -> Path:
    target = root.with_name(name)
    shutil.rmtree(target, ignore_errors=True)
    return root.rename(target)


def _command(root: Path, *more: str) -> list[str]:
    return [str(Path(sys.executable).parent / "cultiva"), "run", str(root), "--date", BUSINESS_DATE, *more]
