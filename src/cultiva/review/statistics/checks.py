"""What is looked at before an effect is believed: sizes of the arms, alike before, missing values."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from cultiva.kit.words import Words
from cultiva.review.statistics import reasons
from cultiva.review.statistics.estimate import t_two_sided
from cultiva.review.statistics.moments import Pair
from cultiva.review.statistics.variance import Spread, spread

PRIOR_WEIGHT = 1000.0
"""Strength of the prior of the sequential sample-ratio test about the promised share, in customers."""
NORMAL_KURTOSIS = 3.0
"""Kurtosis of the normal distribution."""


@dataclass(frozen=True)
class Ratio:
    """Sizes of the arms against what the draw promises."""

    share: float | None
    """Share of control seen."""
    p_single: float | None
    """Chi-square p-value: for one look, decided on beforehand."""
    p_always: float | None
    """Safe to read every day."""
    reason: Words = reasons.NONE
    """Why it could not be tested; empty otherwise."""


def sample_ratio(treated: int, control: int, control_share: float) -> Ratio:
    """Whether the arms have the sizes that the draw promises.

    One look: Pearson's chi-square. Every day: Bayes factor of a Beta prior about the promised share against that share
    (Lindon and Malek, "Anytime-valid inference for multinomial count data", 2020); one over it is a p-value at all
    times at once.

    Args:
        treated: Units (customers, or clusters if whole clusters are drawn).
        control: The same in the control.
        control_share: Promised share of control.
    """
    total = treated + control
    if total == 0:
        return Ratio(None, None, None, reasons.NOBODY_ENROLLED)
    share = control / total
    if not 0 < control_share < 1:
        return Ratio(share, None, None, reasons.nothing_to_compare(control_share))
    expected = total * control_share
    statistic = (control - expected) ** 2 * (1 / expected + 1 / (total - expected))
    a, b = PRIOR_WEIGHT * control_share, PRIOR_WEIGHT * (1 - control_share)
    log_factor = float(special.betaln(a + control, b + treated) - special.betaln(a, b))
    log_factor -= control * math.log(control_share) + treated * math.log1p(-control_share)
    return Ratio(share, float(special.chdtrc(1, statistic)), math.exp(min(0.0, -log_factor)))


@dataclass(frozen=True)
class Difference:
    """Something that should be the same in both arms."""

    value: float | None
    """The difference: standardised for a covariate, of shares for missing values."""
    p_value: float | None
    """Chance of as much by accident, at one look."""
    reason: Words = reasons.NONE
    """Why it could not be tested; empty otherwise."""


def balance(pair: Pair, covariate: int, kurtosis: float = NORMAL_KURTOSIS) -> Difference:
    """Standardised difference of a covariate that nobody could have touched before the draw.

    The draw says that both arms come from one population, so the variance is that of both together, as in a permutation
    test; an arm's own would be too small wherever a small holdout misses the few largest customers. Where few customers
    make the variance the difference is not normal either: the t distribution then has the degrees of freedom that the
    variance of the smaller arm is known with, 2 n / (kurtosis - 1). Whole clusters drawn: their own variance.

    Args:
        pair: The arms.
        covariate: Which variable.
        kurtosis: Fourth central moment of both arms together over their squared variance; 3 is the normal one.
    """
    fewest = min(pair.treated.count, pair.control.count)
    if fewest < 2:
        return Difference(None, None, reasons.FEW_CUSTOMERS)
    apart, variance = float(pair.difference[covariate]), _together(pair, covariate)
    if variance <= 0:
        return Difference(None, None, reasons.SAME_COVARIATE)
    if pair.clusters is None:
        around = Spread(variance * (1 / pair.treated.count + 1 / pair.control.count), 2 * fewest / max(kurtosis - 1, 1))
    else:
        unit = pair.difference * 0
        unit[covariate] = 1.0
        around = spread(pair, unit, unit)
    p_value = t_two_sided(apart / math.sqrt(around.variance), around.degrees) if around.variance > 0 else None
    return Difference(apart / math.sqrt(variance), p_value)


def _together(pair: Pair, variable: int) -> float:
    """Variance of a variable over the customers of both arms."""
    treated, control = pair.treated, pair.control
    within = sum(float(arm.covariance[variable, variable]) * (arm.count - 1) for arm in (treated, control))
    apart = float(pair.difference[variable]) ** 2 * treated.count * control.count / (treated.count + control.count)
    return (within + apart) / (treated.count + control.count - 1)


def missing(treated: tuple[int, int], control: tuple[int, int]) -> Difference:
    """Whether a value is missing more often in one arm; arms are (missing, customers). Pooled z test."""
    total = treated[1] + control[1]
    if min(treated[1], control[1]) == 0:
        return Difference(None, None, reasons.EMPTY_ARM)
    pooled = (treated[0] + control[0]) / total
    apart = treated[0] / treated[1] - control[0] / control[1]
    variance = pooled * (1 - pooled) * (1 / treated[1] + 1 / control[1])
    return Difference(apart, t_two_sided(apart / math.sqrt(variance), math.inf) if variance > 0 else 1.0)
