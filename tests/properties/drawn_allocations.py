"""Random small allocations, and what an integer programme says of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix, lil_matrix

from cultiva.strategy.allocation import Problem


def drawn(seed: int, **given: Any) -> Problem:
    """Draws an allocation that has a bit of everything: ties, empty groups, zero capacities, minimums out of reach."""
    draw = np.random.default_rng(seed)
    customers = int(given.pop("customers", draw.integers(0, 12)))
    counts = draw.integers(0, 7, customers)
    rows = int(counts.sum())
    pools, resources, recipes = int(draw.integers(1, 4)), int(draw.integers(1, 4)), 5
    worth = draw.integers(-3, 12, rows).astype(float) if draw.random() < 0.5 else draw.normal(5, 5, rows)
    per_recipe = [np.sort(draw.permutation(resources)[: draw.integers(0, resources + 1)]) for _ in range(recipes)]
    several = draw.random() < 0.3
    home = np.repeat(draw.integers(-1, pools, customers), counts)
    fields: dict[str, Any] = {
        "first": np.append(0, np.cumsum(counts)),
        "worth": worth,
        "groups": np.column_stack([draw.integers(-1, 3, rows), draw.integers(-1, 2, rows)]),
        "touch": draw.random(rows) < 0.8,
        "channel": draw.integers(-1, 2, rows),
        "pool": draw.integers(-1, pools, rows) if several else np.where(draw.random(rows) < 0.8, home, -1),
        "use": draw.integers(0, 4, rows).astype(float) if draw.random() < 0.6 else draw.random(rows) * 3,
        "recipe": draw.integers(0, recipes, rows),
        "recipe_first": np.append(0, np.cumsum([len(each) for each in per_recipe])),
        "recipe_resource": np.concatenate(per_recipe),
        "recipe_amount": draw.integers(0, 4, sum(len(each) for each in per_recipe)).astype(float),
        "room": draw.integers(0, 4, customers),
        "channel_room": draw.integers(0, 3, (customers, 2)) if draw.random() < 0.5 else np.empty(0),
        "household": draw.integers(-1, 3, customers) if draw.random() < 0.4 else np.empty(0),
        "household_room": draw.integers(0, 4, 3),
        "pool_capacity": draw.integers(0, 8, pools).astype(float),
        "capacity": np.where(draw.random(resources) < 0.2, np.inf, draw.integers(0, 12, resources)),
        "minimum": np.where(draw.random(resources) < 0.4, draw.integers(0, 6, resources), 0),
    }
    fields["minimum"] = np.minimum(fields["minimum"], fields["capacity"])
    return Problem(**{**fields, **given})


def limits(problem: Problem) -> tuple[csr_matrix, Any]:
    """Every limit as a row of a matrix over candidates, and the right-hand sides."""
    p, n = problem, problem.candidates
    customer = np.repeat(np.arange(p.customers), np.diff(p.first))
    rows: list[tuple[Any, Any, float]] = []
    for i in range(p.customers):
        mine = np.flatnonzero(customer == i)
        rows.append((mine[p.touch[mine]], 1.0, p.room[i]))
        for column in range(p.groups.shape[1]):
            for group in set(p.groups[mine, column].tolist()) - {-1}:
                rows.append((mine[p.groups[mine, column] == group], 1.0, 1))
        for channel in range(p.channel_room.shape[1]):
            rows.append((mine[p.channel[mine] == channel], 1.0, p.channel_room[i, channel]))
    for house, room in enumerate(p.household_room):
        rows.append((np.flatnonzero((p.household[customer] == house) & p.touch), 1.0, room))
    for pool, capacity in enumerate(p.pool_capacity):
        mine = np.flatnonzero(p.pool == pool)
        rows.append((mine, p.use[mine], capacity))
    matrix, right = lil_matrix((len(rows), n)), np.array([each[2] for each in rows], dtype=float)
    for row, (columns, values, _) in enumerate(rows):
        matrix[row, columns] = values
    return matrix.tocsr(), right


def takes(problem: Problem) -> csr_matrix:
    """Global resources that candidates take; q x n."""
    matrix = lil_matrix((len(problem.capacity), problem.candidates))
    for j, recipe in enumerate(problem.recipe):
        for entry in range(problem.recipe_first[recipe], problem.recipe_first[recipe + 1]):
            matrix[problem.recipe_resource[entry], j] += problem.recipe_amount[entry]
    return matrix.tocsr()


def optimum(problem: Problem, minimum: Any) -> float | None:
    """Worth of the best plan by HiGHS with given minimums; None if there is none."""
    if problem.candidates == 0:
        return 0.0
    matrix, right = limits(problem)
    constraints = [
        LinearConstraint(matrix, -np.inf, right),
        LinearConstraint(takes(problem), minimum, problem.capacity),
    ]
    real = (problem.ghost == -1).astype(float)
    found = milp(
        -problem.worth,
        constraints=constraints,
        integrality=np.ones(problem.candidates),
        bounds=Bounds(0, real),
        options={"mip_rel_gap": 0.0},
    )
    return None if found.x is None else float(-found.fun)
