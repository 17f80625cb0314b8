"""The trial of learnt prices: what they are worth against the list price, by customers they were not learnt from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.strategy.pricing.market import Market
from cultiva.strategy.pricing.optimum import Rung, optimise
from cultiva.strategy.pricing.response import INTERVAL, Counts


@dataclass(frozen=True)
class Trial:
    """Contribution per customer beyond that at the list price, in money over the horizon."""

    gain: float | None
    """Estimate; None where a cell that it needs is empty."""
    se: float | None
    """Its standard error."""
    customers: int
    """Customers with a drawn price from whom it comes."""
    changed: float
    """Share of customers whose learnt price is not the list price, mean of the two halves."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval of INTERVAL; None where there is no estimate."""
        from scipy.special import ndtri

        if self.gain is None or self.se is None:
            return None
        half = float(ndtri((1 + INTERVAL) / 2)) * self.se
        return self.gain - half, self.gain + half


def tried(market: Market, *, seed: int = 0) -> Trial:
    """Learns prices from one half of the customers and compares them with the list price on the other; and again.

    Within a group prices were drawn, so that the mean contribution of those who drew a level is what all would have
    brought at it (inverse probability weighting with equal weights). A price that only looks good by chance on the half
    from which it was learnt does not on the other: the estimate is not favoured by the choice, which the curves' own
    expectation is.
    """
    gain = variance = changed = 0.0
    for learnt_from, shown_on in (market.halves, market.halves[::-1]):
        rungs = optimise(market, counts=learnt_from.counts, seed=seed).rungs
        found = _compared(market, shown_on.counts, rungs)
        if found is None:
            return Trial(None, None, int(market.counts.quoted.sum()), changed)
        gain, variance = gain + found[0] / 2, variance + found[1] / 4
        moved = np.array([rung.place != market.listed for rung in rungs])
        changed += float(moved @ market.customers) / max(int(market.customers.sum()), 1) / 2
    return Trial(gain, float(np.sqrt(variance)), int(market.counts.quoted.sum()), changed)


def _compared(market: Market, counts: Counts, rungs: tuple[Rung, ...]) -> tuple[float, float] | None:
    """Gain per customer and its variance; None where a cell is empty."""
    weight = market.customers / max(int(market.customers.sum()), 1)
    gain = variance = 0.0
    for group, rung in enumerate(rungs):
        if rung.place == market.listed or not weight[group]:
            continue
        for place, sign in ((rung.place, 1.0), (market.listed, -1.0)):
            n, k = int(counts.quoted[group, place]), int(counts.taken[group, place])
            if not n:
                return None
            share, margin = k / n, float(market.margins[group, place])
            careful = (k + 0.5) / (n + 1.0)  # a cell without take-ups is not known without error
            gain += sign * weight[group] * margin * share
            variance += (weight[group] * margin) ** 2 * careful * (1 - careful) / n
    return float(gain), float(variance)
