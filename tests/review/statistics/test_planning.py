from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from cultiva.review.statistics.planning import Duration, Plan, customers_needed, duration, power, smallest_effect

ONE_LOOK = Plan(sd=10.0, control_share=0.5, daily_looks=False)


def test_the_textbook_number_of_customers() -> None:
    """Two arms, effect of a fifth of a standard deviation, 80 % power: 393 each by the normal formula."""
    assert customers_needed(ONE_LOOK, 2.0) == pytest.approx(2 * 392.44, abs=1.5)


def test_what_is_needed_shows_what_was_planned() -> None:
    needed = customers_needed(ONE_LOOK, 0.7)
    assert needed is not None
    assert smallest_effect(ONE_LOOK, needed) == pytest.approx(0.7, rel=1e-3)
    assert power(ONE_LOOK, 0.7, needed) == pytest.approx(0.8, abs=1e-3)


def test_power_is_what_simulated_experiments_have() -> None:
    plan = replace(ONE_LOOK, control_share=0.2)
    draw = np.random.default_rng(7)
    found = [
        stats.ttest_ind(draw.normal(2.0, 10, 800), draw.normal(0, 10, 200), equal_var=False).pvalue < 0.05
        for _ in range(1500)
    ]
    assert np.mean(found) == pytest.approx(power(plan, 2.0, 1000), abs=0.04)


def test_covariates_save_customers_and_daily_looks_cost_them() -> None:
    base = customers_needed(ONE_LOOK, 1.0)
    assert base is not None
    assert customers_needed(replace(ONE_LOOK, explained=0.5), 1.0) == pytest.approx(base / 2, abs=1)
    watched = customers_needed(replace(ONE_LOOK, daily_looks=True), 1.0)
    assert watched is not None and 1.5 * base < watched < 2.2 * base


def test_weeks_and_reasons() -> None:
    assert duration(ONE_LOOK, 2.0, enrolled=lambda weeks: 100 * weeks).weeks == 8
    assert "more than 104" in duration(ONE_LOOK, 0.01, enrolled=lambda weeks: 10 * weeks).reason.en
    assert "nobody is enrolled" in duration(ONE_LOOK, 2.0, enrolled=lambda weeks: 0 * weeks).reason.en
    assert "zero is never seen" in duration(ONE_LOOK, 0.0, enrolled=lambda weeks: 10 * weeks).reason.en
    nobody = replace(ONE_LOOK, control_share=0.0)
    assert "nobody to compare with" in duration(nobody, 1.0, enrolled=lambda weeks: 10 * weeks).reason.en
    assert smallest_effect(nobody, 100) is None
    assert power(nobody, 1.0, 100) == 0.0
    assert math.isfinite(power(ONE_LOOK, 1e6, 10))


def test_more_customers_than_there_are_are_never_enrolled() -> None:
    needed = customers_needed(ONE_LOOK, 2.0)
    assert needed is not None
    short = duration(ONE_LOOK, 2.0, enrolled=lambda weeks: min(needed * weeks, needed - 1))
    assert (short.weeks, short.customers) == (None, needed)
    assert f"{needed - 1:,} in all" in short.reason.en
    assert duration(ONE_LOOK, 2.0, enrolled=lambda weeks: min(2 * needed * weeks, needed)) == Duration(1, needed)


def test_clusters_cost_what_their_likeness_says_and_more_customers_do_not_help_for_ever() -> None:
    """A hundred clusters, correlation 0.02: with 30 customers each Kish's design effect is 1.58."""
    plan = replace(ONE_LOOK, clusters=100.0, cluster_correlation=0.02)
    assert plan.variance(3000) == pytest.approx(1.58 * ONE_LOOK.variance(3000))
    assert plan.variance(50) == pytest.approx(ONE_LOOK.variance(50)), "one customer each"
    needed = customers_needed(plan, 1.0)
    assert needed is not None
    assert smallest_effect(plan, needed) == pytest.approx(1.0, rel=1e-3)
    least = plan.reach * math.sqrt(plan.floor)
    assert customers_needed(plan, 0.99 * least) is None
    assert "more clusters would" in duration(plan, 0.99 * least, enrolled=lambda weeks: 100 * weeks).reason.en
    assert "only 2 clusters" in duration(replace(plan, clusters=5.0), 1.0, enrolled=lambda weeks: 100 * weeks).reason.en


def test_power_with_clusters_is_what_simulated_experiments_have() -> None:
    """Thirty clusters of fifty customers, correlation 0.1, read by a t test of the clusters' means."""
    plan = replace(ONE_LOOK, clusters=30.0, cluster_correlation=0.1)
    draw = np.random.default_rng(11)
    spread, within = math.sqrt(10.0), math.sqrt(90 / 50)
    found = []
    for _ in range(2000):
        means = draw.normal(0, spread, 30) + draw.normal(0, within, 30)
        found.append(stats.ttest_ind(means[:15] + 3.5, means[15:]).pvalue < 0.05)
    assert np.mean(found) == pytest.approx(power(plan, 3.5, 1500), abs=0.05)
