"""An independent check of a plan: sums in numpy, nothing shared with the search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.strategy.allocation.problem import NONE, TOLERANCE, Flags, Floats, Longs, Problem


@dataclass(frozen=True)
class Breach:
    """A limit that a plan breaks."""

    kind: str
    """One of `ghost`, `room`, `group`, `channel`, `household`, `pool`, `resource`."""
    index: int
    """Which customer, household, pool or resource; for `ghost` the candidate."""
    seen: float
    """What the plan takes."""
    allowed: float
    """What there is."""


def verify(problem: Problem, chosen: Flags) -> tuple[Breach, ...]:
    """Lists every limit that a plan breaks; minimums are not limits, see `Solution.unmet`.

    Args:
        problem: The problem.
        chosen: Whether a candidate gets in; n.

    Returns:
        Nothing if the plan is feasible.
    """
    rows = np.flatnonzero(chosen)
    customer = np.searchsorted(problem.first, rows, side="right") - 1
    found = [Breach("ghost", int(row), 1, 0) for row in rows[problem.ghost[rows] != NONE]]
    touching = problem.touch[rows]
    found += _over("room", np.bincount(customer[touching], minlength=problem.customers), problem.room)
    found += _group_breaches(problem, rows, customer)
    found += _channel_breaches(problem, rows, customer)
    home = problem.household[customer[touching]]
    house = np.bincount(home[home != NONE], minlength=len(problem.household_room))
    found += _over("household", house, problem.household_room)
    local = rows[problem.pool[rows] != NONE]
    taken = np.bincount(problem.pool[local], problem.use[local], len(problem.pool_capacity))
    found += _over("pool", taken, problem.pool_capacity)
    found += _over("resource", used(problem, chosen), problem.capacity)
    return tuple(found)


def used(problem: Problem, chosen: Flags) -> Floats:
    """Units of each global resource that a plan takes; q."""
    times = np.bincount(problem.recipe[np.flatnonzero(chosen)], minlength=len(problem.recipe_first) - 1)
    entry = np.repeat(times, np.diff(problem.recipe_first))
    return np.bincount(problem.recipe_resource, problem.recipe_amount * entry, minlength=len(problem.capacity)).astype(
        np.float64
    )


def _over(kind: str, seen: np.ndarray, allowed: np.ndarray) -> list[Breach]:
    where = np.flatnonzero(seen > allowed + TOLERANCE * np.maximum(np.abs(allowed), 1))
    return [Breach(kind, int(i), float(seen[i]), float(allowed[i])) for i in where]


def _group_breaches(problem: Problem, rows: Longs, customer: Longs) -> list[Breach]:
    found = []
    for column in range(problem.groups.shape[1]):
        group = problem.groups[rows, column]
        pairs = np.column_stack([customer, group])[group != NONE]
        each, times = np.unique(pairs, axis=0, return_counts=True)
        found += [Breach("group", int(each[i, 0]), int(times[i]), 1) for i in np.flatnonzero(times > 1)]
    return found


def _channel_breaches(problem: Problem, rows: Longs, customer: Longs) -> list[Breach]:
    found = []
    for channel in range(problem.channel_room.shape[1]):
        seen = np.bincount(customer[problem.channel[rows] == channel], minlength=problem.customers)
        found += _over("channel", seen, problem.channel_room[:, channel])
    return found
