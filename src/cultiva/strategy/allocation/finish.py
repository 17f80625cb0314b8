"""From the relaxed plan to a whole one, branch by branch: dynamic programming over the pool that is left.

At the price of its pool every set of a unit has a *loss* against the unit's best one. Of all plans of the branch the
best is the one with the least sum of losses and of what is left of the pool at its price (as in Pisinger's minimal
algorithm for the multiple-choice knapsack problem, 1995). Only sets with small losses matter: the `CORE` smallest are
kept, and since any other loses at least as much, the bound can be lowered to what is proven.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from cultiva.strategy.allocation.branches import corners, price_branch
from cultiva.strategy.allocation.duals import Dual, charges, fixed
from cultiva.strategy.allocation.layout import Layout
from cultiva.strategy.allocation.problem import Flags, Floats
from cultiva.strategy.allocation.sets import NODES, TINY, best_set, desk, gather, rank
from cultiva.strategy.allocation.sets import _ceiling as ceiling
from cultiva.strategy.allocation.sets import _fits as fits

CORE = 256
"""Sets per branch that may take the place of a unit's best one."""
WIDE = 0.1
"""Half the bracket in which steps next to the price are sought, as a share of it."""
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


class Options(NamedTuple):
    """Sets that may take the place of their unit's best one; o of them."""

    unit: Any
    """Whose; o."""
    loss: Any
    """Worth less prices that it has less; o."""
    more: Any
    """Units of the pool that it takes more (or less); o."""
    size: Any
    """Candidates of it; o."""
    sets: Any
    """Which; o x deepest."""


@njit(cache=True)
def _prune(o: Any, used: int, keep: int) -> Any:
    """Keeps those with the smallest losses, in their order; how many, and the smallest loss that went."""
    threshold = np.sort(o.loss[:used])[keep]
    kept, equal = 0, keep - np.sum(o.loss[:used] < threshold)
    for i in range(used):
        tie = o.loss[i] == threshold and equal > 0
        equal -= tie
        if o.loss[i] < threshold or tie:
            if kept != i:
                o.unit[kept], o.loss[kept], o.more[kept], o.size[kept] = o.unit[i], o.loss[i], o.more[i], o.size[i]
                o.sets[kept] = o.sets[i]
            kept += 1
    return kept, threshold


@njit(cache=True)
def _near(p: Any, unit: int, d: Any, count: int, lam: float, own: Any, o: Any, used: int, limit: float) -> Any:
    """Adds all sets of a unit that lose less than a limit; how many options there are, the limit, and whether all."""
    rest, load = own
    ranked = rank(d, count, lam, -limit)
    left, depth, at, now, nodes = p.unit_room[unit], 0, 0, 0.0, 0
    if used == len(o.loss):
        used, limit = _prune(o, used, len(o.loss) // 4)
    if rest < limit and load > 0.0:  # the empty set
        o.unit[used], o.loss[used], o.more[used], o.size[used] = unit, rest, -load, 0
        used += 1
    while nodes < NODES:
        while at < ranked:
            if now + max(d.rest[d.order[at]], ceiling(p, d, at, ranked, left)) <= rest - limit:
                break
            c = d.order[at]
            if fits(p, d, c, depth, left):
                d.stack[depth], d.sums[depth] = at, now
                now += d.rest[c]
                left -= p.touch[d.cand[c]]
                depth += 1
                nodes += 1
                loss, more = rest - now, -load
                for level in range(depth):
                    more += d.load[d.order[d.stack[level]]]
                if loss < limit and abs(more) > 0.0 and (more < 0.0 or loss < lam * more):
                    if used == len(o.loss):
                        used, limit = _prune(o, used, len(o.loss) // 4)
                    if loss < limit:
                        o.unit[used], o.loss[used], o.more[used], o.size[used] = unit, loss, more, depth
                        for level in range(depth):
                            o.sets[used, level] = d.cand[d.order[d.stack[level]]]
                        used += 1
            at += 1
        if depth == 0:
            return used, limit, True
        depth -= 1
        at, now = d.stack[depth], d.sums[depth]
        left += p.touch[d.cand[d.order[at]]]
        at += 1
    return used, limit, False


@njit(cache=True)
def _table(o: Any, used: int, room: float, lam: float, grain: float) -> Any:
    """Least loss per shift of use; the options of the best plan, its loss, and whether the table was wide enough."""
    shifts: Any = np.ceil(o.more[:used] / grain - 1e-9).astype(np.int64)
    low, high, rows, i = 0, 0, 0, 0
    while i < used:
        down, up, unit = shifts[i], shifts[i], o.unit[i]
        down, up = min(down, 0), max(up, 0)
        while i < used and o.unit[i] == unit:
            down, up = min(down, shifts[i]), max(up, shifts[i])
            i += 1
        low, high, rows = low + down, high + up, rows + 1
    end = np.int64(np.floor(room / grain + 1e-9))
    wide = low >= -CELLS // 2 and high <= CELLS // 2
    low, high = max(low, -CELLS // 2), min(high, CELLS // 2)
    cells = high - low + 1
    least, now = np.full(cells, np.inf), np.empty(cells)
    least[-low] = 0.0
    taken = np.full((rows, cells), -1, dtype=np.int16)
    first: Any = -low
    last: Any = -low
    i, row = 0, 0
    while i < used:
        now[:] = least
        unit, lowest, highest = o.unit[i], first, last
        while i < used and o.unit[i] == unit:
            shift, loss = shifts[i], o.loss[i]
            begin, stop = max(first, -shift), min(last, cells - 1 - shift)
            for x in range(begin, stop + 1):
                if least[x] + loss < now[x + shift]:
                    now[x + shift], taken[row, x + shift] = least[x] + loss, i
            lowest, highest = min(lowest, max(first + shift, 0)), max(highest, min(last + shift, cells - 1))
            i += 1
        first, last, row = lowest, highest, row + 1
        least, now = now, least
    best, place = np.inf, -1
    for x in range(first, min(last, end - low) + 1):
        loss = least[x] + lam * (room - (x + low) * grain)
        if loss < best:
            best, place = loss, x
    picked = np.full(rows, -1, dtype=np.int64)
    if place >= 0:
        for row in range(rows - 1, -1, -1):
            picked[row] = taken[row, place]
            if picked[row] >= 0:
                place -= shifts[picked[row]]
    return picked, best, wide


@njit(cache=True)
def _finish_branch(p: Any, at: Any, b: int, lam: float, d: Any, o: Any, base: Any, sizes: Any, grain: Any) -> Any:
    """Improves the sets of a branch's units; value of the dual at these prices, and what is proven to be lost of it."""
    charges, theta = at
    begin, capacity = p.branch_first[b], p.branch_capacity[b]
    scratch = np.empty(p.deepest, dtype=np.int64)
    dual, load_all, used, limit, whole = 0.0, 0.0, 0, np.inf, True
    for unit in range(begin, p.branch_first[b + 1]):
        count = gather(p, charges, theta, unit, d)
        if count == 0:
            continue
        _, net, load, missed = best_set(p, unit, d, count, lam, scratch)
        dual += net - lam * load + missed
        if lam <= 0.0 or capacity == np.inf:
            continue
        net, load = 0.0, 0.0
        for k in range(sizes[unit - begin]):
            j = base[unit - begin, k]
            net += p.worth[j] - charges[p.recipe[j]]
            if p.far[j] >= 0:
                net -= theta[p.far[j]] * p.use[j]
            else:
                load += p.use[j]
        load_all += load
        used, limit, complete = _near(p, unit, d, count, lam, (net - lam * load, load), o, used, limit)
        whole = whole and complete and missed == 0.0
    if lam <= 0.0 or capacity == np.inf:
        return dual, 0.0
    if used > CORE:
        used, limit = _prune(o, used, CORE)
    room = max(capacity - load_all, 0.0)
    picked, lost, wide = _table(o, used, room, lam, grain[0])
    for i in picked:
        if i >= 0:
            sizes[o.unit[i] - begin] = o.size[i]
            base[o.unit[i] - begin, : o.size[i]] = o.sets[i, : o.size[i]]
    proven = min(lost, limit) if whole and wide and grain[1] else 0.0
    return dual + lam * capacity, max(proven * (1.0 - TINY), 0.0)


@njit(cache=True, parallel=True)
def _finish(p: Any, at: Any, cuts: Any, prices: Any, widths: Any, grain: Any, out: Any) -> None:
    chosen, duals, proven, last_in = out
    for piece in prange(len(cuts) - 1):
        d, e = desk(p.widest), corners(p.deepest)
        room = 4 * CORE + 64
        o = Options(
            np.empty(room, dtype=np.int64),
            np.empty(room),
            np.empty(room),
            np.empty(room, dtype=np.int64),
            np.empty((room, p.deepest), dtype=np.int64),
        )
        for b in range(cuts[piece], cuts[piece + 1]):
            units = p.branch_first[b + 1] - p.branch_first[b]
            base, sizes = np.empty((units, p.deepest), dtype=np.int64), np.empty(units, dtype=np.int64)
            _, price, last, _, _, _ = price_branch(
                p, at, b, (prices[b], max(widths[b], WIDE * prices[b])), (d, e), True, base, sizes
            )
            prices[b], last_in[b] = price, last
            duals[b], proven[b] = _finish_branch(p, at, b, price, d, o, base, sizes, grain)
            for unit in range(units):
                for k in range(sizes[unit]):
                    chosen[base[unit, k]] = True


def finish(layout: Layout, at: tuple[Floats, Floats], cuts: Any, prices: Floats, widths: Floats) -> Any:
    """A whole plan at given prices of the resources; within pools, but not yet within resources.

    Args:
        layout: The layout.
        at: Charges per recipe and prices of resources.
        cuts: Pieces of branches that threads share.
        prices: Guess of the price of each branch; gets the exact ones.
        widths: Half the bracket of each.

    Returns:
        Chosen per place; value of the dual per branch and what is proven to be lost of it; `last_in` per branch.
    """
    packed, branches = layout.packed, len(prices)
    chosen = np.zeros(len(packed.worth), dtype=np.bool_)
    duals, proven, last_in = np.zeros(branches), np.zeros(branches), np.zeros(branches)
    _finish(packed, at, cuts, prices, widths, grain_of(layout), (chosen, duals, proven, last_in))
    return chosen, duals, proven, last_in


@dataclass(eq=False)
class Whole(Dual):
    """The dual function of whole branches: lower than that of relaxed ones, and as valid a bound."""

    plan: tuple[Flags, Floats, Floats] = field(init=False)
    """The plan at the best prices: chosen per place, `last_in` and price per branch."""

    def at(self, theta: Floats) -> tuple[float, Floats]:
        """As `Dual.at`, of plans in which nothing is done in part."""
        layout = self.layout
        state = (charges(layout, theta), theta)
        chosen, duals, proven, last_in = finish(layout, state, self.cuts, self.pool_prices, self.widths)
        self.evaluations += 1
        value = float(duals.sum() - proven.sum()) + fixed(layout, theta)
        if value < self.best:
            self.best, self.best_theta = value, theta.copy()
            self.plan = (chosen, last_in, self.pool_prices.copy())
        return value, taken_by(layout, chosen)


def taken_by(layout: Layout, chosen: Flags) -> Floats:
    """What a plan takes of the resources; r."""
    packed, places = layout.packed, np.flatnonzero(chosen)
    times = np.bincount(packed.recipe[places], minlength=len(packed.recipe_first) - 1)
    entries = np.repeat(times, np.diff(packed.recipe_first)) * packed.recipe_amount
    far = places[packed.far[places] >= 0]
    count = len(layout.capacity)
    shared = np.bincount(packed.recipe_resource, entries, minlength=count)
    pooled = np.bincount(packed.far[far], packed.use[far], minlength=count)
    return (shared + pooled).astype(np.float64)


def grain_of(layout: Layout) -> tuple[float, bool]:
    """The coarsest grain of which all use of owned pools is a multiple, and whether it is; else one fine enough."""
    loads = np.unique(np.where(layout.packed.far < 0, layout.packed.use, 0.0)[layout.packed.use > 0])
    loads = loads[loads > 0]
    if not len(loads):
        return 1.0, True
    for grain in GRAINS:
        if len(loads) < CELLS and np.abs(loads / grain - np.round(loads / grain)).max() < TINY:
            return grain, True
    return float(loads.max()) / 128, False
