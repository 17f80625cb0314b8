"""Candidates: who each strategy could propose what to today, and the first reason that stands in the way.

One Ibis expression per strategy over the assessed desk (see `assessment.py`); nothing here looks at another candidate
and no rule is evaluated any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from cultiva.contracts.decision import Fate
from cultiva.definitions.offers import OfferKind
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.desk import room_of_offer

if TYPE_CHECKING:
    import ibis

COLUMNS = (
    "customer_id",
    "strategy",
    "offer",
    "channel",
    "rank_value",
    "fate",
    "decided_by",
    "decided_value",
    "branch_id",
    "adviser_id",
)
"""Columns of a candidate, in the order of the lake table `decisions`."""


def candidates(desk: ibis.Table, strategy: Strategy, workspace: Workspace) -> ibis.Table:
    """Every member of a strategy's audience with its offer, channel, rank and the first reason against it.

    Args:
        desk: One row per customer: what every rule says, permissions, and touches used.
        strategy: The strategy.
        workspace: Its workspace.

    Returns:
        Columns `COLUMNS`; fate is chosen where nothing stands in the way.
    """
    import ibis

    table = desk.filter(desk[f"in_{strategy.name}"])
    offer = _offer(table, strategy, workspace)
    channel = _channel(table, offer, strategy, workspace)
    return table.select(
        "customer_id",
        strategy=ibis.literal(strategy.name),
        offer=offer.name,
        channel=channel.name,
        rank_value=table[f"rank_{strategy.name}"],
        **_judged(table, offer, channel, strategy, workspace),
        branch_id=table.branch_id,
        adviser_id=table.adviser_id,
    )


# One select per strategy: Ibis takes time in proportion to the square of chained ones.


@dataclass(frozen=True)
class _Offer:
    """The first offer that is eligible and suitable, else the first eligible, else the first of all."""

    name: ibis.Value
    any_eligible: ibis.Value
    any_suitable: ibis.Value
    is_service: ibis.Value


def _offer(table: ibis.Table, strategy: Strategy, workspace: Workspace) -> _Offer:
    import ibis

    names = strategy.offers
    eligible = {name: table[f"eligible_{name}"] for name in names}
    open_to = {name: eligible[name] & table[f"suitable_{name}"] for name in names}
    service = [name for name in names if workspace.offers[name].kind is OfferKind.SERVICE]
    first_open = [(condition, ibis.literal(name)) for name, condition in open_to.items()]
    first_eligible = [(condition, ibis.literal(name)) for name, condition in eligible.items()]
    chosen = ibis.cases(*first_open, *first_eligible, else_=ibis.literal(names[0]))
    return _Offer(
        name=chosen,
        any_eligible=reduce(or_, eligible.values()),
        any_suitable=reduce(or_, open_to.values()),
        is_service=chosen.isin(service) if service else ibis.literal(False),
    )


@dataclass(frozen=True)
class _Channel:
    """The first channel that carries the offer, is permitted and has room; and why not, if none."""

    name: ibis.Value
    first_open: ibis.Value
    any_open: ibis.Value
    any_free: ibis.Value


def _channel(table: ibis.Table, offer: _Offer, strategy: Strategy, workspace: Workspace) -> _Channel:
    open_, free = {}, {}
    touching = {channel.name for channel in workspace.policy.channels if channel.touch}
    room = room_of_offer(table, offer.name, strategy.offers, workspace)
    for name in strategy.channels:
        open_[name] = _carries(offer, name, strategy, workspace) & (table[f"permitted_{name}"] | offer.is_service)
        within = (table[f"room_{name}"] & room) | offer.is_service
        free[name] = open_[name] & within if name in touching else open_[name]
    return _Channel(
        name=_first_true(free),
        first_open=_first_true(open_),
        any_open=reduce(or_, open_.values()),
        any_free=reduce(or_, free.values()),
    )


def _first_true(conditions: Mapping[str, ibis.Value]) -> ibis.Value:
    """The first name whose condition is true; null if none."""
    import ibis

    return ibis.cases(
        *[(condition, ibis.literal(name)) for name, condition in conditions.items()], else_=ibis.null("string")
    )


def _carries(offer: _Offer, channel: str, strategy: Strategy, workspace: Workspace) -> ibis.Value:
    """Whether the chosen offer may go over this channel."""
    import ibis

    offers = workspace.offers
    names = [name for name in strategy.offers if not offers[name].channels or channel in offers[name].channels]
    if len(names) == len(strategy.offers):
        return ibis.literal(True)
    return offer.name.isin(names) if names else ibis.literal(False)


def _judged(
    table: ibis.Table, offer: _Offer, channel: _Channel, strategy: Strategy, workspace: Workspace
) -> dict[str, ibis.Value]:
    """fate, decided_by and decided_value: the first reason that applies, in the order of `Fate`."""
    import ibis

    eligible = table[f"may_{strategy.name}"] & offer.any_eligible
    draw, no_name, no_number = table[f"draw_{strategy.name}"], ibis.null("string"), ibis.null("float64")
    reasons: list[tuple[ibis.Value, Fate, ibis.Value, ibis.Value]] = [
        (table.draw_global < workspace.policy.global_holdout, Fate.HELD_OUT_GLOBAL, no_name, table.draw_global),
        (draw < strategy.holdout, Fate.HELD_OUT, ibis.literal(strategy.name), draw),
        (table.suppression.notnull(), Fate.SUPPRESSED, table.suppression, no_number),
        (~eligible, Fate.NOT_ELIGIBLE, offer.name, no_number),
        (~offer.any_suitable, Fate.UNSUITABLE, offer.name, no_number),
        (~channel.any_open, Fate.NO_CONSENT, ibis.literal(strategy.channels[0]), no_number),
        (~channel.any_free, Fate.CAPPED, channel.first_open, table.touches_used.cast("float64")),
    ]
    return {
        "fate": ibis.cases(
            *[(when, ibis.literal(fate.value)) for when, fate, _, _ in reasons], else_=Fate.CHOSEN.value
        ),
        "decided_by": ibis.cases(*[(when, by) for when, _, by, _ in reasons], else_=no_name),
        "decided_value": ibis.cases(*[(when, value) for when, _, _, value in reasons], else_=no_number),
    }
