"""BG/NBD: how often a customer buys who never says goodbye (Fader, Hardie and Lee, Marketing Science 24, 2005).

While a customer is alive, purchases come at a rate of their own; after every purchase they leave with a chance of
their own. Rates are Gamma(r, alpha) among customers, chances Beta(a, b). Of a history only three numbers count:

    x    repeat purchases (the first one begins the history)
    t_x  time from the first to the last purchase
    T    time from the first purchase until now

so customers with equal numbers are one group with a weight, and a million customers fit as fast as their groups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cultiva.insight.lifetime.likelihood import Floats, Maximum, maximise, one_thread, polish

Ints = NDArray[np.int64]
START = np.array([0.5, 0.5, 0.8, 2.0])
"""Where the search begins; time in units of the mean time since the first purchase."""
GROUPS_AT_ONCE = 5_000
"""Above so many groups a coarser grid is fitted first."""
GRID = 24
"""Steps of that grid in either time."""


@dataclass(frozen=True)
class Histories:
    """Groups of customers with equal histories; n of them."""

    x: Ints
    """Repeat purchases; n."""
    t_x: Floats
    """From the first to the last purchase, in units of time; n, 0 where x is 0."""
    T: Floats
    """From the first purchase until now, in units of time; n, at least t_x."""
    weight: Floats
    """Customers; n."""

    @cached_property
    def customers(self) -> float:
        """Customers in all groups."""
        return float(self.weight.sum())

    @cached_property
    def repeaters(self) -> float:
        """Customers with a repeat purchase."""
        return float(self.weight[self.x > 0].sum())


@dataclass(frozen=True)
class Purchases:
    """A fitted BG/NBD model."""

    r: float
    """Shape of the rates among customers."""
    alpha: float
    """Rate of the rates, in units of time."""
    a: float
    """First parameter of the chances to leave."""
    b: float
    """Second parameter of the chances to leave."""
    log_likelihood: float = float("nan")
    """At these parameters."""
    converged: bool = True
    """Whether the parameters are the maximum."""

    def p_alive(self, histories: Histories) -> Floats:
        """Probability that a customer is still alive; n. It is 1 without a repeat purchase, as the model has it."""
        log_odds = _log_odds_gone(np.array([self.r, self.alpha, self.a, self.b]), histories)
        return np.asarray(1.0 / (1.0 + np.exp(np.minimum(log_odds, 700.0))))


def _log_odds_gone(parameters: Floats, histories: Histories) -> Floats:
    """Logarithm of (chance gone / chance alive); -inf without a repeat purchase. Equation (A1) in logarithms."""
    r, alpha, a, b = parameters
    x, some = histories.x, histories.x > 0
    longer = np.log1p((histories.T - histories.t_x) / (alpha + histories.t_x))
    before = np.log(a) - np.log(np.where(some, b + x - 1.0, 1.0))
    return np.where(some, before + (r + x) * longer, -np.inf)


def log_likelihood(histories: Histories) -> Callable[[Floats], tuple[float, Floats]]:
    """The log-likelihood in (r, alpha, a, b), with gradient.

    What depends on x alone (the gamma functions) is summed once per different x; what depends on t_x and T once per
    group, in logarithms throughout, so that many purchases do not overflow (Fader and Hardie, note 027, 2013).
    """
    from scipy.special import digamma, gammaln

    counts, place = np.unique(histories.x, return_inverse=True)
    many = np.bincount(place, weights=histories.weight)
    total = histories.customers
    x = histories.x.astype(np.float64)

    def at(parameters: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = parameters
        log_alpha_t = np.log(alpha + histories.T)
        odds = np.exp(np.minimum(log_odds := _log_odds_gone(parameters, histories), 700.0))
        gone = odds / (1.0 + odds) * histories.weight
        alive = histories.weight - gone
        value = many @ (gammaln(r + counts) + gammaln(b + counts) - gammaln(a + b + counts))
        value += total * (r * np.log(alpha) - gammaln(r) + gammaln(a + b) - gammaln(b))
        value += histories.weight @ (np.where(log_odds > 700.0, log_odds, np.log1p(odds)) - (r + x) * log_alpha_t)
        shift = alpha + np.where(x > 0, histories.t_x, histories.T)
        psi_ab = many @ digamma(a + b + counts)
        gradient = np.array(
            [
                many @ digamma(r + counts) + total * (np.log(alpha) - digamma(r)) - alive @ log_alpha_t
                - gone @ np.log(shift),
                total * r / alpha - alive @ ((r + x) / (alpha + histories.T)) - gone @ ((r + x) / shift),
                total * digamma(a + b) - psi_ab + gone.sum() / a,
                total * (digamma(a + b) - digamma(b)) + many @ digamma(b + counts) - psi_ab
                - gone @ (1.0 / np.where(x > 0, b + x - 1.0, 1.0)),
            ]
        )  # fmt: skip
        return float(value), gradient

    return at


def fit_purchases(histories: Histories) -> Purchases:
    """The BG/NBD model of largest likelihood; the time unit is that of the histories.

    Many groups are put together in a grid of times first; from the maximum there it is only a step or two to the true
    one, so that all groups are looked at some five times, not fifty.

    Args:
        histories: Groups of customers; at least some of them with repeat purchases.
    """
    with one_thread():
        scale = max(float(histories.weight @ histories.T) / max(histories.customers, 1.0), 1e-9)
        found = _fitted(Histories(histories.x, histories.t_x / scale, histories.T / scale, histories.weight))
        # Densities of x purchases in time: each of them is one over the unit of time.
        shift = float(histories.weight @ histories.x) * float(np.log(scale))
    r, alpha, a, b = (float(one) for one in found.parameters)
    return Purchases(r, alpha * scale, a, b, found.log_likelihood - shift, found.converged)


def _fitted(histories: Histories) -> Maximum:
    if histories.x.size <= GROUPS_AT_ONCE:
        return maximise(log_likelihood(histories), START, customers=histories.customers)
    coarse = log_likelihood(coarser(histories))
    near = maximise(coarse, START, customers=histories.customers)
    return polish(log_likelihood(histories), coarse, near, customers=histories.customers)


def coarser(histories: Histories) -> Histories:
    """Groups of about equal times put together, with their mean times; x stays as it is."""
    unit = max(float(histories.T.max()), 1e-9) / GRID
    places = [np.floor(time / unit).astype(np.int64) for time in (histories.t_x, histories.T)]
    key = (histories.x * (GRID + 1) + places[0]) * (GRID + 1) + places[1]
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    weight = np.bincount(place, weights=histories.weight).astype(np.float64)
    t_x, t = (
        np.asarray(np.bincount(place, weights=histories.weight * time) / weight, dtype=np.float64)
        for time in (histories.t_x, histories.T)
    )
    return Histories(histories.x[first], np.minimum(t_x, t), t, weight)
