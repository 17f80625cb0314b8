"""Small changes of a whole plan: one candidate of a unit out, one in, or both; each within every limit.

Used thrice: to mend what takes more of a resource than there is, to raise what is below its minimum, and to fill what
is left. Every unit offers its best change; the best ones of all are made one after the other, if they still hold.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from cultiva.strategy.allocation.branches import FULL
from cultiva.strategy.allocation.layout import REAL, Layout
from cultiva.strategy.allocation.problem import Flags, Floats

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


@njit(cache=True)
def _touched(p: Any, s: Any, j: int, delta: Any, goal: int) -> Any:
    """Judges the resources that a candidate takes; each counts once, since what is judged is wiped."""
    reached = 0.0
    for entry in range(p.recipe_first[p.recipe[j]], p.recipe_first[p.recipe[j] + 1]):
        r = p.recipe_resource[entry]
        if delta[r] != 0.0:
            allowed, part = _judge(s, r, delta[r], goal)
            delta[r] = 0.0
            reached += part
            if not allowed:
                return False, 0.0
    r = p.far[j]
    if r >= 0 and delta[r] != 0.0:
        allowed, part = _judge(s, r, delta[r], goal)
        delta[r] = 0.0
        reached += part
        if not allowed:
            return False, 0.0
    return True, reached


@njit(cache=True, inline="always")
def _local(p: Any, out: int, inn: int) -> float:
    """Units of the branch's own pool that a change takes more."""
    more = 0.0
    if inn >= 0 and p.far[inn] < 0:
        more += p.use[inn]
    if out >= 0 and p.far[out] < 0:
        more -= p.use[out]
    return more


@njit(cache=True)
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


@njit(cache=True, inline="always")
def _bits(p: Any, s: Any, j: int) -> Any:
    """Resources that a candidate takes, as bits."""
    far = p.far[j]
    return s.full[p.recipe[j]] | (np.uint64(1) << np.uint64(far % 64)) if far >= 0 else s.full[p.recipe[j]]


@njit(cache=True)
def _mark(p: Any, s: Any, goal: int) -> None:
    """Sets the bits of a state: what recipes take and have no room for, and what a change is for."""
    for recipe in range(len(s.full)):
        s.full[recipe], s.closed[recipe] = np.uint64(0), np.uint64(0)
        for entry in range(p.recipe_first[recipe], p.recipe_first[recipe + 1]):
            r, amount = p.recipe_resource[entry], p.recipe_amount[entry]
            bit = np.uint64(1) << np.uint64(r % 64)
            s.full[recipe] |= bit
            if amount > 0.0 and s.taken[r] + amount > s.capacity[r] + FULL * max(min(s.capacity[r], 1e300), 1.0):
                s.closed[recipe] |= bit
    s.over[0] = np.uint64(0)
    for r in range(len(s.taken)):
        if goal == MEND:
            wanted = s.taken[r] > s.capacity[r] + FULL * max(s.capacity[r], 1.0)
        else:
            wanted = s.taken[r] < s.minimum[r] - FULL * max(s.minimum[r], 1.0)
        if wanted:
            s.over[0] |= np.uint64(1) << np.uint64(r % 64)


@njit(cache=True)
def _free(p: Any, unit: int, now: Any, out: int, inn: int) -> bool:
    """Whether a candidate may join the unit's set when another has left."""
    touches, members, on_channel = 0, 0, 0
    member = p.member[inn]
    for k in now:
        if k == out:
            continue
        touches += p.touch[k]
        if p.member[k] != member:
            continue
        for g in range(p.groups.shape[1]):
            if p.groups[k, g] >= 0 and p.groups[k, g] == p.groups[inn, g]:
                return False
        members += p.touch[k]
        on_channel += p.channel[k] == p.channel[inn]
    if p.touch[inn] and (touches >= p.unit_room[unit] or members >= p.room[member]):
        return False
    limited = p.channel_room.shape[1] > 0 and p.channel[inn] >= 0
    return not limited or on_channel < p.channel_room[member, p.channel[inn]]


@njit(cache=True, inline="always")
def _cost(p: Any, at: Any, lam: float, j: int) -> float:
    """What a candidate's resources and pool cost at the prices."""
    if j < 0:
        return 0.0
    charges, theta = at
    return charges[p.recipe[j]] + p.use[j] * (theta[p.far[j]] if p.far[j] >= 0 else lam)


@njit(cache=True, inline="always")
def _score(p: Any, at: Any, lam: float, change: Any, goal: int, reached: float) -> float:
    """Lower is better; infinite: not worth making."""
    out, inn = change
    gain = (p.worth[inn] if inn >= 0 else 0.0) - (p.worth[out] if out >= 0 else 0.0)
    if goal == MEND:  # what else it frees may find no taker, so it does not count
        return -gain / reached if reached > 0.0 else np.inf
    cost = _cost(p, at, lam, inn) - _cost(p, at, lam, out)
    if goal == FILL:
        return -gain / (max(cost, 0.0) + 1e-6 * gain + 1e-12) if gain > WORTHLESS else np.inf
    return (cost - gain) / reached if reached > 0.0 else np.inf


@njit(cache=True, inline="always")
def _may_come(p: Any, s: Any, inn: int, left: Any, goal: int) -> bool:
    """Whether a candidate may come in at all: a quick look that never says no to one that may."""
    if p.rival[inn] != REAL or s.chosen[inn] or s.closed[p.recipe[inn]] & ~left[0]:
        return False
    if p.far[inn] < 0 and p.use[inn] > max(left[1], 0.0):
        return False
    return goal != RAISE or (_bits(p, s, inn) & s.over[0]) != 0


@njit(cache=True)
def _best_of_unit(p: Any, at: Any, s: Any, place: Any, goal: int, room: Any) -> Any:
    """The best change of one unit: its score, who goes, who comes."""
    unit, b, lam = place
    now, delta = room
    first, last, size = p.first[unit], p.first[unit + 1], 0
    for j in range(first, last):
        if s.chosen[j]:
            now[size] = j
            size += 1
    best, gone, come = np.inf, _NOBODY, _NOBODY
    room_left = p.branch_capacity[b] - s.pools[b]
    for o in range(-1, size):
        out = now[o] if o >= 0 else _NOBODY
        leaves = np.uint64(0)
        back = room_left
        if out >= 0:
            leaves = _bits(p, s, out)
            back += p.use[out] if p.far[out] < 0 else 0.0
        if goal == MEND and not leaves & s.over[0]:
            continue
        for inn in range(first - 1, last):
            if inn < first:
                if out < 0 or goal != MEND:
                    continue
            elif not _may_come(p, s, inn, (leaves, back), goal):
                continue
            change = (out, inn if inn >= first else _NOBODY)
            if goal == FILL and not _score(p, at, lam, change, goal, 1.0) < best:
                continue
            if inn >= first and not _free(p, unit, now[:size], out, inn):
                continue
            holds, reached = _allowed(p, s, b, change, goal, delta)
            if holds:
                score = _score(p, at, lam, change, goal, reached)
                if score < best:
                    best, gone, come = score, out, change[1]
    return best, gone, come


@njit(cache=True, parallel=True)
def _offers(p: Any, at: Any, s: Any, cuts: Any, prices: Any, goal: int, offers: Any) -> None:
    scores, gone, come = offers
    for piece in prange(len(cuts) - 1):
        room = (np.empty(p.deepest + 1, dtype=np.int64), np.zeros(len(s.taken)))
        for b in range(cuts[piece], cuts[piece + 1]):
            for unit in range(p.branch_first[b], p.branch_first[b + 1]):
                place = (unit, b, prices[b])
                scores[unit], gone[unit], come[unit] = _best_of_unit(p, at, s, place, goal, room)


@njit(cache=True)
def _make(p: Any, s: Any, order: Any, branch: Any, offers: Any, goal: int) -> int:
    """Makes changes in order while they hold; how many."""
    _, gone, come = offers
    delta, made = np.zeros(len(s.taken)), 0
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


@njit(cache=True)
def _sums(p: Any, s: Any) -> None:
    """Adds up from nothing what the plan takes."""
    s.taken[:] = 0.0
    s.pools[:] = 0.0
    for b in range(len(s.pools)):
        for j in range(p.first[p.branch_first[b]], p.first[p.branch_first[b + 1]]):
            if s.chosen[j]:
                _spread(p, j, 1.0, s.taken)
                if p.far[j] < 0:
                    s.pools[b] += p.use[j]


def state_of(layout: Layout, chosen: Flags) -> State:
    """What a plan takes."""
    taken, pools = np.zeros(len(layout.capacity)), np.zeros(len(layout.packed.branch_capacity))
    recipes = len(layout.packed.recipe_first) - 1
    bits = (np.zeros(recipes, dtype=np.uint64), np.zeros(recipes, dtype=np.uint64), np.zeros(1, dtype=np.uint64))
    state = State(chosen, *bits, np.ones(len(taken)), taken, pools, layout.capacity, layout.minimum)
    _sums(layout.packed, state)
    return state


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
    _offers(packed, at, state, cuts, prices, goal, offers)
    useful = np.flatnonzero(offers[0] < np.inf)
    order = useful[np.argsort(offers[0][useful], kind="stable")]
    branch = np.searchsorted(packed.branch_first, order, side="right") - 1
    made = _make(packed, state, order, branch, offers, goal)
    _sums(packed, state)
    return made
