from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cultiva.review.statistics.checks import PRIOR_WEIGHT, balance, missing, sample_ratio
from cultiva.review.statistics.moments import Floats, Moments, Pair


def test_one_look_is_scipys_chi_square() -> None:
    expected = stats.chisquare([9100, 900], [9000, 1000])
    assert sample_ratio(9100, 900, 0.1).p_single == pytest.approx(expected.pvalue, rel=1e-9)


def test_the_sequential_p_value_is_a_ratio_of_beta_binomial_and_binomial() -> None:
    found = sample_ratio(8800, 1200, 0.1)
    prior = stats.betabinom.logpmf(1200, 10_000, PRIOR_WEIGHT * 0.1, PRIOR_WEIGHT * 0.9)
    promised = stats.binom.logpmf(1200, 10_000, 0.1)
    assert found.p_always == pytest.approx(np.exp(promised - prior), rel=1e-6)
    assert found.p_always is not None and found.p_always < 1e-6


def test_reading_every_day_seldom_alarms_where_all_is_well() -> None:
    draw = np.random.default_rng(5)
    controls = np.cumsum(draw.binomial(200, 0.1, (500, 84)), axis=1)
    totals = 200 * np.arange(1, 85)
    alarms = single = 0
    for one in controls:
        looks = [sample_ratio(int(n - c), int(c), 0.1) for n, c in zip(totals, one, strict=True)]
        alarms += any(look.p_always is not None and look.p_always < 0.05 for look in looks)
        single += any(look.p_single is not None and look.p_single < 0.05 for look in looks)
    assert alarms <= 25
    assert single > 100


@pytest.mark.parametrize(("arms", "share", "reason"), [((0, 0), 0.1, "nobody"), ((5, 0), 0.0, "leaves nothing")])
def test_nothing_to_compare_is_said(arms: tuple[int, int], share: float, reason: str) -> None:
    found = sample_ratio(*arms, share)
    assert found.p_always is None and reason in found.reason.en


def test_balance_is_in_standard_deviations_of_both_arms_and_a_pooled_test() -> None:
    draw = np.random.default_rng(6)
    treated, control = draw.normal(1, 2, (500, 1)), draw.normal(0.8, 2, (300, 1))
    found = balance(Pair(Moments.of(treated), Moments.of(control)), 0)
    together = np.concatenate([treated, control]).std(ddof=1)
    assert found.value == pytest.approx((treated.mean() - control.mean()) / together)
    statistic = found.value / np.sqrt(1 / 500 + 1 / 300)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(statistic), 300))
    assert found.p_value == pytest.approx(stats.ttest_ind(treated, control).pvalue[0], rel=0.05)
    assert "same for all" in balance(Pair(Moments.of(treated * 0), Moments.of(control * 0)), 0).reason.en


@pytest.mark.parametrize("shape", ["normal", "lognormal", "few large", "Pareto"])
@pytest.mark.parametrize("held", [30, 100, 400])
def test_what_the_draw_made_alike_seldom_alarms_however_heavy_the_tails(shape: str, held: int) -> None:
    """At the alarm's level of one in a thousand, many draws of a holdout from 2,000 customers; Welch gives far more."""
    draw, alarms, welch, looks = np.random.default_rng([held, len(shape)]), 0, 0, 2000
    heavy = shape != "normal" and held == 30
    for _ in range(looks // 20):
        one = people(draw, shape)
        kurtosis = float(stats.kurtosis(one, fisher=False))
        for _ in range(20):
            draw.shuffle(one)
            sides = one[held:], one[:held]
            pair = Pair(Moments.of(sides[0][:, None]), Moments.of(sides[1][:, None]))
            p_value = balance(pair, 0, kurtosis).p_value
            alarms += p_value is not None and p_value < 0.001
            welch += heavy and bool(stats.ttest_ind(*sides, equal_var=False).pvalue < 0.001)
    assert alarms <= stats.binom.ppf(0.999, looks, 0.001)
    if heavy:
        assert welch > 5 * max(alarms, 3)


def people(draw: np.random.Generator, shape: str) -> Floats:
    """What 2,000 customers brought in before."""
    if shape == "normal":
        return draw.normal(100, 20, 2000)
    if shape == "lognormal":
        return draw.lognormal(4, 1.5, 2000)
    if shape == "few large":
        return np.where(draw.random(2000) < 0.01, draw.exponential(10_000, 2000), draw.normal(10, 1, 2000))
    return draw.pareto(1.3, 2000)


def test_arms_that_differ_alarm_all_the_same() -> None:
    """A tenth of a standard deviation with 20,000 customers, and heavy tails that are made for one side only."""
    draw = np.random.default_rng(9)
    before = draw.lognormal(4, 1, 40_000)
    chosen = draw.random(40_000) < np.where(before > np.median(before), 0.45, 0.55)
    pair = Pair(Moments.of(before[~chosen][:, None]), Moments.of(before[chosen][:, None]))
    found = balance(pair, 0, float(stats.kurtosis(before, fisher=False)))
    assert found.p_value is not None and found.p_value < 0.001


def test_missing_values_are_compared_by_a_pooled_z_test() -> None:
    found = missing((50, 1000), (20, 1000))
    table = stats.chi2_contingency([[50, 950], [20, 980]], correction=False)
    assert found.value == pytest.approx(0.03)
    assert found.p_value == pytest.approx(table.pvalue)
    assert missing((0, 10), (0, 10)).p_value == 1.0
    assert missing((0, 0), (0, 10)).reason.en == "an arm is empty"
