"""The ratio of two uncertain differences: the effect per customer really reached."""

from __future__ import annotations

import math

from cultiva.review.statistics import reasons
from cultiva.review.statistics.estimate import Estimate, t_quantile, t_two_sided


def fieller(
    values: tuple[float, float], spreads: tuple[float, float, float], degrees: float, confidence: float
) -> Estimate:
    """A ratio with the interval of Fieller (1954): all ratios r for which `above - r * below` could be zero.

    Args:
        values: What is above and below the line; below is not zero.
        spreads: Variance above, variance below, their covariance.
        degrees: Degrees of freedom.
        confidence: Coverage.
    """
    above, below = values
    var_above, var_below, shared = spreads
    ratio = above / below
    se = math.sqrt(max(var_above - 2 * ratio * shared + ratio**2 * var_below, 0.0)) / abs(below)
    p_value = t_two_sided(above / math.sqrt(var_above), degrees)
    square = t_quantile(confidence, degrees) ** 2
    a = below**2 - square * var_below
    if a <= 0:
        return Estimate(ratio, se, -math.inf, math.inf, degrees, p_value, reasons.FEW_REACHED)
    b = above * below - square * shared
    root = math.sqrt(max(b**2 - a * (above**2 - square * var_above), 0.0))
    return Estimate(ratio, se, (b - root) / a, (b + root) / a, degrees, p_value)
