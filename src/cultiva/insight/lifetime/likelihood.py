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
    found = minimize(objective, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    inside = bool(np.all(np.abs(found.x) < BOUND))
    flat = bool(np.max(np.abs(found.jac)) < 1e-5)
    return Maximum(np.exp(found.x), -float(found.fun) * customers, inside and flat)


def polish(likelihood: Likelihood, coarse: Likelihood, near: Maximum, *, customers: float) -> Maximum:
    """The maximum, in few looks at the data, from that of coarser data: Newton's steps with the bend of the coarser.

    The two bend alike, so that every step takes away all but a hundredth of what is left; where it does not, the whole
    search is done.

    Args:
        likelihood: What to maximise.
        coarse: Nearly the same, and cheap.
        near: Its maximum.
        customers: Customers in the data.
    """
    bend = _bend(_by_logs(coarse, customers), np.log(near.parameters)) if near.converged else None
    found = None if bend is None else _newton(_by_logs(likelihood, customers), np.log(near.parameters), bend)
    return found or maximise(likelihood, near.parameters, customers=customers)


def _by_logs(likelihood: Likelihood, customers: float) -> Likelihood:
    """The value, and per customer the gradient, in logarithms of parameters."""

    def at(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = likelihood(parameters)
        return value, gradient * parameters / customers

    return at


def _bend(at: Likelihood, logs: Floats) -> Floats | None:
    """Second derivatives; None if it does not bend down in every direction."""
    slopes = [at(logs + STEP * one)[1] - at(logs - STEP * one)[1] for one in np.eye(logs.size)]
    bend = np.array(slopes) / (2.0 * STEP)
    bend = (bend + bend.T) / 2.0
    downwards = bool(np.all(np.isfinite(bend))) and np.linalg.eigvalsh(bend)[-1] < 0.0
    return bend if downwards else None


def _newton(at: Likelihood, logs: Floats, bend: Floats) -> Maximum | None:
    value, slope = at(logs)
    for _ in range(STEPS):
        following = logs - np.linalg.solve(bend, slope)
        if not np.all(np.abs(following) < BOUND):
            return None
        found, slope = at(following)
        if not found >= value - 1e-9 * abs(value):
            return None
        value, logs = found, following
        if np.max(np.abs(slope)) < TOLERANCE:
            return Maximum(np.exp(logs), value, True)
    return None
