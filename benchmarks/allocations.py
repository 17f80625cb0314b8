"""Instances of the allocation of touches: 20 actions, 4 channels, 1,000 branches, budget, stock on half the offers."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from cultiva.strategy.allocation import Problem, solve, verify

ACTIONS, BRANCHES = 20, 1_000
MINUTES = np.array([30.0, 10.0, 0.0, 0.0])
"""Of the branch's time per touch: a visit, a call, a text, an app message."""
COST = np.array([60.0, 15.0, 0.1, 0.02])
"""Money of the budget per touch."""
EFFECT = np.array([1.0, 0.8, 0.35, 0.25])
"""How much of an action's effect a channel brings."""
WANTED = 0.25
"""Chance that a customer is suitable for an action."""
REACHED = np.array([0.3, 0.4, 0.5, 0.4])
"""Chance that an action may go through a channel."""


def instance(customers: int, *, seed: int = 7) -> Problem:
    """Draws an instance; customers lie in order of their branches.

    Args:
        customers: How many.
        seed: Of the draw.

    Returns:
        k = 2; about 8 candidates per customer; groups: one channel per action, and four pairs of actions that exclude
        each other; resources: volume of four channels, budget, stock of ten actions, a minimum volume of one action.
    """
    draw = np.random.default_rng(seed)
    blocks = [_block(draw, count) for count in np.diff(np.linspace(0, customers, customers // 250_000 + 2).astype(int))]
    counts = np.concatenate([block[0] for block in blocks])
    worth, kind = (np.concatenate([block[part] for block in blocks]) for part in (1, 2))
    branch = (np.arange(customers) * BRANCHES // customers).astype(np.int32)
    action, channel = kind // 4, kind % 4
    pool = np.where(MINUTES[channel] > 0, np.repeat(branch, counts), -1).astype(np.int32)
    size = draw.lognormal(0, 0.3, BRANCHES)
    per_branch = np.maximum(np.round(customers / BRANCHES * 2.5 * size / 5) * 5, 30.0)
    stock = np.round(customers * draw.uniform(0.01, 0.04, ACTIONS // 2))
    volume = np.round(customers * np.array([0.10, 0.15, 0.40, 0.50]))
    first, resource, amount = _recipes()
    minimum = np.zeros(4 + 1 + ACTIONS // 2 + 1)
    minimum[-1] = np.round(customers * 0.02)
    return Problem(
        first=np.append(0, np.cumsum(counts)),
        worth=worth,
        groups=np.column_stack([action, np.where(action < 8, action // 2, -1)]).astype(np.int32),
        channel=channel,
        pool=pool,
        use=MINUTES[channel],
        recipe=kind,
        recipe_first=first,
        recipe_resource=resource,
        recipe_amount=amount,
        room=np.full(customers, 2),
        pool_capacity=per_branch,
        capacity=np.concatenate([volume, [np.round(customers * 6.0)], stock, [np.inf]]),
        minimum=minimum,
    )


def _block(draw: np.random.Generator, customers: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Candidates per customer, their worth, and action x 4 + channel, of some customers."""
    base = np.random.default_rng(1).uniform(8, 60, ACTIONS)
    able = (draw.random((customers, ACTIONS)) < WANTED)[:, :, None] & (draw.random((customers, ACTIONS, 4)) < REACHED)
    effect = draw.lognormal(0, 0.8, (customers, ACTIONS, 1)) * base[None, :, None] * EFFECT
    effect = effect * draw.lognormal(0, 0.25, (customers, ACTIONS, 4))
    worth = np.round(effect - 0.2 * COST, 2)
    able &= worth > 0
    _, action, channel = np.nonzero(able)
    return able.sum(axis=(1, 2)), worth[able], (action * 4 + channel).astype(np.int32)


def _recipes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each action by each channel takes: volume of the channel, budget, stock of even ones, minimum of 3."""
    first, resource, amount = [0], [], []
    for action in range(ACTIONS):
        for channel in range(4):
            row = [(channel, 1.0), (4, float(COST[channel]))]
            row += [(5 + action // 2, 1.0)] if action % 2 == 0 else []
            row += [(5 + ACTIONS // 2, 1.0)] if action == 3 else []
            resource += [each[0] for each in row]
            amount += [each[1] for each in row]
            first.append(len(resource))
    return np.array(first), np.array(resource), np.array(amount)


def solved(customers: int) -> dict[str, Any]:
    """Solves an instance, and again from its prices with a hundredth of the worths changed; after compilation."""
    solve(instance(2_000))
    problem = instance(customers)
    began, busy = time.perf_counter(), time.process_time()
    solution = solve(problem)
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    draw = np.random.default_rng(3)
    worth = problem.worth * np.where(draw.random(problem.candidates) < 0.01, draw.uniform(0.5, 1.5), 1.0)
    later = replace(problem, worth=worth)
    began = time.perf_counter()
    again = solve(later, start=solution.prices)
    return {
        "candidates": problem.candidates,
        "value": round(solution.value, 2),
        "bound": round(solution.bound, 2),
        "gap": float(f"{solution.gap:.3g}"),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "evaluations": solution.evaluations,
        "again_seconds": round(time.perf_counter() - began, 2),
        "again_gap": float(f"{again.gap:.3g}"),
        "again_evaluations": again.evaluations,
        "breaches": len(verify(problem, solution.chosen)) + len(verify(later, again.chosen)),
        "unmet": len(solution.unmet),
    }


def _main(solver: str, customers: int) -> dict[str, Any]:
    from benchmarks import allocation_peers as peers

    if solver == "cultiva":
        return solved(customers)
    problem = instance(customers)
    if solver == "greedy":
        return peers.greedy(problem)
    return peers.pdlp(problem) if solver == "pdlp" else peers.highs(problem, solver.removeprefix("highs_"))


if __name__ == "__main__":
    print(json.dumps(_main(sys.argv[1], int(sys.argv[2]))))
