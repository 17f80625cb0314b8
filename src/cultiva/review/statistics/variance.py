"""How uncertain a difference between two arms is, with customers or whole clusters drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.review.statistics.moments import Clusters, Floats, Moments, Pair

FEW = 20
"""Customers who make a metric, below which an arm's own variance is not trusted alone."""


@dataclass(frozen=True)
class Spread:
    """Variance of a difference of weighted means."""

    variance: float
    """Of the difference."""
    degrees: float
    """Degrees of freedom of its estimate."""


def spread(pair: Pair, treated: Floats, control: Floats, *, fitted: int = 0, careful: bool = False) -> Spread:
    """Variance of `treated @ means of the treated - control @ means of the control`.

    Customers drawn one by one: Welch (1947). Whole clusters drawn: see `clustered`.

    Args:
        pair: The arms.
        treated: Weights of the variables among the treated; k.
        control: Weights among the control; k.
        fitted: Slopes that were fitted to the same data; each costs every arm a degree of freedom.
        careful: Whether an arm in which only few customers make the metric (variable 0), so that its own variance is a
            matter of luck, gets at least the other arm's. Ten buyers among the treated and none in a small control
            would else look certain.
    """
    if pair.clusters is not None:
        return clustered(pair, pair.clusters, treated, control)
    arms = (pair.treated, pair.control)
    variances = [arm.spread(weights) for arm, weights in zip(arms, (treated, control), strict=True)]
    if careful:
        most = max(variances)
        variances = [most if contributors(arm) < FEW else own for arm, own in zip(arms, variances, strict=True)]
    parts = []
    for arm, variance in zip(arms, variances, strict=True):
        left = max(arm.count - 1 - fitted, 1)
        parts.append((variance * (arm.count - 1) / left / arm.count, float(left)))
    return _welch(parts)


def contributors(arm: Moments) -> float:
    """How many customers of an arm make its metric: (sum of y)**2 / sum of y**2; for a share those who did it."""
    mean, variance = float(arm.mean[0]), float(arm.covariance[0, 0])
    squares = mean**2 + variance * (arm.count - 1) / max(arm.count, 1)
    return arm.count * mean**2 / squares if squares > 0 else 0.0


def clustered(pair: Pair, clusters: Clusters, treated: Floats, control: Floats) -> Spread:
    """Cluster-robust variance.

    Clusters wholly in one arm: CR2 for a mean (Bell and McCaffrey 2002), whose leverage is the cluster's share of the
    arm, with Satterthwaite degrees of freedom under equal variances (Imbens and Kolesar 2016). Clusters in both arms:
    CR1 of their scores over both arms; degrees from the effective number of clusters (Carter et al. 2017).
    """
    treated_scores = clusters.treated_sums @ treated / max(pair.treated.count, 1)
    control_scores = clusters.control_sums @ control / max(pair.control.count, 1)
    treated_shares = clusters.treated_counts / max(pair.treated.count, 1)
    control_shares = clusters.control_counts / max(pair.control.count, 1)
    if clusters.crossed:
        scores = treated_scores - control_scores
        weights = (treated_shares + control_shares) / 2
        degrees = max(1 / float(np.sum(weights**2)) - 1, 0.0)
        many = len(scores)
        return Spread(float(np.sum(scores**2)) * many / max(many - 1, 1), degrees)
    return _welch([_cr2(treated_scores, treated_shares), _cr2(control_scores, control_shares)])


def _cr2(scores: Floats, shares: Floats) -> tuple[float, float]:
    """Variance and degrees of freedom of one arm's mean: scores are sums of residuals over the arm's customers."""
    there = shares > 0
    share = shares[there]
    if len(share) < 2:
        return 0.0, 0.0
    inflated = 1 / (1 - share)
    variance = float(np.sum(inflated * scores[there] ** 2))
    lost = float(np.sum(inflated * share**2)) ** 2 - float(np.sum(inflated**2 * share**4))
    return variance, 1 / (float(np.sum(share**2)) + lost)


def _welch(parts: list[tuple[float, float]]) -> Spread:
    """Sum of independent variances; Welch and Satterthwaite's degrees of freedom."""
    total = sum(variance for variance, _ in parts)
    if total <= 0:
        return Spread(0.0, 0.0)
    lost = sum((variance / total) ** 2 / degrees for variance, degrees in parts if variance > 0 and degrees > 0)
    return Spread(total, 1 / lost if lost > 0 else 0.0)
