"""Differences against closed forms of others: scipy's t tests, a regression written out, tea-tasting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import tea_tasting
from scipy import stats
from tea_tasting.aggr import Aggregates

from cultiva.review.statistics.differences import Roles, complier_difference, difference, refusal
from cultiva.review.statistics.estimate import t_quantile
from cultiva.review.statistics.moments import Clusters, Floats, Moments, Pair


def drawn(seed: int, treated: int = 300, control: int = 120) -> tuple[Floats, Floats]:
    """Value, covariate, denominator, reached; the slope differs between the arms."""
    draw = np.random.default_rng(seed)
    arms = []
    for count, slope, taken in ((treated, 1.4, 0.4), (control, 0.8, 0.0)):
        before = draw.exponential(2.0, count)
        reached = (draw.random(count) < taken).astype(float)
        value = slope * before + draw.normal(10, 1, count) + reached
        arms.append(np.column_stack([value, before, draw.poisson(4, count) + 1.0, reached]))
    return arms[0], arms[1]


def pair(treated: Floats, control: Floats) -> Pair:
    return Pair(Moments.of(treated), Moments.of(control))


def test_the_plain_difference_is_welchs_t_test() -> None:
    treated, control = drawn(1)
    found = difference(pair(treated, control), Roles(covariate=1), adjusted=False, confidence=0.9)
    expected = stats.ttest_ind(treated[:, 0], control[:, 0], equal_var=False)
    interval = expected.confidence_interval(0.9)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.degrees == pytest.approx(expected.df, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_the_adjusted_difference_is_lins_regression_with_own_slopes() -> None:
    treated, control = drawn(2)
    both = np.vstack([treated, control])
    is_treated = np.repeat([1.0, 0.0], [len(treated), len(control)])
    centred = both[:, 1] - both[:, 1].mean()
    design = np.column_stack([np.ones(len(both)), is_treated, centred, is_treated * centred])
    fitted = np.linalg.lstsq(design, both[:, 0], rcond=None)[0]
    found = difference(pair(treated, control), Roles(covariate=1))
    assert found.value == pytest.approx(fitted[1], rel=1e-9)
    assert found.se is not None
    plain = difference(pair(treated, control), Roles(covariate=1), adjusted=False)
    assert plain.se is not None and found.se < 0.6 * plain.se


def test_no_other_slope_has_a_smaller_standard_error() -> None:
    treated, control = drawn(3, 1000, 1000)
    found = difference(pair(treated, control), Roles(covariate=1))
    for slope in np.linspace(0, 2.5, 26):
        residual = [(arm[:, 0] - slope * arm[:, 1]).var(ddof=1) / len(arm) for arm in (treated, control)]
        assert found.se is not None and found.se <= math.sqrt(sum(residual)) * 1.001


def test_with_equal_arms_cuped_is_that_of_tea_tasting() -> None:
    treated, control = drawn(4, 2000, 2000)
    names = ("value", "before")
    groups = [
        Aggregates(
            len(arm),
            {name: float(arm[:, place].mean()) for place, name in enumerate(names)},
            {name: float(arm[:, place].var(ddof=1)) for place, name in enumerate(names)},
            {names: float(np.cov(arm[:, 0], arm[:, 1])[0, 1])},
        )
        for arm in (control, treated)
    ]
    expected = tea_tasting.Mean("value", "before").analyze_aggregates(groups[0], groups[1])
    found = difference(pair(treated, control), Roles(covariate=1))
    assert found.value == pytest.approx(expected.treatment - expected.control, rel=0.02)
    assert found.low == pytest.approx(expected.effect_size_ci_lower, rel=0.02)
    assert found.high == pytest.approx(expected.effect_size_ci_upper, rel=0.02)


def test_a_ratio_is_that_of_tea_tasting() -> None:
    treated, control = drawn(5)
    names = ("above", "below")
    groups = [
        Aggregates(
            len(arm),
            {"above": float(arm[:, 0].mean()), "below": float(arm[:, 2].mean())},
            {"above": float(arm[:, 0].var(ddof=1)), "below": float(arm[:, 2].var(ddof=1))},
            {names: float(np.cov(arm[:, 0], arm[:, 2])[0, 1])},
        )
        for arm in (control, treated)
    ]
    expected = tea_tasting.RatioOfMeans("above", "below").analyze_aggregates(groups[0], groups[1])
    found = difference(pair(treated, control), Roles(denominator=2))
    assert found.value == pytest.approx(expected.effect_size, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((expected.effect_size_ci_lower, expected.effect_size_ci_upper))
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)


def test_the_covariate_helps_a_ratio_too() -> None:
    treated, control = drawn(6)
    plain = difference(pair(treated, control), Roles(denominator=2))
    adjusted = difference(pair(treated, control), Roles(denominator=2, covariate=1))
    assert plain.se is not None and adjusted.se is not None and adjusted.se < plain.se


def clusters_of(values: Floats, member: Any, is_treated: Any) -> Pair:
    arms = [values[is_treated], values[~is_treated]]
    moments = [Moments.of(arm[:, None]) for arm in arms]
    size = int(member.max()) + 1
    counts = [np.bincount(member[chosen], minlength=size).astype(float) for chosen in (is_treated, ~is_treated)]
    sums = [
        np.bincount(member[chosen], values[chosen] - arm.mean[0], size)[:, None].astype(np.float64)
        for chosen, arm in zip((is_treated, ~is_treated), moments, strict=True)
    ]
    return Pair(moments[0], moments[1], Clusters(counts[0], counts[1], sums[0], sums[1]))


def test_clusters_of_equal_size_are_a_t_test_of_their_means() -> None:
    draw = np.random.default_rng(7)
    member = np.repeat(np.arange(11), 40)
    values = draw.normal(0, 1, 11)[member] + draw.normal(0, 1, len(member))
    found = difference(clusters_of(values, member, member < 4), Roles())
    means = np.array([values[member == one].mean() for one in range(11)])
    expected = stats.ttest_ind(means[:4], means[4:], equal_var=False)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.degrees == pytest.approx(expected.df, rel=1e-9)


def test_clusters_with_both_arms_are_a_paired_t_test() -> None:
    draw = np.random.default_rng(8)
    member = np.repeat(np.arange(9), 40)
    is_treated = np.tile(np.repeat([True, False], 20), 9)
    values = draw.normal(0, 1, 9)[member] + draw.normal(0, 1, len(member)) + 0.2 * is_treated
    found = difference(clusters_of(values, member, is_treated), Roles())
    means = np.array([[values[(member == one) & (is_treated == arm)].mean() for one in range(9)] for arm in (1, 0)])
    expected = stats.ttest_rel(means[0], means[1])
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.degrees == pytest.approx(8)


def test_the_complier_effect_is_two_stage_least_squares() -> None:
    treated, control = drawn(9)
    both = np.vstack([treated, control])
    offered = np.repeat([1.0, 0.0], [len(treated), len(control)])
    instruments = np.column_stack([np.ones(len(both)), offered])
    regressors = np.column_stack([np.ones(len(both)), both[:, 3]])
    slope = np.linalg.solve(instruments.T @ regressors, instruments.T @ both[:, 0])
    residual = both[:, 0] - regressors @ slope
    found = complier_difference(pair(treated, control), Roles(reached=3))
    assert found.value == pytest.approx(slope[1], rel=1e-9)
    parts = [residual[offered == arm].var(ddof=1) / np.sum(offered == arm) for arm in (1, 0)]
    taken = treated[:, 3].mean() - control[:, 3].mean()
    assert found.se == pytest.approx(math.sqrt(sum(parts)) / taken, rel=1e-6)


def test_fiellers_ends_are_where_the_difference_is_just_not_zero() -> None:
    treated, control = drawn(10)
    found = complier_difference(pair(treated, control), Roles(reached=3))
    assert found.degrees is not None
    for end in (found.low, found.high):
        assert end is not None
        shifted = [arm[:, 0] - end * arm[:, 3] for arm in (treated, control)]
        variance = sum(float(arm.var(ddof=1)) / len(arm) for arm in shifted)
        statistic = (shifted[0].mean() - shifted[1].mean()) / math.sqrt(variance)
        assert abs(statistic) == pytest.approx(t_quantile(0.95, found.degrees), rel=1e-6)


def test_hardly_reached_gives_an_interval_without_end_and_says_why() -> None:
    draw = np.random.default_rng(11)
    treated = np.column_stack([draw.normal(0, 1, 200), (np.arange(200) < 2).astype(float)])
    control = np.column_stack([draw.normal(0, 1, 200), np.zeros(200)])
    found = complier_difference(pair(treated, control), Roles(reached=1))
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert "too few were reached" in found.reason.en


def test_degenerate_arms_have_reasons() -> None:
    some, nobody, one = np.ones((5, 1)), np.zeros((0, 1)), np.ones((1, 1))
    reasons = [
        difference(pair(some, nobody), Roles()).reason.en,
        difference(pair(nobody, some), Roles()).reason.en,
        difference(pair(some, one), Roles()).reason.en,
        difference(pair(some, some), Roles()).reason.en,
        complier_difference(pair(some, some), Roles()).reason.en,
        difference(pair(np.array([[1.0, 0.0]] * 3), np.array([[1.0, 1.0]] * 3)), Roles(denominator=1)).reason.en,
    ]
    assert [reason.split(":")[0].split(",")[0] for reason in reasons] == [
        "no control group",
        "no treated group",
        "only one customer in the control group",
        "all customers have the same value",
        "nothing says who was reached",
        "the denominator is zero in the treated group",
    ]


def test_two_clusters_in_an_arm_are_too_few() -> None:
    member = np.repeat(np.arange(6), 10)
    values = np.random.default_rng(12).normal(0, 1, 60)
    assert refusal(clusters_of(values, member, member < 2), Roles()).en.startswith("only 2 clusters")


def test_a_covariate_that_does_not_vary_is_left_out() -> None:
    treated, control = drawn(13)
    treated[:, 1] = control[:, 1] = 7.0
    adjusted = difference(pair(treated, control), Roles(covariate=1))
    assert adjusted == difference(pair(treated, control), Roles(covariate=1), adjusted=False)


def test_large_amounts_lose_no_digits() -> None:
    treated, control = drawn(14)
    found = difference(pair(treated[:, :1] + 1e9, control[:, :1] + 1e9), Roles())
    expected = stats.ttest_ind(treated[:, 0], control[:, 0], equal_var=False)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-4)


def test_ten_buyers_and_none_in_a_small_control_are_not_certain() -> None:
    treated, control = np.zeros((2700, 1)), np.zeros((300, 1))
    treated[:10] = 100.0
    found = difference(pair(treated, control), Roles())
    own = treated.var(ddof=1) / 2700
    assert found.se == pytest.approx(math.sqrt(treated.var(ddof=1) * (1 / 2700 + 1 / 300)))
    assert found.value is not None and found.value / math.sqrt(own) > 3
    assert not found.certain
