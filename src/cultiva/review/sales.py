"""Sales: whether those who could be touched buy more of what was offered than those who were left alone.

Money is the goal, but it says little in the first weeks: what a customer brings in varies a hundred times as much as a
touch can change it. Whether the product was bought varies far less, and what is not bought brings nothing. So sales
are asked first whether touches work at all (a surrogate: Prentice 1989), strategy by strategy and all together.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cultiva.definitions.review import CONTRIBUTION, Ramp
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
    touches: float = 0.0
    """Contacts of those who could be touched."""
    money: float = 0.0
    """What all who bought brought in since, beyond what they brought in before."""
    days: float = 0.0
    """Days since they could be touched, of all of them; 0: as long as those left alone."""
    days_alone: float = 0.0
    """Days since the others were left alone."""

    @property
    def time(self) -> float:
        """In which those who could be touched could buy, in days or else in customers."""
        return self.days or float(self.open)

    @property
    def time_alone(self) -> float:
        """In which those left alone could."""
        return self.days_alone or float(self.alone)

    @property
    def sold(self) -> int:
        """Who bought, on either side."""
        return self.bought + self.bought_alone

    def plus(self, other: Sides) -> Sides:
        """Both together."""
        return Sides(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


Cell = tuple[str, ...]
"""(strategy, offer, channel): what was, or would have been, proposed when they were enrolled."""


class Standing(StrEnum):
    """What sales say of a strategy's touches."""

    SELLS = "sells"
    """They sell, surely enough."""
    UNKNOWN = "unknown"
    HARMS = "harms"
    """They do not sell, surely enough: who is left alone buys as much or more."""


def count_sales(engine: Engine, panel: Files) -> dict[Cell, Sides]:
    """Counts by strategy, offer and channel, of offers that sell something.

    Args:
        engine: Reads the panel once.
        panel: The analysis table; whoever is not on its treated side was left alone.
    """
    rows = engine.scan(panel)
    sold = rows.filter(rows[BOUGHT].notnull())
    known = sold.mutate(channel=sold.channel.fill_null(""))
    treated, bought = known.arm == TREATED, known[BOUGHT] > 0
    before = f"x_{CONTRIBUTION}"
    usual = known[before].fill_null(0.0) * known.y_days if before in known.columns else 0.0
    sums = known.group_by("strategy", "offer", "channel").aggregate(
        open=known.count(where=treated),
        bought=known.count(where=treated & bought),
        alone=known.count(where=~treated),
        bought_alone=known.count(where=~treated & bought),
        touches=known.y_touches.sum(where=treated).fill_null(0.0),
        days=known.y_days.sum(where=treated).fill_null(0.0),
        days_alone=known.y_days.sum(where=~treated).fill_null(0.0),
        money=(known[f"y_{CONTRIBUTION}"] - usual).sum(where=bought).fill_null(0.0),
    )  # fmt: skip
    found = engine.fetch(sums.order_by("strategy", "offer", "channel")).to_pylist()
    return {(row.pop("strategy"), row.pop("offer"), row.pop("channel")): Sides(**row) for row in found}


def lift(cells: Iterable[Sides]) -> tuple[float, float] | None:
    """What touches have made customers buy, per customer (per day, where days are known); None where one side is empty.

    Mantel and Haenszel's (1959) difference over the cells, which bears cells with hardly anyone on one side, with the
    variance as if both sides bought alike (the score test's). Where some wait, the others enrol later: by the day both
    are alike.
    """
    total = difference = variance = 0.0
    for one in cells:
        if not one.time or not one.time_alone:
            continue
        weight = one.time * one.time_alone / (one.time + one.time_alone)
        share = min(one.sold / (one.time + one.time_alone), 1.0)
        total += weight
        difference += weight * (one.bought / one.time - one.bought_alone / one.time_alone)
        variance += weight * share * (1 - share)
    return (difference / total, math.sqrt(variance) / total) if variance > 0 else None


def by_offer(sales: Mapping[Cell, Sides]) -> dict[tuple[str, str], Sides]:
    """The cells of one strategy and offer together, whatever the channel."""
    found: dict[tuple[str, str], Sides] = {}
    for cell, one in sales.items():
        key = (cell[0], cell[1])
        found[key] = found[key].plus(one) if key in found else one
    return found


def standings(sales: Mapping[Cell, Sides], strategies: Collection[str], ramp: Ramp) -> dict[str, Standing]:
    """What sales say of each strategy: its own if they are sure of something, else all sales together.

    Args:
        sales: From `count_sales`, of strategies.
        strategies: Whom to tell of; one without sales of its own leans on the others.
        ramp: How sure is sure.
    """
    cells = by_offer(sales)
    own = {name: _chance(one for (strategy, _), one in cells.items() if strategy == name) for name in strategies}
    whole = _standing(_chance(cells.values()), ramp)
    return {name: found if (found := _standing(chance, ramp)) is not Standing.UNKNOWN else whole
            for name, chance in own.items()}  # fmt: skip


def _standing(chance: float, ramp: Ramp) -> Standing:
    if chance >= ramp.sure:
        return Standing.SELLS
    return Standing.HARMS if chance <= 1 - ramp.sure else Standing.UNKNOWN


def _chance(cells: Iterable[Sides]) -> float:
    """Chance that touches make customers buy; even where nothing is known."""
    found = lift(cells)
    return 0.5 if found is None else probability_above(*found, 0.0)
