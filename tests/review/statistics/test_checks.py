from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cultiva.review.statistics.checks import PRIOR_WEIGHT, balance, missing, sample_ratio
from cultiva.review.statistics.moments import Moments, Pair


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


def test_balance_is_in_standard_deviations_and_welchs_test() -> None:
    draw = np.random.default_rng(6)
    treated, control = draw.normal(1, 2, (500, 1)), draw.normal(0.8, 3, (300, 1))
    found = balance(Pair(Moments.of(treated), Moments.of(control)), 0)
    pooled = np.sqrt((treated.var(ddof=1) + control.var(ddof=1)) / 2)
    assert found.value == pytest.approx((treated.mean() - control.mean()) / pooled)
    assert found.p_value == pytest.approx(stats.ttest_ind(treated, control, equal_var=False).pvalue[0])
    assert "same for all" in balance(Pair(Moments.of(treated * 0), Moments.of(control * 0)), 0).reason.en


def test_missing_values_are_compared_by_a_pooled_z_test() -> None:
    found = missing((50, 1000), (20, 1000))
    table = stats.chi2_contingency([[50, 950], [20, 980]], correction=False)
    assert found.value == pytest.approx(0.03)
    assert found.p_value == pytest.approx(table.pvalue)
    assert missing((0, 10), (0, 10)).p_value == 1.0
    assert missing((0, 0), (0, 10)).reason.en == "an arm is empty"
