"""One branch at given prices of the resources: the exact price of its own pool, without iteration on that price.

At a price per unit every unit of the branch has a best set. As the price falls, sets change in *steps*: a step takes
more of the pool and brings more worth; its slope, money per unit, is where it happens (the upper concave envelope of
the unit's sets). Steps of all units sorted by slope fill the pool; where it is full is its price. Only the steps near
the price of the evaluation before matter, so only the bracket around it is searched, and widened when it misses.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from cultiva.strategy.allocation.sets import TINY, best_set, desk, gather

POINTS = 64
"""Corners of one unit's envelope within a bracket; finer ones are taken as one step."""
TRIES = 200
"""How often a bracket is moved."""
UNKNOWN = -1.0
"""A price of a branch that is not known yet."""
FULL = 1e-9
"""As `TOLERANCE`."""


class Steps(NamedTuple):
    """Steps of a branch's units within a bracket, s of them."""

    slope: Any
    """Money per unit of the pool; s."""
    more: Any
    """Units of the pool that it takes more; s."""
    gain: Any
    """Worth less resources that it brings more; s."""
    unit: Any
    """Whose; s."""
    size: Any
    """Candidates of the set after it; s."""
    sets: Any
    """The set after it; s x `Packed.deepest`."""


class Corners(NamedTuple):
    """Corners of one unit's envelope."""

    net: Any
    """Worth less resources."""
    load: Any
    """Use of the pool."""
    size: Any
    """Candidates."""
    sets: Any
    """Which; corners x deepest."""
    stack: Any
    """Pairs of corners that may have another between them."""


@njit(cache=True)
def corners(deepest: int) -> Any:
    """Makes room for the corners of a unit."""
    return Corners(
        np.empty(POINTS),
        np.empty(POINTS),
        np.empty(POINTS, dtype=np.int64),
        np.empty((POINTS, deepest), dtype=np.int64),
        np.empty((4 * POINTS, 2), dtype=np.int64),
    )


@njit(cache=True)
def _make_steps(room: int, deepest: int) -> Any:
    return Steps(
        np.empty(room),
        np.empty(room),
        np.empty(room),
        np.empty(room, dtype=np.int64),
        np.empty(room, dtype=np.int64),
        np.empty((room, deepest), dtype=np.int64),
    )


@njit(cache=True)
def _roomier(steps: Any, used: int) -> Any:
    """The same steps with twice the room."""
    new = _make_steps(2 * len(steps.slope) + POINTS, steps.sets.shape[1])
    new.slope[:used] = steps.slope[:used]
    new.more[:used] = steps.more[:used]
    new.gain[:used] = steps.gain[:used]
    new.unit[:used] = steps.unit[:used]
    new.size[:used] = steps.size[:used]
    new.sets[:used] = steps.sets[:used]
    return new


@njit(cache=True)
def _put_corner(p: Any, unit: int, d: Any, count: int, lam: float, e: Any, at: int) -> None:
    size, net, load, _ = best_set(p, unit, d, count, lam, e.sets[at])
    e.net[at], e.load[at], e.size[at] = net, load, size


@njit(cache=True)
def _between(p: Any, unit: int, d: Any, count: int, e: Any, steps: Any, used: int) -> int:
    """Steps from corner 0 (high price) to corner 1 (low price), finding those between; how many steps there are now."""
    known, waiting = 2, 1
    e.stack[0, 0], e.stack[0, 1] = 0, 1
    while waiting > 0:
        waiting -= 1
        a, b = e.stack[waiting, 0], e.stack[waiting, 1]
        more, gain = e.load[b] - e.load[a], e.net[b] - e.net[a]
        slope = max(gain / more, 0.0)
        if known < POINTS:
            _put_corner(p, unit, d, count, slope, e, known)
            line = e.net[a] - slope * e.load[a]
            here = e.net[known] - slope * e.load[known]
            inside = e.load[a] < e.load[known] < e.load[b]
            if inside and here > line + TINY * (abs(e.net[a]) + abs(e.net[b])):
                e.stack[waiting, 0], e.stack[waiting, 1] = known, b
                e.stack[waiting + 1, 0], e.stack[waiting + 1, 1] = a, known
                waiting, known = waiting + 2, known + 1
                continue
        steps.slope[used], steps.more[used], steps.gain[used] = slope, more, gain
        steps.unit[used], steps.size[used] = unit, e.size[b]
        steps.sets[used, : e.size[b]] = e.sets[b, : e.size[b]]
        used += 1
    return used


@njit(cache=True)
def _highest(p: Any, charges: Any, theta: Any, b: int, d: Any) -> float:
    """A price at which nobody takes anything of the pool."""
    top = 0.0
    for unit in range(p.branch_first[b], p.branch_first[b + 1]):
        for c in range(gather(p, charges, theta, unit, d)):
            if d.load[c] > 0.0:
                top = max(top, d.net[c] / d.load[c])
    return 1.001 * top + 1e-9


@njit(cache=True)
def _scan(p: Any, at: Any, b: int, bracket: Any, desks: Any, steps: Any, base: Any, sizes: Any) -> Any:
    """Best sets at the upper price of a bracket, and steps down to the lower one."""
    charges, theta = at
    low, high = bracket
    d, e = desks
    load_high, load_low, net_high, used = 0.0, 0.0, 0.0, 0
    begin = p.branch_first[b]
    for unit in range(begin, p.branch_first[b + 1]):
        count = gather(p, charges, theta, unit, d)
        if count == 0:
            sizes[unit - begin] = 0
            continue
        _put_corner(p, unit, d, count, high, e, 0)
        sizes[unit - begin] = e.size[0]
        base[unit - begin, : e.size[0]] = e.sets[0, : e.size[0]]
        load_high += e.load[0]
        net_high += e.net[0]
        load_low += e.load[0]
        if low < high:
            _put_corner(p, unit, d, count, low, e, 1)
            if e.load[1] > e.load[0]:
                if used + POINTS > len(steps.slope):
                    steps = _roomier(steps, used)
                load_low += e.load[1] - e.load[0]
                used = _between(p, unit, d, count, e, steps, used)
    return steps, used, load_high, load_low, net_high


@njit(cache=True)
def _fill(steps: Any, used: int, room: float, base: Any, sizes: Any, begin: int) -> Any:
    """Takes steps in order of slope while they fit; the first that does not, in part."""
    order = np.argsort(-steps.slope[:used], kind="mergesort")
    gain, last_in = 0.0, -1.0
    for position in range(used):
        s = order[position]
        if steps.more[s] > room:
            return gain + steps.slope[s] * max(room, 0.0), last_in, steps.slope[s], s, max(room, 0.0) / steps.more[s]
        room -= steps.more[s]
        gain += steps.gain[s]
        last_in = steps.slope[s]
        unit = steps.unit[s] - begin
        sizes[unit] = steps.size[s]
        base[unit, : steps.size[s]] = steps.sets[s, : steps.size[s]]
    return gain, last_in, -1.0, -1, 0.0


@njit(cache=True)
def price_branch(p: Any, at: Any, b: int, guess: Any, desks: Any, record: bool, base: Any, sizes: Any) -> Any:
    """Fills one branch.

    Args:
        p: The packed problem.
        at: Charges per recipe and prices of resources.
        b: The branch.
        guess: Price of its pool and half the width of the bracket; UNKNOWN: from nothing.
        desks: Room to work.
        record: Whether `last_in` has to be exact.
        base: Gets the sets of its units after the steps that fit wholly; units x deepest.
        sizes: Gets how many candidates they have.

    Returns:
        Value of the relaxed branch (worth less resources), price, `last_in`, the steps, the one that fits in part (or
        -1), and which part.
    """
    capacity, begin = p.branch_capacity[b], p.branch_first[b]
    room = capacity + FULL * max(capacity, 1.0) if capacity < np.inf else np.inf
    low, high = 0.0, 0.0
    if capacity < np.inf:
        low, high = max(guess[0] - guess[1], 0.0), guess[0] + guess[1]
        if guess[0] < 0.0:
            low, high = 0.0, _highest(p, at[0], at[1], b, desks[0])
    steps = _make_steps(POINTS + (p.branch_first[b + 1] - begin) // 4, base.shape[1])
    tries = 0
    while True:
        steps, used, load_high, load_low, net_high = _scan(p, at, b, (low, high), desks, steps, base, sizes)
        tries += 1
        if capacity == np.inf or tries > TRIES:
            break
        width = high - low
        if load_high > room:
            low, high = high, high + 4.0 * width + 1e-6
        elif load_low <= room and low > 0.0:
            low, high = (low - 4.0 * width if low > 5.0 * width else 0.0), low
        elif record and load_high > 0.0 and (used == 0 or steps.more[np.argmax(steps.slope[:used])] > room - load_high):
            high = high + 4.0 * width + 1e-6
        else:
            break
    gain, last_in, price, part, share = _fill(steps, used, room - load_high, base, sizes, begin)
    if price < 0.0:
        price = low
    if last_in < 0.0:
        last_in = high if load_high > 0.0 and capacity < np.inf and high > price else price
    if price == 0.0 and part < 0:
        last_in = 0.0
    return net_high + gain, price, last_in, steps, part, share


@njit(cache=True)
def add_use(p: Any, theta: Any, candidates: Any, times: float, taken: Any) -> None:
    """Adds what a set takes of the resources."""
    for j in candidates:
        for entry in range(p.recipe_first[p.recipe[j]], p.recipe_first[p.recipe[j] + 1]):
            taken[p.recipe_resource[entry]] += times * p.recipe_amount[entry]
        if p.far[j] >= 0:
            taken[p.far[j]] += times * p.use[j]


@njit(cache=True, parallel=True)
def evaluate(p: Any, at: Any, which: Any, cuts: Any, prices: Any, widths: Any, values: Any, taken: Any) -> None:
    """The relaxed problem at given prices of the resources, for some branches.

    Args:
        p: The packed problem.
        at: Charges per recipe and prices of resources.
        which: The branches.
        cuts: Where each piece of `which` begins: pieces are what threads share, so sums do not depend on threads.
        prices: Price per branch; read as a guess, written.
        widths: Half the bracket per branch; read, written.
        values: Gets the value of each branch.
        taken: Gets what they take of the resources, per piece.
    """
    for piece in prange(len(cuts) - 1):
        desks = (desk(p.widest), corners(p.deepest))
        most = 1
        for i in range(cuts[piece], cuts[piece + 1]):
            most = max(most, p.branch_first[which[i] + 1] - p.branch_first[which[i]])
        base, sizes = np.empty((most, p.deepest), dtype=np.int64), np.empty(most, dtype=np.int64)
        taken[piece] = 0.0
        for i in range(cuts[piece], cuts[piece + 1]):
            b = which[i]
            guess = (prices[b], widths[b])
            value, price, _, steps, part, share = price_branch(p, at, b, guess, desks, False, base, sizes)
            values[b] = value
            moved = abs(price - guess[0]) if guess[0] >= 0.0 else 0.05 * price
            begin = p.branch_first[b]
            near = 0.002 + 2.0 / (p.branch_first[b + 1] - begin)
            prices[b], widths[b] = price, max(1.5 * moved, near * price) + 1e-6
            for unit in range(p.branch_first[b + 1] - begin):
                add_use(p, at[1], base[unit, : sizes[unit]], 1.0, taken[piece])
            if part >= 0:
                unit = steps.unit[part] - begin
                add_use(p, at[1], base[unit, : sizes[unit]], -share, taken[piece])
                add_use(p, at[1], steps.sets[part, : steps.size[part]], share, taken[piece])
