"""What an adviser's customers brought beyond those left alone: found where it is, not claimed where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import ttest_ind

from cultiva.loop.adviser_lift import FEWEST, lift_of, residuals


def made(effect: float, *, seed: int = 7, size: int = 4000) -> pl.DataFrame:
    """Two strategies of other levels, a covariate that explains most, a tenth left alone."""
    random = np.random.default_rng(seed)
    strategy = random.choice(["a", "b"], size)
    treated = random.random(size) > 0.1
    x = random.normal(50.0, 20.0, size)
    y = 2 * x + np.where(strategy == "a", 0.0, 500.0) + effect * treated + random.normal(0, 5, size)
    return pl.DataFrame({"strategy": strategy, "treated": treated, "x": x, "y": y})


def sums(rows: pl.DataFrame, column: str) -> dict[str, Any]:
    treated, alone = (rows.filter(pl.col("treated") == side)[column] for side in (True, False))
    return {
        "customers": len(treated), "alone": len(alone), "mean": treated.mean(), "mean_alone": alone.mean(),
        "spread": treated.var(), "spread_alone": alone.var(),
    }  # fmt: skip


@pytest.mark.parametrize("effect", [0.0, 12.0])
def test_a_known_effect_is_found_although_strategies_and_customers_differ(effect: float) -> None:
    found = lift_of(sums(residuals(made(effect)), "r"), 0.99)
    assert found.effect is not None and found.low is not None and found.high is not None
    assert found.low < effect < found.high and found.high - found.low < 4  # noise of 5, some 400 left alone
    assert found.sure == (effect != 0.0)


def test_what_was_to_be_expected_narrows_the_interval() -> None:
    rows = made(12.0)
    plain, better = lift_of(sums(rows, "y"), 0.95), lift_of(sums(residuals(rows), "r"), 0.95)
    assert plain.high is not None and plain.low is not None and better.high is not None and better.low is not None
    assert better.high - better.low < (plain.high - plain.low) / 10


def test_the_interval_is_welchs() -> None:
    rows = made(3.0, size=300)
    treated, alone = (rows.filter(pl.col("treated") == side)["y"].to_numpy() for side in (True, False))
    theirs = ttest_ind(treated, alone, equal_var=False).confidence_interval(0.95)
    mine = lift_of(sums(rows, "y"), 0.95)
    assert mine.low == pytest.approx(theirs.low) and mine.high == pytest.approx(theirs.high)


def test_too_few_on_either_side_are_no_result() -> None:
    row = {"customers": 500, "alone": FEWEST - 1, "mean": 9.0, "mean_alone": 1.0, "spread": 1.0, "spread_alone": 1.0}
    assert lift_of(row, 0.95).effect is None and lift_of(row, 0.95).total is None
    assert lift_of({**row, "alone": FEWEST}, 0.95).effect == 8.0
    assert lift_of({**row, "customers": 3, "alone": 400}, 0.95).effect is None


def test_a_strategy_that_leaves_nobody_alone_says_nothing() -> None:
    rows = pl.DataFrame({"strategy": ["a", "a", "b", "b"], "treated": [True, True, True, False], "x": [1.0, 1, 1, 1],
                         "y": [9.0, 9.0, 5.0, 4.0]})  # fmt: skip
    assert residuals(rows)["strategy"].unique().to_list() == ["b"]
    assert residuals(rows)["r"].to_list() == [1.0, 0.0]  # a covariate that does not vary explains nothing
