"""Sales: whether those who could be touched buy more of what was offered than those who were left alone.

Money is the goal, but it says little in the first weeks: what a customer brings in varies a hundred times as much as a
touch can change it. Whether the product was bought varies far less, and what is not bought brings nothing. So sales
are asked first whether touches work at all (a surrogate: Prentice 1989), strategy by strategy and all together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cultiva.definitions.review import Ramp
from cultiva.engine.port import Engine, Files
from cultiva.review.design import TREATED
from cultiva.review.panel import BOUGHT
from cultiva.review.statistics.worth import probability_above


@dataclass(frozen=True)
class Sides:
    """Customers of one strategy to whom one product was, or would have been, offered."""

    open: int
    """Who could be touched."""
    bought: int
    """Of these, who bought it since."""
    alone: int
    """Who were left alone."""
    bought_alone: int
    """Of these."""


Cell = tuple[str, str]
"""(strategy, offer)"""


def count_sales(engine: Engine, panel: Files) -> dict[Cell, Sides]:
    """Counts by strategy and offer, of offers that sell something.

    Args:
        engine: Reads the panel once.
        panel: The analysis table.
    """
    rows = engine.scan(panel)
    known = rows.filter(rows[BOUGHT].notnull())
    treated, bought = known.arm == TREATED, known[BOUGHT] > 0
    sums = known.group_by("strategy", "offer").aggregate(
        open=known.count(where=treated),
        bought=known.count(where=treated & bought),
        alone=known.count(where=~treated),
        bought_alone=known.count(where=~treated & bought),
    )
    found = engine.fetch(sums.order_by("strategy", "offer")).to_pylist()
    return {(row.pop("strategy"), row.pop("offer")): Sides(**row) for row in found}


def lift(cells: Iterable[Sides]) -> tuple[float, float] | None:
    """Share of customers that touches have made buy, with its standard error; None where one side is empty.

    Mantel and Haenszel's (1959) risk difference over the cells, which bears cells with hardly anyone on one side, with
    the variance as if both sides bought alike (the score test's).
    """
    total = difference = variance = 0.0
    for one in cells:
        if not one.open or not one.alone:
            continue
        weight = one.open * one.alone / (one.open + one.alone)
        share = (one.bought + one.bought_alone) / (one.open + one.alone)
        total += weight
        difference += weight * (one.bought / one.open - one.bought_alone / one.alone)
        variance += weight * share * (1 - share)
    return (difference / total, math.sqrt(variance) / total) if variance > 0 else None


def selling(sales: Mapping[Cell, Sides], ramp: Ramp) -> frozenset[str]:
    """Strategies whose touches are known to sell: surely by their own sales, or by all sales and not against their own.

    Args:
        sales: From `count_sales`, of strategies.
        ramp: How sure is sure.
    """
    chances = {name: _chance(one for (strategy, _), one in sales.items() if strategy == name)
               for name in {strategy for strategy, _ in sales}}  # fmt: skip
    whole = _chance(sales.values())
    return frozenset(
        name
        for name, chance in chances.items()
        if chance >= ramp.sure or (whole >= ramp.sure and chance > 1 - ramp.sure)
    )


def _chance(cells: Iterable[Sides]) -> float:
    """Chance that touches make customers buy; even where nothing is known."""
    found = lift(cells)
    return 0.5 if found is None else probability_above(*found, 0.0)
