"""Prices of the resources: the dual function and its minimum."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cultiva.strategy.allocation.branches import UNKNOWN, evaluate, rooms
from cultiva.strategy.allocation.descent import descend
from cultiva.strategy.allocation.layout import Layout
from cultiva.strategy.allocation.problem import Floats, Longs
from cultiva.strategy.allocation.work import pieces, spread

SAMPLE = 0.04
"""Part of all units that the first prices come from."""
SAMPLE_UNITS = 10_000
"""Units of it, at least."""
SAMPLE_BRANCHES = 24
"""Branches of it, at least."""
EVALUATIONS = 60
"""Evaluations of the dual in one search where nothing is known, at most."""
PRECISION, PRECISION_OF_SAMPLE = 1e-7, 1e-6
"""A search ends where a step promises less, relative."""


@dataclass(eq=False)
class Dual:
    """The dual function of some branches; keeps the branches' prices from one evaluation to the next."""

    layout: Layout
    which: Longs
    """The branches."""
    share: float
    """What part of all units they hold."""
    pool_prices: Floats
    """Price per branch of all branches; -1: not known yet."""
    widths: Floats = field(init=False)
    cuts: Longs = field(init=False)
    best: float = field(default=np.inf, init=False)
    """Least value seen."""
    best_theta: Floats = field(init=False)
    """Prices there."""
    evaluations: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.cuts = pieces(self.layout.packed, self.which)
        self.widths = 0.02 * np.abs(self.pool_prices) + 1e-6
        self.best_theta = np.zeros(len(self.layout.capacity))

    def at(self, theta: Floats) -> tuple[float, Floats]:
        """Value of the dual at prices of the resources, and what the relaxed plan takes of them; money and units."""
        packed, layout = self.layout.packed, self.layout
        values = np.zeros(len(packed.branch_capacity))
        taken = np.zeros((len(self.cuts) - 1, len(theta)))
        state = (charges(layout, theta), theta)
        pool, nothing = (self.pool_prices, self.widths), (np.empty(0, dtype=np.bool_), np.empty(0))
        spread(evaluate, self.cuts, rooms(layout, self.which), packed, state, self.which, pool, values, taken, nothing)
        self.evaluations += 1
        value = float(values[self.which].sum()) + self.share * fixed(layout, theta)
        if value < self.best:
            self.best, self.best_theta = value, theta.copy()
        return value, taken.sum(axis=0)


def charges(layout: Layout, theta: Floats) -> Floats:
    """What each recipe costs at prices of the resources."""
    packed = layout.packed
    rows = np.repeat(np.arange(len(packed.recipe_first) - 1), np.diff(packed.recipe_first))
    cost = packed.recipe_amount * theta[packed.recipe_resource]
    return np.bincount(rows, cost, minlength=len(packed.recipe_first) - 1).astype(np.float64)


def fixed(layout: Layout, theta: Floats) -> float:
    """What capacities and minimums are worth at prices of the resources."""
    up = np.where(theta > 0, theta * np.where(theta > 0, layout.capacity, 0.0), 0.0)
    return float(up.sum() + np.minimum(theta, 0.0) @ layout.minimum)


def every_branch(layout: Layout) -> Longs:
    """All branches."""
    return np.arange(len(layout.packed.branch_capacity))


def sample(layout: Layout) -> tuple[Longs, float] | None:
    """A spread of branches, and the part of all units that they hold; None where all are few enough."""
    packed, units = layout.packed, len(layout.packed.unit_room)
    branches = len(packed.branch_capacity)
    wanted = max(SAMPLE_BRANCHES, int(np.ceil(branches * max(SAMPLE, SAMPLE_UNITS / max(units, 1)))))
    if wanted * 3 > branches:
        return None
    which = np.unique(np.linspace(0, branches - 1, wanted).astype(np.int64))
    return which, float(np.diff(packed.branch_first)[which].sum() / units)


@dataclass(frozen=True, eq=False)
class Scale:
    """Prices as the search sees them: one variable per capacity and one per minimum, all of them about 1."""

    upper: Longs
    """Resources with a capacity."""
    lower: Longs
    """Resources with a minimum."""
    unit: Floats
    """Money per unit of resource that is 1; r."""
    worth: float
    """Money that values of the dual are told in."""

    def theta(self, x: Floats) -> Floats:
        """Prices of the resources."""
        theta = np.zeros(len(self.unit))
        theta[self.upper] = x[: len(self.upper)]
        theta[self.lower] -= x[len(self.upper) :]
        return theta * self.unit

    def x(self, theta: Floats) -> Floats:
        """Variables of the search."""
        scaled = theta / self.unit
        return np.concatenate([np.maximum(scaled[self.upper], 0), np.maximum(-scaled[self.lower], 0)])


def scale(layout: Layout) -> Scale:
    """Scales prices by the worth of all that is worth anything."""
    packed = layout.packed
    worth = max(float(np.maximum(packed.worth, 0.0).sum()) / 4, 1e-9)
    finite = np.isfinite(layout.capacity) & (layout.capacity > 0)
    size = np.where(finite, layout.capacity, np.maximum(layout.minimum, 1.0))
    unit = worth / size / max(len(size), 1)
    return Scale(np.flatnonzero(finite), np.flatnonzero(layout.minimum > 0), unit, worth)


def minimise(
    dual: Dual, theta: Floats, s: Scale, curvature: Floats | None, *, evaluations: int, precision: float = PRECISION
) -> Floats | None:
    """Searches the prices that make the dual least.

    Args:
        dual: The dual function; its best prices are kept in it.
        theta: Where to start; r.
        s: Scale of the search.
        curvature: What an earlier search has learnt of the function; None: nothing.
        evaluations: At most.
        precision: Stops when a step promises less, relative.

    Returns:
        What this one has learnt.
    """
    if not len(s.upper) + len(s.lower):
        dual.at(theta)
        return curvature

    def function(x: Floats) -> tuple[float, Floats]:
        value, taken = dual.at(s.theta(x))
        slack_up = dual.share * dual.layout.capacity[s.upper] - taken[s.upper]
        slack_low = taken[s.lower] - dual.share * dual.layout.minimum[s.lower]
        gradient = np.concatenate([slack_up * s.unit[s.upper], slack_low * s.unit[s.lower]])
        return value / (dual.share * s.worth), gradient / (dual.share * s.worth)

    return descend(function, s.x(theta), curvature, evaluations=evaluations, precision=precision)


def start_of(layout: Layout) -> tuple[Floats, Floats]:
    """Prices of resources and of branches where nothing is known."""
    return np.zeros(len(layout.capacity)), np.full(len(layout.packed.branch_capacity), UNKNOWN)
