"""Small changes of a whole plan: one candidate of a unit out, one in, or both; each within every limit.

Used thrice: to mend what takes more of a resource than there is, to raise what is below its minimum, and to fill what
is left. Every unit offers its best change; the best ones of all are made one after the other, if they still hold.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from cultiva.strategy.allocation.branches import FULL
from cultiva.strategy.allocation.layout import REAL, Layout, Packed
from cultiva.strategy.allocation.problem import Flags, Floats
from cultiva.strategy.allocation.sets import fits, limits
from cultiva.strategy.allocation.work import spread

MEND, RAISE, FILL = 0, 1, 2
"""What a change is for."""
ROUNDS = 40
"""Rounds of changes of one kind, at most."""
WORTHLESS = 1e-9
"""Money below which a change is not made."""
_NOBODY = -1


class State(NamedTuple):
    """A plan, and what it takes; r resources."""

    chosen: Any
    """Per place; n."""
    full: Any
    """Resources that a recipe takes, as bits (modulo 64), per recipe."""
    closed: Any
    """Those of them that have no room for it; per recipe."""
    over: Any
    """Resources that a change has to relieve or to raise, as bits; 1."""
    relief: Any
    """Money per unit that relieving a resource counts as; r."""
    taken: Any
    """Units of each resource; r."""
    pools: Any
    """Units of each branch's own pool; b."""
    capacity: Any
    """Units of each resource; r."""
    minimum: Any
    """Units of each resource to be used at least; r."""


@njit(cache=True, inline="always")
def _spread(p: Any, j: int, times: float, delta: Any) -> None:
    for entry in range(p.recipe_first[p.recipe[j]], p.recipe_first[p.recipe[j] + 1]):
        delta[p.recipe_resource[entry]] += times * p.recipe_amount[entry]
    if p.far[j] >= 0:
        delta[p.far[j]] += times * p.use[j]


@njit(cache=True, inline="always")
def _wipe(p: Any, j: int, delta: Any) -> None:
    for entry in range(p.recipe_first[p.recipe[j]], p.recipe_first[p.recipe[j] + 1]):
        delta[p.recipe_resource[entry]] = 0.0
    if p.far[j] >= 0:
        delta[p.far[j]] = 0.0


@njit(cache=True, inline="always")
def _judge(s: Any, r: int, more: float, goal: int) -> Any:
    """Whether a change of a resource is allowed, and how much of the goal it reaches, in capacities or minimums."""
    now, top, least = s.taken[r], s.capacity[r], s.minimum[r]
    if more > 0.0:
        if now + more > top + FULL * max(top, 1.0) and top < np.inf:
            return False, 0.0
        return True, min(more, max(least - now, 0.0)) / max(least, 1.0) if goal == RAISE else 0.0
    if goal != MEND and now + more < least - FULL * max(least, 1.0):
        return False, 0.0
    return True, min(-more, max(now - top, 0.0)) * s.relief[r] if goal == MEND else 0.0


@njit(cache=True, inline="always")
def _touched(p: Any, s: Any, j: int, delta: Any, goal: int) -> Any:
    """Judges the resources that a candidate takes; each counts once, since what is judged is wiped."""
    reached, good = 0.0, True
    first, last, far = p.recipe_first[p.recipe[j]], p.recipe_first[p.recipe[j] + 1], p.far[j]
    for entry in range(first, last + 1):
        r = p.recipe_resource[entry] if entry < last else far
        if good and r >= 0 and delta[r] != 0.0:
            allowed, part = _judge(s, r, delta[r], goal)
            delta[r] = 0.0
            reached += part
            good = allowed
    return good, reached


@njit(cache=True, inline="always")
def _local(p: Any, out: int, inn: int) -> float:
    """Units of the branch's own pool that a change takes more."""
    more = 0.0
    if inn >= 0 and p.far[inn] < 0:
        more += p.use[inn]
    if out >= 0 and p.far[out] < 0:
        more -= p.use[out]
    return more


@njit(cache=True, _nrt=False, error_model="numpy")
def _allowed(p: Any, s: Any, b: int, change: Any, goal: int, delta: Any) -> Any:
    """Whether a change keeps all limits of resources and pools, and how much of the goal it reaches."""
    out, inn = change
    more = _local(p, out, inn)
    if more > 0.0 and s.pools[b] + more > p.branch_capacity[b]:
        return False, 0.0
    if out >= 0:
        _spread(p, out, -1.0, delta)
    if inn >= 0:
        _spread(p, inn, 1.0, delta)
    holds, reached = True, 0.0
    if inn >= 0:
        holds, reached = _touched(p, s, inn, delta, goal)
    if holds and out >= 0:
        holds, also = _touched(p, s, out, delta, goal)
        reached += also
    if inn >= 0:
        _wipe(p, inn, delta)
    if out >= 0:
        _wipe(p, out, delta)
    return holds, reached


def _mark(packed: Packed, s: State, goal: int) -> None:
    """Sets the bits of a state: what recipes take and have no room for, and what a change is for."""
    resource, amount = packed.recipe_resource, packed.recipe_amount
    bit = np.left_shift(np.uint64(1), (resource % 64).astype(np.uint64))
    starts, filled = packed.recipe_first[:-1], np.diff(packed.recipe_first) > 0
    room = s.capacity + FULL * np.maximum(s.capacity, 1)
    tight = (amount > 0) & (s.taken[resource] + amount > room[resource])
    for found, mine in ((s.full, bit), (s.closed, np.where(tight, bit, np.uint64(0)))):
        found[:] = 0
        found[filled] = np.bitwise_or.reduceat(mine, starts[filled]) if filled.any() else 0
    if goal == MEND:
        wanted = np.flatnonzero(s.taken > room)
    else:
        wanted = np.flatnonzero(s.taken < s.minimum - FULL * np.maximum(s.minimum, 1))
    each = np.left_shift(np.uint64(1), (wanted % 64).astype(np.uint64))
    s.over[0] = np.bitwise_or.reduce(each, initial=np.uint64(0))


@njit(cache=True, inline="always")
def _free(p: Any, question: Any, unit: int, now: Any, change: Any, path: Any) -> bool:
    """Whether a candidate may join the unit's set when another has left."""
    kept, left, touch = 0, p.unit_room[unit], p.touch
    for i in range(now[1]):
        k = now[0][i]
        if k != change[0]:
            path[kept] = k
            kept += 1
            left -= touch[k]
    return fits(p.plain, question, change[1], (path, kept), left)


@njit(cache=True, inline="always")
def _score(gain: float, cost: float, goal: int, reached: float) -> float:
    """Lower is better; infinite: not worth making. Mending: what else it frees may find no taker, so does not count."""
    if goal == MEND:
        return -gain / reached if reached > 0.0 else np.inf
    if goal == FILL:
        return -gain / (max(cost, 0.0) + 1e-6 * gain + 1e-12) if gain > WORTHLESS else np.inf
    return (cost - gain) / reached if reached > 0.0 else np.inf


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def _offers(piece: Any, room: Any, p: Any, at: Any, s: Any, prices: Any, goal: int, offers: Any) -> None:
    """The best change of every unit: its score, who goes, who comes."""
    scores, gone, come = offers
    charges, theta = at
    worth, use, far, recipe, rival, chosen = p.worth, p.use, p.far, p.recipe, p.rival, s.chosen
    full, closed, over, question, capacity, pools = s.full, s.closed, s.over[0], limits(p), p.branch_capacity, s.pools
    now, path, price, delta = room
    for b in range(piece[1], piece[2]):
        for unit in range(p.branch_first[b], p.branch_first[b + 1]):
            first, last, size = p.first[unit], p.first[unit + 1], 0
            best, out, inn = np.inf, _NOBODY, _NOBODY
            for j in range(first, last):
                price[j - first] = charges[recipe[j]] + use[j] * (theta[far[j]] if far[j] >= 0 else prices[b])
                if chosen[j]:
                    now[size] = j
                    size += 1
            for o in range(-1, size):
                leaver, leaves, left, lost, freed = _NOBODY, np.uint64(0), capacity[b] - pools[b], 0.0, 0.0
                if o >= 0:
                    leaver = now[o]
                    lost, freed = worth[leaver], price[leaver - first]
                    leaves = full[recipe[leaver]]
                    if far[leaver] >= 0:
                        leaves |= np.uint64(1) << np.uint64(far[leaver] % 64)
                    else:
                        left += use[leaver]
                if goal == MEND and not leaves & over:
                    continue
                for comer in range(first - 1, last):
                    gain, cost, takes = -lost, -freed, np.uint64(0)
                    if comer < first:
                        if leaver < 0 or goal != MEND:
                            continue
                    else:
                        gain, cost = worth[comer] - lost, price[comer - first] - freed
                        if goal == FILL and not _score(gain, cost, goal, 1.0) < best:
                            continue
                        if chosen[comer] or rival[comer] != REAL or closed[recipe[comer]] & ~leaves:
                            continue
                        if far[comer] < 0 and use[comer] > max(left, 0.0):
                            continue
                        takes = full[recipe[comer]]
                        if far[comer] >= 0:
                            takes |= np.uint64(1) << np.uint64(far[comer] % 64)
                        if goal == RAISE and not takes & over:
                            continue
                        if not _free(p, question, unit, (now, size), (leaver, comer), path):
                            continue
                    holds, reached = _allowed(p, s, b, (leaver, comer if comer >= first else _NOBODY), goal, delta)
                    if holds:
                        score = _score(gain, cost, goal, reached)
                        if score < best:
                            best, out, inn = score, leaver, comer if comer >= first else _NOBODY
            scores[unit], gone[unit], come[unit] = best, out, inn


@njit(cache=True, _nrt=False, error_model="numpy")
def _make(p: Any, s: Any, order: Any, branch: Any, offers: Any, delta: Any, goal: int) -> int:
    """Makes changes in order while they hold; how many."""
    _, gone, come = offers
    made = 0
    for i in range(len(order)):
        unit, b = order[i], branch[i]
        change = (gone[unit], come[unit])
        holds, reached = _allowed(p, s, b, change, goal, delta)
        if not holds or (goal != FILL and reached <= 0.0):
            continue
        s.pools[b] += _local(p, change[0], change[1])
        if change[0] >= 0:
            _spread(p, change[0], -1.0, s.taken)
            s.chosen[change[0]] = False
        if change[1] >= 0:
            _spread(p, change[1], 1.0, s.taken)
            s.chosen[change[1]] = True
        made += 1
    return made


def taken_by(layout: Layout, chosen: Flags) -> tuple[Floats, Floats]:
    """What a plan takes of the resources, and of the branches' own pools; r, b."""
    packed, places = layout.packed, np.flatnonzero(chosen)
    times = np.bincount(packed.recipe[places], minlength=len(packed.recipe_first) - 1)
    entries = np.repeat(times, np.diff(packed.recipe_first)) * packed.recipe_amount
    far = packed.far[places]
    away, home = places[far >= 0], places[far < 0]
    shared = np.bincount(packed.recipe_resource, entries, minlength=len(layout.capacity))
    pooled = np.bincount(packed.far[away], packed.use[away], minlength=len(layout.capacity))
    branch = np.searchsorted(packed.first[packed.branch_first], home, side="right") - 1
    own = np.bincount(branch, packed.use[home], minlength=len(packed.branch_capacity))
    return (shared + pooled).astype(np.float64), own.astype(np.float64)


def state_of(layout: Layout, chosen: Flags) -> State:
    """What a plan takes."""
    taken, pools = taken_by(layout, chosen)
    recipes = len(layout.packed.recipe_first) - 1
    bits = (np.zeros(recipes, dtype=np.uint64), np.zeros(recipes, dtype=np.uint64), np.zeros(1, dtype=np.uint64))
    return State(chosen, *bits, np.ones(len(taken)), taken, pools, layout.capacity, layout.minimum)


def improve(layout: Layout, state: State, at: tuple[Floats, Floats], cuts: Any, prices: Floats) -> None:
    """Makes a plan feasible, meets minimums as far as they can be met, and fills what is left.

    Args:
        layout: The layout.
        state: The plan; changed.
        at: Charges per recipe and prices of resources.
        cuts: Pieces of branches that threads share.
        prices: Price per branch.
    """
    state.relief[:] = np.maximum(at[1], 1e-3 * np.abs(at[1]).max(initial=1e-9))
    for goal in (MEND, RAISE, FILL):
        for _ in range(ROUNDS):
            if not _wanted(state, goal) or not _round(layout, state, at, cuts, prices, goal):
                break


def _wanted(state: State, goal: int) -> bool:
    if goal == MEND:
        return bool((state.taken > state.capacity + FULL * np.maximum(state.capacity, 1)).any())
    return goal == FILL or bool((state.taken < state.minimum - FULL * np.maximum(state.minimum, 1)).any())


def _round(layout: Layout, state: State, at: Any, cuts: Any, prices: Floats, goal: int) -> int:
    packed = layout.packed
    units = len(packed.unit_room)
    offers = (np.empty(units), np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64))
    _mark(packed, state, goal)

    def room() -> Any:
        paths = (np.empty(packed.deepest + 1, dtype=np.int64) for _ in range(2))
        return *paths, np.empty(packed.widest), np.zeros(len(state.taken))

    spread(_offers, cuts, room, packed, at, state, prices, goal, offers)
    useful = np.flatnonzero(offers[0] < np.inf)
    order = useful[np.argsort(offers[0][useful], kind="stable")]
    branch = np.searchsorted(packed.branch_first, order, side="right") - 1
    made = _make(packed, state, order, branch, offers, np.zeros(len(state.taken)), goal)
    state.taken[:], state.pools[:] = taken_by(layout, state.chosen)
    return made
