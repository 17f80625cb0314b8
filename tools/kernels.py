"""Compiles the kernels once, when the environment is made, so that nobody waits for it later.

numba keeps compiled functions beside their source and compiles anew what has changed. `python -m tools.kernels`.
"""

from __future__ import annotations

import numpy as np

from cultiva.strategy.allocation import Problem, solve
from cultiva.strategy.ordered import by_rank, in_order


def allocation() -> None:
    """A small problem with everything that a plan may have, begun anew and from earlier prices."""
    draw = np.random.default_rng(7)
    customers, each = 60, 4
    rows = customers * each
    problem = Problem(
        first=np.arange(0, rows + 1, each),
        worth=draw.normal(2.0, 2.0, rows),
        groups=np.column_stack([np.tile(np.arange(each), customers), draw.integers(0, 3, rows)]),
        touch=draw.random(rows) < 0.9,
        channel=draw.integers(-1, 2, rows),
        pool=draw.integers(-1, 3, rows),
        recipe_first=np.arange(rows + 1),
        recipe_resource=draw.integers(0, 2, rows),
        recipe_amount=draw.random(rows),
        ghost=np.where(draw.random(rows) < 0.1, 0, -1),
        room=np.full(customers, 2),
        channel_room=np.ones((customers, 2)),
        pool_capacity=np.array([5.0, 7.0, 0.0]),
        capacity=np.array([12.0, np.inf]),
        minimum=np.array([0.0, 3.0]),
    )
    solve(problem, start=solve(problem).prices)
    in_order(problem, by_rank(problem.worth))


if __name__ == "__main__":
    allocation()
