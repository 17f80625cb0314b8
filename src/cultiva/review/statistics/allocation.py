"""Shares of customers among offers that are still compared: Thompson sampling on money, with a floor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from cultiva.review.statistics.moments import Floats

_NODES = 201
"""Points of the integral."""


def chances_of_best(means: Sequence[float], ses: Sequence[float]) -> Floats:
    """Chance of each offer to be the best one, for independent normal guesses; computed, not drawn.

    Args:
        means: Best guess of the net money per customer; K.
        ses: Standard errors, above 0; K.
    """
    centre, width = np.asarray(means, dtype=np.float64), np.asarray(ses, dtype=np.float64)
    levels = (np.arange(_NODES) + 0.5) / _NODES
    points = centre[:, None] + width[:, None] * special.ndtri(levels)[None, :]
    below = special.ndtr((points[:, :, None] - centre[None, None, :]) / width[None, None, :])
    own = np.arange(len(centre))
    below[own, :, own] = 1.0
    chances = below.prod(axis=2).mean(axis=1)
    return np.asarray(chances / chances.sum(), dtype=np.float64)


def thompson_shares(
    means: Sequence[float | None], ses: Sequence[float | None], *, floor: float, prior_se: float | None = None
) -> Floats:
    """Share of customers for each offer: its chance to be the best one (Thompson 1933), none below the floor.

    Args:
        means: Best guess of the net money per customer; None where nothing is known yet. K.
        ses: Standard errors; None or 0 where nothing is known. K.
        floor: Least share of every offer; K floors of 1 or more give equal shares.
        prior_se: Standard error of an offer of which nothing is known; None: twice the largest known.

    Returns:
        Shares that add up to 1; K, none at all for no offers.
    """
    many = len(means)
    known = [(mean, se) for mean, se in zip(means, ses, strict=True) if mean is not None and se]
    if many == 0 or not known or many * floor >= 1:
        return np.full(many, 1 / max(many, 1))
    middle = float(np.mean([mean for mean, _ in known]))
    unsure = prior_se or 2 * max(se for _, se in known)
    guesses = [(mean, se) if mean is not None and se else (middle, unsure) for mean, se in zip(means, ses, strict=True)]
    chances = chances_of_best([mean for mean, _ in guesses], [se for _, se in guesses])
    return np.asarray(floor + (1 - many * floor) * chances, dtype=np.float64)
