"""Whole advisers are drawn and their customers are alike: intervals of readouts keep their promise all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import stats

from cultiva.engine.port import Engine
from cultiva.review.measure import CheckName, Design, Measurement, MetricDesign, Standing, measure

EXPERIMENTS, ADVISERS, HELD = 300, 50, 15
EFFECT, LIKENESS = 5.0, 0.15


def panel(folder: Path) -> list[Path]:
    """Experiments as strategies: of 50 advisers 15 leave all their 10 to 50 customers alone; a fifth have no adviser.

    Money has standard deviation 20 between customers, of whose variance the adviser has 15 %, beside the covariate.
    """
    draw, tables = np.random.default_rng(2026), []
    for number in range(EXPERIMENTS):
        sizes = draw.integers(10, 51, ADVISERS)
        alone = int(sizes.sum()) // 5
        held = draw.permutation(ADVISERS) < HELD
        member = np.concatenate([np.repeat(np.arange(ADVISERS), sizes), np.full(alone, -1)])
        control = np.where(member < 0, draw.random(len(member)) < HELD / ADVISERS, held[member])
        luck = np.where(member < 0, draw.normal(0, 1, len(member)), draw.normal(0, 1, ADVISERS)[member])
        before = draw.normal(50, 20, len(member))
        noise = np.sqrt(LIKENESS) * luck + np.sqrt(1 - LIKENESS) * draw.normal(0, 1, len(member))
        arm = np.where(control, "control", "treated")
        lots = [f"lot:{side}:{place % 40}" for place, side in enumerate(arm)]
        cluster = [f"adviser:{one}" if one >= 0 else lot for one, lot in zip(member, lots, strict=True)]
        columns = {"customer_id": np.arange(len(member)), "arm": arm, "cluster": cluster, "x_before": before}
        money = 0.8 * before + 20 * noise + EFFECT * ~control
        tables.append(pa.table({"strategy": [f"s{number}"] * len(member), **columns, "y_money": money}))
    folder.mkdir()
    pq.write_table(pa.concat_tables(tables), folder / "part-00000.parquet")
    return [folder]


def covered(found: Measurement) -> float:
    effects = [found.of(f"s{number}", "money").effect for number in range(EXPERIMENTS)]
    return float(np.mean([one.low is not None and one.high is not None and one.low <= EFFECT <= one.high
                          for one in effects]))  # fmt: skip


def test_clusters_keep_the_promise_that_single_customers_break(duckdb_engine: Engine, tmp_path: Path) -> None:
    files, names = panel(tmp_path / "panel"), [f"s{number}" for number in range(EXPERIMENTS)]
    shares = dict.fromkeys(names, HELD / ADVISERS)
    design = Design(metrics=(MetricDesign("money", covariate="before"),), control_shares=shares)
    naive = measure(duckdb_engine, files, design)
    robust = measure(duckdb_engine, files, Design(**{**vars(design), "clusters": dict.fromkeys(names, "cluster")}))
    low, high = stats.binom.interval(0.999, EXPERIMENTS, 0.95)
    assert low / EXPERIMENTS <= covered(robust) <= high / EXPERIMENTS
    assert covered(naive) < 0.75
    alarms = [one for one in robust.checks if one.standing is Standing.ALARM]
    assert len([one for one in alarms if one.name is CheckName.SAMPLE_RATIO]) <= 1
    assert len([one for one in naive.checks if one.standing is Standing.ALARM]) > 3
