from __future__ import annotations

import math

import numpy as np
import pytest

from cultiva.kit.words import Words
from cultiva.review.statistics.estimate import estimated, unknown
from cultiva.review.statistics.trends import carry_over, novelty


def test_the_slope_is_the_weighted_least_squares_line() -> None:
    values, ses = [5.0, 4.2, 2.9, 2.1, 0.8], [0.2, 0.3, 0.2, 0.4, 0.3]
    found = novelty([estimated(v, s**2, math.inf, 0.95) for v, s in zip(values, ses, strict=True)])
    line, covariance = np.polyfit(range(5), values, 1, w=1 / np.array(ses), cov="unscaled")
    assert found.slope.value == pytest.approx(line[0])
    assert found.slope.se == pytest.approx(math.sqrt(covariance[0, 0]))
    assert found.moves and "fades" in found.sentence.en


def test_a_growing_effect_comes_late_and_a_steady_one_is_steady() -> None:
    growing = novelty([estimated(v, 0.01, math.inf, 0.95) for v in (0.1, 1.0, 2.0, 3.0)])
    assert "comes late" in growing.sentence.en
    steady = novelty([estimated(v, 1.0, math.inf, 0.95) for v in (1.0, 1.2, 0.9, 1.1)])
    assert not steady.moves and "steady" in steady.sentence.en


def test_two_weeks_are_too_few() -> None:
    found = novelty(
        [estimated(1.0, 1.0, math.inf, 0.95), unknown(Words("无", "nobody")), estimated(1.0, 1.0, math.inf, 0.95)]
    )
    assert found.slope.value is None and "three weeks" in found.slope.reason.en


def test_what_went_before_is_the_difference_of_two_effects() -> None:
    found = carry_over(estimated(1.0, 0.09, math.inf, 0.95), estimated(3.0, 0.16, math.inf, 0.95))
    assert (found.value, found.se) == pytest.approx((2.0, 0.5))
    assert found.certain
    assert carry_over(unknown(Words("无", "no control")), found).reason.en == "no control"
