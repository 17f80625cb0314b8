"""Hillstrom's e-mail experiment (2008): two mailings against none, measured by the product and by hand."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats

from cultiva.engine.port import Engine
from cultiva.review.measure import CheckName, Design, Estimand, Kind, Measurement, MetricDesign, Standing, measure

DATA = Path(os.environ.get("CULTIVA_DATA", Path(__file__).parents[3] / "shared" / "data"))
FILE = DATA / "hillstrom_email" / "Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv.gz"
MAILINGS = {"mens": "Mens E-Mail", "womens": "Womens E-Mail"}
DESIGN = Design(
    metrics=(
        MetricDesign("visit", Kind.SHARE, covariate="history"),
        MetricDesign("conversion", Kind.SHARE, covariate="history"),
        MetricDesign("spend", covariate="history", trimmed=True),
    ),
    dimensions=(("bought",), ("newbie",), ("bought", "newbie")),
    control_shares={"mens": 0.5, "womens": 0.5},
)
pytestmark = [pytest.mark.data, pytest.mark.skipif(not FILE.exists(), reason=f"no {FILE}")]


@pytest.fixture(scope="module")
def customers() -> Any:
    return pd.read_csv(FILE)


@pytest.fixture(scope="module")
def measured(customers: Any, duckdb_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Measurement:
    """Each mailing is a strategy whose control is the group without mail."""
    folder = tmp_path_factory.mktemp("hillstrom")
    for place, (strategy, segment) in enumerate(MAILINGS.items()):
        mine = customers[customers.segment.isin([segment, "No E-Mail"])]
        bought = np.select([(mine.mens == 1) & (mine.womens == 1), mine.mens == 1], ["both", "mens"], "womens")
        table = pa.table(
            {
                "strategy": [strategy] * len(mine),
                "customer_id": mine.index.to_numpy(),
                "arm": np.where(mine.segment == segment, "treated", "control"),
                "y_visit": mine.visit.to_numpy() == 1,
                "y_conversion": mine.conversion.to_numpy() == 1,
                "y_spend": mine.spend.to_numpy(),
                "x_history": mine.history.to_numpy(),
                "bought": bought,
                "newbie": mine.newbie.astype(str).to_numpy(),
            }
        )
        pq.write_table(table, folder / f"part-{place:05d}.parquet")
    return measure(duckdb_engine, [folder], DESIGN)


@pytest.mark.parametrize("strategy", MAILINGS)
@pytest.mark.parametrize("metric", ["visit", "conversion", "spend"])
def test_lifts_are_those_of_an_independent_calculation(
    strategy: str, metric: str, customers: Any, measured: Measurement
) -> None:
    values = [customers[customers.segment == segment][metric] for segment in (MAILINGS[strategy], "No E-Mail")]
    found = measured.of(strategy, metric)
    expected = stats.ttest_ind(values[0], values[1], equal_var=False).confidence_interval()
    assert (found.treated.mean, found.control.mean) == pytest.approx([value.mean() for value in values], rel=1e-12)
    assert found.plain.value == pytest.approx(values[0].mean() - values[1].mean(), rel=1e-12)
    assert (found.plain.low, found.plain.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_the_known_lifts(measured: Measurement) -> None:
    """In points of a per cent and dollars, as published on this data many times."""
    lifts = {
        (strategy, metric): measured.of(strategy, metric).plain.value
        for strategy in MAILINGS
        for metric in ("visit", "conversion", "spend")
    }
    assert {key: round(value, 4) for key, value in lifts.items() if value is not None} == {
        ("mens", "visit"): 0.0766,
        ("mens", "conversion"): 0.0068,
        ("mens", "spend"): 0.7698,
        ("womens", "visit"): 0.0452,
        ("womens", "conversion"): 0.0031,
        ("womens", "spend"): 0.4244,
    }


@pytest.mark.parametrize("strategy", MAILINGS)
@pytest.mark.parametrize("metric", ["visit", "conversion", "spend"])
def test_with_the_history_it_is_a_regression_with_own_slopes(
    strategy: str, metric: str, customers: Any, measured: Measurement
) -> None:
    mine = customers[customers.segment.isin([MAILINGS[strategy], "No E-Mail"])]
    mailed = (mine.segment == MAILINGS[strategy]).to_numpy().astype(float)
    history = (mine.history - mine.history.mean()).to_numpy()
    design = np.column_stack([np.ones(len(mine)), mailed, history, mailed * history])
    slopes, *_ = np.linalg.lstsq(design, mine[metric].to_numpy(dtype=float), rcond=None)
    residuals = mine[metric].to_numpy(dtype=float) - design @ slopes
    bread = np.linalg.inv(design.T @ design)
    robust = bread @ (design.T * residuals**2) @ design @ bread
    found = measured.of(strategy, metric).effect
    assert found.value == pytest.approx(slopes[1], rel=1e-6)
    assert found.se == pytest.approx(math.sqrt(robust[1, 1]), rel=2e-3)


def test_effects_by_group_are_those_of_the_groups_alone(customers: Any, measured: Measurement) -> None:
    mine = customers[(customers.mens == 1) & (customers.womens == 1)]
    found = [
        one
        for one in measured.effects
        if (one.strategy, one.dimension, one.group, one.metric) == ("mens", "bought", "both", "visit")
    ]
    arms = [mine[mine.segment == segment].visit for segment in ("Mens E-Mail", "No E-Mail")]
    assert found[0].plain.value == pytest.approx(arms[0].mean() - arms[1].mean(), rel=1e-12)
    assert found[0].treated.customers == len(arms[0])


def test_the_womens_mailing_works_on_those_who_bought_womens_goods(measured: Measurement) -> None:
    """The best known finding on this data; the groups surely differ, and shrinking keeps their order."""
    groups = {
        one.group: one
        for one in measured.effects
        if (one.strategy, one.dimension, one.metric) == ("womens", "bought", "visit")
    }
    effects = {name: one.effect.value or 0.0 for name, one in groups.items()}
    shrunk = {name: one.shrunk.value or 0.0 for name, one in groups.items()}
    assert effects["womens"] > 3 * effects["mens"]
    assert sorted(effects, key=effects.__getitem__) == sorted(shrunk, key=shrunk.__getitem__)
    assert shrunk["womens"] - shrunk["mens"] < effects["womens"] - effects["mens"]
    seen = [one for one in measured.checks if (one.strategy, one.subject) == ("womens", "visit by bought")]
    assert seen[0].standing is Standing.NOTICE


def test_spend_trimmed_is_cut_at_the_quantiles_of_both_arms(customers: Any, measured: Measurement) -> None:
    mine = customers[customers.segment.isin(["Mens E-Mail", "No E-Mail"])]
    low, high = mine.spend.quantile([0.001, 0.999])
    cut = mine.spend.clip(low, high)
    found = measured.of("mens", "spend", estimand=Estimand.TRIMMED)
    expected = cut[mine.segment == "Mens E-Mail"].mean() - cut[mine.segment == "No E-Mail"].mean()
    assert found.cuts == pytest.approx((low, high))
    assert found.plain.value == pytest.approx(expected, rel=1e-9)
    whole = measured.of("mens", "spend").plain
    assert found.plain.se is not None and whole.se is not None and found.plain.se < whole.se


def test_the_experiment_was_drawn_well_and_its_lifts_survive_daily_looks(measured: Measurement) -> None:
    checks = [one for one in measured.checks if one.name in (CheckName.SAMPLE_RATIO, CheckName.BALANCE)]
    assert {one.standing for one in checks} == {Standing.FINE}
    assert all(measured.of(strategy, "visit").always.certain for strategy in MAILINGS)
