"""Maximum likelihood in positive parameters: one optimiser for all models of lifetime value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Likelihood = Callable[[Floats], tuple[float, Floats]]
"""Positive parameters -> log-likelihood and its gradient in them."""
BOUND = 12.0
"""Logarithms of parameters stay within this of 0, in the units that the caller chose."""
TOLERANCE = 1e-9
"""Gradient per customer, in logarithms of parameters, at which the search ends."""


@dataclass(frozen=True)
class Maximum:
    """Where a likelihood is largest."""

    parameters: Floats
    """The parameters there."""
    log_likelihood: float
    """Its logarithm there."""
    converged: bool
    """Whether the gradient vanished inside of the bounds."""


def maximise(likelihood: Likelihood, start: Floats, *, customers: float) -> Maximum:
    """Finds the positive parameters of the largest likelihood, by their logarithms (L-BFGS, Byrd et al. 1995).

    Args:
        likelihood: What to maximise; smooth.
        start: Where to begin, all positive.
        customers: Customers in the data, so that tolerances mean the same whatever the size.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    def objective(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = likelihood(parameters)
        return -value / customers, -gradient * parameters / customers

    options = {"maxiter": 500, "gtol": TOLERANCE, "ftol": 1e-15, "maxcor": 20}
    bounds = [(-BOUND, BOUND)] * start.size
    # Sums in one thread have one order, and threads of linear algebra only wait for each other in steps this small.
    with threadpool_limits(1):
        found = minimize(objective, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    inside = bool(np.all(np.abs(found.x) < BOUND))
    flat = bool(np.max(np.abs(found.jac)) < 1e-5)
    return Maximum(np.exp(found.x), -float(found.fun) * customers, inside and flat)
