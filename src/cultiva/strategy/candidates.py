"""Candidates: who each strategy could propose what to today, and the first reason that stands in the way.

One Ibis expression per strategy over the desk (see `desk.py`); nothing here looks at another candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from cultiva.contracts.decision import Fate
from cultiva.definitions.offers import Offer, OfferKind
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.desk import room_of_offer
from cultiva.strategy.suitability import suitable

if TYPE_CHECKING:
    import ibis

Condition = Callable[[str, "ibis.Table"], "ibis.Value"]
"""Compiles the text of a rule and gives its Ibis form over a table."""

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


@dataclass(frozen=True)
class Draws:
    """How a customer's draw is computed on this engine."""

    of: Callable[[str, ibis.Value], ibis.Value]
    """(salt, customer_id) -> number in [0, 1)."""


def candidates(
    desk: ibis.Table, strategy: Strategy, workspace: Workspace, *, on: date, rule: Condition, draws: Draws
) -> ibis.Table:
    """Every member of a strategy's audience with its offer, channel, rank and the first reason against it.

    Args:
        desk: One row per customer: profile, suitability facts, permissions and touches used.
        strategy: The strategy.
        workspace: Its workspace.
        on: Business date.
        rule: Compiles rule texts.
        draws: The engine's draw.

    Returns:
        Columns `COLUMNS`; fate is chosen where nothing stands in the way.
    """
    import ibis

    audience = _audience(desk, strategy, rule)
    offers = [workspace.offers[name] for name in strategy.offers]
    table = _with_offer(audience, offers, workspace, on=on, rule=rule)
    table = _with_channel(table, strategy, workspace)
    table = table.mutate(
        strategy=ibis.literal(strategy.name),
        rank_value=rule(strategy.rank, table).cast("float64"),
        draw_global=draws.of("holdout:global", table.customer_id),
        draw_strategy=draws.of(f"holdout:{strategy.name}", table.customer_id),
        suppression=_suppression(table, workspace, rule),
    )
    return _judge(table, strategy, workspace, rule).select(*COLUMNS)


def _audience(desk: ibis.Table, strategy: Strategy, rule: Condition) -> ibis.Table:
    conditions = [rule(strategy.audience, desk)]
    if strategy.stages:
        conditions.append(desk.stage.isin(strategy.stages))
    if strategy.tiers:
        conditions.append(desk.value_tier.isin(strategy.tiers))
    return desk.filter(*conditions)


def _with_offer(
    table: ibis.Table, offers: Sequence[Offer], workspace: Workspace, *, on: date, rule: Condition
) -> ibis.Table:
    """Adds `offer`: the first that is eligible and suitable, else the first eligible, else the first of all."""
    import ibis

    eligible = {offer.name: rule(offer.eligible, table).fill_null(ibis.literal(False)) for offer in offers}
    open_to = {offer.name: eligible[offer.name] & suitable(table, offer, workspace.policy, on) for offer in offers}
    any_eligible = reduce(or_, eligible.values())
    any_open = reduce(or_, open_to.values())
    first_open = [(condition, ibis.literal(name)) for name, condition in open_to.items()]
    first_eligible = [(condition, ibis.literal(name)) for name, condition in eligible.items()]
    return table.mutate(
        offer=ibis.cases(*first_open, *first_eligible, else_=ibis.literal(offers[0].name)),
        offer_eligible=any_eligible,
        offer_suitable=any_open,
        is_service=ibis.cases(
            *[(condition, ibis.literal(_is_service(name, offers))) for name, condition in open_to.items()],
            else_=ibis.literal(False),
        ),
    )


def _is_service(name: str, offers: Sequence[Offer]) -> bool:
    return next(offer.kind is OfferKind.SERVICE for offer in offers if offer.name == name)


def _with_channel(table: ibis.Table, strategy: Strategy, workspace: Workspace) -> ibis.Table:
    """Adds `channel`, the first one that carries the offer, is permitted and has room; and why not, if none."""
    open_, free = {}, {}
    touching = {channel.name for channel in workspace.policy.channels if channel.touch}
    room = room_of_offer(table, strategy.offers, workspace)
    for name in strategy.channels:
        open_[name] = _carries(table, name, strategy, workspace) & (table[f"permitted_{name}"] | table.is_service)
        free[name] = (
            open_[name] & ((table[f"room_{name}"] & room) | table.is_service) if name in touching else open_[name]
        )
    return table.mutate(
        channel=_first_true(free),
        open_channel=_first_true(open_),
        any_open_channel=reduce(or_, open_.values()),
        any_free_channel=reduce(or_, free.values()),
    )


def _first_true(conditions: Mapping[str, ibis.Value]) -> ibis.Value:
    """The first name whose condition is true; null if none."""
    import ibis

    return ibis.cases(
        *[(condition, ibis.literal(name)) for name, condition in conditions.items()], else_=ibis.null("string")
    )


def _carries(table: ibis.Table, channel: str, strategy: Strategy, workspace: Workspace) -> ibis.Value:
    """Whether the chosen offer may go over this channel."""
    import ibis

    names = [
        name
        for name in strategy.offers
        if not workspace.offers[name].channels or channel in workspace.offers[name].channels
    ]
    return table.offer.isin(names) if names else ibis.literal(False)


def _suppression(table: ibis.Table, workspace: Workspace, rule: Condition) -> ibis.Value:
    """Name of the first suppression that applies or cannot be ruled out; null if none."""
    import ibis

    named = [
        (rule(suppression.rule, table).fill_null(ibis.literal(True)), ibis.literal(suppression.name))
        for suppression in workspace.policy.suppressions
    ]
    return ibis.cases(*named, else_=ibis.null("string")) if named else ibis.null("string")


def _judge(table: ibis.Table, strategy: Strategy, workspace: Workspace, rule: Condition) -> ibis.Table:
    """Adds fate, decided_by and decided_value: the first reason that applies, in the order of `Fate`."""
    import ibis

    eligible = and_(rule(strategy.eligible, table).fill_null(ibis.literal(False)), table.offer_eligible)
    no_name, no_number = ibis.null("string"), ibis.null("float64")
    reasons: list[tuple[ibis.Value, Fate, ibis.Value, ibis.Value]] = [
        (table.draw_global < workspace.policy.global_holdout, Fate.HELD_OUT_GLOBAL, no_name, table.draw_global),
        (table.draw_strategy < strategy.holdout, Fate.HELD_OUT, ibis.literal(strategy.name), table.draw_strategy),
        (table.suppression.notnull(), Fate.SUPPRESSED, table.suppression, no_number),
        (~eligible, Fate.NOT_ELIGIBLE, table.offer, no_number),
        (~table.offer_suitable, Fate.UNSUITABLE, table.offer, no_number),
        (~table.any_open_channel, Fate.NO_CONSENT, ibis.literal(strategy.channels[0]), no_number),
        (~table.any_free_channel, Fate.CAPPED, table.open_channel, table.touches_used.cast("float64")),
    ]
    return table.mutate(
        fate=ibis.cases(*[(when, ibis.literal(fate.value)) for when, fate, _, _ in reasons], else_=Fate.CHOSEN.value),
        decided_by=ibis.cases(*[(when, by) for when, _, by, _ in reasons], else_=no_name),
        decided_value=ibis.cases(*[(when, value) for when, _, _, value in reasons], else_=no_number),
    )
