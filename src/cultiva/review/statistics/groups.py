"""Effects within groups: whether they differ, and the best guess for each when its own data are thin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from cultiva.kit.words import Words
from cultiva.review.statistics import reasons
from cultiva.review.statistics.estimate import Estimate
from cultiva.review.statistics.moments import Floats

_GRID = 160
"""Points of the integral over the spread between groups."""


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
    reason: Words = reasons.NONE
    """Why groups could not be compared; empty otherwise."""


def shrink(effects: Sequence[Estimate], *, confidence: float = 0.95) -> Shrunken:
    """Draws the effects of groups towards their mean as far as their own data are thin.

    Normal effects around a common mean. The spread between groups that is stated is that of Paule and Mandel (1982).
    Guesses are averaged over what the spread may be (half-Cauchy prior of the size of a standard error, Gelman 2006):
    plugging in one number would promise too much where there are few groups.

    Args:
        effects: Of the groups; such as have no standard error get the mean of the others.
        confidence: Coverage of the intervals.
    """
    known = [effect for effect in effects if effect.value is not None and effect.se]
    if len(known) < 2:
        reason = reasons.few_groups(len(known), len(effects))
        return Shrunken(None, None, None, tuple(effects), reason)
    values = np.array([effect.value for effect in known], dtype=np.float64)
    variances = np.array([effect.se for effect in known], dtype=np.float64) ** 2
    spreads = _spreads(values, variances)
    fixed, _ = _mean(values, variances, 0.0)
    p_value = float(special.chdtrc(len(known) - 1, np.sum((values - fixed) ** 2 / variances)))
    guesses = tuple(_posterior(effect, spreads, confidence) for effect in effects)
    mean = float(spreads.weights @ spreads.means)
    return Shrunken(mean, math.sqrt(paule_mandel(values, variances)), p_value, guesses)


def paule_mandel(values: Floats, variances: Floats) -> float:
    """Variance of the true effects between groups: the one at which Q equals its expectation; 0 if it is below already.

    Args:
        values: Effects; G.
        variances: Squared standard errors; G.
    """
    from scipy import optimize  # takes a while to import

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


@dataclass(frozen=True)
class _Spreads:
    """What the variance between groups may be, and what follows from each; one row per point of a grid."""

    between: Floats
    """Variances between groups."""
    weights: Floats
    """Posterior probabilities."""
    means: Floats
    """Mean over the groups, given each."""
    mean_variances: Floats
    """Its variance."""


def _spreads(values: Floats, variances: Floats) -> _Spreads:
    """Posterior of the variance between groups, with the mean integrated out under a flat prior."""
    size = float(np.exp(np.mean(np.log(variances)) / 2))
    widest = 4 * (float(np.std(values, ddof=1)) + size)
    between = np.linspace(0, math.sqrt(widest), _GRID) ** 2
    total = variances[None, :] + between[:, None] ** 2
    precision = (1 / total).sum(axis=1)
    means = (values / total).sum(axis=1) / precision
    squares = ((values[None, :] - means[:, None]) ** 2 / total).sum(axis=1)
    log = -0.5 * (np.log(total).sum(axis=1) + np.log(precision) + squares) - np.log1p((between / size) ** 2)
    weights = np.exp(log - log.max()) * np.gradient(between)
    return _Spreads(between**2, weights / weights.sum(), means, 1 / precision)


def _posterior(effect: Estimate, spreads: _Spreads, confidence: float) -> Estimate:
    """Best guess for one group: mean and variance over the possible spreads."""
    if effect.value is None or not effect.se:
        values, variances = spreads.means, spreads.between + spreads.mean_variances
        reason = reasons.OTHER_GROUPS
    else:
        own = spreads.between / (spreads.between + effect.se**2)
        values = spreads.means + own * (effect.value - spreads.means)
        variances = own * effect.se**2 + (1 - own) ** 2 * spreads.mean_variances
        reason = effect.reason
    value = float(spreads.weights @ values)
    se = math.sqrt(float(spreads.weights @ (variances + (values - value) ** 2)))
    half = float(special.ndtri((1 + confidence) / 2)) * se
    p_value = float(2 * special.ndtr(-abs(value) / se))
    return Estimate(value, se, value - half, value + half, math.inf, p_value, reason)
