"""The best set of candidates of one unit at given prices: branch and bound over candidates in order of worth."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from cultiva.strategy.allocation.layout import REAL

NODES = 20_000
"""Sets looked at before a unit's best one is taken as found; what it may have missed goes into the bound."""
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
    sums: Any
    """`rest` of the set before each of them; w + 1."""


@njit(cache=True)
def desk(widest: int) -> Any:
    """Makes room to work."""
    return Desk(
        np.empty(widest, dtype=np.int64),
        np.empty(widest),
        np.empty(widest),
        np.empty(widest),
        np.empty(widest, dtype=np.int64),
        np.empty(widest + 1, dtype=np.int64),
        np.empty(widest + 1),
    )


@njit(cache=True, inline="always")
def net_of(p: Any, charges: Any, theta: Any, j: int) -> Any:
    """Worth of a candidate less resources, and its use of the branch's own pool."""
    net = p.worth[j] - charges[p.recipe[j]]
    if p.far[j] >= 0:
        return net - theta[p.far[j]] * p.use[j], 0.0
    return net, p.use[j]


@njit(cache=True, inline="always")
def gather(p: Any, charges: Any, theta: Any, unit: int, d: Any) -> int:
    """Puts a unit's real candidates on the desk that are worth more than the resources they take; how many."""
    count = 0
    for j in range(p.first[unit], p.first[unit + 1]):
        if p.rival[j] == REAL:
            net, load = net_of(p, charges, theta, j)
            if net > 0.0:
                d.cand[count], d.net[count], d.load[count] = j, net, load
                count += 1
    return count


@njit(cache=True, inline="always")
def rank(d: Any, count: int, lam: float, floor: float) -> int:
    """Orders those whose worth less pool is above the floor, best first, ties by index; how many."""
    ranked = 0
    for c in range(count):
        rest = d.net[c] - lam * d.load[c] if d.load[c] > 0.0 else d.net[c]
        d.rest[c] = rest
        if rest > floor:
            at = ranked
            while at > 0 and d.rest[d.order[at - 1]] < rest:
                d.order[at] = d.order[at - 1]
                at -= 1
            d.order[at] = c
            ranked += 1
    return ranked


@njit(cache=True, inline="always")
def _ceiling(p: Any, d: Any, start: int, ranked: int, left: int) -> float:
    """The most that candidates from a position on can add with so many touches left."""
    total = 0.0
    for i in range(start, ranked):
        c = d.order[i]
        if d.rest[c] <= 0.0:
            break
        if p.touch[d.cand[c]]:
            if left == 0:
                continue
            left -= 1
        total += d.rest[c]
    return total


@njit(cache=True, inline="always")
def _fits(p: Any, d: Any, c: int, depth: int, left: int) -> bool:
    """Whether a candidate may join the set on the stack."""
    j = d.cand[c]
    if p.touch[j] and left == 0:
        return False
    member, touches, on_channel = p.member[j], 0, 0
    for level in range(depth):
        k = d.cand[d.order[d.stack[level]]]
        if p.member[k] != member:
            continue
        for g in range(p.groups.shape[1]):
            if p.groups[j, g] >= 0 and p.groups[j, g] == p.groups[k, g]:
                return False
        touches += p.touch[k]
        on_channel += p.channel[k] == p.channel[j]
    if p.touch[j] and touches >= p.room[member]:
        return False
    return p.channel_room.shape[1] == 0 or p.channel[j] < 0 or on_channel < p.channel_room[member, p.channel[j]]


@njit(cache=True)
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
    ranked = rank(d, count, lam, 0.0)
    left, depth, at, now, best, size, nodes = p.unit_room[unit], 0, 0, 0.0, 0.0, 0, 0
    while True:
        while at < ranked and nodes < NODES:
            if (left == 0 and p.only_touches) or (best > 0.0 and now + _ceiling(p, d, at, ranked, left) <= best):
                break
            c = d.order[at]
            if _fits(p, d, c, depth, left):
                d.stack[depth], d.sums[depth] = at, now
                now += d.rest[c]
                left -= p.touch[d.cand[c]]
                depth += 1
                nodes += 1
                if now > best:
                    best, size = now, depth
                    for level in range(depth):
                        out[level] = d.order[d.stack[level]]
            at += 1
        if depth == 0:
            break
        depth -= 1
        at, now = d.stack[depth], d.sums[depth]
        left += p.touch[d.cand[d.order[at]]]
        at += 1
    net, load = 0.0, 0.0
    for level in range(size):
        net += d.net[out[level]]
        load += d.load[out[level]]
        out[level] = d.cand[out[level]]
    missed = _ceiling(p, d, 0, ranked, p.unit_room[unit]) - best if nodes >= NODES else 0.0
    return size, net, load, missed
