"""The allocation, whatever is drawn: feasible, bounded, the same every time."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.drawn_allocations import drawn, optimum

from cultiva.strategy.allocation import Problem, Solution, solve, used, verify

SEEDS = st.integers(0, 2**32 - 1)


def lowered(problem: Problem, solution: Solution) -> np.ndarray:
    """Minimums, those not reached lowered to what was."""
    minimum = problem.minimum.copy()
    for each in solution.unmet:
        minimum[each.resource] = each.reached
    return minimum


@given(SEEDS)
@settings(max_examples=300, deadline=None)
def test_no_plan_breaks_a_limit(seed: int) -> None:
    problem = drawn(seed)
    solution = solve(problem)
    assert verify(problem, solution.chosen) == ()
    short = used(problem, solution.chosen) < problem.minimum - 1e-9
    assert [each.resource for each in solution.unmet] == np.flatnonzero(short).tolist()


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_the_optimum_lies_between_plan_and_bound(seed: int) -> None:
    problem = drawn(seed)
    solution = solve(problem)
    best = optimum(problem, lowered(problem, solution))
    assert best is not None
    assert solution.value <= best + 1e-6
    assert best <= solution.bound + 1e-6
