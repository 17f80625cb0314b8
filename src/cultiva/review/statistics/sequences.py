"""Confidence sequences: intervals that hold at all times at once: look every day, stop when you like.

Asymptotic sequences of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas ("Time-uniform central limit theory and
asymptotic confidence sequences", 2021, theorem 2.2): the normal mixture bound of Robbins (1970) with an estimated
variance. With r the information so far, in units of the mixture's own precision, the bound in standard errors is

    sqrt((1 + 1/r) * log((1 + r) / alpha**2)).

For customers who come one after the other, information is their number; for customers who are all there and whose
amounts add up day by day, it is the number of customer-days. Where results of one customer's days go together, looks
are more alike than assumed and the sequence is on the safe side.
"""

from __future__ import annotations

import math
from dataclasses import replace

from scipy import special

from cultiva.review.statistics import reasons
from cultiva.review.statistics.estimate import Estimate, t_for_z

FEWEST = 30
"""Customers in the smaller arm before which a sequence says nothing."""


def tightest(confidence: float) -> float:
    """Value of r at which the bound is tightest relative to the standard error (Howard et al. 2021, proposition 3)."""
    alpha = 1 - confidence
    return float(-special.lambertw(-(alpha**2) * math.exp(-1), -1).real) - 1


def bound(information: float, confidence: float) -> float:
    """Half width of the sequence in standard errors.

    Args:
        information: Information so far over that planned, above 0; the sequence is tightest at 1.
        confidence: Coverage at all times at once.
    """
    r = tightest(confidence) * information
    return math.sqrt((1 + 1 / r) * (math.log1p(r) - 2 * math.log(1 - confidence)))


def always(
    effect: Estimate, information: float, *, confidence: float = 0.95, smallest_arm: int | None = None
) -> Estimate:
    """The same effect with an interval and a p-value that hold whenever one looks.

    Args:
        effect: At this look.
        information: Information so far over that planned. The plan is fixed beforehand; it need not come true.
        confidence: Coverage at all times at once.
        smallest_arm: Customers in the smaller arm, if known: too few give no interval.
    """
    if effect.value is None or effect.se is None:
        return effect
    if smallest_arm is not None and smallest_arm < FEWEST:
        return replace(effect, low=-math.inf, high=math.inf, p_value=1.0, reason=reasons.early(FEWEST))
    if information <= 0:
        return replace(effect, low=-math.inf, high=math.inf, p_value=1.0, reason=reasons.NO_DAY)
    degrees = math.inf if effect.degrees is None else effect.degrees
    half = t_for_z(bound(information, confidence), degrees) * effect.se
    p_value = always_p(effect.value / effect.se, information, confidence)
    return replace(effect, low=effect.value - half, high=effect.value + half, p_value=p_value)


def always_p(z: float, information: float, confidence: float = 0.95) -> float:
    """P-value that holds whenever one looks: one over the mixture likelihood ratio."""
    r = tightest(confidence) * information
    return min(1.0, math.exp(min(0.0, 0.5 * math.log1p(r) - 0.5 * z * z * r / (1 + r))))
