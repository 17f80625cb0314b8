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
from numba import njit

from cultiva.strategy.allocation.branches import evaluate, rooms
from cultiva.strategy.allocation.duals import Dual, charges, fixed
from cultiva.strategy.allocation.layout import CELLS, Layout
from cultiva.strategy.allocation.moves import taken_by
from cultiva.strategy.allocation.problem import Flags, Floats
from cultiva.strategy.allocation.sets import (
    NOBODY,
    NODES,
    TINY,
    best_set,
    ceiling,
    desk,
    fits,
    gather,
    limits,
    rank,
    sort,
)
from cultiva.strategy.allocation.work import spread

CORE = 256
"""Sets per branch that may take the place of a unit's best one."""
WIDE = 0.1
"""Half the bracket in which steps next to the price are sought, as a share of it."""


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
    order: Any
    """Room for their order; o."""
    rank: Any
    """Room for their place in it; o."""
    shift: Any
    """Room for what they take more, in grains; o."""
    least: Any
    """Room for the table of shifts: least losses before and after a unit; 2 x `CELLS` + 1."""
    taken: Any
    """Which option each cell of it takes; `CORE` x `CELLS` + 1."""


@njit(cache=True, _nrt=False, error_model="numpy")
def _prune(o: Any, used: int, keep: int) -> Any:
    """Keeps those with the smallest losses, in their order; how many, and the smallest loss that went."""
    for i in range(used):
        o.rank[i] = -o.loss[i]
    sort(o.order, o.rank, used)
    threshold, kept = o.loss[o.order[keep]], 0
    for i in range(keep):
        o.rank[o.order[i]] = 1.0
    for i in range(used):
        if o.rank[i] == 1.0:
            o.unit[kept], o.loss[kept], o.more[kept], o.size[kept] = o.unit[i], o.loss[i], o.more[i], o.size[i]
            for level in range(o.size[i]):
                o.sets[kept, level] = o.sets[i, level]
            kept += 1
    return kept, threshold


@njit(cache=True, inline="always")
def _near(p: Any, unit: int, d: Any, count: int, lam: float, own: Any, o: Any, used: int, limit: float) -> Any:
    """Adds all sets of a unit that lose less than a limit; how many options there are, the limit, and whether all."""
    order, rests, loads, cand, touch = d.order, d.rest, d.load, d.cand, p.touch
    stack, sums, path, plain, question = d.stack, d.sums, d.path, p.plain, limits(p)
    touching, above, beside = d.touching, d.above, d.beside
    rest, load = own
    ranked = rank(p, d, count, lam, -limit)
    left, depth, at, now, nodes, size, full = p.unit_room[unit], 0, 0, 0.0, 0, 0, len(o.loss)
    loss, more, offered = rest, -load, load > 0.0  # the empty set
    while nodes < NODES:
        if offered and loss < limit and used == full:
            used, limit = _prune(o, used, full // 4)
        if offered and loss < limit:
            o.unit[used], o.loss[used], o.more[used], o.size[used] = unit, loss, more, size
            for level in range(size):
                o.sets[used, level] = path[level]
            used += 1
        offered, descended = False, False
        while at < ranked:
            most = max(rests[order[at]], ceiling(touching, above, beside, (at, ranked), left))
            if now + most <= rest - limit:
                break
            j = cand[order[at]]
            if fits(plain, question, j, (path, depth), left):
                stack[depth], sums[depth], path[depth] = at, now, j
                now += rests[order[at]]
                left -= touch[j]
                depth, nodes, size, at, descended = depth + 1, nodes + 1, depth + 1, at + 1, True
                break
            at += 1
        if descended:
            loss, more = rest - now, -load
            for level in range(depth):
                more += loads[order[stack[level]]]
            offered = abs(more) > 0.0 and (more < 0.0 or loss < lam * more)
            continue
        if depth == 0:
            break
        depth -= 1
        at, now = stack[depth], sums[depth]
        left += touch[cand[order[at]]]
        at += 1
    return used, limit, nodes < NODES


@njit(cache=True, _nrt=False, error_model="numpy")
def _table(o: Any, used: int, room: float, lam: float, grain: float) -> Any:
    """Least loss per shift of use; how many options the best plan has (in `o.order`), its loss, whether it was wide."""
    shifts, table, taken = o.shift, o.least, o.taken
    for i in range(used):
        shifts[i] = np.int64(np.ceil(o.more[i] / grain - 1e-9))
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
    least, now = 0, 1
    for x in range(cells):
        table[0, x] = np.inf
    table[0, -low] = 0.0
    first: Any = -low
    last: Any = -low
    i, row = 0, 0
    while i < used:
        for x in range(cells):
            table[now, x], taken[row, x] = table[least, x], -1
        unit, lowest, highest = o.unit[i], first, last
        while i < used and o.unit[i] == unit:
            shift, loss = shifts[i], o.loss[i]
            begin, stop = max(first, -shift), min(last, cells - 1 - shift)
            for x in range(begin, stop + 1):
                if table[least, x] + loss < table[now, x + shift]:
                    table[now, x + shift], taken[row, x + shift] = table[least, x] + loss, i
            lowest, highest = min(lowest, max(first + shift, 0)), max(highest, min(last + shift, cells - 1))
            i += 1
        first, last, row = lowest, highest, row + 1
        least, now = now, least
    best, place = np.inf, -1
    for x in range(first, min(last, end - low) + 1):
        loss = table[least, x] + lam * (room - (x + low) * grain)
        if loss < best:
            best, place = loss, x
    count = 0
    for row in range(rows - 1 if place >= 0 else -1, -1, -1):
        picked = np.int64(taken[row, place])
        if picked >= 0:
            o.order[count] = picked
            place -= shifts[picked]
            count += 1
    return count, best, wide


@njit(cache=True, inline="always")
def _chosen_of(p: Any, at: Any, unit: int, chosen: Any) -> Any:
    """Worth less resources of a unit's chosen set, and its use of the branch's own pool."""
    charges, theta = at
    worth, use, far, recipe = p.worth, p.use, p.far, p.recipe
    net, load = 0.0, 0.0
    for j in range(p.first[unit], p.first[unit + 1]):
        if chosen[j]:
            net += worth[j] - charges[recipe[j]]
            if far[j] >= 0:
                net -= theta[far[j]] * use[j]
            else:
                load += use[j]
    return net, load


@njit(cache=True, inline="always")
def _finish_branch(p: Any, at: Any, b: int, lam: float, d: Any, o: Any, grain: Any, chosen: Any) -> Any:
    """Improves the sets of a branch's units; value of the dual at these prices, and what is proven to be lost of it."""
    capacity, scratch = p.branch_capacity[b], d.scratch
    scarce = lam > 0.0 and capacity < np.inf
    dual, load_all, used, limit, whole = 0.0, 0.0, 0, np.inf, True
    for unit in range(p.branch_first[b], p.branch_first[b + 1]):
        count = gather(p, at, unit, NOBODY, d)
        if count > 0:
            _, net, load, missed = best_set(p, unit, d, count, lam, scratch)
            dual += net - lam * load + missed
            if scarce:
                net, load = _chosen_of(p, at, unit, chosen)
                load_all += load
                own = (net - lam * load, load)
                used, limit, complete = _near(p, unit, d, count, lam, own, o, used, limit)
                whole = whole and complete and missed <= 0.0
    proven = 0.0
    if scarce:
        if used > CORE:
            used, limit = _prune(o, used, CORE)
        picked, lost, wide = _table(o, used, max(capacity - load_all, 0.0), lam, grain[0])
        for k in range(picked):
            i = o.order[k]
            for j in range(p.first[o.unit[i]], p.first[o.unit[i] + 1]):
                chosen[j] = False
            for level in range(o.size[i]):
                chosen[o.sets[i, level]] = True
        if whole and wide and grain[1]:
            proven = max(min(lost, limit) * (1.0 - TINY), 0.0)
        dual += lam * capacity
    return dual, proven


def _options(deepest: int) -> Options:
    """Makes room for options."""
    room = 4 * CORE + 64
    return Options(
        np.empty(room, dtype=np.int64),
        np.empty(room),
        np.empty(room),
        np.empty(room, dtype=np.int64),
        np.empty((room, deepest), dtype=np.int64),
        np.empty(room, dtype=np.int64),
        np.empty(room),
        np.empty(room, dtype=np.int64),
        np.empty((2, CELLS + 1)),
        np.empty((CORE, CELLS + 1), dtype=np.int16),
    )


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def _finish(piece: Any, room: Any, p: Any, at: Any, prices: Any, grain: Any, out: Any) -> None:
    chosen, duals, proven = out
    d, o = room
    for b in range(piece[1], piece[2]):
        duals[b], proven[b] = _finish_branch(p, at, b, prices[b], d, o, grain, chosen)


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
    taken = np.zeros((len(cuts), len(layout.capacity)))
    pool = (prices, np.maximum(widths, WIDE * prices))
    which, out = np.arange(branches), (chosen, duals, proven)
    spread(evaluate, cuts, rooms(layout, which), packed, at, which, pool, duals, taken, (chosen, last_in))

    def room() -> Any:
        return desk(packed.widest), _options(packed.deepest)

    spread(_finish, cuts, room, packed, at, prices, layout.grain, out)
    return chosen, duals, proven, last_in


@dataclass(frozen=True, eq=False)
class Draft:
    """A plan of whole branches, before it is mended."""

    chosen: Flags
    """Per place; n."""
    last_in: Floats
    """Per branch."""
    prices: Floats
    """Per branch."""
    theta: Floats
    """Prices of the resources; r."""
    dual: float
    """Value of the dual at these prices."""


@dataclass(eq=False)
class Whole(Dual):
    """The dual function of whole branches: lower than that of relaxed ones, and as valid a bound."""

    plan: Draft = field(init=False)
    """The plan that promises most: the dual less what it takes too much or too little of what has a price."""
    promised: float = field(default=-np.inf, init=False)

    def at(self, theta: Floats) -> tuple[float, Floats]:
        """As `Dual.at`, of plans in which nothing is done in part."""
        layout = self.layout
        state = (charges(layout, theta), theta)
        chosen, duals, proven, last_in = finish(layout, state, self.cuts, self.pool_prices, self.widths)
        self.evaluations += 1
        value = float(duals.sum() - proven.sum()) + fixed(layout, theta)
        taken, _ = taken_by(layout, chosen)
        aim = np.where(theta > 0, layout.capacity, layout.minimum)
        promised = value - float(np.abs(theta[theta != 0]) @ np.abs(aim - taken)[theta != 0])
        if value < self.best:
            self.best, self.best_theta = value, theta.copy()
        if promised > self.promised or self.evaluations == 1:
            self.promised = promised
            self.plan = Draft(chosen, last_in, self.pool_prices.copy(), theta.copy(), value)
        return value, taken
