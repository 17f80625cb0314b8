"""The difference between two arms: means, shares and ratios, with or without a covariate, and of those reached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.kit.words import Words
from cultiva.review.statistics import reasons
from cultiva.review.statistics.compliers import fieller
from cultiva.review.statistics.estimate import Estimate, estimated, unknown
from cultiva.review.statistics.moments import Floats, Moments, Pair
from cultiva.review.statistics.variance import spread

REACHED_FEWEST = 0.005
"""Below this difference in the share reached an effect on those reached is not stated."""
CLUSTERS_FEWEST = 3
"""With fewer clusters in an arm no uncertainty is stated."""


@dataclass(frozen=True)
class Roles:
    """Which variable is which; positions in the moments. The metric is variable 0."""

    denominator: int | None = None
    """Of a ratio."""
    covariate: int | None = None
    """Known before the experiment."""
    reached: int | None = None
    """1 for customers who were really reached, else 0."""


def difference(pair: Pair, roles: Roles, *, confidence: float = 0.95, adjusted: bool = True) -> Estimate:
    """Mean (or ratio) of the treated less that of the control.

    With a covariate x the difference is less by slope x (difference in x), where the slope is that of each arm weighted
    by the other arm's share. This is the estimator of Lin (2013) with each arm's own slope, and among all slopes the
    one with least variance, so with many customers it is never worse than the plain difference; CUPED (Deng et al.
    2013) with one pooled slope is the same for arms of equal size. Ratios by the delta method.

    Args:
        pair: The arms.
        roles: Which variable is which.
        confidence: Coverage of the interval.
        adjusted: Whether to use the covariate.
    """
    if reason := refusal(pair, roles):
        return unknown(reason)
    value, treated, control, fitted = _linear(pair, roles, adjusted=adjusted)
    around = spread(pair, treated, control, fitted=fitted, careful=True)
    noise = 1e-12 * (abs(level(pair.treated, roles) or 0.0) + abs(level(pair.control, roles) or 0.0))
    if around.variance <= noise**2:
        return unknown(reasons.SAME_VALUE, value)
    return estimated(value, around.variance, around.degrees, confidence)


def complier_difference(pair: Pair, roles: Roles, *, confidence: float = 0.95) -> Estimate:
    """Effect per customer really reached: the difference over the difference in the share reached (Wald 1940).

    Being offered must work only through being reached, and nobody may be reached because of being left alone (Imbens
    and Angrist 1994). Standard error by the delta method, interval by Fieller (1954), which stays right where few were
    reached and then may have no end.
    """
    if roles.reached is None:
        return unknown(reasons.NOBODY_SAYS_WHO_WAS_REACHED)
    if reason := refusal(pair, roles):
        return unknown(reason)
    taken = float(pair.difference[roles.reached])
    if taken < REACHED_FEWEST:
        return unknown(reasons.few_more_reached(max(taken, 0.0)))
    value, treated, control, fitted = _linear(pair, roles, adjusted=True)
    unit = np.zeros(len(treated))
    unit[roles.reached] = 1.0
    above = spread(pair, treated, control, fitted=fitted, careful=True)
    if above.variance <= 0:
        return unknown(reasons.SAME_VALUE)
    below = spread(pair, unit, unit)
    bare = spread(pair, treated, control, fitted=fitted)
    both = spread(pair, treated + unit, control + unit, fitted=fitted)
    shared = (both.variance - bare.variance - below.variance) / 2
    return fieller((value, taken), (above.variance, below.variance, shared), above.degrees, confidence)


def refusal(pair: Pair, roles: Roles) -> Words:
    """Why two arms cannot be compared; empty if they can."""
    for arm, name in ((pair.treated, "treated"), (pair.control, "control")):
        if arm.count == 0:
            return reasons.nobody(name)
        if arm.count < 2:
            return reasons.only_one(name)
        if roles.denominator is not None and arm.mean[roles.denominator] == 0:
            return reasons.nothing_below(name)
    if (clusters := pair.clusters) is not None:
        counts = (clusters.treated_counts, clusters.control_counts)
        fewest = min(int(np.count_nonzero(one)) for one in counts)
        if fewest < CLUSTERS_FEWEST:
            return reasons.few_clusters(fewest, CLUSTERS_FEWEST)
    return reasons.NONE


def level(arm: Moments, roles: Roles) -> float | None:
    """Mean or ratio of one arm; None if there is nobody, or nothing to divide by."""
    if arm.count == 0:
        return None
    if roles.denominator is None:
        return float(arm.mean[0])
    below = float(arm.mean[roles.denominator])
    return float(arm.mean[0]) / below if below else None


def _linear(pair: Pair, roles: Roles, *, adjusted: bool) -> tuple[float, Floats, Floats, int]:
    """The difference, the weights of its variables in each arm, and how many slopes were fitted."""
    weights = [_own(arm, roles) for arm in (pair.treated, pair.control)]
    levels = [level(arm, roles) or 0.0 for arm in (pair.treated, pair.control)]
    value = levels[0] - levels[1]
    if not adjusted or roles.covariate is None:
        return value, weights[0], weights[1], 0
    slope = _slope(pair, roles.covariate, weights)
    if slope is None:
        return value, weights[0], weights[1], 0
    for one in weights:
        one[roles.covariate] -= slope
    return value - slope * float(pair.difference[roles.covariate]), weights[0], weights[1], 1


def _own(arm: Moments, roles: Roles) -> Floats:
    """Weights that make the arm's mean or (linearised, delta method) ratio."""
    weights = np.zeros(len(arm.mean))
    weights[0] = 1.0
    if roles.denominator is not None:
        below = float(arm.mean[roles.denominator])
        weights[0] = 1.0 / below
        weights[roles.denominator] = -float(arm.mean[0]) / below**2
    return weights


def _slope(pair: Pair, covariate: int, weights: list[Floats]) -> float | None:
    """Each arm's slope on the covariate, weighted by the other arm's share; None if the covariate does not vary."""
    slopes = []
    for arm, own in zip((pair.treated, pair.control), weights, strict=True):
        varies = float(arm.covariance[covariate, covariate])
        if varies <= 0 or arm.count < 4:
            return None
        slopes.append(float(arm.covariance[covariate] @ own) / varies)
    treated, control = pair.treated.count, pair.control.count
    return (slopes[0] * control + slopes[1] * treated) / (treated + control)
