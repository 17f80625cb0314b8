from __future__ import annotations

import math

import numpy as np
import pytest

from cultiva.kit.words import Words
from cultiva.review.statistics.estimate import Estimate, estimated, unknown
from cultiva.review.statistics.groups import paule_mandel, shrink


def effects(values: list[float], ses: list[float]) -> list[Estimate]:
    return [estimated(value, se**2, math.inf, 0.95) for value, se in zip(values, ses, strict=True)]


def test_paule_mandels_variance_makes_q_equal_its_expectation() -> None:
    values, variances = np.array([1.0, 4.0, -2.0, 3.0]), np.array([0.5, 1.0, 0.2, 0.8])
    between = paule_mandel(values, variances)
    weights = 1 / (variances + between)
    mean = np.sum(weights * values) / np.sum(weights)
    assert np.sum(weights * (values - mean) ** 2) == pytest.approx(3.0, rel=1e-9)


def test_equal_standard_errors_give_the_moment_estimate() -> None:
    values = np.array([1.0, 2.0, 6.0])
    assert paule_mandel(values, np.full(3, 0.25)) == pytest.approx(values.var(ddof=1) - 0.25)


def test_groups_that_do_not_differ_all_get_the_mean() -> None:
    seen = shrink(effects([1.0, 1.1, 0.9], [0.5, 0.5, 0.5]))
    assert seen.between == 0
    assert [one.value for one in seen.effects] == pytest.approx([1.0, 1.03, 0.97], abs=0.02)
    assert seen.effects[0].se is not None and 0.5 / math.sqrt(3) < seen.effects[0].se < 0.45
    assert seen.p_value is not None and seen.p_value > 0.9


def test_thin_groups_are_drawn_further_than_rich_ones() -> None:
    seen = shrink(effects([10.0, 10.0, 0.0, 0.0, 0.0], [0.1, 5.0, 0.1, 0.1, 0.1]))
    rich, thin = seen.effects[0], seen.effects[1]
    assert rich.value is not None and thin.value is not None and seen.mean is not None
    assert rich.value == pytest.approx(10.0, abs=0.01)
    assert seen.mean < thin.value < 9
    assert thin.se is not None and thin.se < 5


def test_guesses_of_drawn_groups_are_nearer_the_truth_and_their_intervals_hold() -> None:
    draw = np.random.default_rng(3)
    raw_error, error, held = [], [], []
    for _ in range(200):
        truth = draw.normal(2, 1, 12)
        ses = draw.uniform(0.3, 3, 12)
        values = draw.normal(truth, ses)
        seen = shrink(effects(list(values), list(ses))).effects
        guesses = np.array([one.value for one in seen], dtype=float)
        raw_error.append(np.mean((values - truth) ** 2))
        error.append(np.mean((guesses - truth) ** 2))
        held += [one.low <= true <= one.high for one, true in zip(seen, truth, strict=True) if one.low and one.high]
    assert np.mean(error) < 0.5 * np.mean(raw_error)
    assert 0.88 < np.mean(held) < 0.97


def test_a_group_without_data_gets_the_mean_of_the_others() -> None:
    seen = shrink([*effects([1.0, 2.0, 3.0], [0.1, 0.1, 0.1]), unknown(Words("无", "nobody"))])
    assert seen.effects[3].value == pytest.approx(seen.mean)
    assert "no data of its own" in seen.effects[3].reason.en
    assert seen.effects[3].se is not None and seen.between is not None and seen.effects[3].se > seen.between


def test_one_group_cannot_be_compared() -> None:
    seen = shrink([*effects([1.0], [0.1]), unknown(Words("无", "nobody"))])
    assert seen.reason.en == "1 of 2 groups can be measured, two are needed"
    assert seen.effects[0].value == 1.0
