"""The best set of candidates of one unit at given prices: branch and bound over candidates in order of worth.

Helpers are `inline="always"`: each kernel compiles once, and passes no tuples of arrays around in its loops.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from cultiva.strategy.allocation.layout import REAL

NODES = 20_000
"""Sets looked at before a unit's best one is taken as found; what it may have missed goes into the bound."""
NOBODY = (-9, -9)
"""No holdout, no customer."""
TINY = 1e-9
"""Relative difference of money below which two sets are equally good."""


class Desk(NamedTuple):
    """Room to work for one thread; w = `Packed.widest`."""

    cand: Any
    """Candidates that bring something at the prices of the resources; w."""
    net: Any
    """Their worth less resources; w."""
    load: Any
    """Their use of the branch's pool; w."""
    rest: Any
    """Their worth less resources and pool; w."""
    order: Any
    """Positions by `rest`, best first; w."""
    stack: Any
    """Positions in the order, of the set looked at; w + 1."""
    path: Any
    """Candidates of it; w + 1."""
    scratch: Any
    """The best set, where nobody asks for it; w + 1."""
    sums: Any
    """`rest` of the set before each of them; w + 1."""
    touching: Any
    """How many of the first in the order are touches; w + 1."""
    above: Any
    """Sum of `rest` of the first touches in the order; w + 1."""
    beside: Any
    """Sum of `rest` of those of the first in the order that are none; w + 1."""


def desk(widest: int) -> Any:
    """Makes room to work."""
    return Desk(
        np.empty(widest + 1, dtype=np.int64),
        np.empty(widest + 1),
        np.empty(widest + 1),
        np.empty(widest + 1),
        np.empty(widest + 1, dtype=np.int64),
        np.empty(widest + 1, dtype=np.int64),
        np.empty(widest + 1, dtype=np.int64),
        np.empty(widest + 1, dtype=np.int64),
        np.empty(widest + 1),
        np.zeros(widest + 1, dtype=np.int64),
        np.zeros(widest + 1),
        np.zeros(widest + 1),
    )


@njit(cache=True, inline="always")
def gather(p: Any, at: Any, unit: int, ghost: Any, d: Any) -> int:
    """Puts a unit's real candidates on the desk that are worth more than the resources they take; how many.

    Args:
        p: The packed problem.
        at: Charges per recipe and prices of resources.
        unit: The unit.
        ghost: Holdout and customer whose ghosts count too; `NOBODY`: none.
        d: The desk.
    """
    charges, theta = at
    worth, use, far, recipe, rival, member = p.worth, p.use, p.far, p.recipe, p.rival, p.member
    cand, nets, loads = d.cand, d.net, d.load
    count, holdout, customer = 0, ghost[0], ghost[1]
    for j in range(p.first[unit], p.first[unit + 1]):  # without branches: twenty times as fast
        load, resource = use[j], far[j]
        net = worth[j] - charges[recipe[j]]
        if resource >= 0:
            net -= theta[resource] * load
            load = 0.0
        cand[count], nets[count], loads[count] = j, net, load
        count += (net > 0.0) & ((rival[j] == REAL) | ((rival[j] == holdout) & (member[j] == customer)))
    return count


@njit(cache=True, inline="always")
def rank(p: Any, d: Any, count: int, lam: float, floor: float) -> int:
    """Orders those whose worth less pool is above the floor, best first, ties by index; how many."""
    order, rests, nets, loads, cand, touch = d.order, d.rest, d.net, d.load, d.cand, p.touch
    above, beside, touching, only = d.above, d.beside, d.touching, p.only_touches
    ranked = 0
    for c in range(count):
        rest = nets[c] - lam * loads[c]
        rests[c] = rest
        if rest > floor:
            at = ranked
            while at > 0 and rests[order[at - 1]] < rest:
                order[at] = order[at - 1]
                at -= 1
            order[at] = c
            ranked += 1
    touches, apart = 0, 0.0
    for i in range(ranked):
        gain = max(rests[order[i]], 0.0)
        if only or touch[cand[order[i]]]:
            above[touches + 1] = above[touches] + gain
            touches += 1
        else:
            apart += gain
        beside[i + 1] = apart
        touching[i + 1] = touches
    return ranked


@njit(cache=True, inline="always")
def ceiling(touching: Any, above: Any, beside: Any, span: Any, left: int) -> float:
    """The most that candidates from a position on can add with so many touches left."""
    start, ranked = span
    first = touching[start]
    last = min(first + left, touching[ranked])
    return above[last] - above[first] + beside[ranked] - beside[start]


@njit(cache=True, inline="always")
def limits(p: Any) -> Any:
    """What `fits` asks; taken out of the loops, since numba counts references whenever a tuple is asked."""
    return p.groups, p.member, p.touch, p.channel, p.room, p.channel_room


@njit(cache=True, inline="always")
def fits(plain: bool, limit: Any, j: int, chosen: Any, left: int) -> bool:
    """Whether a candidate may join those chosen so far.

    Args:
        plain: `Packed.plain`.
        limit: What `limits` told.
        j: The candidate.
        chosen: The candidates so far, and how many.
        left: Touches left of the unit.
    """
    groups, member, touch, channel, room, channel_room = limit
    path, depth = chosen
    good, touches, on_channel = True, 0, 0
    for level in range(depth):
        k = path[level]
        same = plain or member[k] == member[j]
        for g in range(groups.shape[1]):
            good = good & ((not same) | (groups[j, g] < 0) | (groups[j, g] != groups[k, g]))
        if not plain:
            touches += same & touch[k]
            on_channel += same & (channel[k] == channel[j])
    if plain:
        return good & (left > 0)
    good = good & ((not touch[j]) | ((left > 0) & (touches < room[member[j]])))
    if channel_room.shape[1] > 0 and channel[j] >= 0:
        good = good & (on_channel < channel_room[member[j], channel[j]])
    return good


@njit(cache=True, inline="always")
def best_set(p: Any, unit: int, d: Any, count: int, lam: float, out: Any) -> Any:
    """The best set of those on the desk at a price of the branch's pool.

    Args:
        p: The packed problem.
        unit: The unit on the desk.
        d: The desk.
        count: Candidates on it.
        lam: Money per unit of the pool.
        out: Gets the candidates of the set.

    Returns:
        How many they are, their worth less resources, their use of the pool, and by how much a better set could be
        better (0 unless the search was cut off).
    """
    order, rests, nets, loads, cand, touch = d.order, d.rest, d.net, d.load, d.cand, p.touch
    stack, sums, path, room, plain, only = d.stack, d.sums, d.path, p.unit_room[unit], p.plain, p.only_touches
    limit = limits(p)
    touching, above, beside = d.touching, d.above, d.beside
    ranked = rank(p, d, count, lam, 0.0)
    left, depth, at, now, best, size, nodes = room, 0, 0, 0.0, 0.0, 0, 0
    while True:
        while at < ranked and nodes < NODES:
            if (left == 0 and only) or (
                best > 0.0 and now + ceiling(touching, above, beside, (at, ranked), left) <= best
            ):
                break
            c = order[at]
            if fits(plain, limit, cand[c], (path, depth), left):
                stack[depth], sums[depth], path[depth] = at, now, cand[c]
                now += rests[c]
                left -= touch[cand[c]]
                depth += 1
                nodes += 1
                if now > best:
                    best, size = now, depth
                    for level in range(depth):
                        out[level] = order[stack[level]]
            at += 1
        if depth == 0:
            break
        depth -= 1
        at, now = stack[depth], sums[depth]
        left += touch[cand[order[at]]]
        at += 1
    net, load = 0.0, 0.0
    for level in range(size):
        net += nets[out[level]]
        load += loads[out[level]]
        out[level] = cand[out[level]]
    missed = ceiling(touching, above, beside, (0, ranked), room) - best if nodes >= NODES else 0.0
    return size, net, load, missed


@njit(cache=True, _nrt=False, error_model="numpy")
def sort(order: Any, key: Any, used: int) -> None:
    """Orders the first numbers from 0 by their keys, greatest first, ties by number: Shell's sort, Ciura's gaps."""
    for i in range(used):
        order[i] = i
    for gap in (24000, 10700, 4750, 2100, 930, 410, 170, 57, 23, 10, 4, 1):
        for i in range(gap, used):
            s, at = order[i], i
            while at >= gap and (
                key[order[at - gap]] < key[s] or (key[order[at - gap]] == key[s] and order[at - gap] > s)
            ):
                order[at] = order[at - gap]
                at -= gap
            order[at] = s
