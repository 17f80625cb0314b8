"""Maximum likelihood in positive parameters: one optimiser for all models of lifetime value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
STEP = 1e-5
"""Difference of logarithms over which a gradient's slope is measured."""
STEPS = 8
"""Most steps of polishing."""


@dataclass(frozen=True)
class Maximum:
    """Where a likelihood is largest."""

    parameters: Floats
    """The parameters there."""
    log_likelihood: float
    """Its logarithm there."""
    converged: bool
    """Whether the gradient vanished inside of the bounds."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra in one thread: its sums have one order, and in steps this small threads only wait."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


def maximise(likelihood: Likelihood, start: Floats, *, customers: float) -> Maximum:
    """Finds the positive parameters of the largest likelihood, by their logarithms (L-BFGS, Byrd et al. 1995).

    Args:
        likelihood: What to maximise; smooth.
        start: Where to begin, all positive.
        customers: Customers in the data, so that tolerances mean the same whatever the size.
    """
    from scipy.optimize import minimize

    def objective(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = likelihood(parameters)
        return -value / customers, -gradient * parameters / customers

    options = {"maxiter": 500, "gtol": TOLERANCE, "ftol": 1e-15, "maxcor": 20}
    bounds = [(-BOUND, BOUND)] * start.size
    with one_thread():
        found = minimize(objective, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    inside = bool(np.all(np.abs(found.x) < BOUND))
    flat = bool(np.max(np.abs(found.jac)) < 1e-5)
    return Maximum(np.exp(found.x), -float(found.fun) * customers, inside and flat)


def polish(likelihood: Likelihood, near: Floats, *, customers: float) -> Maximum:
    """The maximum from a place close to it, in few looks at the data: Newton's steps with the slope of the first one.

    Args:
        likelihood: What to maximise.
        near: Where to begin, e.g. the maximum of coarser data; elsewhere the whole search is done.
        customers: Customers in the data.
    """
    with one_thread():
        found = _newton(likelihood, np.log(near), customers)
    return found or maximise(likelihood, near, customers=customers)


def _newton(likelihood: Likelihood, logs: Floats, customers: float) -> Maximum | None:

    def gradient(at: Floats) -> tuple[float, Floats]:
        value, slope = likelihood(np.exp(at))
        return value, slope * np.exp(at) / customers

    value, slope = gradient(logs)
    bend = np.array([(gradient(logs + STEP * one)[1] - slope) / STEP for one in np.eye(logs.size)])
    bend = (bend + bend.T) / 2.0
    if not np.all(np.isfinite(bend)) or np.linalg.eigvalsh(bend)[-1] >= 0.0:
        return None
    for _ in range(STEPS):
        following = logs - np.linalg.solve(bend, slope)
        if not np.all(np.abs(following) < BOUND):
            break
        found, slope = gradient(following)
        if found < value - 1e-9 * abs(value):
            break
        value, logs = found, following
        if np.max(np.abs(slope)) < TOLERANCE:
            return Maximum(np.exp(logs), value, True)
    return None
