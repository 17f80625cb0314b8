"""One branch at given prices of the resources: the exact price of its own pool, without iteration on that price.

At a price per unit every unit of the branch has a best set. As the price falls, sets change in *steps*: a step takes
more of the pool and brings more worth; its slope, money per unit, is where it happens (the upper concave envelope of
the unit's sets). Steps of all units sorted by slope fill the pool; where it is full is its price. Only the steps near
the price of the evaluation before matter, so only the bracket around it is searched, and widened when it misses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from cultiva.strategy.allocation.layout import Layout
from cultiva.strategy.allocation.problem import Longs
from cultiva.strategy.allocation.sets import NOBODY, TINY, best_set, desk, gather, sort

POINTS = 64
"""Corners of one unit's envelope within a bracket; finer ones are taken as one step."""
EACH = 8
"""Steps per unit that there is room for; finer ones are taken as one step."""
TRIES = 200
"""How often a bracket is moved."""
UNKNOWN = -1.0
"""A price of a branch that is not known yet."""
PROHIBITIVE = 1e30
"""A price at which nobody takes anything."""
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
    order: Any
    """Room for their order; s."""


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


def _corners(deepest: int) -> Any:
    """Makes room for the corners of a unit."""
    return Corners(
        np.empty(POINTS),
        np.empty(POINTS),
        np.empty(POINTS, dtype=np.int64),
        np.empty((POINTS, deepest), dtype=np.int64),
        np.empty((4 * POINTS, 2), dtype=np.int64),
    )


def _steps(room: int, deepest: int) -> Any:
    """Makes room for steps."""
    return Steps(
        np.empty(room),
        np.empty(room),
        np.empty(room),
        np.empty(room, dtype=np.int64),
        np.empty(room, dtype=np.int64),
        np.empty((room, deepest), dtype=np.int64),
        np.empty(room, dtype=np.int64),
    )


@njit(cache=True, inline="always")
def _loaded(d: Any, count: int) -> bool:
    """Whether any candidate on the desk takes anything of the pool."""
    found = False
    for c in range(count):
        found = found or d.load[c] > 0.0
    return found


@njit(cache=True, inline="always")
def _corner_between(e: Any, a: int, z: int, known: int, slope: float) -> bool:
    """Whether the last corner lies above the line between two others."""
    line = e.net[a] - slope * e.load[a]
    here = e.net[known] - slope * e.load[known]
    inside = e.load[a] < e.load[known] < e.load[z]
    return inside and here > line + TINY * (abs(e.net[a]) + abs(e.net[z]))


@njit(cache=True, inline="always")
def _scan(p: Any, at: Any, b: int, bracket: Any, desks: Any, steps: Any, base: Any, sizes: Any) -> Any:
    """Best sets at the upper price of a bracket, and steps down to the lower one."""
    low, high = bracket
    d, e = desks
    begin, fine = p.branch_first[b], len(steps.slope) - POINTS - (p.branch_first[b + 1] - p.branch_first[b])
    load_high, load_low, net_high, used = 0.0, 0.0, 0.0, 0
    for unit in range(begin, p.branch_first[b + 1]):
        count = gather(p, at, unit, NOBODY, d)
        known, waiting, a, z, lam, last = 0, 0, 0, 1, high, 0 if low < high and _loaded(d, count) else -1
        searching = count > 0
        sizes[unit - begin] = 0
        while searching:
            size, net, load, _ = best_set(p, unit, d, count, lam, e.sets[known])
            e.net[known], e.load[known], e.size[known] = net, load, size
            if known == 0:
                load_high, load_low, net_high = load_high + load, load_low + load, net_high + net
                sizes[unit - begin] = size
                for level in range(size):
                    base[unit - begin, level] = e.sets[0, level]
                known, lam, searching = 1, low, last == 0
                continue
            if known == 1:
                searching = load > e.load[0]
                load_low += max(load - e.load[0], 0.0)
                known = 2
                e.stack[0, 0], e.stack[0, 1], waiting = 0, 1, 1
            elif _corner_between(e, a, z, known, lam):
                e.stack[waiting, 0], e.stack[waiting, 1] = known, z
                e.stack[waiting + 1, 0], e.stack[waiting + 1, 1] = a, known
                waiting, known = waiting + 2, known + 1
            else:
                used = _emit(steps, used, e, unit, a, z)
            while searching:
                if waiting == 0:
                    searching = False
                    break
                waiting -= 1
                a, z = e.stack[waiting, 0], e.stack[waiting, 1]
                lam = max((e.net[z] - e.net[a]) / (e.load[z] - e.load[a]), 0.0)
                if known < POINTS and used < fine:
                    break
                used = _emit(steps, used, e, unit, a, z)
    return used, load_high, load_low, net_high


@njit(cache=True, inline="always")
def _emit(steps: Any, used: int, e: Any, unit: int, a: int, z: int) -> int:
    """Adds the step between two corners."""
    more, gain = e.load[z] - e.load[a], e.net[z] - e.net[a]
    steps.slope[used], steps.more[used], steps.gain[used] = max(gain / more, 0.0), more, gain
    steps.unit[used], steps.size[used] = unit, e.size[z]
    for level in range(e.size[z]):
        steps.sets[used, level] = e.sets[z, level]
    return used + 1


@njit(cache=True, inline="always")
def _steepest(steps: Any, used: int) -> int:
    """The first step."""
    best = 0
    for s in range(1, used):
        if steps.slope[s] > steps.slope[best]:
            best = s
    return best


@njit(cache=True, inline="always")
def _fill(steps: Any, used: int, room: float, base: Any, sizes: Any, begin: int) -> Any:
    """Takes steps in order of slope while they fit; the first that does not, in part."""
    sort(steps.order, steps.slope, used)
    gain, last_in, price, part, share = 0.0, -1.0, -1.0, -1, 0.0
    for position in range(used):
        s = steps.order[position]
        if steps.more[s] > room:
            price, part, share = steps.slope[s], s, max(room, 0.0) / steps.more[s]
            gain += price * max(room, 0.0)
            break
        room -= steps.more[s]
        gain += steps.gain[s]
        last_in = steps.slope[s]
        unit = steps.unit[s] - begin
        sizes[unit] = steps.size[s]
        for level in range(steps.size[s]):
            base[unit, level] = steps.sets[s, level]
    return gain, last_in, price, part, share


@njit(cache=True, inline="always")
def _price_branch(p: Any, at: Any, b: int, guess: Any, desks: Any, steps: Any, record: bool, own: Any) -> Any:
    """Fills one branch: value less resources, price, `last_in`, the step that fits in part (or -1), which part."""
    base, sizes = own
    capacity, begin = p.branch_capacity[b], p.branch_first[b]
    room = capacity + FULL * max(capacity, 1.0) if capacity < np.inf else np.inf
    low, high = 0.0, 0.0
    if capacity < np.inf:
        low, high = max(guess[0] - guess[1], 0.0), guess[0] + guess[1]
        if guess[0] < 0.0:
            low, high = 0.0, PROHIBITIVE
    tries, used, load_high, net_high = 0, 0, 0.0, 0.0
    while True:
        used, load_high, load_low, net_high = _scan(p, at, b, (low, high), desks, steps, base, sizes)
        tries += 1
        if capacity == np.inf or tries > TRIES:
            break
        width = high - low
        if load_high > room:
            low, high = high, high + 4.0 * width + 1e-6
        elif load_low <= room and low > 0.0:
            low, high = (low - 4.0 * width if low > 5.0 * width else 0.0), low
        elif record and load_high > 0.0 and (used == 0 or steps.more[_steepest(steps, used)] > room - load_high):
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
    return net_high + gain, price, last_in, part, share


@njit(cache=True, inline="always")
def _add_use(p: Any, j: int, times: float, taken: Any, piece: int) -> None:
    """Adds what a candidate takes of the resources."""
    recipe, resource, amount, far = p.recipe[j], p.recipe_resource, p.recipe_amount, p.far[j]
    for entry in range(p.recipe_first[recipe], p.recipe_first[recipe + 1]):
        taken[piece, resource[entry]] += times * amount[entry]
    if far >= 0:
        taken[piece, far] += times * p.use[j]


def rooms(layout: Layout, which: Longs) -> Callable[[], Any]:
    """What makes room for `evaluate` to work in, for one thread: desk, corners, steps, sets and their sizes."""
    packed = layout.packed
    most = int(np.diff(packed.branch_first)[which].max(initial=1))

    def room() -> Any:
        own = np.empty((most, packed.deepest), dtype=np.int64), np.empty(most, dtype=np.int64)
        steps = _steps(2 * POINTS + EACH * most, packed.deepest)
        return (desk(packed.widest), _corners(packed.deepest)), steps, own

    return room


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def evaluate(piece: Any, room: Any, p: Any, at: Any, which: Any, pool: Any, values: Any, taken: Any, plan: Any) -> None:
    """The relaxed problem at given prices of the resources, for some branches.

    Args:
        piece: Which piece of the work this is, and where in `which` it begins and ends.
        room: Room to work.
        p: The packed problem.
        at: Charges per recipe and prices of resources.
        which: The branches.
        pool: Price per branch and half the bracket; read as a guess, written.
        values: Gets the value of each branch.
        taken: Gets what they take of the resources, per piece.
        plan: Gets who is chosen wholly, per place, and `last_in` per branch; both empty: not asked for.
    """
    prices, widths = pool
    chosen, last_in = plan
    desks, steps, own = room
    base, sizes = own
    record = len(last_in) > 0
    for i in range(piece[1], piece[2]):
        b = which[i]
        guess = (prices[b], widths[b])
        values[b], price, last, part, share = _price_branch(p, at, b, guess, desks, steps, record, own)
        moved = abs(price - guess[0]) if guess[0] >= 0.0 else 0.05 * price
        units = p.branch_first[b + 1] - p.branch_first[b]
        prices[b], widths[b] = price, max(1.5 * moved, (0.002 + 2.0 / units) * price) + 1e-6
        if record:
            last_in[b] = last
        for unit in range(units):
            whole = 1.0 - share if part >= 0 and steps.unit[part] == p.branch_first[b] + unit else 1.0
            for level in range(sizes[unit]):
                _add_use(p, base[unit, level], whole, taken, piece[0])
                if record:
                    chosen[base[unit, level]] = True
        if part >= 0:
            for level in range(steps.size[part]):
                _add_use(p, steps.sets[part, level], share, taken, piece[0])
