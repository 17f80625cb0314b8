"""Tails of covariates: in a large table they are read where the check of balance is in doubt, with the same alarms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats

from cultiva.engine.port import Engine
from cultiva.review import measure_tails
from cultiva.review.measure import Check, CheckName, Design, Measurement, MetricDesign, Standing, measure

NAMES = ("even", "heavy", "apart")
DESIGN = Design(tuple(MetricDesign("money", covariate=name) for name in NAMES))


def customers() -> Any:
    """Two strategies; of one the arms were alike in `even`, differ somewhat in `heavy` and much in `apart`."""
    draw, count = np.random.default_rng(5), 2000
    treated = np.arange(count) % 4 > 0
    heavy = np.where(np.arange(count) % 200 == 0, 1000.0 + np.arange(count), draw.normal(10, 1, count))
    return pd.DataFrame(
        {
            "strategy": np.where(np.arange(count) // 4 % 2, "car", "welcome"),
            "customer_id": np.arange(count),
            "arm": np.where(treated, "treated", "control"),
            "y_money": np.where(np.arange(count) % 7, draw.normal(50, 9, count), np.nan),
            "x_even": stats.norm.ppf((np.arange(count) // 8 + 0.5) / (count // 8)),
            "x_heavy": heavy,
            "x_apart": draw.normal(0, 1, count) + 0.5 * treated,
        }
    )


def measured(engine: Engine, frame: Any, folder: Path) -> Measurement:
    folder.mkdir()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / "part-00000.parquet")
    return measure(engine, [folder], DESIGN)


def balances(found: Measurement) -> dict[tuple[str, str], Check]:
    return {(one.strategy, one.subject): one for one in found.checks if one.name is CheckName.BALANCE}


def test_a_large_table_alarms_as_a_small_one(
    duckdb_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = customers()
    small = measured(duckdb_engine, frame, tmp_path / "small")
    monkeypatch.setattr("cultiva.review.measure_cells.TAIL_ROWS", 10)
    large = measured(duckdb_engine, frame, tmp_path / "large")
    effects = [[one.effect.value for one in found.effects] for found in (large, small)]
    assert effects[0] == pytest.approx(effects[1], rel=1e-9)
    for key, one in balances(small).items():
        other = balances(large)[key]
        assert other.standing is one.standing
        assert other.value == pytest.approx(one.value, rel=1e-6)
        assert one.p_value is not None and other.p_value is not None
        doubted = other.p_value < measure_tails.DOUBT_BELOW
        assert other.p_value == pytest.approx(one.p_value, rel=1e-6) or not doubted
        assert other.p_value < 1.01 * one.p_value
    assert balances(large)["car", "apart"].standing is Standing.ALARM
    assert balances(large)["car", "even"].standing is Standing.FINE


@pytest.mark.parametrize("rows", [0, 1_000_000])
def test_the_tails_are_those_of_customers_whose_metric_is_known(
    rows: int, duckdb_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few very large amounts on one side: the p-value is that of a t distribution with few degrees of freedom."""
    monkeypatch.setattr("cultiva.review.measure_cells.TAIL_ROWS", rows)
    frame = customers()
    found = balances(measured(duckdb_engine, frame, tmp_path / "table"))["welcome", "heavy"]
    mine = frame[(frame.strategy == "welcome") & frame.y_money.notna()]
    sides = [mine[mine.arm == arm].x_heavy for arm in ("treated", "control")]
    spread = mine.x_heavy.std() * np.sqrt(1 / len(sides[0]) + 1 / len(sides[1]))
    degrees = 2 * len(sides[1]) / (stats.kurtosis(mine.x_heavy, fisher=False) - 1)
    expected = 2 * stats.t.sf(abs(sides[0].mean() - sides[1].mean()) / spread, degrees)
    normal = 2 * stats.norm.sf(abs(sides[0].mean() - sides[1].mean()) / spread)
    assert normal < measure_tails.DOUBT_BELOW
    assert found.p_value == pytest.approx(expected, rel=1e-6)
    assert expected > 1.2 * normal
