"""The optimum: which level brings most contribution per quote, and how sure that is against the list price."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from cultiva.strategy.pricing.market import Market
from cultiva.strategy.pricing.response import INTERVAL, Counts, Curves, Floats, learn

Flags = npt.NDArray[np.bool_]
TAKEN_MIN = 30
"""Fewest take-ups among drawn prices, all groups together, before any price is learnt."""
GROUP_QUOTED_MIN = 100
"""Fewest customers of a group with a drawn price before its price may leave the list."""
SURE = 0.8
"""Least chance that a level beats the list price before it takes its place."""


class Why(StrEnum):
    """Why a group has the level that it has."""

    LEARNT = "learnt"
    """It brings more than the list price."""
    LIST_BEST = "list_best"
    """The list price itself brings most."""
    TOO_FEW = "too_few"
    """Too few drawn prices or take-ups: the list price stays."""
    NOT_SURE = "not_sure"
    """Another level may bring more, but that is not sure enough: the list price stays."""


@dataclass(frozen=True)
class Rung:
    """One group's price."""

    group: str
    place: int
    """Of the level, from the worst for the customer."""
    best: int
    """Place of the level that is expected to bring most, whether it is taken or not."""
    why: Why
    chance: float
    """Chance that `best` brings more than the list price."""
    gain: float
    """Expected contribution per quote beyond that at the list price, over the horizon."""
    gain_low: float
    """Lower end of its interval."""
    gain_high: float
    """Upper end."""


@dataclass(frozen=True)
class Optimum:
    """The ladder of a template, and what it is learnt from."""

    market: Market
    curves: Curves
    rungs: tuple[Rung, ...]
    """One per group, in the order of the market's."""

    @property
    def contribution(self) -> Floats:
        """Expected contribution per quote, shape (groups, levels)."""
        found: Floats = self.curves.mean * self.market.margins
        return found

    @property
    def contribution_interval(self) -> tuple[Floats, Floats]:
        """Lower and upper end of its interval; same shape."""
        low, high = self.curves.interval
        return low * self.market.margins, high * self.market.margins

    @property
    def gain(self) -> tuple[float, float, float]:
        """Contribution of all customers together beyond that at list prices: expected, lower and upper end."""
        value = self.curves.draws * self.market.margins
        each = np.arange(len(self.rungs))
        chosen = value[:, each, [rung.place for rung in self.rungs]]
        total = (chosen - value[:, each, self.market.listed]) @ self.market.customers
        low, high = np.quantile(total, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
        return float(total.mean()), float(low), float(high)


def optimise(market: Market, *, counts: Counts | None = None, seed: int = 0) -> Optimum:
    """Learns the curves and chooses every group's level.

    A level is only taken within what `granted_by` may grant, and only where it beats the list price with a chance of
    SURE; otherwise the list price stays. Where the workspace limits how far groups may lie apart, that window of levels
    is taken in which all customers together bring most.

    Args:
        market: The ladder and its margins.
        counts: Cells to learn from; None: all of the market's.
        seed: Of the draws.
    """
    cells = market.counts if counts is None else counts
    curves = learn(cells, seed=seed)
    value = curves.draws * market.margins
    enough = int(cells.taken.sum()) >= TAKEN_MIN
    best: list[tuple[Rung, ...]] = []
    for window in _windows(market):
        allowed = np.array(market.granted) & window
        if allowed[market.listed]:  # what groups fall back to
            best.append(tuple(_rung(market, cells, value, allowed, (g, enough)) for g in range(len(cells.groups))))
    rungs = max(best, key=lambda found: sum(r.gain * n for r, n in zip(found, market.customers, strict=True)))
    return Optimum(market, curves, rungs)


def _windows(market: Market) -> list[Flags]:
    """Levels that groups may have together."""
    levels = len(market.levels)
    steps = levels - 1 if market.fairness_steps is None else min(market.fairness_steps, levels - 1)
    place = np.arange(levels)
    return [(place >= first) & (place <= first + steps) for first in range(levels - steps)]


def _rung(market: Market, cells: Counts, value: Floats, allowed: Flags, of: tuple[int, bool]) -> Rung:
    group, enough = of
    listed = market.listed
    mine = value[:, group]
    best = int(np.argmax(np.where(allowed, mine.mean(axis=0), -np.inf)))
    beyond = mine[:, best] - mine[:, listed]
    chance = float((beyond > 0).mean()) if best != listed else 0.0
    if not enough or int(cells.quoted[group].sum()) < GROUP_QUOTED_MIN:
        why = Why.TOO_FEW
    elif best == listed:
        why = Why.LIST_BEST
    else:
        why = Why.LEARNT if chance >= SURE else Why.NOT_SURE
    if why is not Why.LEARNT:
        return Rung(cells.groups[group], listed, best, why, chance, 0.0, 0.0, 0.0)
    low, high = np.quantile(beyond, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
    return Rung(cells.groups[group], best, best, why, chance, float(beyond.mean()), float(low), float(high))
