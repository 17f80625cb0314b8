"""Candidates: who each strategy could propose what to today, and the first reason that stands in the way.

One Ibis expression per strategy over the assessed desk (see `assessment.py`); nothing here looks at another candidate
and no rule is evaluated any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from cultiva.contracts.decision import Fate, holdout_draw, offer_experiment
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.engine.draws import ibis_draw, ibis_unit, ibis_unit_draw
from cultiva.strategy.desk import room_of_offer
from cultiva.strategy.offering import Offering, offering

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
GLOBAL = "global"
"""Stands for the global holdout in `held_by`."""
HELD = ("held", "held_by", "held_value")
"""Columns of a candidate while it competes: its fate by a holdout (null: none), whose holdout it is (global, the
strategy, or the offer's experiment), and its draw.

A candidate that is held out competes as a ghost: it takes no room from others, and its fate is the one that it would
have had. So those held out and those not are chosen by the same yardstick, and can be compared.
"""


def candidates(desk: ibis.Table, strategy: Strategy, workspace: Workspace) -> ibis.Table:
    """Every member of a strategy's audience with its offer, channel, rank and the first reason against it.

    Args:
        desk: One row per customer: what every rule says, permissions, and touches used.
        strategy: The strategy.
        workspace: Its workspace.

    Returns:
        Columns `COLUMNS` and `HELD`; fate is chosen where nothing stands in the way, holdouts not looked at.
    """
    import ibis

    table = desk.filter(desk[f"in_{strategy.name}"])
    offer = offering(table, strategy, workspace)
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
        **_held(table, offer, strategy, workspace),
    )


# One select per strategy: Ibis takes time in proportion to the square of chained ones.


@dataclass(frozen=True)
class _Channel:
    """The first channel that carries the offer, is permitted and has room; and why not, if none."""

    name: ibis.Value
    first_open: ibis.Value
    any_open: ibis.Value
    any_free: ibis.Value


def _channel(table: ibis.Table, offer: Offering, strategy: Strategy, workspace: Workspace) -> _Channel:
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


def _carries(offer: Offering, channel: str, strategy: Strategy, workspace: Workspace) -> ibis.Value:
    """Whether the chosen offer may go over this channel."""
    import ibis

    offers = workspace.offers
    names = [name for name in strategy.offers if not offers[name].channels or channel in offers[name].channels]
    if len(names) == len(strategy.offers):
        return ibis.literal(True)
    return offer.name.isin(names) if names else ibis.literal(False)


def _judged(
    table: ibis.Table, offer: Offering, channel: _Channel, strategy: Strategy, workspace: Workspace
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


def _held(table: ibis.Table, offer: Offering, strategy: Strategy, workspace: Workspace) -> dict[str, ibis.Value]:
    """`HELD`: everyone's holdout, then the strategy's, then the offer's.

    The strategy draws among its own audience only: a draw takes longer than all rules together.
    """
    import ibis

    globally = table.draw_global < workspace.policy.global_holdout
    own = _own_draw(table, strategy)
    holdouts = [
        (globally, Fate.HELD_OUT_GLOBAL, ibis.literal(GLOBAL), table.draw_global),
        (own < strategy.holdout, Fate.HELD_OUT, ibis.literal(strategy.name), own),
        *_held_by_offers(table, offer, strategy, workspace),
    ]
    return {
        "held": ibis.cases(
            *[(when, ibis.literal(fate.value)) for when, fate, _, _ in holdouts], else_=ibis.null("string")
        ),
        "held_by": ibis.cases(*[(when, by) for when, _, by, _ in holdouts], else_=ibis.null("string")),
        "held_value": ibis.cases(*[(when, draw) for when, _, _, draw in holdouts], else_=own),
    }


def _own_draw(table: ibis.Table, strategy: Strategy) -> ibis.Value:
    """The strategy's draw of the customer, or of the adviser or branch whom the customer belongs to."""
    if strategy.holdout_by == "customer":
        return ibis_draw(holdout_draw(strategy.name), table.customer_id)
    holder = table.adviser_id if strategy.holdout_by == "adviser" else table.branch_id
    return ibis_unit_draw(holdout_draw(strategy.name), ibis_unit(strategy.holdout_by, holder, table.customer_id))


def _held_by_offers(
    table: ibis.Table, offer: Offering, strategy: Strategy, workspace: Workspace
) -> Iterator[tuple[ibis.Value, Fate, ibis.Value, ibis.Value]]:
    """For every offer of the strategy that has a holdout: when it holds, the fate, its name, its draw."""
    import ibis

    for name in strategy.offers:
        share, experiment = workspace.offers[name].holdout, offer_experiment(name)
        if share > 0:
            draw = ibis_draw(holdout_draw(experiment), table.customer_id)
            yield (offer.name == name) & (draw < share), Fate.HELD_OUT, ibis.literal(experiment), draw


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
            (decided.held == Fate.HELD_OUT.value, decided.held_by),
            (held, ibis.null("string")),
            else_=decided.decided_by,
        ),
        decided_value=ibis.ifelse(held, decided.held_value, decided.decided_value),
    ).drop(*HELD)
