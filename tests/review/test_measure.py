"""Measuring an analysis table: the engine's sums against pandas and scipy, and cases that cannot be measured."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats

from cultiva.engine.port import Engine
from cultiva.review.measure import (
    CheckName,
    Design,
    Estimand,
    Kind,
    Measured,
    Measurement,
    MetricDesign,
    Standing,
    measure,
)

DESIGN = Design(
    metrics=(
        MetricDesign("money", covariate="value", trimmed=True),
        MetricDesign("active", Kind.SHARE, covariate="value"),
        MetricDesign("basket", Kind.RATIO, denominator="visits"),
    ),
    dimensions=(("stage",), ("stage", "tier")),
    control_shares={"welcome": 0.3, "car": 0.3},
    trim_share=0.01,
)


def customers(count: int = 3000, seed: int = 1) -> Any:
    """Two strategies; some metrics, covariates and groups are missing."""
    draw = np.random.default_rng(seed)
    value = draw.lognormal(3, 1, count)
    treated = draw.random(count) < 0.7
    frame = pd.DataFrame(
        {
            "strategy": np.where(draw.random(count) < 0.5, "welcome", "car"),
            "customer_id": np.arange(count),
            "arm": np.where(treated, "treated", "control"),
            "y_money": value + draw.normal(0, 5, count) + 3 * treated,
            "y_active": draw.random(count) < 0.3 + 0.1 * treated,
            "y_basket": draw.gamma(2, 20, count),
            "y_visits": draw.poisson(2, count) + 1.0,
            "x_value": value,
            "stage": draw.choice(["growing", "mature"], count),
            "tier": pd.Series(draw.choice(["gold", "basic", ""], count)).replace("", None),
            "adviser": draw.integers(0, 25, count).astype(str),
            "reached": treated & (draw.random(count) < 0.5),
            "enrolled_on": [date(2026, 1, 1) + timedelta(days=int(day)) for day in draw.integers(0, 40, count)],
        }
    )
    frame.loc[draw.random(count) < 0.05, "y_money"] = np.nan
    frame.loc[draw.random(count) < 0.05, "x_value"] = np.nan
    return frame


def written(frame: Any, folder: Path) -> list[Path]:
    """The frame in two files, as an engine would leave them."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    half = len(frame) // 2
    pq.write_table(table.slice(0, half), folder / "part-00000.parquet")
    pq.write_table(table.slice(half), folder / "part-00001.parquet")
    return [folder]


def row(measurement: Measurement, **what: object) -> Measured:
    found = [one for one in measurement.effects if all(getattr(one, name) == value for name, value in what.items())]
    assert len(found) == 1, [(one.strategy, one.metric, one.estimand, one.group) for one in found]
    return found[0]


def known(frame: Any, column: str = "y_money") -> tuple[Any, Any]:
    """Values of both arms that are not missing."""
    there = frame[frame[column].notna()]
    return there[there.arm == "treated"], there[there.arm == "control"]


def test_every_effect_is_what_scipy_says(engine: Engine, tmp_path: Path) -> None:
    frame = customers()
    found = measure(engine, written(frame, tmp_path / "table"), DESIGN)
    for strategy in ("welcome", "car"):
        treated, control = known(frame[frame.strategy == strategy])
        expected = stats.ttest_ind(treated.y_money, control.y_money, equal_var=False)
        plain = found.of(strategy, "money").plain
        assert plain.p_value == pytest.approx(expected.pvalue, rel=1e-6)
        assert plain.low == pytest.approx(expected.confidence_interval().low, rel=1e-6)
        active = found.of(strategy, "active")
        assert active.treated.mean == pytest.approx(
            frame[frame.strategy == strategy].query("arm == 'treated'").y_active.mean()
        )
        basket = found.of(strategy, "basket")
        mine = frame[(frame.strategy == strategy) & (frame.arm == "control")]
        assert basket.control.mean == pytest.approx(mine.y_basket.sum() / mine.y_visits.sum())


def test_the_covariate_of_a_customer_without_one_counts_as_average(duckdb_engine: Engine, tmp_path: Path) -> None:
    frame = customers()
    found = measure(duckdb_engine, written(frame, tmp_path / "table"), DESIGN).of("car", "money")
    shift = float(f"{frame.x_value.mean():.12g}")
    mine = frame[(frame.strategy == "car") & frame.y_money.notna()]
    before = mine.x_value.fillna(shift).to_numpy()
    is_treated = (mine.arm == "treated").to_numpy().astype(float)
    centred = before - before.mean()
    design = np.column_stack([np.ones(len(mine)), is_treated, centred, is_treated * centred])
    slopes = np.linalg.lstsq(design, mine.y_money.to_numpy(), rcond=None)[0]
    assert found.effect.value == pytest.approx(slopes[1], rel=1e-6)
    assert found.treated.customers > found.treated.measured == int(is_treated.sum())
    assert found.effect.se is not None and found.plain.se is not None and found.effect.se < 0.6 * found.plain.se


def test_groups_and_their_combinations_add_up_from_one_pass(duckdb_engine: Engine, tmp_path: Path) -> None:
    frame = customers()
    found = measure(duckdb_engine, written(frame, tmp_path / "table"), DESIGN)
    groups = [one for one in found.effects if one.dimension == "stage|tier" and one.metric == "active"]
    car = {one.group: one for one in groups if one.strategy == "car" and one.estimand is Estimand.OFFERED}
    assert sorted(car) == ["growing|", "growing|basic", "growing|gold", "mature|", "mature|basic", "mature|gold"]
    mine = frame[(frame.strategy == "car") & (frame.stage == "mature") & frame.tier.isna()]
    arms = [mine[mine.arm == arm].y_active for arm in ("treated", "control")]
    assert car["mature|"].plain.value == pytest.approx(arms[0].mean() - arms[1].mean())
    assert sum(one.treated.customers for one in car.values()) == found.of("car", "active").treated.customers
    adjusted = [one.p_adjusted for one in car.values()]
    raw = [one.effect.p_value for one in car.values()]
    assert adjusted == pytest.approx(list(stats.false_discovery_control(raw)))
    assert {one.subject for one in found.checks if one.name is CheckName.HETEROGENEITY} >= {"active by stage|tier"}


def test_too_many_combinations_are_read_apart_with_the_same_result(
    duckdb_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = written(customers(), tmp_path / "table")
    design = replace(DESIGN, dimensions=(("stage",), ("tier",), ("adviser",)))
    together = measure(duckdb_engine, files, design)
    monkeypatch.setattr("cultiva.review.measure_cells.CELLS_MOST", 4)
    apart = measure(duckdb_engine, files, design)
    assert [(one.dimension, one.group) for one in apart.effects] == [
        (one.dimension, one.group) for one in together.effects
    ]
    for one, other in zip(apart.effects, together.effects, strict=True):
        assert one.effect.value == pytest.approx(other.effect.value, rel=1e-9)


def test_trimmed_amounts_are_cut_at_the_strategys_own_quantiles(engine: Engine, tmp_path: Path) -> None:
    frame = customers()
    found = measure(engine, written(frame, tmp_path / "table"), DESIGN).of("car", "money", estimand=Estimand.TRIMMED)
    mine = frame[frame.strategy == "car"]
    low, high = mine.y_money.quantile([0.01, 0.99])
    treated, control = known(mine)
    assert found.cuts == pytest.approx((low, high))
    expected = treated.y_money.clip(low, high).mean() - control.y_money.clip(low, high).mean()
    assert found.plain.value == pytest.approx(expected, rel=1e-9)


def test_those_reached_stand_beside_those_offered(duckdb_engine: Engine, tmp_path: Path) -> None:
    frame = customers()
    found = measure(duckdb_engine, written(frame, tmp_path / "table"), replace(DESIGN, reached="reached"))
    offered, reached = found.of("car", "money"), found.of("car", "money", estimand=Estimand.REACHED)
    treated, _ = known(frame[frame.strategy == "car"])
    assert reached.treated.reached == pytest.approx(treated.reached.mean())
    assert offered.plain.value is not None and reached.treated.reached is not None
    assert reached.plain.value == pytest.approx(offered.plain.value / reached.treated.reached)


def test_whole_advisers_are_the_units_where_they_were_drawn(duckdb_engine: Engine, tmp_path: Path) -> None:
    frame = customers()
    frame["arm"] = np.where(frame.adviser.astype(int) < 17, "treated", "control")
    files = written(frame, tmp_path / "table")
    found = measure(duckdb_engine, files, replace(DESIGN, clusters={"car": "adviser"}))
    degrees = {name: found.of(name, "money").effect.degrees or 0 for name in ("car", "welcome")}
    assert 2 < degrees["car"] < 24
    assert degrees["welcome"] > 500
    ratio = next(one for one in found.checks if (one.strategy, one.name) == ("car", CheckName.SAMPLE_RATIO))
    assert ratio.value == pytest.approx(8 / 25)


def test_sequences_know_how_much_of_the_experiment_has_passed(duckdb_engine: Engine, tmp_path: Path) -> None:
    files = written(customers(), tmp_path / "table")
    widths = []
    for day in (date(2026, 2, 1), date(2026, 6, 1)):
        look = measure(duckdb_engine, files, replace(DESIGN, business_date=day, planned_customers={"car": 1500}))
        effect = look.of("car", "money")
        assert effect.always.high is not None and effect.always.low is not None and effect.effect.se is not None
        widths.append((effect.always.high - effect.always.low) / (2 * effect.effect.se))
    assert widths[0] > 3.5
    assert 2.9 < widths[1] < 3.2


def test_arms_that_are_not_as_drawn_alarm(duckdb_engine: Engine, tmp_path: Path) -> None:
    frame = customers(6000)
    lost = (frame.arm == "control") & (frame.x_value > frame.x_value.median()) & (frame.strategy == "car")
    frame.loc[(frame.arm == "control") & (frame.strategy == "welcome") & (frame.index % 5 == 0), "y_money"] = np.nan
    found = measure(duckdb_engine, written(frame[~lost], tmp_path / "table"), DESIGN)
    standing = {
        (one.strategy, one.name): one.standing for one in found.checks if one.name is not CheckName.HETEROGENEITY
    }
    assert standing["car", CheckName.SAMPLE_RATIO] is Standing.ALARM
    assert standing["car", CheckName.BALANCE] is Standing.ALARM
    assert standing["welcome", CheckName.SAMPLE_RATIO] is Standing.FINE
    assert standing["welcome", CheckName.MISSING] is Standing.ALARM


def numbers(one: Measured) -> list[float]:
    """All numbers of a row."""
    parts = [one.plain, one.effect, one.always, one.shrunk]
    found = [getattr(part, name) for part in parts for name in ("value", "se", "low", "high", "p_value")]
    return [number for number in [*found, one.p_adjusted, one.treated.mean, one.control.mean] if number is not None]


DEGENERATE = {
    "no control": lambda frame: frame[frame.arm == "treated"],
    "nobody treated": lambda frame: frame[frame.arm == "control"],
    "one customer": lambda frame: frame.head(1),
    "two customers": lambda frame: frame[frame.strategy == "car"].groupby("arm").head(1),
    "all the same": lambda frame: frame.assign(y_money=7.0, x_value=1.0, y_active=False),
    "never known": lambda frame: frame.assign(y_money=math.nan, x_value=math.nan),
    "unknown arms": lambda frame: frame.assign(arm="mixed"),
    "no rows": lambda frame: frame.head(0),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_what_cannot_be_measured_has_a_reason_and_never_a_nan(case: str, duckdb_engine: Engine, tmp_path: Path) -> None:
    frame = DEGENERATE[case](customers(400))
    design = replace(DESIGN, reached="reached", clusters={"car": "adviser"}, business_date=date(2026, 3, 1))
    table = pa.Table.from_pandas(
        frame, preserve_index=False, schema=pa.Schema.from_pandas(customers(400)).remove_metadata()
    )
    (tmp_path / "table").mkdir()
    pq.write_table(table, tmp_path / "table" / "part-00000.parquet")
    found = measure(duckdb_engine, [tmp_path / "table"], design)
    for one in found.effects:
        assert not any(math.isnan(number) for number in numbers(one))
        assert one.effect.known or one.effect.reason
    measured = {(one.strategy, one.metric): one.effect for one in found.effects if one.estimand is Estimand.OFFERED}
    assert bool(measured) == (case not in ("unknown arms", "no rows"))
    if case in ("no control", "nobody treated", "one customer", "two customers"):
        assert not any(effect.known for effect in measured.values())


def test_no_files_are_an_experiment_without_anybody(duckdb_engine: Engine) -> None:
    assert measure(duckdb_engine, [], DESIGN) == Measurement((), ())


def test_amounts_far_from_zero_keep_their_digits(duckdb_engine: Engine, tmp_path: Path) -> None:
    frame = customers()
    near = measure(duckdb_engine, written(frame, tmp_path / "near"), DESIGN).of("car", "money").effect
    far = frame.assign(y_money=frame.y_money + 1e8, x_value=frame.x_value - 1e8)
    found = measure(duckdb_engine, written(far, tmp_path / "far"), DESIGN).of("car", "money").effect
    assert (found.value, found.se) == pytest.approx((near.value, near.se), rel=1e-4)
