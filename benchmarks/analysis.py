"""Analysing an experiment of many customers and 20 metrics with CUPED, beside tea-tasting and gbstats."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import DATA, ROOT, Measured, measure, parse_size, size_name
from cultiva.engine.parquet import ROW_GROUP_ROWS

DESCRIPTION = "time and memory of analysing an experiment with 20 metrics, beside tea-tasting and gbstats"
METRICS = 20
ROWS_PER_FILE = 1_000_000
REPEATS = 3
GBSTATS = "gbstats==0.8.0"
"""Needs pandas before 2 and numpy before 2, so it lives in an environment of its own."""

OURS = """
import json, sys, time
from datetime import date
import ibis
from pathlib import Path
from cultiva.engine.duckdb import DuckDBEngine
from cultiva.review.measure import Design, MetricDesign, measure
folder, many, spill = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
from cultiva.engine.open import MEMORY_SHARE, machine_memory_gb
engine = DuckDBEngine(threads=None, memory_gb=round(machine_memory_gb() * MEMORY_SHARE, 1), spill=spill)
metrics = tuple(MetricDesign(f"m{k}", covariate=f"m{k}") for k in range(many))
design = Design(metrics, control_shares={"all": 0.2}, business_date=date(2026, 4, 1))
began = time.perf_counter()
found = measure(engine, [folder], design)
seconds = time.perf_counter() - began
effects = [[one.effect.value, one.effect.se, one.always.low, one.always.high] for one in found.effects]
print(json.dumps({"seconds": seconds, "effects": effects}))
"""
TEA_TASTING = """
import json, sys, time
import ibis, tea_tasting as tt
folder, many = sys.argv[1], int(sys.argv[2])
connection = ibis.duckdb.connect()
began = time.perf_counter()
table = connection.read_parquet(f"{folder}/*.parquet")
table = table.mutate(variant=(table.arm == "treated").cast("int8"))
experiment = tt.Experiment({f"m{k}": tt.Mean(f"y_m{k}", f"x_m{k}") for k in range(many)}, variant="variant")
found = experiment.analyze(table)
effects = [[found[f"m{k}"].effect_size, None, None, None] for k in range(many)]
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "effects": effects}))
"""
GB = """
import json, sys, time
import duckdb
from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import RegressionAdjustedStatistic, SampleMeanStatistic, compute_theta
folder, many = sys.argv[1], int(sys.argv[2])
began = time.perf_counter()
sums = ", ".join(
    f"sum(y_m{k}), sum(y_m{k} * y_m{k}), sum(x_m{k}), sum(x_m{k} * x_m{k}), sum(y_m{k} * x_m{k})" for k in range(many)
)
rows = duckdb.sql(f"SELECT arm, count(*), {sums} FROM '{folder}/*.parquet' GROUP BY arm").fetchall()
arms = {row[0]: row[1:] for row in rows}
def statistic(row, k, theta):
    y, yy, x, xx, xy = row[1 + 5 * k : 6 + 5 * k]
    n = row[0]
    return RegressionAdjustedStatistic(
        n=n, post_statistic=SampleMeanStatistic(n=n, sum=y, sum_squares=yy),
        pre_statistic=SampleMeanStatistic(n=n, sum=x, sum_squares=xx), post_pre_sum_of_products=xy, theta=theta)
effects = []
for k in range(many):
    theta = compute_theta(*(statistic(arms[arm], k, 0) for arm in ("control", "treated")))
    pair = [statistic(arms[arm], k, theta) for arm in ("control", "treated")]
    test = SequentialTwoSidedTTest(*pair, SequentialConfig(difference_type="absolute"))
    low, high = test.confidence_interval
    effects.append([test.point_estimate, float(test.variance) ** 0.5, low, high])
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "effects": [[float(v) for v in one] for one in effects]}))
"""


def run(size: str | None) -> dict[str, Any]:
    """Writes the analysis table if it is not there, and measures each way of reading it."""
    many = parse_size(size or "1m")
    folder = DATA / size_name(many) / "analysis"
    if not folder.exists():
        write_table(folder, many)
    gbstats = _gbstats()
    ways = {
        "cultiva": [sys.executable, "-c", OURS, str(folder), str(METRICS), str(DATA / "spill")],
        "tea-tasting": [sys.executable, "-c", TEA_TASTING, str(folder), str(METRICS)],
        "gbstats on DuckDB": [str(gbstats), "-c", GB, str(folder), str(METRICS)],
    }
    rounds = [{name: measure(command, cwd=ROOT) for name, command in ways.items()} for _ in range(REPEATS)]
    measured = {name: min((one[name] for one in rounds), key=lambda seen: seen.seconds) for name in ways}
    fastest = min(seen.seconds for name, seen in measured.items() if name != "cultiva")
    return {
        "size": size_name(many),
        "customers": many,
        "title": "Analysing an experiment",
        "note": f"{METRICS} metrics with a covariate each, one strategy, in child processes; best of {REPEATS}; "
        "the sequences are in cultiva's and gbstats' time (tea-tasting has none).",
        "parquet_gib": round(sum(path.stat().st_size for path in folder.iterdir()) / 2**30, 2),
        "ratio_to_fastest": round(measured["cultiva"].seconds / fastest, 2),
        "largest_difference_of_effects": _apart([_said(seen) for seen in measured.values()]),
        "rows": [_row(name, seen) for name, seen in measured.items()],
    }


def _row(name: str, seen: Measured) -> dict[str, Any]:
    inside = _said(seen)["seconds"]
    return {
        "way": name,
        "whole process": f"{seen.seconds} s",
        "analysis": f"{inside:.2f} s",
        "CPU": f"{seen.cpu_seconds} s",
        "peak memory": f"{seen.peak_gib} GiB",
    }


def _said(seen: Measured) -> dict[str, Any]:
    """The last line; DuckDB may have drawn a progress bar before."""
    found: dict[str, Any] = json.loads(seen.output.strip().splitlines()[-1])
    return found


def _apart(found: list[dict[str, Any]]) -> float:
    """Largest difference between the ways' effects, in standard errors (their slopes are not quite the same)."""
    effects = np.array([[one[0] for one in way["effects"]] for way in found], dtype=float)
    ses = np.array([one[1] for one in found[0]["effects"]], dtype=float)
    return round(float(np.max(np.ptp(effects, axis=0) / ses)), 4)


def _gbstats() -> Path:
    """The interpreter of an environment with gbstats and the same DuckDB."""
    import duckdb

    home = DATA / "gbstats"
    python = home / "bin" / "python"
    if not python.exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(home)], check=True)
        wanted = [GBSTATS, f"duckdb=={duckdb.__version__}"]
        subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *wanted], check=True)
    return python


def write_table(folder: Path, many: int) -> None:
    """An analysis table: half of the metrics are skewed money with many zeros, the others counts and balances."""
    staged = folder.with_name("analysis.part")
    staged.mkdir(parents=True, exist_ok=True)
    for place, first in enumerate(range(0, many, ROWS_PER_FILE)):
        draw = np.random.default_rng([7, place])
        count = min(ROWS_PER_FILE, many - first)
        pq.write_table(
            _rows(draw, first, count),
            staged / f"part-{place:05d}.parquet",
            compression="zstd",
            row_group_size=ROW_GROUP_ROWS,
        )
    staged.rename(folder)


def _rows(draw: np.random.Generator, first: int, count: int) -> pa.Table:
    treated = draw.random(count) >= 0.2
    columns: dict[str, Any] = {
        "strategy": pa.array(["all"] * count).dictionary_encode().cast(pa.string()),
        "customer_id": np.arange(first, first + count),
        "arm": np.where(treated, "treated", "control"),
        "enrolled_on": pa.array(np.full(count, np.datetime64("2026-01-05"), dtype="datetime64[D]")),
    }
    for metric in range(METRICS):
        usual = draw.lognormal(3, 1, count)
        if metric % 2:
            after = np.where(draw.random(count) < 0.3, usual * draw.lognormal(0, 0.7, count), 0.0)
        else:
            after = draw.poisson(usual / 5) + usual
        columns[f"y_m{metric}"] = np.round(after + 0.2 * treated, 2)
        columns[f"x_m{metric}"] = np.round(usual, 2)
    return pa.table(columns)
