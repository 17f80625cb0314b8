"""In order: candidates get in one after another by a given rank, as long as everything they need has room.

What the plan does where no money is compared (rules, propensity, chance), and how it is told who would have got in: a
ghost, which a holdout leaves alone, looks for room as everybody, and takes none from others but fellow ghosts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from cultiva.strategy.allocation.problem import NONE, Flags, Floats, Ints, Longs, Problem

IN, BESIDE, POOL, RESOURCE = 0, 1, 2, 3
"""What became of a candidate: it got in; another of the same customer or household, its pool, or a resource stood in
its way."""


@dataclass(frozen=True, eq=False)
class Ordered:
    """Who got in, n candidates."""

    taken: Flags
    """Real candidates that got in, and ghosts that would have; n."""
    reason: Ints
    """IN, or why not; n."""
    rival: Longs
    """BESIDE: the candidate that stood in the way; RESOURCE: the resource; else -1; n."""
    place: Longs
    """POOL: place in the queue, 1 for the first; n."""


def in_order(problem: Problem, order: Longs, *, fellows: Flags | None = None) -> Ordered:
    """Lets candidates in, in an order.

    Args:
        problem: Candidates, room and capacities; its worth is not looked at. Minimums are not looked at either.
        order: The candidates' positions, the first first.
        fellows: Ghosts that stand in one another's way in their pool too, because all of it is left alone; n.
    """
    p = problem
    owner = np.repeat(np.arange(p.customers), np.diff(p.first))
    together = fellows if fellows is not None else np.zeros(p.candidates, dtype=np.bool_)
    members = np.argsort(p.household, kind="stable")
    home_first = np.searchsorted(p.household[members], np.arange(len(p.household_room) + 1))
    found = _run(
        order, p.first, owner, p.groups, p.touch, p.channel, p.pool, p.use, p.recipe, p.recipe_first,
        p.recipe_resource, p.recipe_amount, p.ghost, p.room, p.channel_room, p.pool_capacity, p.capacity, together,
        (p.household, p.household_room, members, home_first),
    )  # fmt: skip
    return Ordered(*found)


def by_rank(rank: Floats) -> Longs:
    """Positions, the highest rank first; ties in the order in which candidates stand."""
    return np.argsort(-rank, kind="stable")


@njit(cache=True)
def _at_home(j: int, c: int, first: Longs, taken: Flags, touch: Flags, ghost: Ints, homes: Any) -> int:  # noqa: PLR0913, PLR0917
    """The last touch of the household that stands in the way (the candidate itself where there is none), or NONE."""
    household, household_room, members, home_first = homes
    touches, last, home = 0, j, household[c]
    for place in range(home_first[home], home_first[home + 1]):
        for i in range(first[members[place]], first[members[place] + 1]):
            if taken[i] and touch[i] and (ghost[i] < 0 or ghost[i] == ghost[j]):
                touches += 1
                last = i
    return last if touches >= household_room[home] else NONE


@njit(cache=True)
def _run(  # noqa: PLR0913, PLR0917, C901, PLR0912  (arrays of one problem; one pass over them)
    order: Longs, first: Longs, owner: Longs, groups: Ints, touch: Flags, channel: Ints, pool: Ints, use: Floats,
    recipe: Ints, recipe_first: Longs, recipe_resource: Ints, recipe_amount: Floats, ghost: Ints, room: Ints,
    channel_room: Ints, pool_capacity: Floats, capacity: Floats, together: Flags, homes: Any,
) -> tuple[Flags, Ints, Longs, Longs]:  # fmt: skip
    n = len(order)
    taken, reason = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.int32)
    rival, place = np.full(n, NONE, dtype=np.int64), np.zeros(n, dtype=np.int64)
    pool_left, left = pool_capacity.copy(), capacity.copy()
    fellows_used, seen = np.zeros(len(pool_capacity)), np.zeros(len(pool_capacity), dtype=np.int64)
    for j in order:
        c = owner[j]
        touches, on_channel, blocker, last = 0, 0, NONE, NONE
        for i in range(first[c], first[c + 1]):
            if not taken[i] or (ghost[i] >= 0 and ghost[i] != ghost[j]):
                continue
            for g in range(groups.shape[1]):
                if groups[i, g] >= 0 and groups[i, g] == groups[j, g]:
                    blocker = i
            if touch[i]:
                touches += 1
                last = i
            if channel[i] >= 0 and channel[i] == channel[j]:
                on_channel += 1
        if blocker == NONE and touch[j] and touches >= room[c]:
            blocker = last if last != NONE else j
        if blocker == NONE and touch[j] and homes[0][c] >= 0:
            blocker = _at_home(j, c, first, taken, touch, ghost, homes)
        limited = channel_room.shape[1] > 0 and channel[j] >= 0
        if blocker == NONE and limited and on_channel >= channel_room[c, channel[j]]:
            blocker = last if last != NONE else j
        if blocker != NONE:
            reason[j], rival[j] = BESIDE, blocker
            continue
        if pool[j] >= 0:
            behind = fellows_used[pool[j]] if together[j] else 0.0
            place[j] = seen[pool[j]] + 1
            if ghost[j] < 0:
                seen[pool[j]] += 1
            if pool_left[pool[j]] - behind < use[j] - 1e-9:
                reason[j] = POOL
                continue
        short = NONE
        for e in range(recipe_first[recipe[j]], recipe_first[recipe[j] + 1]):
            if left[recipe_resource[e]] < recipe_amount[e] - 1e-9:
                short = recipe_resource[e]
        if short != NONE:
            reason[j], rival[j] = RESOURCE, short
            continue
        taken[j] = True
        if ghost[j] >= 0:
            if together[j] and pool[j] >= 0:
                fellows_used[pool[j]] += use[j]
            continue
        if pool[j] >= 0:
            pool_left[pool[j]] -= use[j]
        for e in range(recipe_first[recipe[j]], recipe_first[recipe[j] + 1]):
            left[recipe_resource[e]] -= recipe_amount[e]
    return taken, reason, rival, place
