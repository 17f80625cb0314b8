"""Gamma-Gamma: what a purchase is worth (Fader and Hardie, "The Gamma-Gamma model of monetary value", note 025, 2013).

A customer's purchases scatter about a mean of their own with shape p; the means are Inverse-Gamma(q, p x gamma) among
customers. Of a history only two numbers count: how many purchases (x) and what they were worth together. The expected
worth of a purchase lies between the customer's own mean and that of all customers, nearer to the own one the more
purchases there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cultiva.insight.lifetime.likelihood import Floats, maximise, one_thread
from cultiva.insight.lifetime.purchases import Ints

LEAST_Q = 1.0
"""q is above it, because otherwise the mean of all customers would be infinite."""
START = np.array([4.0, 2.0, 0.5])
"""Where the search for (p, q - 1, gamma) begins; money in units of the mean purchase."""


@dataclass(frozen=True)
class Amounts:
    """Groups of customers with equal purchases; n of them."""

    x: Ints
    """Purchases; n, at least 1."""
    total: Floats
    """What they were worth together, in money; n, above 0."""
    weight: Floats
    """Customers; n."""


@dataclass(frozen=True)
class Spending:
    """A fitted Gamma-Gamma model."""

    p: float
    """Shape of a customer's purchases."""
    q: float
    """Shape of the means among customers."""
    gamma: float
    """Scale of the means among customers, in money."""
    log_likelihood: float = float("nan")
    """At these parameters."""
    converged: bool = True
    """Whether the parameters are the maximum."""

    @property
    def mean(self) -> float:
        """Expected worth of a purchase of a customer of whom nothing is known."""
        return self.p * self.gamma / (self.q - 1.0)

    def expected(self, x: Ints, total: Floats) -> Floats:
        """Expected worth of a customer's purchases to come, in money; equation (5).

        Args:
            x: Purchases seen, none of them gives the mean of all; n.
            total: What they were worth together; n.
        """
        return np.asarray(self.p * (self.gamma + total) / (self.p * x + self.q - 1.0))


def log_likelihood(amounts: Amounts) -> Callable[[Floats], tuple[float, Floats]]:
    """The log-likelihood of the mean worth per purchase in (p, q - 1, gamma), with gradient; equation (1a)."""
    from scipy.special import digamma, gammaln

    counts, place = np.unique(amounts.x, return_inverse=True)
    many = np.bincount(place, weights=amounts.weight)
    x, weight, customers = amounts.x.astype(np.float64), amounts.weight, float(amounts.weight.sum())
    log_total = np.log(amounts.total)
    log_means = float(weight @ (log_total - np.log(x)))
    times_log_total = float(weight @ (x * log_total))

    def at(parameters: Floats) -> tuple[float, Floats]:
        p, above, gamma = parameters
        q = above + LEAST_Q
        log_sum = np.log(gamma + amounts.total)
        shapes = p * counts + q
        value = many @ (gammaln(shapes) - gammaln(p * counts)) + customers * (q * np.log(gamma) - gammaln(q))
        value += p * times_log_total - log_means - weight @ ((p * x + q) * log_sum)
        psi = digamma(shapes)
        gradient = np.array(
            [
                many @ (counts * (psi - digamma(p * counts))) + times_log_total - weight @ (x * log_sum),
                many @ psi + customers * (np.log(gamma) - digamma(q)) - weight @ log_sum,
                customers * q / gamma - weight @ ((p * x + q) / (gamma + amounts.total)),
            ]
        )
        return float(value), gradient

    return at


def fit_spending(amounts: Amounts) -> Spending:
    """The Gamma-Gamma model of largest likelihood.

    Args:
        amounts: Groups of customers with at least one purchase each.
    """
    customers = float(amounts.weight.sum())
    with one_thread():
        scale = float(amounts.weight @ (amounts.total / amounts.x)) / customers
        scaled = Amounts(amounts.x, amounts.total / scale, amounts.weight)
        found = maximise(log_likelihood(scaled), START, customers=customers)
    p, above, gamma = (float(one) for one in found.parameters)
    likelihood = found.log_likelihood - customers * float(np.log(scale))
    return Spending(p, above + LEAST_Q, gamma * scale, likelihood, found.converged)
