"""Minimum of a convex function over a box: a quasi-Newton method that keeps what it has learnt of the curvature.

Unlike L-BFGS-B it can be begun with the curvature of a sample, so that few evaluations on all are left to do; and every
trial teaches, also one that went too far.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cultiva.strategy.allocation.problem import Flags, Floats

HIGHEST = 1e3
"""No x is more: where a minimum cannot be met, the function falls for ever."""
Function = Callable[[Floats], tuple[float, Floats]]
"""Value and gradient."""
FAILURES = 6
"""Trials in a row that may go too far."""
FIRST = 0.5
"""Length of the first step, where nothing is known of the curvature."""
PASSES = 8
"""How often the bounds that a step runs into are taken out of it."""


def descend(
    function: Function, x: Floats, curvature: Floats | None, *, evaluations: int, precision: float
) -> Floats | None:
    """Looks for the minimum; the function itself remembers where it was least.

    Args:
        function: Convex; value and gradient.
        x: Where to start; n.
        curvature: Hessian to begin with; n x n; None: unknown.
        evaluations: At most.
        precision: Stops where a step promises less, relative to the value.

    Returns:
        The Hessian as learnt.
    """
    value, gradient = function(x)
    failures = 0
    for _ in range(evaluations - 1):
        step = _step(x, gradient, curvature) * 0.5**failures
        promised = -float(gradient @ step)
        if promised <= precision * abs(value) or failures > FAILURES:
            break
        found, there = function(x + step)
        curvature = _learnt(curvature, step, there - gradient)
        if found < value:
            x, value, gradient, failures = np.clip(x + step, 0.0, HIGHEST), found, there, 0
        else:
            failures += 1
    return curvature


def _step(x: Floats, gradient: Floats, curvature: Floats | None) -> Floats:
    """The step to the minimum of the quadratic model within the bounds, nearly."""
    free = ((x > 0) | (gradient < 0)) & ((x < HIGHEST) | (gradient > 0))
    if curvature is None:
        downhill = np.where(free, -gradient, 0.0)
        return _within(downhill * FIRST / max(float(np.linalg.norm(downhill)), 1e-300), x)
    step = np.zeros(len(x))
    for _ in range(PASSES):
        step[free] = _solved(curvature, free, gradient + curvature[:, ~free] @ step[~free])
        below = free & (x + step < 0)
        if not below.any():
            break
        step[below] = -x[below]
        free &= ~below
    step = _within(step, x)
    return step if gradient @ step < 0 else _within(-gradient / np.diag(curvature), x)


def _within(step: Floats, x: Floats) -> Floats:
    inside: Floats = np.clip(x + step, 0.0, HIGHEST) - x
    return inside


def _solved(curvature: Floats, free: Flags, gradient: Floats) -> Floats:
    inner = curvature[np.ix_(free, free)]
    return -np.linalg.solve(inner + 1e-12 * np.trace(inner) * np.eye(len(inner)), gradient[free])


def _learnt(curvature: Floats | None, step: Floats, change: Floats) -> Floats:
    """The BFGS update, damped as Powell (1978) does, so that it stays positive."""
    if curvature is None:
        size = max(float(step @ change), 1e-6 * float(step @ step)) / float(step @ step)
        curvature = np.eye(len(step)) * size
    bent = curvature @ step
    length, seen = float(step @ bent), float(step @ change)
    if seen < 0.2 * length:
        part = 0.8 * length / (length - seen)
        change = part * change + (1 - part) * bent
        seen = float(step @ change)
    return curvature - np.outer(bent, bent) / length + np.outer(change, change) / seen
