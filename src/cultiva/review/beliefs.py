"""What is believed about a strategy's money per customer: the prior of its offers, corrected by what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cultiva.definitions.workspace import Workspace

PROJECTION_MAX = 4.0
"""What was measured is projected to at most so many times the days it was measured for."""
PRIOR_SPREAD = 2.0
"""Standard deviation of the prior, in units of its size or of the cost, whichever is larger."""
PRIOR_LEAST = 1.0
"""Smallest standard deviation of a prior, in money."""
RESPONSE_WEIGHT = 20.0
"""Customers for which a strategy's mean response stands when a part of it is judged."""


@dataclass(frozen=True)
class Belief:
    """A normal guess of money per customer over the horizon, before cost."""

    mean: float
    se: float


def prior_of(offers: Sequence[str], workspace: Workspace, cost: float, trust: float = 1.0) -> Belief:
    """What is believed before anything is measured: the mean prior worth of some offers, very unsure.

    Args:
        offers: Names of offers, which have a `prior_worth`.
        workspace: Has the offers.
        cost: Cost per customer.
        trust: Share of it that is believed; the doubt is that of the whole.
    """
    worths = [workspace.offers[name].prior_worth for name in offers if name in workspace.offers]
    mean = sum(worths) / len(worths) if worths else 0.0
    return Belief(trust * mean, max(PRIOR_SPREAD * max(abs(mean), cost), PRIOR_LEAST))


def corrected(prior: Belief, effect: float | None, se: float | None) -> Belief:
    """The prior with a measured effect: weighted by precision (normal prior, normal likelihood).

    Examples:
        >>> corrected(Belief(10.0, 2.0), 20.0, 2.0)
        Belief(mean=15.0, se=1.4142135623730951)
        >>> corrected(Belief(10.0, 2.0), None, None)
        Belief(mean=10.0, se=2.0)
    """
    if effect is None or se is None or not math.isfinite(se):
        return prior
    if se <= 0:
        return Belief(effect, 0.0)
    before, after = 1 / prior.se**2, 1 / se**2
    whole = before + after
    return Belief((prior.mean * before + effect * after) / whole, math.sqrt(1 / whole))


def projection(days: float, horizon_days: int) -> float:
    """By what effects so far are multiplied to stand for the whole horizon, at the pace so far.

    Examples:
        >>> projection(42.0, 84), projection(1.0, 84), projection(84.0, 84)
        (2.0, 4.0, 1.0)
    """
    return min(max(horizon_days / days, 1.0), PROJECTION_MAX) if days > 0 else 1.0


def response(taken: float, touched: float, mean: float) -> float:
    """Conversion of those touched, drawn towards a mean where they are few (beta-binomial).

    Examples:
        >>> response(0, 0, 0.1), response(20, 20, 0.0)
        (0.1, 0.5)
    """
    return (taken + RESPONSE_WEIGHT * mean) / (touched + RESPONSE_WEIGHT)
