"""The inner loop of the truth: what an effect on readiness adds to take-ups and money over the horizon."""

from __future__ import annotations

from typing import Any

import numpy as np

from cultiva.kit.compiled import compiled
from cultiva.simbank.arrays import Floats
from cultiva.simbank.behaviour.readiness import WARMTH_MAX


@compiled(nogil=True)
def take_up_gains(  # noqa: PLR0913, PLR0917  (a compiled kernel takes arrays, by place)
    against: Any, worth: Any, path: Any, who: Any, product: Any, once: Any, effect: Any
) -> tuple[Any, Any, Any]:
    """Take-ups with and without an effect, for every row.

    Args:
        against: Odds against a take-up without the effect, shape (n, products, weeks).
        worth: Worth of a take-up in each week, same shape.
        path: What is left of the effect in each week, shape (weeks,).
        who: Customers, shape (rows,).
        product: Products, or negative: nothing is gained.
        once: Whether a product can be taken up once only, shape (products,).
        effect: Log odds, shape (rows,).

    Returns:
        Expected money gained, chance of at least one take-up with, and without the effect; shape (rows,) each.
    """
    rows, weeks = who.size, path.size
    money, with_it, without = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    for row in range(rows):
        what, someone = product[row], who[row]
        if what < 0 or someone < 0:
            continue
        none_with, none_without = 1.0, 1.0
        for week in range(weeks):
            odds = against[someone, what, week]
            usual = 1.0 / (1.0 + odds)
            chance = usual
            if effect[row] != 0.0:
                added = min(max(effect[row] * path[week], -WARMTH_MAX), WARMTH_MAX)
                chance = 1.0 / (1.0 + odds * np.exp(-added))
            gained = none_with * chance - none_without * usual if once[what] else chance - usual
            money[row] += gained * worth[someone, what, week]
            none_with *= 1.0 - chance
            none_without *= 1.0 - usual
        with_it[row], without[row] = 1.0 - none_with, 1.0 - none_without
    return money, with_it, without


def kept_money(keeping: Floats, path: Floats, who: Any, effect: Floats) -> Floats:
    """Money of maturing deposits that stay because of an effect, shape (rows,).

    Args:
        keeping: Money at stake in each week, shape (weeks, n).
        path: What is left of the effect in each week, shape (weeks,).
        who: Customers, shape (rows,).
        effect: Log odds, shape (rows,).
    """
    kept = np.zeros(who.size)
    at_stake = np.asarray(keeping.any(axis=0))
    rows = np.flatnonzero((effect != 0) & at_stake[who])
    for week in range(path.size):
        kept[rows] += keeping[week, who[rows]] * (1 - np.exp(-effect[rows] * path[week]))
    return kept
