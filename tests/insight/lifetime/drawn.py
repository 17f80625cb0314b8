"""Customers drawn from BG/NBD and Gamma-Gamma as the papers tell their story, purchase by purchase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.insight.lifetime.likelihood import Floats
from cultiva.insight.lifetime.purchases import Histories, Ints, Purchases
from cultiva.insight.lifetime.spending import Amounts, Spending


@dataclass(frozen=True)
class Drawn:
    """Customers, and what nobody sees."""

    histories: Histories
    """One customer per row."""
    alive: Floats
    """1 who is alive now."""
    later: Floats
    """Purchases within a further time."""


def draw(model: Purchases, watched: Floats, further: float, chance: np.random.Generator) -> Drawn:
    """Lets customers buy until they leave.

    Args:
        model: What they are like.
        watched: For how long each is watched; n.
        further: How long their purchases are counted after that.
        chance: Source of chance.
    """
    n = watched.size
    rate = chance.gamma(model.r, 1 / model.alpha, n)
    leaving = chance.beta(model.a, model.b, n)
    x, later, t_x, clock = np.zeros(n, np.int64), np.zeros(n), np.zeros(n), np.zeros(n)
    here, alive = np.ones(n, bool), np.ones(n)
    while here.any():
        clock[here] += chance.exponential(1.0, int(here.sum())) / np.maximum(rate[here], 1e-300)
        here &= clock <= watched + further
        seen = here & (clock <= watched)
        x[seen] += 1
        t_x[seen] = clock[seen]
        later[here & ~seen] += 1
        goes = here & (chance.random(n) < leaving)
        alive[goes & seen] = 0
        here &= ~goes
    return Drawn(Histories(x, t_x, watched, np.ones(n)), alive, later)


def draw_amounts(model: Spending, x: Ints, chance: np.random.Generator) -> tuple[Amounts, Floats]:
    """What customers with x purchases each paid together, and their own mean."""
    mean = model.p * model.gamma / chance.gamma(model.q, 1.0, x.size)
    total = chance.gamma(model.p * x) * mean / model.p
    return Amounts(x, total, np.ones(x.size)), mean
