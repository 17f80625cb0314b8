"""How long customers stay: the hazard of leaving by tenure and group, and what a yearly amount is worth until then.

The hazard is constant within a band of tenure and is what left per day watched (occurrences by exposure). Only days
within a window count, on which the bank delivered its customers, so that those who left before anybody watched are
missing on both sides of the fraction. A band is drawn towards all tenures, and a group's band towards all groups, as
strongly as their differences are explained by chance: hazards are Gamma about the common one, whose shape is what
makes the counts most likely (empirical Bayes, Clayton and Kaldor 1987).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.insight.lifetime.likelihood import Floats

EDGES_DAYS = (0, 90, 365, 730, 1825)
"""Where bands of tenure begin; the last one has no end."""
STEP_DAYS = 30
"""How finely tenure is told apart in the table of factors."""
STEPS = EDGES_DAYS[-1] // STEP_DAYS + 2
"""Rows of that table per group; from the last on, nothing depends on tenure any more."""
YEAR_DAYS = 365
SHAPES = np.exp(np.linspace(np.log(0.25), np.log(4096.0), 57))
"""Shapes that are tried: from groups that have nothing in common to groups that are all alike, 19 % apart."""


@dataclass(frozen=True)
class Watched:
    """What was watched, by group (g) and band of tenure (k)."""

    left: Floats
    """Customers who left; g x k."""
    days: Floats
    """Customer-days; g x k."""


@dataclass(frozen=True)
class Staying:
    """What follows from hazards for a customer of a group and tenure."""

    years: Floats
    """Discounted years that the customer is expected to stay within the horizon; g x steps of tenure."""
    survival: Floats
    """Probability to be still there at its end; g x steps of tenure."""


def hazards(watched: Watched) -> Floats:
    """Hazard of leaving per day, shrunk; g x k. Nobody watched at all: 0."""
    days = float(watched.days.sum())
    if days <= 0.0:
        return np.zeros_like(watched.days)
    common = max(float(watched.left.sum()), 0.5) / days
    bands = _shrunk(watched.left.sum(axis=0), watched.days.sum(axis=0), np.full(watched.days.shape[1], common))
    return _shrunk(watched.left, watched.days, np.broadcast_to(bands, watched.days.shape))


def _shrunk(left: Floats, days: Floats, towards: Floats) -> Floats:
    """Posterior means of hazards that are Gamma(shape, shape / towards); the shape is the most likely one."""
    from scipy.special import gammaln

    expected = days * towards
    shape = SHAPES.reshape(-1, *(1,) * left.ndim)
    likelihood = (
        gammaln(left + shape) - gammaln(shape) + shape * np.log(shape) - (left + shape) * np.log(expected + shape)
    )
    best = SHAPES[int(np.argmax(likelihood.reshape(SHAPES.size, -1).sum(axis=1)))]
    return np.asarray(towards * (left + best) / (expected + best))


def staying(per_day: Floats, horizon_days: float, discount_rate: float) -> Staying:
    """Discounted years of stay and survival, by group and step of tenure, in closed form band by band.

    Args:
        per_day: Hazards; g x k.
        horizon_days: How far one looks.
        discount_rate: Per year; money a year later counts 1 / (1 + rate).
    """
    force = np.log1p(discount_rate) / YEAR_DAYS
    tenure = (np.arange(STEPS) + 0.5) * STEP_DAYS
    starts, ends = np.array(EDGES_DAYS, dtype=np.float64), np.append(EDGES_DAYS[1:], np.inf)
    begins = np.clip(starts[None, :] - tenure[:, None], 0.0, horizon_days)
    spans = np.clip(ends[None, :] - tenure[:, None], 0.0, horizon_days) - begins
    gone = per_day[:, None, :] * spans[None, :, :]
    before = np.exp(-(np.cumsum(gone, axis=2) - gone) - force * begins[None, :, :])
    rate = per_day[:, None, :] + force
    lasting = np.where(rate > 0.0, -np.expm1(-rate * spans[None, :, :]) / np.where(rate > 0.0, rate, 1.0), spans)
    return Staying((before * lasting).sum(axis=2) / YEAR_DAYS, np.exp(-gone.sum(axis=2)))
