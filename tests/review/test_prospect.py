"""Before launch: numbers worked out beside it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.review.bank import DAY, DECISION, PERFORMANCE, WEEK, brought, decided, put

from cultiva.contracts.types import Column, DataType
from cultiva.definitions.review import Review
from cultiva.engine.port import Engine
from cultiva.review.prospect import Prospect, ProspectInputs, prospect
from cultiva.review.statistics.sequences import bound

COLUMNS = [*PERFORMANCE, Column("days", DataType.INTEGER)]
KNOWN = Prospect("a", 100, 0, 7, 50.0, 10.0, 0.36, 14, 0.95)
"""Nobody waits; the covariate takes a fifth off the standard deviation."""


def test_customers_and_their_money_are_those_of_the_plan(engine: Engine, tmp_path: Path) -> None:
    """Two weeks of results, projected to the horizon; who is refused does not count, who has no results brings 0."""
    fates = {n: "chosen" if n <= 40 else "no_capacity" if n <= 60 else "capped" for n in range(1, 81)}
    rng = np.random.default_rng(3)
    before = rng.normal(100, 20, 80).round(2)
    first, second = (before + rng.normal(0, 10, 80)).round(2), (before + rng.normal(0, 10, 80)).round(2)
    decisions = [decided(n, fate) for n, fate in fates.items()] + [decided(n, strategy="b") for n in fates]

    def week(number: int, money: np.ndarray) -> list[Path]:
        rows = [brought(n, DAY + number * WEEK, float(money[n - 1]), days=7) for n in fates if n != 60 or not number]
        return put(tmp_path / f"week{number}", rows, COLUMNS)

    inputs = ProspectInputs(
        put(tmp_path / "decisions", decisions, DECISION), [*week(1, first), *week(2, second)], week(0, before), 7
    )
    found = prospect(engine, inputs, "a", Review(horizon_days=84))
    money = (first + second)[:60]
    money[59] = 0.0
    assert (found.ready, found.waiting, found.days) == (40, 20, 14)
    assert found.mean == pytest.approx(6 * money.mean())
    assert found.sd == pytest.approx(6 * money.std(ddof=1))
    assert found.explained == pytest.approx(stats.pearsonr(before[:60], money).statistic ** 2)
    nothing = prospect(engine, replace(inputs, before=[]), "a", Review())
    assert (nothing.explained, nothing.residual_sd) == (0.0, nothing.sd)
    assert prospect(engine, inputs, "unknown", Review()).pool == 0


@pytest.mark.parametrize("holdout", [0.05, 0.5])
def test_the_smallest_effect_is_the_closed_form(holdout: float) -> None:
    se = 8.0 * math.sqrt((1 / holdout + 1 / (1 - holdout)) / 100)
    expected = (bound(1.0, 0.95) + float(stats.norm.ppf(0.8))) * se
    assert KNOWN.smallest(2, holdout) == pytest.approx(expected) == KNOWN.smallest(26, holdout)
    assert KNOWN.weeks_for(expected * 1.0001, holdout).weeks == 1
    never = KNOWN.weeks_for(expected * 0.99, holdout)
    assert never.weeks is None and "100 in all" in never.reason.en


def test_where_hands_are_short_customers_come_week_by_week() -> None:
    """Ten a run, a run every day: 70 a week, and those held out on top, until nobody is left."""
    short = replace(KNOWN, ready=10, waiting=990, run_days=1)
    assert short.per_week(0.5) == pytest.approx(140)
    assert [short.enrolled(weeks, 0.3) for weeks in (1, 2, 26)] == [100, 200, 1000]
    first, second = short.smallest(2, 0.5), short.smallest(4, 0.5)
    assert first is not None and second is not None
    assert first / second == pytest.approx(math.sqrt(2))
    assert short.weeks_for(first, 0.5).weeks == 2


def test_nobody_and_nothing_to_compare_have_no_number() -> None:
    assert replace(KNOWN, ready=0).smallest(26, 0.1) is None
    assert KNOWN.smallest(26, 0.0) is None
    assert KNOWN.smallest(26, 1.0) is None
    assert replace(KNOWN, ready=0).weeks_for(1.0, 0.1).reason
