"""Candidates laid out for the search: units side by side in branches, each branch with one pool of its own.

A *unit* is a household, or a customer without one: the smallest set of candidates whose limits on touches, channels and
groups touch nobody else. A *branch* is a run of units that share one pool; that pool's price is found exactly inside
the branch. Every other pool (of units with several, or of too many units) is priced like a global resource, after
those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from cultiva.strategy.allocation.problem import NONE, TOLERANCE, Floats, Ints, Longs, Problem

REAL, NEVER = -1, -2
"""`Packed.rival` of real candidates, and of those that take more than there is."""
LOOSE_UNITS = 1024
"""Units per branch where no pool holds them together."""
POOL_UNITS = 20_000
"""A pool of more units than this is priced like a global resource, or one thread would do all the work."""


CELLS = 12_000
"""Widest table of shifts, in grains."""
GRAINS = (
    3600.0,
    600.0,
    60.0,
    30.0,
    20.0,
    15.0,
    12.0,
    10.0,
    6.0,
    5.0,
    4.0,
    3.0,
    2.0,
    1.0,
    0.5,
    0.25,
    0.2,
    0.1,
    0.05,
    0.01,
)
"""Grains tried, coarsest first: all use of a pool has to be a multiple of it for the table to be exact."""


class Packed(NamedTuple):
    """The arrays that compiled loops read; n candidates, u units, m customers, b branches."""

    first: Any
    """Where the candidates of each unit begin; u + 1."""
    worth: Any
    """Money; n."""
    use: Any
    """Units of its pool; n."""
    far: Any
    """Index of its pool among resources if that is priced there, else -1 (the branch's own pool); n."""
    recipe: Any
    """Row of the recipes; n."""
    member: Any
    """Its customer; n."""
    groups: Any
    """Exclusive groups; n x g."""
    channel: Any
    """Channel; n."""
    touch: Any
    """Whether it counts as a touch; n."""
    rival: Any
    """REAL, NEVER, or the holdout of a ghost; n."""
    room: Any
    """Touches left per customer; m."""
    channel_room: Any
    """Left per customer and channel; m x channels."""
    unit_room: Any
    """Touches left per unit; u."""
    branch_first: Any
    """Where the units of each branch begin; b + 1."""
    branch_capacity: Any
    """Capacity of each branch's own pool; b; infinite without one."""
    recipe_first: Any
    """Where recipes begin."""
    recipe_resource: Any
    """Their resources."""
    recipe_amount: Any
    """Their amounts."""
    plain: bool
    """Whether every unit is one customer, every candidate a touch, and no channel limited."""
    only_touches: bool
    """Whether every candidate counts as a touch."""
    deepest: int
    """Most candidates that any unit can have chosen."""
    widest: int
    """Most candidates of any unit."""


@dataclass(frozen=True, eq=False)
class Layout:
    """A problem laid out."""

    packed: Packed
    rows: Longs
    """Candidate of the problem at each place; n; empty: the same order."""
    pool_of_branch: Ints
    """Pool of each branch; b; -1 without one."""
    resource_of_pool: Ints
    """Index of each pool among resources; p; -1 where a branch owns it."""
    capacity: Floats
    """Of resources, the global ones and then the priced pools; r."""
    minimum: Floats
    """Of the same; r."""
    grain: tuple[float, bool]
    """Of what all use of owned pools is a multiple, and whether it is."""

    def at_home(self, values: Any) -> Any:
        """Values per place as values per candidate of the problem."""
        if not len(self.rows):
            return values
        back = np.empty_like(values)
        back[self.rows] = values
        return back


def lay_out(problem: Problem) -> Layout:
    """Finds units, pools that branches own, and the order."""
    unit_of, units = _units(problem)
    homes, owned = _homes(problem, unit_of, units)
    order = _order(homes)
    customers, rows = _places(problem, unit_of, order, units)
    far = np.full(len(problem.pool_capacity), NONE, dtype=np.int32)
    priced = np.flatnonzero(~owned)
    far[priced] = len(problem.capacity) + np.arange(len(priced), dtype=np.int32)
    pool_of_branch, branch_first = _branches(homes if order is None else homes[order])
    capacity = np.append(problem.pool_capacity, np.inf)[pool_of_branch]
    packed = _packed(problem, customers, rows, far)
    packed = _with_units(problem, packed, customers, unit_of)
    packed = packed._replace(branch_first=branch_first, branch_capacity=capacity)
    return Layout(
        packed,
        rows,
        pool_of_branch,
        far,
        np.concatenate([problem.capacity, problem.pool_capacity[priced]]),
        np.concatenate([problem.minimum, np.zeros(len(priced))]),
        _grain_of(packed),
    )


def _units(problem: Problem) -> tuple[Ints, int]:
    """Unit of each customer, in order of their first customers; and how many."""
    if not (problem.household != NONE).any():
        return np.arange(problem.customers, dtype=np.int32), problem.customers
    alone = len(problem.household_room) + np.arange(problem.customers)
    key = np.where(problem.household != NONE, problem.household, alone)
    _, place, inverse = np.unique(key, return_index=True, return_inverse=True)
    rank = np.empty(len(place), dtype=np.int32)
    rank[np.argsort(place, kind="stable")] = np.arange(len(place), dtype=np.int32)
    return rank[inverse], len(place)


@njit(cache=True)
def _pairs(first: Any, pool: Any, unit_of: Any, units: int, pools: int) -> Any:
    """First pool of every unit, units per pool, and which customers' units see more than one pool."""
    home = np.full(units, -1, dtype=np.int32)
    members = np.zeros(pools, dtype=np.int64)
    several = np.zeros(units, dtype=np.bool_)
    for customer in range(len(first) - 1):
        unit = unit_of[customer]
        for j in range(first[customer], first[customer + 1]):
            if pool[j] >= 0 and home[unit] != pool[j]:
                if home[unit] < 0:
                    home[unit] = pool[j]
                    members[pool[j]] += 1
                else:
                    several[unit] = True
    return home, members, several


def _homes(problem: Problem, unit_of: Ints, units: int) -> tuple[Ints, Any]:
    """The owned pool of every unit (-1 without), and which pools are owned: no unit has two of them."""
    pools = len(problem.pool_capacity)
    home, members, several = _pairs(problem.first, problem.pool, unit_of, units, pools)
    owned = members <= max(POOL_UNITS, units // 256)
    if several.any():
        unit_of_row = np.repeat(unit_of, np.diff(problem.first))
        rows = np.flatnonzero(several[unit_of_row] & (problem.pool != NONE))
        pairs = np.unique(np.column_stack([unit_of_row[rows], problem.pool[rows]]), axis=0)
        owned &= _independent(pairs, pools)
        keep = pairs[owned[pairs[:, 1]]]
        home[several] = NONE
        home[keep[:, 0]] = keep[:, 1]
    home[(home != NONE) & ~np.append(owned, True)[home]] = NONE
    return home, owned


def _independent(pairs: Ints, pools: int) -> Any:
    """Pools that share no unit, the least entangled ones first."""
    rivals: list[set[int]] = [set() for _ in range(pools)]
    starts = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
    for group in {tuple(each.tolist()) for each in np.split(pairs[:, 1], starts[1:])}:
        for pool in group:
            rivals[pool].update(group)
    taken = np.ones(pools, dtype=np.bool_)
    for pool in sorted(range(pools), key=lambda each: (len(rivals[each]), each)):
        others = rivals[pool] - {pool}
        if taken[pool] and others:
            taken[list(others)] = False
    return taken


def _order(homes: Ints) -> Any:
    """Order of units by pool; None where they already lie side by side. Who has no pool stays between neighbours."""
    with_pool = np.flatnonzero(homes != NONE)
    if len(with_pool) and not (np.diff(homes[with_pool]) >= 0).all():
        return np.argsort(np.where(homes == NONE, np.iinfo(np.int32).max, homes), kind="stable")
    if len(with_pool):
        after = np.minimum(np.searchsorted(with_pool, np.arange(len(homes))), len(with_pool) - 1)
        right, left = homes[with_pool[after]], homes[with_pool[np.maximum(after - 1, 0)]]
        homes[:] = np.where((homes == NONE) & (left == right), left, homes)
    return None


def _branches(homes: Ints) -> tuple[Ints, Longs]:
    """Pool of each run of units, and where the runs begin; runs without a pool are cut into pieces."""
    change = np.flatnonzero(np.diff(homes, prepend=np.int32(-9)))
    ends = np.append(change[1:], len(homes))
    starts = [
        np.arange(start, end, LOOSE_UNITS) if homes[start] == NONE else np.array([start])
        for start, end in zip(change, ends, strict=True)
    ]
    first = np.concatenate([*starts, np.array([len(homes)])]).astype(np.int64)
    return homes[first[:-1]].astype(np.int32), first


def _places(problem: Problem, unit_of: Ints, order: Any, units: int) -> tuple[Any, Any]:
    """Customers and candidates by place; both empty where the order stays."""
    if order is None and units == problem.customers:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    rank = np.arange(units)
    if order is not None:
        rank[order] = np.arange(units)
    customers = np.argsort(rank[unit_of], kind="stable")
    counts = np.diff(problem.first)[customers]
    skipped = np.repeat(problem.first[customers] - np.append(0, np.cumsum(counts)[:-1]), counts)
    return customers, skipped + np.arange(problem.candidates)


def _packed(problem: Problem, customers: Any, rows: Any, far: Ints) -> Packed:
    def by_row(values: Any) -> Any:
        return values[rows] if len(rows) else values

    def by_customer(values: Any) -> Any:
        return values[customers] if len(customers) else values

    counts = by_customer(np.diff(problem.first))
    pool = by_row(problem.pool)
    never = impossible(problem)
    rival = np.where(never, NEVER, problem.ghost).astype(np.int32) if never.any() else problem.ghost
    return Packed(
        first=np.append(0, np.cumsum(counts)),
        worth=by_row(problem.worth),
        use=np.where(pool == NONE, 0.0, by_row(problem.use)),
        far=np.append(far, np.int32(NONE))[pool],
        recipe=by_row(problem.recipe),
        member=np.repeat(np.arange(problem.customers, dtype=np.int32), counts),
        groups=by_row(problem.groups),
        channel=by_row(problem.channel),
        touch=by_row(problem.touch),
        rival=by_row(rival),
        room=by_customer(problem.room),
        channel_room=by_customer(problem.channel_room),
        unit_room=by_customer(problem.room),
        branch_first=np.empty(0, dtype=np.int64),
        branch_capacity=np.empty(0),
        recipe_first=problem.recipe_first,
        recipe_resource=problem.recipe_resource,
        recipe_amount=problem.recipe_amount,
        plain=bool(problem.touch.all()) and not problem.channel_room.shape[1] and not (problem.household != NONE).any(),
        only_touches=bool(problem.touch.all()),
        deepest=0,
        widest=0,
    )


def impossible(problem: Problem) -> Any:
    """Candidates that alone take more than there is; n."""
    slack = TOLERANCE * np.maximum(problem.capacity, 1)
    entry_over = problem.recipe_amount > (problem.capacity + slack)[problem.recipe_resource]
    over = np.zeros(len(problem.recipe_first) - 1, dtype=np.bool_)
    over[np.repeat(np.arange(len(over)), np.diff(problem.recipe_first))[entry_over]] = True
    room = np.append(problem.pool_capacity, np.inf)[problem.pool]
    return over[problem.recipe] | (problem.use > room + TOLERANCE * np.maximum(room, 1))


def _with_units(problem: Problem, packed: Packed, customers: Any, unit_of: Ints) -> Packed:
    """Joins the customers of a household, and finds how large sets can be."""
    if not (problem.household != NONE).any():
        unit_first = np.arange(problem.customers + 1)
        unit_room = packed.room
    else:
        customers = customers if len(customers) else np.arange(problem.customers)
        placed = unit_of[customers]
        unit_first = np.append(np.flatnonzero(np.diff(placed, prepend=-1)), problem.customers)
        house = problem.household[customers[unit_first[:-1]]]
        together = np.add.reduceat(packed.room.astype(np.int64), unit_first[:-1]).astype(np.int32)
        limit = np.append(problem.household_room, np.iinfo(np.int32).max).astype(np.int32)[house]
        unit_room = np.minimum(limit, together)
    first = packed.first[unit_first].astype(np.int64)
    touches = np.append(0, np.cumsum(packed.touch, dtype=np.int64))
    touching = touches[first[1:]] - touches[first[:-1]]
    deep = np.minimum(touching, unit_room) + np.diff(first) - touching
    return packed._replace(
        first=first,
        unit_room=np.ascontiguousarray(unit_room),
        deepest=int(deep.max(initial=1)),
        widest=int(np.diff(first).max(initial=1)),
    )


def _grain_of(packed: Packed) -> tuple[float, bool]:
    """The coarsest grain of which all use of owned pools is a multiple, and whether it is; else one fine enough."""
    several = (packed.use > 0) & (packed.far < 0)
    loads = _distinct(packed.use[several])
    if not len(loads):
        return 1.0, True
    for grain in GRAINS:
        if len(loads) < CELLS and np.abs(loads / grain - np.round(loads / grain)).max() < 1e-9:
            return grain, True
    return float(loads.max()) / 128, False


def _distinct(loads: Floats) -> Floats:
    """Different values; a few of them are found without sorting."""
    few = np.unique(loads[:: max(len(loads) // 1000, 1)])
    if len(few) and len(few) < 64 and np.array_equal(few[np.searchsorted(few, loads).clip(0, len(few) - 1)], loads):
        return few
    return np.unique(loads)
