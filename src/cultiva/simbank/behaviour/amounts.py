"""How much money moves when a product is taken up: new money, own money from other products, and what is lent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.simbank.archetypes import LOANS, PRODUCT_CODE, PRODUCTS
from cultiva.simbank.arrays import Flags, Floats
from cultiva.simbank.behaviour.draws import Draws
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.behaviour.readiness import IS_LOAN
from cultiva.simbank.world import World

CURRENT, SAVING = PRODUCT_CODE["P_CURRENT"], PRODUCT_CODE["P_SAVING"]
BUFFER_INCOMES = 0.5
"""Months of income that nobody moves out of the current account."""
LENT_MEAN = 0.9
"""Mean of a loan as a share of the usual principal."""
_LENT = np.array([LOANS.get(product.product_id, (0.0, 1))[0] for product in PRODUCTS])


@dataclass(frozen=True)
class Sums:
    """Money of take-ups, shape (n, products) each; 0 where nothing is taken up."""

    fresh: Floats
    """From other banks."""
    own: Floats
    """From the customer's own liquid deposits."""
    lent: Floats
    """By the bank."""

    @property
    def total(self) -> Floats:
        """All that moves into the product."""
        return self.fresh + self.own + self.lent


def expected_sums(world: World, nature: Nature, balance: Floats) -> Sums:
    """Means of what a take-up of each product would move, shape (n, products)."""
    return _means(world, nature.income, nature.wealth, balance)


def draw_sums(world: World, nature: Nature, balance: Floats, taken: Flags, draws: Draws) -> Sums:
    """Draws what the take-ups of a week move.

    New money and loans vary by a factor with mean 1, lognormal or Pareto; own money by one between 0 and 2.
    """
    rows = np.flatnonzero(taken.any(axis=1))
    took = taken[rows]
    income, has = nature.income[rows], balance[rows]
    means = _means(world, income, nature.wealth[rows], has)
    factor = size_factor(world, draws.uniform("amount", len(PRODUCTS))[rows]) * took
    part = draws.uniform("own part", len(PRODUCTS))[rows]
    spare = _spare(income, has)
    own = np.minimum(means.own * 2 * part, spare[:, None]) * took
    total = own.sum(axis=1)
    own *= np.where(total > spare, spare / np.maximum(total, 1e-9), 1.0)[:, None]
    sums = Sums(*(np.zeros(taken.shape) for _ in range(3)))
    sums.fresh[rows], sums.own[rows], sums.lent[rows] = means.fresh * factor, own, means.lent * factor
    return sums


def _spare(income: Floats, balance: Floats) -> Floats:
    """Liquid deposits that can move: current account beyond a buffer, and savings."""
    spare: Floats = np.maximum(balance[:, CURRENT] - BUFFER_INCOMES * income, 0.0) + balance[:, SAVING]
    return spare


def _means(world: World, income: Floats, wealth: Floats, balance: Floats) -> Sums:
    terms = [world.category(product.category) for product in PRODUCTS]
    fresh = wealth[:, None] * np.array([one.new_money for one in terms]) * ~IS_LOAN
    share = np.array([one.own_money for one in terms]) * ~IS_LOAN
    share[SAVING] = 0.0  # savings are liquid themselves
    own = _spare(income, balance)[:, None] * share
    return Sums(fresh, own, income[:, None] * _LENT * LENT_MEAN)


def size_factor(world: World, uniform: Floats) -> Floats:
    """Positive numbers with mean 1: Pareto with the world's tail, or lognormal."""
    tail = world.amounts.tail
    if tail > 1:
        pareto: Floats = (tail - 1) / tail * uniform ** (-1 / tail)
        return pareto
    from scipy.special import ndtri

    spread = world.amounts.spread
    lognormal: Floats = np.exp(spread * ndtri(uniform) - spread**2 / 2)
    return lognormal
