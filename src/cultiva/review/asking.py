"""What asking brings: money per touch by way of sales, long before money itself could say so.

A touch brings as many sales as those who could be touched bought more than those who were left alone, and a sale brings
what its buyers brought in since, beyond what they brought in before (a surrogate index: Athey et al. 2019). Neither
needs money to be compared between customers, whose incomes differ by far more than touches change them. Strategies lend
each other what they know of an offer, and offers what they know of a channel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cultiva.review.beliefs import Belief
from cultiva.review.sales import Cell, Sides

SALES_MIN = 8
"""Fewer sales, on both sides and of all offers, say nothing about what a sale brings."""
SALE_WEIGHT = 3.0
"""Sales for which the worth that definitions give an offer stands, on the scale of all sales."""
ALONE_WEIGHT = 20.0
"""Customers left alone for which all of them stand when those of one offer are judged."""
TOUCH_WEIGHT = 100.0
"""Touches for which what was believed of an offer before stands."""
WAY_WEIGHT = 2.0
"""Sales for which it stands that a channel is like the others."""
WAY_MOST = 5.0
"""How many times as much as the others a channel may bring, or as little."""


@dataclass(frozen=True)
class Asked:
    """What is known of offers and channels by their sales."""

    sides: Mapping[str, Sides] = field(default_factory=dict)
    """By offer, over all strategies."""
    usual: Mapping[str, float] = field(default_factory=dict)
    """Offer -> what who is left alone buys of it, per customer (per day, where days are known)."""
    sale: Mapping[str, float] = field(default_factory=dict)
    """Offer -> money that a sale brings; empty as long as too little was sold."""
    ways: Mapping[str, float] = field(default_factory=dict)
    """Channel -> how many times as many sales a touch over it brings as the average touch."""

    def added(self, offer: str) -> float:
        """Sales that touches have added, below 0 where they have cost some."""
        one = self.sides[offer]
        return one.bought - one.time * self.usual[offer]

    def believed(self, offer: str, prior: Belief) -> Belief:
        """Money per touch: what was believed before for so many touches, with what touches have sold since.

        Args:
            offer: Name.
            prior: What was believed before, in money per touch.
        """
        if offer not in self.sale or not self.sides[offer].touches:
            return prior
        one, sale = self.sides[offer], self.sale[offer]
        whole = TOUCH_WEIGHT + one.touches
        doubt = math.hypot(TOUCH_WEIGHT * prior.se, sale * math.sqrt(one.bought + self._alone_variance(offer)))
        return Belief((TOUCH_WEIGHT * prior.mean + self.added(offer) * sale) / whole, doubt / whole)

    def _alone_variance(self, offer: str) -> float:
        """Variance of the sales that were to be expected without touches."""
        one, share = self.sides[offer], self.usual[offer]
        more = ALONE_WEIGHT * one.time_alone / one.alone if one.alone else one.time
        return one.time**2 * share * (1 - min(share, 1.0)) / (one.time_alone + more) if share else 0.0


def asked(sales: Mapping[Cell, Sides], hoped: Callable[[str], float]) -> Asked:
    """What sales say of offers and channels.

    Args:
        sales: (strategy, offer, channel) -> counts.
        hoped: Offer -> the worth that definitions give it.
    """
    if not sales:
        return Asked()
    sides = _grouped(sales, lambda cell: cell[1])
    whole = _together(sides)
    usual = _usual(sides, whole)
    sale = _sale(sides, hoped) if whole.sold >= SALES_MIN else {}
    known = Asked(sides, usual, sale)
    return Asked(sides, usual, sale, _ways(sales, known)) if sale else known


def _usual(sides: Mapping[str, Sides], whole: Sides) -> dict[str, float]:
    """Shares of those left alone who buy; those of offers with few of them are drawn to the share of all."""
    everywhere = whole.bought_alone / whole.time_alone if whole.time_alone else whole.sold / max(whole.time, 1.0)
    more = ALONE_WEIGHT * (whole.time_alone / whole.alone if whole.alone else 1.0)
    return {name: (one.bought_alone + more * everywhere) / (one.time_alone + more) for name, one in sides.items()}


def _sale(sides: Mapping[str, Sides], hoped: Callable[[str], float]) -> dict[str, float]:
    """Money that a sale brings; of offers that sold little, their share of what is hoped for on the scale of all."""
    scale = sum(one.money for one in sides.values()) / (sum(one.sold * hoped(name) for name, one in sides.items()) or 1)
    return {name: (one.money + SALE_WEIGHT * max(scale, 0.0) * hoped(name)) / (one.sold + SALE_WEIGHT)
            for name, one in sides.items()}  # fmt: skip


def _ways(sales: Mapping[Cell, Sides], known: Asked) -> dict[str, float]:
    """By channel: sales that touches have added, over those that as many touches with the same offers usually add.

    A gamma guess around 1 for a Poisson count, so that a channel over which little was sold is like the others.
    """
    rates = _rates(known)
    added: dict[str, float] = {}
    expected: dict[str, float] = {}
    for (_, offer, way), one in sales.items():
        added[way] = added.get(way, 0.0) + one.bought - one.time * known.usual[offer]
        expected[way] = expected.get(way, 0.0) + one.touches * rates[offer]
    ratios = {way: (WAY_WEIGHT + max(added[way], 0.0)) / (WAY_WEIGHT + expected[way]) for way in added if way}
    return {way: min(max(ratio, 1 / WAY_MOST), WAY_MOST) for way, ratio in ratios.items()}


def _rates(known: Asked) -> dict[str, float]:
    """Sales that one touch with an offer adds, never below 0; drawn to those of all offers where touches are few."""
    touches = sum(one.touches for one in known.sides.values())
    whole = sum(known.added(name) for name in known.sides) / touches if touches else 0.0
    return {name: max((known.added(name) + TOUCH_WEIGHT * whole) / (one.touches + TOUCH_WEIGHT), 0.0)
            for name, one in known.sides.items()}  # fmt: skip


def _grouped(sales: Mapping[Cell, Sides], key: Callable[[Cell], str]) -> dict[str, Sides]:
    found: dict[str, Sides] = {}
    for cell, one in sales.items():
        found[key(cell)] = found[key(cell)].plus(one) if key(cell) in found else one
    return found


def _together(sides: Mapping[str, Sides]) -> Sides:
    whole = Sides(0, 0, 0, 0)
    for one in sides.values():
        whole = whole.plus(one)
    return whole
