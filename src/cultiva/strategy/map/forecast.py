"""Forecast: what a strategy would do, before anybody has approved it: volumes, cost, effect, what it takes from others.

The numbers come from a plan of the day in which it takes part and that is thrown away; here they are put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from cultiva.contracts.decision import Fate
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine, Files

if TYPE_CHECKING:
    import ibis

ORDER = (*(fate for fate in Fate if fate is not Fate.CHOSEN), Fate.CHOSEN)
"""Fates in the order of the filters: what a customer got to at last is the strategy's fate for the customer."""
USUAL = 1.96
"""Half the width of a 95 % interval, in standard errors."""
MONTH_DAYS, WEEK_DAYS = 30, 7


@dataclass(frozen=True)
class Volume:
    """Customers whom one run would touch with an offer over a channel."""

    offer: str
    channel: str
    customers: int
    channel_cost: float
    """Money for one touch."""
    offer_cost: float
    """Money for the offer, if it is taken up."""


@dataclass(frozen=True)
class Expectation:
    """What one customer open to the strategy is expected to bring."""

    effect: float
    """Money over the horizon, before cost."""
    se: float
    """Its standard error."""
    source: str
    """learnt: from its own results. prior: from the offers' prior worth."""
    take_up: float | None
    """Share of those touched who take the offer up; None: not known."""
    take_up_source: str
    """learnt: its own. peers: strategies with the same offers. Empty: not known."""


@dataclass(frozen=True)
class Stretch:
    """The strategy after some weeks: first touches only, repeats come on top as the caps allow."""

    weeks: int
    enrolled: int
    """Customers on both sides."""
    touched: int
    """Without those left alone."""
    contact_cost: float
    offer_cost: float | None
    """As far as they are taken up; None: not known."""
    offer_cost_most: float
    """If everyone takes the offer up."""
    effect: float
    """Expected money over the horizon of those touched, before cost."""
    effect_low: float
    """Lower end of its 95 % interval."""
    effect_high: float
    """Upper end."""
    smallest: float | None
    """Smallest effect per customer that would be seen by then; None: none."""

    @property
    def cost(self) -> float:
        """Expected cost; with everything taken up where the take-up is not known."""
        return self.contact_cost + (self.offer_cost if self.offer_cost is not None else self.offer_cost_most)

    @property
    def net(self) -> float:
        """Expected effect less cost."""
        return self.effect - self.cost


@dataclass(frozen=True)
class Forecast:
    """Everything that is foreseen of one strategy."""

    strategy: str
    on: date
    active: bool
    audience: int
    funnel: tuple[tuple[str, int], ...]
    """Fate -> customers, in the order of the filters; chosen includes those who would be left alone by its holdout."""
    volumes: tuple[Volume, ...]
    """Of the first run, most first; the holdout not yet taken off."""
    holdout: float
    expectation: Expectation
    stretches: tuple[Stretch, ...]
    monthly: float
    """Expected cost of the first 30 days."""
    budget: float | None
    """Money a month."""
    weeks_until_seen: int | None
    """Weeks of enrolment until the expected effect is seen against the holdout; None: never, with these customers."""
    enrolled_already: int
    """Customers who take part already, of a strategy that runs; they are in none of the numbers by week."""
    displaced: tuple[tuple[str, int, int], ...] | None
    """Other strategies with fewer or more customers because of it: strategy, before, after; None: already in the plan,
    or there is none to compare with."""


def funnel(engine: Engine, decisions: Files, strategy: str) -> dict[str, int]:
    """Customers by how far the strategy gets with them: one fate each, the last of `ORDER` among their candidates."""
    import ibis

    table = engine.scan(decisions)
    mine = table.filter(table.strategy == strategy)
    rank = ibis.cases(*[(mine.fate == fate.value, ibis.literal(n)) for n, fate in enumerate(ORDER)], else_=0)
    best = mine.select("customer_id", rank=rank).group_by("customer_id").aggregate(rank=ibis._["rank"].max())
    rows = engine.fetch(best.group_by("rank").aggregate(n=best.count())).to_pylist()
    counts = {ORDER[row["rank"]].value: int(row["n"]) for row in rows}
    return {fate.value: counts.get(fate.value, 0) for fate in ORDER}


def volumes(engine: Engine, decisions: Files, strategy: str, workspace: Workspace) -> tuple[Volume, ...]:
    """Whom a run would touch with what over which channel."""
    table = engine.scan(decisions)
    chosen = table.filter((table.strategy == strategy) & (table.fate == Fate.CHOSEN.value))
    counted = chosen.group_by("offer", "channel").aggregate(n=chosen.count())
    channels = {one.name: one.unit_cost for one in workspace.policy.channels}
    found = [
        Volume(
            offer=row["offer"],
            channel=row["channel"],
            customers=int(row["n"]),
            channel_cost=channels.get(row["channel"], 0.0),
            offer_cost=workspace.offers[row["offer"]].unit_cost,
        )
        for row in engine.fetch(counted).to_pylist()
    ]
    return tuple(sorted(found, key=lambda one: (-one.customers, one.offer, one.channel)))


def chosen_by_strategy(engine: Engine, decisions: Files) -> dict[str, int]:
    """Proposals of a plan, by strategy."""
    table: ibis.Table = engine.scan(decisions)
    chosen = table.filter(table.fate == Fate.CHOSEN.value)
    rows = engine.fetch(chosen.group_by("strategy").aggregate(n=chosen.count())).to_pylist()
    return {row["strategy"]: int(row["n"]) for row in rows}


def displaced(before: Mapping[str, int], after: Mapping[str, int], strategy: str) -> tuple[tuple[str, int, int], ...]:
    """Other strategies whose proposals differ, most displaced first.

    Examples:
        >>> displaced({"a": 9, "b": 5}, {"a": 4, "b": 5, "new": 6}, "new")
        (('a', 9, 4),)
    """
    names = sorted({*before, *after} - {strategy})
    found = [(name, before.get(name, 0), after.get(name, 0)) for name in names]
    return tuple(sorted((one for one in found if one[1] != one[2]), key=lambda one: (one[2] - one[1], one[0])))


def prior_effect(parts: Sequence[Volume], strategy: Strategy, workspace: Workspace) -> float:
    """Prior worth of a touch: of the offers as they would be proposed, or of all if nobody would be touched."""
    number = sum(one.customers for one in parts)
    if number:
        return sum(workspace.offers[one.offer].prior_worth * one.customers for one in parts) / number
    return sum(workspace.offers[name].prior_worth for name in strategy.offers) / len(strategy.offers)


def stretch(
    parts: Sequence[Volume],
    expectation: Expectation,
    *,
    weeks: int,
    enrolled: int,
    holdout: float,
    smallest: float | None,
) -> Stretch:
    """What so many enrolled customers cost and bring, if they are touched like those of the first run.

    Args:
        parts: The first run's volumes.
        expectation: Per customer.
        weeks: Of enrolment.
        enrolled: Customers by then, both sides.
        holdout: Share left alone.
        smallest: Smallest effect seen by then.
    """
    touched = round(enrolled * (1 - holdout))
    by_channel, by_offer = _mean(parts, "channel_cost"), _mean(parts, "offer_cost")
    share = expectation.take_up
    half = USUAL * expectation.se * touched
    return Stretch(
        weeks=weeks,
        enrolled=enrolled,
        touched=touched,
        contact_cost=touched * by_channel,
        offer_cost=None if share is None else touched * by_offer * share,
        offer_cost_most=touched * by_offer,
        effect=expectation.effect * touched,
        effect_low=expectation.effect * touched - half,
        effect_high=expectation.effect * touched + half,
        smallest=smallest,
    )


def _mean(parts: Iterable[Volume], what: str) -> float:
    found = list(parts)
    number = sum(one.customers for one in found)
    return sum(getattr(one, what) * one.customers for one in found) / number if number else 0.0
