"""Before launch: numbers worked out beside it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.review.bank import DAY, DECISION, PERFORMANCE, WEEK, brought, decided, put
from tests.strategy.conftest import strategy

from cultiva.contracts.types import Column, DataType
from cultiva.definitions.review import Review
from cultiva.engine.port import Engine
from cultiva.review.prospect import Prospect, ProspectInputs, prospect
from cultiva.review.statistics.sequences import bound

COLUMNS = [*PERFORMANCE, Column("days", DataType.INTEGER)]
A = strategy("a")
KNOWN = Prospect("a", 100, 0, 7, 50.0, 10.0, 0.36, 14, 0.95)
"""Nobody waits; the covariate takes a fifth off the standard deviation."""


def test_customers_and_their_money_are_those_of_the_plan(engine: Engine, tmp_path: Path) -> None:
    """Two weeks of results, projected to the horizon; who is refused does not count, who has no
    results brings 0."""
    fates = {
        n: "chosen" if n <= 40 else "no_capacity" if n <= 60 else "outbid" if n <= 80 else "unsuitable"
        for n in range(1, 91)
    }
    rng = np.random.default_rng(3)
    before = rng.normal(100, 20, 90).round(2)
    first, second = (before + rng.normal(0, 10, 90)).round(2), (before + rng.normal(0, 10, 90)).round(2)
    decisions = [decided(n, fate) for n, fate in fates.items()] + [decided(n, strategy="b") for n in fates]

    def week(number: int, money: np.ndarray) -> list[Path]:
        rows = [brought(n, DAY + number * WEEK, float(money[n - 1]), days=7) for n in fates if n != 60 or not number]
        return put(tmp_path / f"week{number}", rows, COLUMNS)

    inputs = ProspectInputs(
        put(tmp_path / "decisions", decisions, DECISION), [*week(1, first), *week(2, second)], week(0, before), 7
    )
    found = prospect(engine, inputs, A, Review(horizon_days=84))
    money = (first + second)[:80]
    money[59] = 0.0
    assert (found.ready, found.waiting, found.later, found.days) == (40, 20, 20, 14)
    assert found.mean == pytest.approx(6 * money.mean())
    assert found.sd == pytest.approx(6 * money.std(ddof=1))
    assert found.explained == pytest.approx(stats.pearsonr(before[:80], money).statistic ** 2)
    nothing = prospect(engine, replace(inputs, before=[]), A, Review())
    assert (nothing.explained, nothing.residual_sd) == (0.0, nothing.sd)
    assert prospect(engine, inputs, strategy("unknown"), Review()).pool == 0


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


LOG = [Column("strategy", DataType.TEXT), Column("customer_id", DataType.INTEGER)]


def test_a_strategy_that_runs_counts_those_not_enrolled_yet_and_newcomers(engine: Engine, tmp_path: Path) -> None:
    """Forty take part already, most of them capped now; of the others ten came within the last 20 days."""
    fates = ["chosen"] * 5 + ["no_capacity"] * 5 + ["capped"] * 60 + ["outbid"] * 10 + ["not_eligible"] * 20
    decisions = [decided(n, fate) for n, fate in enumerate(fates, start=1)]
    log = [{"strategy": "a", "customer_id": n} for n in range(11, 51)] + [{"strategy": "b", "customer_id": 1}]
    inputs = ProspectInputs(
        decisions=put(tmp_path / "decisions", decisions, DECISION),
        results=put(tmp_path / "results", [brought(n, DAY, 10.0 + n, days=7) for n in range(1, 101)], COLUMNS),
        before=[],
        run_days=7,
        exposure=put(tmp_path / "exposure", log, LOG),
        past=put(tmp_path / "past", [decided(n) for n in range(1, 101) if n not in range(66, 76)], DECISION),
        past_days=20,
        cap_days=28,
    )
    found = prospect(engine, inputs, A, Review(horizon_days=84))
    assert (found.ready, found.waiting, found.later, found.enrolled_already) == (5, 5, 30, 40)
    assert (found.pool, found.inflow) == (40, 0.5)
    assert found.clusters is None
    unlimited = replace(found, waiting=0)
    assert [unlimited.enrolled(weeks, 0.1) for weeks in (1, 2, 4, 8)] == [16, 27, 49, 63]
    assert found.enrolled(8, 0.5) == 68, "newcomers run out before hands do"
    assert found.enrolled(4, 0.5) == 40, "ten a week"


def test_advisers_drawn_as_a_whole_are_counted_and_how_alike_their_customers_are(
    engine: Engine, tmp_path: Path
) -> None:
    """The intraclass correlation of a balanced one-way layout, by scipy's F statistic."""
    draw = np.random.default_rng(5)
    money = (100 + draw.normal(0, 8, 30)[:, None] + draw.normal(0, 10, (30, 10))).round(2)
    people = [(team * 10 + one + 1, team, float(money[team, one])) for team in range(30) for one in range(10)]
    inputs = ProspectInputs(
        decisions=put(tmp_path / "decisions", [decided(n, adviser_id=f"A{team}") for n, team, _ in people], DECISION),
        results=put(tmp_path / "results", [brought(n, DAY, amount, days=7) for n, _, amount in people], COLUMNS),
        before=[],
        run_days=7,
    )
    found = prospect(engine, inputs, strategy("a", holdout_by="adviser"), Review(horizon_days=84))
    ratio = stats.f_oneway(*money).statistic
    assert found.clusters == pytest.approx(30)
    assert found.correlation == pytest.approx((ratio - 1) / (ratio + 9))
    alone = replace(found, clusters=None, correlation=0.0)
    wide, narrow = found.smallest(1, 0.5), alone.smallest(1, 0.5)
    assert wide is not None and narrow is not None
    assert wide > 1.5 * narrow
