"""Whom the prices would have: one rule for real candidates and for ghosts (decision 0012)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from cultiva.strategy.allocation.layout import NEVER, REAL, Layout
from cultiva.strategy.allocation.problem import Flags, Floats
from cultiva.strategy.allocation.sets import NOBODY, best_set, desk, gather
from cultiva.strategy.allocation.work import spread

EVEN = 1e-9
"""The last step that got in is exposed: its price is lowered by this share."""


@njit(cache=True, inline="always")
def _seen_before(p: Any, unit: int, ghost: int) -> bool:
    rival, member, found = p.rival, p.member, False
    for j in range(p.first[unit], ghost):
        found = found | ((rival[j] == rival[ghost]) & (member[j] == member[ghost]))
    return found


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def _expose(piece: Any, d: Any, p: Any, at: Any, last_in: Any, out: Any) -> None:
    reduced, exposed = out
    charges, theta = at
    worth, use, far, recipe, rival, member = p.worth, p.use, p.far, p.recipe, p.rival, p.member
    picked = d.scratch
    for b in range(piece[1], piece[2]):
        lam = last_in[b] * (1.0 - EVEN)
        for unit in range(p.branch_first[b], p.branch_first[b + 1]):
            first, last = p.first[unit], p.first[unit + 1]
            for j in range(first, last):
                price = theta[far[j]] if far[j] >= 0 else last_in[b]
                reduced[j] = worth[j] - charges[recipe[j]] - price * use[j]
            for j in range(first - 1, last):  # the real ones, then those of each holdout of each customer beside them
                ghost = (REAL, NOBODY[1])
                if j >= first:
                    if rival[j] == REAL or rival[j] == NEVER or _seen_before(p, unit, j):
                        continue
                    ghost = (rival[j], member[j])
                count = gather(p, at, unit, ghost, d)
                size, _, _, _ = best_set(p, unit, d, count, lam, picked)
                for level in range(size):
                    if rival[picked[level]] == ghost[0]:
                        exposed[picked[level]] = True


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
    spread(_expose, cuts, lambda: desk(layout.packed.widest), layout.packed, at, last_in, (reduced, exposed))
    return reduced, exposed
