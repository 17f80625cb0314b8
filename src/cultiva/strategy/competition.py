"""Competition: where caps or capacity leave no room for all, the higher rank wins.

Three rounds over the candidates that nothing stands against: for the customer's attention (one offer once, then
the touches left under the caps), then for the hands that carry it out (adviser, branch, strategy). Ties fall to
the strategy's name and the customer's id, so the result does not depend on the order of rows. A candidate that is
held out is a ghost: its place counts those before it who are not, and nobody's place counts it. With two exceptions:
where one offer is wanted by several strategies, those held out by that offer stand for one another, as they would if it
were given: else a customer would be left alone in more of them than could have proposed it. And where a strategy leaves
whole advisers or branches alone, its ghosts of one queue count each other: else nobody would stand before them there,
and all would be exposed, not the best alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cultiva.contracts.decision import Fate, offer_experiment
from cultiva.definitions.offers import OfferKind
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.permission import counters

if TYPE_CHECKING:
    import ibis

NO_ADVISER = "no adviser"
"""Decides where a strategy needs an adviser and the customer has none."""


def for_the_same_offer(candidates: ibis.Table) -> ibis.Table:
    """One customer is proposed one offer once; the others are outbid by the strategy that ranks first."""
    import ibis

    by_offer = (candidates.held_by == ibis.literal(offer_experiment("")) + candidates.offer).fill_null(
        ibis.literal(False)
    )
    marked = candidates.mutate(ghost=candidates.held.notnull() & ~by_offer)
    return _outbid(marked, by=("customer_id", "offer"), room=1, takes_part=None).drop("ghost")


def for_attention(candidates: ibis.Table, desk: ibis.Table, workspace: Workspace) -> ibis.Table:
    """Touches within the room that the caps leave; service offers and placements do not compete.

    Args:
        candidates: After `for_the_same_offer`.
        desk: Has customer_id and the counters of the caps.
        workspace: Says which offers are service, which channels touch, and the caps.
    """
    service = [name for name, offer in workspace.offers.items() if offer.kind is OfferKind.SERVICE]
    touching = [channel.name for channel in workspace.policy.channels if channel.touch]
    counts = [counter for counter in counters(workspace) if counter.cap.scope in ("customer", "channel")]
    if not counts:
        return candidates
    used = desk.select("customer_id", *[counter.column for counter in counts])
    table = candidates.left_join(used, "customer_id").drop("customer_id_right")
    table = table.mutate(ghost=table.held.notnull())
    for counter in counts:
        takes_part = table.channel.isin(touching) if counter.value is None else table.channel == counter.value
        if service:
            takes_part = takes_part & table.offer.notin(service)
        left = counter.cap.contacts_max - table[counter.column]
        table = _outbid(table, by=("customer_id",), room=left, takes_part=takes_part)
    return table.select(*candidates.columns)


def for_hands(candidates: ibis.Table, strategies: list[Strategy], week: ibis.Table, human: list[str]) -> ibis.Table:
    """The best-ranked within the capacity of adviser, branch or strategy; the rest have no capacity.

    Args:
        candidates: After `for_attention`.
        strategies: Those in the plan.
        week: adviser_id and `contacts_per_day` (integer) from the staff table.
        human: Channels that take a person's time.

    Returns:
        The candidates; those beyond the capacity have fate no_capacity and their place in the queue.
    """
    import ibis

    joined = candidates.left_join(week, "adviser_id").drop("adviser_id_right")
    whole = [one.name for one in strategies if one.holdout_by != "customer"]
    together = joined.held_by.isin(whole).fill_null(ibis.literal(False)) if whole else ibis.literal(False)
    joined = joined.mutate(ghost=joined.held.notnull(), together=together)
    takes = joined.channel.isin(human)
    queue, limit = _queues(joined, strategies, takes)
    joined = joined.mutate(queue=queue, queue_limit=limit)
    alive = (joined.fate == Fate.CHOSEN.value) & joined.queue.notnull()
    window = _before(joined, [joined.queue, alive], joined.customer_id)
    fellows = _before(joined, [joined.queue, alive, joined.strategy], joined.customer_id)
    behind = (alive & joined.together).cast("int64").sum().over(fellows) - 1
    place = _place(joined, alive, window) + ibis.ifelse(joined.together, behind, 0)
    joined = joined.mutate(place=place, alive=alive)
    lost = joined.alive & (joined.place > joined.queue_limit)
    return joined.mutate(
        fate=ibis.cases((lost, Fate.NO_CAPACITY.value), else_=joined.fate),
        decided_by=ibis.cases((lost, joined.queue), else_=joined.decided_by),
        decided_value=ibis.cases((lost, joined.place.cast("float64")), else_=joined.decided_value),
    ).select(*candidates.columns)


def _queues(table: ibis.Table, strategies: list[Strategy], takes: ibis.Value) -> tuple[ibis.Value, ibis.Value]:
    """The queue in which a candidate stands and how many get through; null where there is no limit."""
    import ibis

    text, number = ibis.null("string"), ibis.null("int64")
    names, limits = [], []
    for strategy in strategies:
        if strategy.capacity is None:
            continue
        mine = table.strategy == strategy.name
        given = strategy.capacity.contacts_max
        limit = ibis.literal(given, "int64") if given is not None else ibis.literal(0, "int64")
        holder = {"adviser": table.adviser_id, "branch": table.branch_id, "strategy": text}[strategy.capacity.per]
        label = ibis.literal(f"{strategy.name} @ ") + holder.fill_null(ibis.literal("nobody"))
        if strategy.capacity.per == "adviser" and given is None:
            mine, limit = mine & takes, table.contacts_per_day.fill_null(ibis.literal(0, "int64"))
            label = (ibis.literal("adviser ") + table.adviser_id).fill_null(ibis.literal(NO_ADVISER))
        names.append((mine, label if strategy.capacity.per != "strategy" else ibis.literal(strategy.name)))
        limits.append((mine, limit))
    if not names:
        return text, number
    return ibis.cases(*names, else_=text), ibis.cases(*limits, else_=number)


def _outbid(
    candidates: ibis.Table, *, by: tuple[str, ...], room: int | ibis.Value, takes_part: ibis.Value | None
) -> ibis.Table:
    """Marks living candidates beyond the room of their group as outbid by the last one that got in; needs `ghost`."""
    import ibis

    alive = candidates.fate == Fate.CHOSEN.value
    if takes_part is not None:
        alive = alive & takes_part
    real = alive & ~candidates.ghost
    room = room if not isinstance(room, int) else ibis.literal(room, "int64")
    table = candidates.mutate(alive=alive, real=real, room=room)
    groups = [table[name] for name in by]
    among_real = _before(table, [*groups, table.real])
    table = table.mutate(
        place=_place(table, table.alive, _before(table, [*groups, table.alive])),
        winner=table.strategy.first().over(among_real),
        winner_value=table.rank_value.first().over(among_real),
    )
    lost = table.alive & (table.place > table.room)
    return table.mutate(
        fate=ibis.cases((lost, Fate.OUTBID.value), else_=table.fate),
        decided_by=ibis.cases((lost, table.winner), else_=table.decided_by),
        decided_value=ibis.cases((lost, table.winner_value), else_=table.decided_value),
    ).drop("alive", "real", "room", "place", "winner", "winner_value")


def _before(table: ibis.Table, groups: list[ibis.Value], *last: ibis.Value) -> Any:
    """Everyone of the group up to and including this one, the highest rank first."""
    import ibis

    order = [table.rank_value.desc(nulls_first=False), table.strategy, *last]
    return ibis.window(group_by=groups, order_by=order, preceding=None, following=0)


def _place(table: ibis.Table, alive: ibis.Value, window: Any) -> ibis.Value:
    """1 for the first; ghosts stand behind those before them and before nobody."""
    return (alive & ~table.ghost).cast("int64").sum().over(window) + table.ghost.cast("int64")
