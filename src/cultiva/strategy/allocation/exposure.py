"""Whom the prices would have: one rule for real candidates and for ghosts (decision 0012)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from cultiva.strategy.allocation.layout import NEVER, REAL, Layout
from cultiva.strategy.allocation.problem import Flags, Floats
from cultiva.strategy.allocation.sets import best_set, desk, net_of

EVEN = 1e-9
"""The last step that got in is exposed: its price is lowered by this share."""


@njit(cache=True)
def _gather_with(p: Any, at: Any, unit: int, ghost: int, d: Any) -> int:
    """As `gather`, with the ghosts of the customer and holdout of one ghost (-1: of none)."""
    charges, theta = at
    count = 0
    for j in range(p.first[unit], p.first[unit + 1]):
        mine = ghost >= 0 and p.rival[j] == p.rival[ghost] and p.member[j] == p.member[ghost]
        if p.rival[j] == REAL or mine:
            net, load = net_of(p, charges, theta, j)
            if net > 0.0:
                d.cand[count], d.net[count], d.load[count] = j, net, load
                count += 1
    return count


@njit(cache=True)
def _seen_before(p: Any, unit: int, ghost: int) -> bool:
    found = False
    for j in range(p.first[unit], ghost):
        found = found or (p.rival[j] == p.rival[ghost] and p.member[j] == p.member[ghost])
    return found


@njit(cache=True, parallel=True)
def _expose(p: Any, at: Any, cuts: Any, last_in: Any, out: Any) -> None:
    reduced, exposed = out
    for piece in prange(len(cuts) - 1):
        d, picked = desk(p.widest), np.empty(p.widest, dtype=np.int64)
        for b in range(cuts[piece], cuts[piece + 1]):
            lam = last_in[b] * (1.0 - EVEN)
            for unit in range(p.branch_first[b], p.branch_first[b + 1]):
                count = _gather_with(p, at, unit, -1, d)
                size, _, _, _ = best_set(p, unit, d, count, lam, picked)
                for k in range(size):
                    exposed[picked[k]] = True
                for j in range(p.first[unit], p.first[unit + 1]):
                    net, load = net_of(p, at[0], at[1], j)
                    reduced[j] = net - last_in[b] * load
                    if p.rival[j] == REAL or p.rival[j] == NEVER or _seen_before(p, unit, j):
                        continue
                    count = _gather_with(p, at, unit, j, d)
                    size, _, _, _ = best_set(p, unit, d, count, lam, picked)
                    for k in range(size):
                        if p.rival[picked[k]] == p.rival[j]:
                            exposed[picked[k]] = True


def expose(layout: Layout, at: tuple[Floats, Floats], cuts: Any, last_in: Floats) -> tuple[Floats, Flags]:
    """Worth less prices, and whether the prices would have it; per place.

    Args:
        layout: The layout.
        at: Charges per recipe and prices of resources.
        cuts: Pieces of branches that threads share.
        last_in: Per branch, what a newcomer has to beat.
    """
    rows = len(layout.packed.worth)
    reduced, exposed = np.zeros(rows), np.zeros(rows, dtype=np.bool_)
    _expose(layout.packed, at, cuts, last_in, (reduced, exposed))
    return reduced, exposed
