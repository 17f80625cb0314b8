"""Candidates: who each strategy could propose what to today, and the first reason that stands in the way.

One Ibis expression per strategy over the assessed desk (see `assessment.py`); nothing here looks at another candidate
and no rule is evaluated any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add, or_
from typing import TYPE_CHECKING

from cultiva.contracts.decision import Fate
from cultiva.definitions.offers import OfferKind
from cultiva.definitions.review import RankBy
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.engine.draws import ibis_draw
from cultiva.strategy.desk import room_of_offer
from cultiva.strategy.ranking import BEST_OFFER

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
    "ranked_by",
    "assigned_share",
)
"""Columns of a candidate that go into the lake table `decisions`, in its order."""
HELD = ("held", "held_value")
"""Columns of a candidate while it competes: which holdout it is in (null: none), and its draw.

A candidate that is held out competes as a ghost: it takes no room from others, and its fate is the one that it would
have had. So those held out and those not are chosen by the same yardstick, and can be compared.
"""


def candidates(
    desk: ibis.Table, strategy: Strategy, workspace: Workspace, shares: Mapping[str, float] | None = None
) -> ibis.Table:
    """Every member of a strategy's audience with its offer, channel, rank and the first reason against it.

    Args:
        desk: One row per customer: what every rule says, permissions, and touches used.
        strategy: The strategy.
        workspace: Its workspace.
        shares: In which shares its offers are drawn where the customer's slice ranks by effect; None: never.

    Returns:
        Columns `COLUMNS` and `HELD`; fate is chosen where nothing stands in the way, holdouts not looked at.
    """
    import ibis

    table = desk.filter(desk[f"in_{strategy.name}"])
    offer = _offer(table, strategy, workspace, shares)
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
        ranked_by=table.ranked_by,
        assigned_share=offer.share,
        **_held(table, strategy, workspace),
    )


# One select per strategy: Ibis takes time in proportion to the square of chained ones.


@dataclass(frozen=True)
class _Offer:
    """The first offer that is eligible and suitable, else the first eligible, else the first of all."""

    name: ibis.Value
    share: ibis.Value
    any_eligible: ibis.Value
    any_suitable: ibis.Value
    is_service: ibis.Value


def _offer(table: ibis.Table, strategy: Strategy, workspace: Workspace, shares: Mapping[str, float] | None) -> _Offer:
    import ibis

    names = strategy.offers
    eligible = {name: table[f"eligible_{name}"] for name in names}
    open_to = {name: eligible[name] & table[f"suitable_{name}"] for name in names}
    service = [name for name in names if workspace.offers[name].kind is OfferKind.SERVICE]
    first_open = [(condition, ibis.literal(name)) for name, condition in open_to.items()]
    first_eligible = [(condition, ibis.literal(name)) for name, condition in eligible.items()]
    chosen, share = ibis.cases(*first_open, *first_eligible, else_=ibis.literal(names[0])), _always()
    if shares is not None:
        lot = _drawn(table[f"draw_offer_{strategy.name}"], open_to, shares)
        draws = (table.ranked_by == RankBy.EFFECT.value) & lot.name.notnull()
        chosen, share = ibis.ifelse(draws, lot.name, chosen), ibis.ifelse(draws, lot.share, share)
    if f"{BEST_OFFER}_{strategy.name}" in table.columns:
        best = table[f"{BEST_OFFER}_{strategy.name}"]
        foreseen = (table.ranked_by == RankBy.EFFECT.value) & reduce(
            or_, [is_open & (best == name) for name, is_open in open_to.items()]
        )
        chosen, share = ibis.ifelse(foreseen, best, chosen), ibis.ifelse(foreseen, _always(), share)
    return _Offer(
        name=chosen,
        share=share.cast("!float64"),
        any_eligible=reduce(or_, eligible.values()),
        any_suitable=reduce(or_, open_to.values()),
        is_service=chosen.isin(service) if service else ibis.literal(False),
    )


def _always() -> ibis.Value:
    """The whole share, as a double: DuckDB takes 1.0 for a decimal, and Ibis would drop a plain cast."""
    import ibis

    return ibis.literal(1.0).cast("!float64")


@dataclass(frozen=True)
class _Lot:
    """The offer that was drawn among the open ones, null where none is open, and its probability."""

    name: ibis.Value
    share: ibis.Value


def _drawn(draw: ibis.Value, open_to: Mapping[str, ibis.Value], shares: Mapping[str, float]) -> _Lot:
    import ibis

    weights = {name: ibis.ifelse(is_open, shares[name], 0.0) for name, is_open in open_to.items()}
    whole = reduce(add, weights.values())
    upto, below = ibis.literal(0.0), []
    for name, weight in weights.items():
        upto = upto + weight
        below.append((name, (weight > 0) & (draw * whole < upto)))
    names = [(hit, ibis.literal(name)) for name, hit in below]
    picked = [(hit, weights[name] / whole) for name, hit in below]
    return _Lot(ibis.cases(*names, else_=ibis.null("string")), ibis.cases(*picked, else_=ibis.null("float64")))


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
    no_name, no_number = ibis.null("string"), ibis.null("float64")
    reasons: list[tuple[ibis.Value, Fate, ibis.Value, ibis.Value]] = [
        (table.suppression.notnull(), Fate.SUPPRESSED, table.suppression, no_number),
        (~eligible, Fate.NOT_ELIGIBLE, offer.name, no_number),
        (~offer.any_suitable, Fate.UNSUITABLE, offer.name, no_number),
        (~channel.any_open, Fate.NO_CONSENT, ibis.literal(strategy.channels[0]), no_number),
        (~channel.any_free, Fate.CAPPED, channel.first_open, table.touches_used.cast("float64")),
        (~table[f"gains_{strategy.name}"], Fate.NO_GAIN, no_name, table[f"rank_{strategy.name}"]),
    ]
    return {
        "fate": ibis.cases(
            *[(when, ibis.literal(fate.value)) for when, fate, _, _ in reasons], else_=Fate.CHOSEN.value
        ),
        "decided_by": ibis.cases(*[(when, by) for when, _, by, _ in reasons], else_=no_name),
        "decided_value": ibis.cases(*[(when, value) for when, _, _, value in reasons], else_=no_number),
    }


def _held(table: ibis.Table, strategy: Strategy, workspace: Workspace) -> dict[str, ibis.Value]:
    """`HELD`. The strategy draws among its own audience only: a draw takes longer than all rules together."""
    import ibis

    globally = table.draw_global < workspace.policy.global_holdout
    own = ibis_draw(f"holdout:{strategy.name}", table.customer_id)
    held = ibis.cases(
        (globally, ibis.literal(Fate.HELD_OUT_GLOBAL.value)),
        (own < strategy.holdout, ibis.literal(Fate.HELD_OUT.value)),
        else_=ibis.null("string"),
    )
    return {"held": held, "held_value": ibis.ifelse(globally, table.draw_global, own)}


def settled(decided: ibis.Table) -> ibis.Table:
    """After the competition: those held out get their holdout as fate; what they would have had makes them exposed.

    Returns:
        Columns `COLUMNS` and `exposed`.
    """
    import ibis

    held = decided.held.notnull()
    return decided.mutate(
        exposed=decided.fate == Fate.CHOSEN.value,
        fate=decided.held.fill_null(decided.fate),
        decided_by=ibis.cases(
            (decided.held == Fate.HELD_OUT.value, decided.strategy),
            (held, ibis.null("string")),
            else_=decided.decided_by,
        ),
        decided_value=ibis.ifelse(held, decided.held_value, decided.decided_value),
    ).drop(*HELD)
