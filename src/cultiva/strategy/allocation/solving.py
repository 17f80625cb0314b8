"""The optimiser: prices by Lagrangian duality, a whole plan branch by branch, mended and filled, with a proof."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np

from cultiva.strategy.allocation.branches import UNKNOWN
from cultiva.strategy.allocation.duals import (
    EVALUATIONS,
    PRECISION_OF_SAMPLE,
    Dual,
    Scale,
    charges,
    every_branch,
    minimise,
    sample,
    scale,
    start_of,
)
from cultiva.strategy.allocation.exposure import expose
from cultiva.strategy.allocation.finish import Draft, Whole
from cultiva.strategy.allocation.layout import Layout, lay_out
from cultiva.strategy.allocation.moves import State, improve, state_of
from cultiva.strategy.allocation.problem import NONE, TOLERANCE, Floats, Prices, Problem, Solution, Unmet

WHOLE = 300_000
"""Units up to which prices are searched on whole branches too: what rounding costs shrinks with more of them."""
WHOLE_EVALUATIONS, WHOLE_EVALUATIONS_MANY = 12, 3
"""Evaluations of that search, up to those and beyond: with few units in a branch, fewer leave gaps above 1 %."""
AFTER_SAMPLE = 12
"""Evaluations on all, where a sample was searched first."""
FEW = 2_000
"""Customers below which one thread does all the work."""


_Learnt = tuple[Scale, Floats | None]
"""The scale of the search and the curvature of the dual."""


@dataclass(frozen=True, eq=False)
class _Plan:
    """A whole plan, within the limits."""

    state: State
    draft: Draft
    bound: float


def solve(problem: Problem, *, start: Prices | None = None) -> Solution:
    """Chooses the candidates that are worth most together, within all limits.

    The same problem and start give the same bytes, whatever the number of threads. Ties go to the lower index.

    Args:
        problem: The problem.
        start: Prices to begin from, e.g. yesterday's; saves most of the search.

    Returns:
        The plan, its bound and the prices.
    """
    if problem.candidates == 0:
        return _nothing(problem)
    layout = lay_out(problem)
    with _threads(problem.customers):
        dual, learnt = _search(layout, start)
        plan = _best_plan(layout, dual, learnt)
        return _solution(problem, layout, dual, plan)


@contextmanager
def _threads(customers: int) -> Iterator[None]:
    """One thread where waking the others takes longer than the work."""
    before = numba.get_num_threads()
    numba.set_num_threads(1 if customers < FEW else before)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def _nothing(problem: Problem) -> Solution:
    """The plan where there are no candidates."""
    pools = np.zeros(len(problem.pool_capacity))
    unmet = [Unmet(int(r), 0.0, float(problem.minimum[r])) for r in np.flatnonzero(problem.minimum > TOLERANCE)]
    return Solution(
        chosen=np.zeros(0, dtype=np.bool_),
        value=0.0,
        bound=0.0,
        prices=Prices(np.zeros(len(problem.capacity)), pools),
        last_in=pools,
        first_out=pools,
        reduced=np.zeros(0),
        exposed=np.zeros(0, dtype=np.bool_),
        unmet=tuple(unmet),
        evaluations=0,
    )


def _search(layout: Layout, start: Prices | None) -> tuple[Dual, _Learnt]:
    """Finds the prices: on a sample first, then on all."""
    theta, pools = start_of(layout)
    s, curvature, evaluations = scale(layout), None, EVALUATIONS
    some = sample(layout)
    if start is not None:
        theta, pools = _started(layout, start)
    if some is not None and len(theta):
        first = Dual(layout, some[0], some[1], pools)
        curvature = minimise(first, theta, s, None, evaluations=EVALUATIONS, precision=PRECISION_OF_SAMPLE)
        theta, evaluations = first.best_theta, AFTER_SAMPLE
        pools[pools == UNKNOWN] = np.median(pools[some[0]])
    dual = Dual(layout, every_branch(layout), 1.0, pools)
    curvature = minimise(dual, theta, s, curvature, evaluations=evaluations)
    return dual, (s, curvature)


def _started(layout: Layout, start: Prices) -> tuple[Floats, Floats]:
    """Prices of resources and branches from those of an earlier solution."""
    priced = np.flatnonzero(layout.resource_of_pool != NONE)
    theta = np.concatenate([start.resources, start.pools[priced]])
    theta = np.where(np.isfinite(layout.capacity), theta, np.minimum(theta, 0.0))
    theta = np.where(layout.minimum > 0, theta, np.maximum(theta, 0.0))
    return theta, np.append(start.pools, UNKNOWN)[layout.pool_of_branch].astype(np.float64)


def _best_plan(layout: Layout, dual: Dual, learnt: _Learnt) -> _Plan:
    """The plan at the best prices of whole branches; where all are few, searched from those of relaxed ones."""
    relaxed = dual.best_theta
    whole = Whole(layout, dual.which, 1.0, dual.pool_prices)
    few = len(layout.packed.unit_room) <= WHOLE
    minimise(whole, relaxed, *learnt, evaluations=WHOLE_EVALUATIONS if few else WHOLE_EVALUATIONS_MANY)
    draft = whole.plan
    state = state_of(layout, draft.chosen)
    improve(layout, state, (charges(layout, draft.theta), draft.theta), dual.cuts, draft.prices)
    return _Plan(state, draft, whole.best)


def _solution(problem: Problem, layout: Layout, dual: Dual, plan: _Plan) -> Solution:
    theta, last_in, prices = plan.draft.theta, plan.draft.last_in, plan.draft.prices
    reduced, exposed = expose(layout, (charges(layout, theta), theta), dual.cuts, last_in)
    globally = len(problem.capacity)
    chosen = layout.at_home(plan.state.chosen)
    unmet = _unmet(problem, plan.state)
    return Solution(
        chosen=chosen,
        value=float(problem.worth[chosen].sum()),
        bound=_lowered_bound(layout, plan, unmet) if unmet else plan.bound,
        prices=Prices(theta[:globally], _per_pool(problem, layout, theta, prices)),
        last_in=_per_pool(problem, layout, theta, last_in),
        first_out=_per_pool(problem, layout, theta, prices),
        reduced=layout.at_home(reduced),
        exposed=layout.at_home(exposed),
        unmet=unmet,
        evaluations=dual.evaluations,
    )


def _lowered_bound(layout: Layout, plan: _Plan, unmet: tuple[Unmet, ...]) -> float:
    """The bound when the minimums not reached are lowered to what was: at the plan's prices, or at better ones."""
    minimum, theta = layout.minimum.copy(), plan.draft.theta.copy()
    for each in unmet:
        minimum[each.resource], theta[each.resource] = each.reached, 0.0
    there = sum(-plan.draft.theta[each.resource] * (each.minimum - each.reached) for each in unmet)
    lower = replace(layout, minimum=minimum)
    relaxed = Dual(lower, every_branch(lower), 1.0, plan.draft.prices.copy())
    minimise(relaxed, theta, scale(lower), None, evaluations=EVALUATIONS)
    whole = Whole(lower, relaxed.which, 1.0, relaxed.pool_prices)
    whole.at(relaxed.best_theta)
    return min(plan.draft.dual + there, whole.best)


def _per_pool(problem: Problem, layout: Layout, theta: Floats, prices: Any) -> Floats:
    """Prices of branches and of priced pools as prices of pools; 0 where nobody wants any."""
    found = np.zeros(len(problem.pool_capacity))
    owned = layout.pool_of_branch != NONE
    found[layout.pool_of_branch[owned]] = prices[owned]
    priced = layout.resource_of_pool != NONE
    found[priced] = theta[layout.resource_of_pool[priced]]
    return found


def _unmet(problem: Problem, state: State) -> tuple[Unmet, ...]:
    reached = state.taken[: len(problem.minimum)]
    short = reached < problem.minimum - TOLERANCE * np.maximum(problem.minimum, 1)
    return tuple(Unmet(int(r), float(reached[r]), float(problem.minimum[r])) for r in np.flatnonzero(short))
