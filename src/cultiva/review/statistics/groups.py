"""Effects within groups: whether they differ, and the best guess for each when its own data are thin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from cultiva.review.statistics.estimate import Estimate
from cultiva.review.statistics.moments import Floats


@dataclass(frozen=True)
class Shrunken:
    """The groups of one dimension together."""

    mean: float | None
    """Mean effect over the groups, each weighted by how surely it is known."""
    between: float | None
    """Standard deviation of the true effects between groups; 0 if the data show no difference."""
    p_value: float | None
    """Chance of groups so different if all had the same effect (Cochran's Q)."""
    effects: tuple[Estimate, ...]
    """Best guess per group, in the order given; a group without data of its own gets the mean over the groups."""
    reason: str = ""
    """Why groups could not be compared; empty otherwise."""


def shrink(effects: Sequence[Estimate], *, confidence: float = 0.95) -> Shrunken:
    """Draws the effects of groups towards their mean as far as their own data are thin (empirical Bayes).

    The variance between groups is that of Paule and Mandel (1982). A group's guess is its posterior mean under normal
    effects; its standard error holds the uncertainty of the mean (Morris 1983).

    Args:
        effects: Of the groups; such as have no standard error get the mean of the others.
        confidence: Coverage of the intervals.
    """
    known = [effect for effect in effects if effect.value is not None and effect.se]
    if len(known) < 2:
        reason = f"{len(known)} of {len(effects)} groups can be measured, two are needed"
        return Shrunken(None, None, None, tuple(effects), reason)
    values = np.array([effect.value for effect in known], dtype=np.float64)
    variances = np.array([effect.se for effect in known], dtype=np.float64) ** 2
    between = paule_mandel(values, variances)
    mean, mean_variance = _mean(values, variances, between)
    fixed, _ = _mean(values, variances, 0.0)
    p_value = float(stats.chi2.sf(np.sum((values - fixed) ** 2 / variances), len(known) - 1))
    guesses = tuple(_posterior(effect, mean, mean_variance, between, confidence) for effect in effects)
    return Shrunken(mean, math.sqrt(between), p_value, guesses)


def paule_mandel(values: Floats, variances: Floats) -> float:
    """Variance of the true effects between groups: the one at which Q equals its expectation; 0 if it is below already.

    Args:
        values: Effects; G.
        variances: Squared standard errors; G.
    """

    def excess(between: float) -> float:
        mean, _ = _mean(values, variances, between)
        return float(np.sum((values - mean) ** 2 / (variances + between))) - (len(values) - 1)

    if excess(0.0) <= 0:
        return 0.0
    upper = float(np.var(values, ddof=1) + np.max(variances))
    while excess(upper) > 0:
        upper *= 2
    return float(optimize.brentq(excess, 0.0, upper, xtol=1e-12 * upper))


def _mean(values: Floats, variances: Floats, between: float) -> tuple[float, float]:
    weights = 1 / (variances + between)
    return float(np.sum(weights * values) / np.sum(weights)), float(1 / np.sum(weights))


def _posterior(effect: Estimate, mean: float, mean_variance: float, between: float, confidence: float) -> Estimate:
    if effect.value is None or not effect.se:
        value, variance, reason = mean, between + mean_variance, "no data of its own: the mean of the other groups"
    else:
        own = between / (between + effect.se**2)
        value = mean + own * (effect.value - mean)
        variance, reason = own * effect.se**2 + (1 - own) ** 2 * mean_variance, effect.reason
    se = math.sqrt(variance)
    half = float(special.ndtri((1 + confidence) / 2)) * se
    p_value = float(2 * special.ndtr(-abs(value) / se))
    return Estimate(value, se, value - half, value + half, math.inf, p_value, reason)
