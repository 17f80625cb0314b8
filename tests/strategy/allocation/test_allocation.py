"""The allocation on small problems whose answer is plain."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numba
import numpy as np
import pytest
from tests.properties.drawn_allocations import drawn, optimum

from cultiva.kit.errors import CultivaError
from cultiva.strategy.allocation import Breach, Problem, Solution, solve, used, verify

BY_ROW = ("worth", "groups", "touch", "channel", "pool", "use", "recipe", "ghost")
"""Fields with a value per candidate."""


def bank(customers: int = 3_000, *, seed: int = 5, **given: Any) -> Problem:
    """Customers of 30 branches with five actions by two channels, a budget, and stock of the first action."""
    draw = np.random.default_rng(seed)
    counts = draw.integers(0, 8, customers)
    rows = int(counts.sum())
    kind = draw.integers(0, 10, rows)
    branch = np.sort(draw.integers(0, 30, customers))
    fields_: dict[str, Any] = {
        "first": np.append(0, np.cumsum(counts)),
        "worth": np.round(draw.lognormal(2, 1, rows), 2),
        "groups": (kind // 2)[:, None],
        "pool": np.where(kind % 2 == 0, np.repeat(branch, counts), -1),
        "use": np.full(rows, 10.0),
        "recipe": kind,
        "recipe_first": np.arange(11) + np.minimum(np.arange(11), 2),
        "recipe_resource": np.array([0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        "recipe_amount": np.array([3, 1, 1, 1, 3, 1, 3, 1, 3, 1, 3, 1.0]),
        "room": np.full(customers, 2),
        "pool_capacity": np.full(30, 200.0),
        "capacity": np.array([customers * 1.2, customers * 0.05]),
    }
    return Problem(**{**fields_, **given})


def same(one: Solution, other: Solution) -> bool:
    return all(
        np.array_equal(getattr(one, each.name), getattr(other, each.name))
        for each in fields(Solution)
        if each.name not in ("prices", "evaluations")
    )


def test_nobody_and_nothing() -> None:
    solution = solve(Problem(first=np.zeros(1, dtype=np.int64), worth=np.empty(0)))
    assert (solution.value, solution.bound, solution.gap, solution.unmet) == (0.0, 0.0, 0.0, ())


def test_the_better_of_two_that_exclude_each_other() -> None:
    solution = solve(
        Problem(
            first=np.array([0, 3]),
            worth=np.array([5.0, 7.0, 1.0]),
            groups=np.array([[0], [0], [1]]),
            room=np.array([2]),
        )
    )
    assert solution.chosen.tolist() == [False, True, True]
    assert solution.value == solution.bound == 8.0


def test_a_full_pool_has_a_price_on_both_sides() -> None:
    problem = Problem(
        first=np.arange(5),
        worth=np.array([8.0, 6.0, 4.0, 2.0]),
        pool=np.zeros(4, dtype=np.int32),
        pool_capacity=np.array([2.0]),
    )
    solution = solve(problem)
    assert solution.chosen.tolist() == [True, True, False, False]
    assert solution.last_in.tolist() == pytest.approx([6.0])
    assert solution.first_out.tolist() == pytest.approx([4.0])
    assert solution.reduced.tolist() == pytest.approx([2.0, 0.0, -2.0, -4.0])


def test_ties_go_to_the_lower_index() -> None:
    problem = Problem(
        first=np.arange(6), worth=np.full(5, 3.0), pool=np.zeros(5, dtype=np.int32), pool_capacity=np.array([2.0])
    )
    assert solve(problem).chosen.tolist() == [True, True, False, False, False]


def test_the_gap_is_small_and_nothing_is_broken() -> None:
    problem = bank()
    solution = solve(problem)
    assert verify(problem, solution.chosen) == ()
    assert solution.value == pytest.approx(problem.worth[solution.chosen].sum())
    assert solution.gap < 1e-3


def test_the_order_of_customers_does_not_matter_to_the_bound() -> None:
    problem = bank(customers=600)
    order = np.random.default_rng(1).permutation(problem.customers)
    counts = np.diff(problem.first)[order]
    rows = np.concatenate([np.arange(problem.first[i], problem.first[i + 1]) for i in order])
    by_row = {name: getattr(problem, name)[rows] for name in BY_ROW}
    mixed = replace(problem, first=np.append(0, np.cumsum(counts)), **by_row)
    solution = solve(mixed)
    assert verify(mixed, solution.chosen) == ()
    assert solution.bound == pytest.approx(solve(problem).bound, rel=2e-3)


def test_threads_do_not_matter() -> None:
    problem = bank(customers=25_000, pool_capacity=np.full(30, 2_000.0))
    before = numba.get_num_threads()
    solutions = []
    try:
        for threads in (1, min(3, before)):
            numba.set_num_threads(threads)
            solutions.append(solve(problem))
    finally:
        numba.set_num_threads(before)
    assert same(*solutions)


def test_yesterdays_prices_save_evaluations() -> None:
    problem = bank()
    first = solve(problem)
    again = solve(problem, start=first.prices)
    assert again.evaluations < first.evaluations
    assert again.value == pytest.approx(first.value, rel=max(first.gap, again.gap) + 1e-9)


def test_a_minimum_out_of_reach_is_named_and_one_in_reach_is_met() -> None:
    problem = bank(capacity=np.array([3_600.0, np.inf]))
    free = used(problem, solve(problem).chosen)[1]
    more = replace(problem, minimum=np.array([0.0, free + 20]))
    met = solve(more)
    assert met.unmet == ()
    assert used(more, met.chosen)[1] >= free + 20
    assert met.prices.resources[1] < 0
    never = replace(problem, minimum=np.array([0.0, 1e6]))
    unmet = solve(never)
    assert [each.resource for each in unmet.unmet] == [1]
    assert unmet.unmet[0].reached == used(never, unmet.chosen)[1] > free
    assert verify(never, unmet.chosen) == ()
    assert unmet.value <= unmet.bound


def test_households_and_several_pools() -> None:
    problem = bank(customers=900)
    extra = np.where(problem.recipe == 1, 30, problem.pool)
    wider = replace(
        problem,
        pool=extra,
        pool_capacity=np.append(problem.pool_capacity, 300.0),
        household=np.arange(900, dtype=np.int32) // 2,
        household_room=np.full(450, 2),
    )
    solution = solve(wider)
    assert verify(wider, solution.chosen) == ()
    assert solution.gap < 0.02
    assert solution.value < solve(problem).bound


def test_ghosts_take_nothing() -> None:
    problem = bank()
    ghost = np.where(np.random.default_rng(2).random(problem.candidates) < 0.1, 4, -1)
    counts = np.diff(problem.first)
    customer = np.repeat(np.arange(problem.customers), counts)
    keep = ghost == -1
    by_row = {name: getattr(problem, name)[keep] for name in BY_ROW}
    first = np.append(0, np.cumsum(np.bincount(customer[keep], minlength=problem.customers)))
    without = solve(replace(problem, first=first, **by_row))
    among = solve(replace(problem, ghost=ghost))
    assert np.array_equal(among.chosen[keep], without.chosen)
    assert not among.chosen[~keep].any()
    assert among.exposed[~keep].any()


def test_ghosts_and_real_ones_are_exposed_by_one_rule() -> None:
    problem = bank()
    plain = solve(problem)
    boundary = np.flatnonzero(plain.exposed != plain.chosen)
    assert len(boundary) < 0.05 * plain.chosen.sum()
    out = np.flatnonzero(np.random.default_rng(3).random(problem.customers) < 0.02)
    customer = np.repeat(np.arange(problem.customers), np.diff(problem.first))
    held = replace(problem, ghost=np.where(np.isin(customer, out), 0, -1))
    ghosts = solve(held)
    mine = np.isin(customer, out)
    assert ghosts.exposed[mine].sum() == pytest.approx(plain.exposed[mine].sum(), rel=0.2)


def test_a_ghost_below_the_last_one_in_is_not_exposed() -> None:
    problem = Problem(
        first=np.arange(6),
        worth=np.array([8.0, 6.0, 4.0, 5.0, 7.0]),
        pool=np.zeros(5, dtype=np.int32),
        pool_capacity=np.array([2.0]),
        ghost=np.array([-1, -1, -1, 1, 1]),
    )
    assert solve(problem).exposed.tolist() == [True, True, False, False, True]


def test_the_check_sees_every_kind_of_breach() -> None:
    problem = replace(
        bank(customers=6, seed=2, pool_capacity=np.zeros(30), capacity=np.zeros(2)),
        household=np.zeros(6, dtype=np.int32),
        household_room=np.ones(1, dtype=np.int32),
        channel=np.zeros(bank(customers=6, seed=2).candidates, dtype=np.int32),
        channel_room=np.ones((6, 1), dtype=np.int32),
    )
    ghost = np.full(problem.candidates, -1)
    ghost[0] = 0
    everything = verify(replace(problem, ghost=ghost), np.ones(problem.candidates, dtype=np.bool_))
    kinds = {"ghost", "room", "group", "channel", "household", "pool", "resource"}
    assert {each.kind for each in everything} == kinds
    assert Breach("ghost", 0, 1, 0) in everything


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(CultivaError, match="pool"):
        Problem(first=np.array([0, 1]), worth=np.ones(1), pool=np.array([3]), pool_capacity=np.ones(1))


@pytest.mark.parametrize("seed", range(20))
def test_plans_of_a_dozen_customers_are_near_the_best(seed: int) -> None:
    problem = drawn(seed, customers=12)
    problem = replace(problem, minimum=np.zeros(len(problem.capacity)))
    solution = solve(problem)
    best = optimum(problem, problem.minimum)
    assert best is not None
    assert solution.value >= 0.9 * best - 1e-9
