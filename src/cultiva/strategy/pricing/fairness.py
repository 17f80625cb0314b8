"""Fairness: how far groups' prices lie apart, why, and what that means for those whom the law protects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cultiva.definitions.products import value_text
from cultiva.kit.words import Words
from cultiva.strategy.pricing.market import mean_price
from cultiva.strategy.pricing.optimum import Optimum, Why
from cultiva.strategy.pricing.response import INTERVAL


@dataclass(frozen=True)
class Difference:
    """Two groups with different prices: the best and the worst for the customer, or any two in between."""

    group: str
    """Who pays the better price."""
    other: str
    """Who pays the worse one."""
    steps: int
    """Levels between them."""
    gap: float
    """Price of the other less price of the group, in the parameter's unit."""
    chance: float
    """Chance that the group is indeed moved more by price than the other."""
    reason: Words
    """Why, in words and numbers."""


@dataclass(frozen=True)
class Impact:
    """Mean price of those with one value of a protected attribute."""

    attribute: str
    value: str
    customers: int
    price: float
    """Mean price by the ladder."""
    beyond: float
    """That price less the mean of everybody."""


def differences(optimum: Optimum) -> tuple[Difference, ...]:
    """Every pair of neighbouring prices explained: the groups that have them, the largest difference first."""
    ordered = sorted(optimum.rungs, key=lambda rung: (-rung.place, rung.group))
    if len(ordered) < 2:
        return ()
    pairs = [(ordered[0], ordered[-1]), *pairwise(ordered)]
    names = [one.group for one in optimum.rungs]
    found = {
        (a.group, b.group): _difference(optimum, names.index(a.group), names.index(b.group))
        for a, b in pairs
        if a.place != b.place
    }
    return tuple(sorted(found.values(), key=lambda one: (-one.steps, one.group, one.other)))


def _difference(optimum: Optimum, group: int, other: int) -> Difference:
    market, rungs, rise = optimum.market, optimum.rungs, optimum.curves.rise
    gap = market.levels[rungs[other].place] - market.levels[rungs[group].place]
    chance = float((rise[:, group] > rise[:, other]).mean())
    return Difference(
        group=rungs[group].group,
        other=rungs[other].group,
        steps=rungs[group].place - rungs[other].place,
        gap=gap,
        chance=chance,
        reason=_reason(optimum, group, other, chance),
    )


def _reason(optimum: Optimum, group: int, other: int, chance: float) -> Words:
    a, b = optimum.rungs[group], optimum.rungs[other]
    one, two = _moved(optimum, group), _moved(optimum, other)
    stays = [rung.group for rung in (a, b) if rung.why in (Why.TOO_FEW, Why.NOT_SURE)]
    if stays:
        named = "、".join(stays), " and ".join(stays)
        return Words(
            f"{named[0]} 的数据还不足以离开牌价。{a.group}：{one.zh}",
            f"for {named[1]} the data do not suffice to leave the list price. {a.group}: {one.en}",
        )
    return Words(
        f"{a.group}：{one.zh}；{b.group}：{two.zh}。前者更看重价格的把握为 {chance:.0%}",
        f"{a.group}: {one.en}; {b.group}: {two.en}. The chance that price moves the former more is {chance:.0%}",
    )


def _moved(optimum: Optimum, group: int) -> Words:
    """What the best price does to take-up beside the worst, with its interval."""
    found = optimum.market.product.priced
    assert found is not None
    draws = optimum.curves.draws[:, group]
    added = (draws[:, -1] - draws[:, 0]) * 100
    low, high = np.quantile(added, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
    worst, best = (value_text(found.unit, optimum.market.levels[place]) for place in (0, -1))
    start, end = draws[:, 0].mean(), draws[:, -1].mean()
    return Words(
        f"价格由 {worst} 到 {best}，接受率由 {start:.2%} 升到 {end:.2%}（升 {low:.2f} 至 {high:.2f} 个百分点）",
        f"from {worst} to {best} take-up rises from {start:.2%} to {end:.2%} (by {low:.2f} to {high:.2f} points)",
    )


def impacts(optimum: Optimum, who: Mapping[str, Mapping[str, Mapping[str, int]]]) -> tuple[Impact, ...]:
    """What the ladder means for those whom the law protects, although it does not look at the attribute.

    Args:
        optimum: The ladder.
        who: Attribute -> its value -> group -> customers.
    """
    prices = {rung.group: optimum.market.levels[rung.place] for rung in optimum.rungs}
    found = []
    for attribute, values in who.items():
        everybody = mean_price(prices, _added(list(values.values())))
        for value, groups in values.items():
            mean = mean_price(prices, groups)
            if mean is not None and everybody is not None:
                count = sum(groups.get(name, 0) for name in prices)
                found.append(Impact(attribute, value, count, mean, mean - everybody))
    return tuple(found)


def _added(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            found[name] = found.get(name, 0) + count
    return found
