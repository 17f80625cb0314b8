"""The field: candidates that nothing stands against, as arrays, with the room and the resources they compete for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.definitions.review import RankBy
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.allocation.problem import NONE, Floats, Ints, Longs, Problem
from cultiva.strategy.candidates import GLOBAL
from cultiva.strategy.homes import Homes, touching
from cultiva.strategy.limits import AT, NO_ADVISER, NOT_DRAWN, DayLimits, Limit
from cultiva.strategy.permission import counters
from cultiva.strategy.proposals import Book, covers, proposals_of

ORDER = ("customer_id", "strategy", "offer", "channel")
"""The order of candidates; ties fall to it."""
LEAST = 1e-3
"""Money for which those explore who seem to bring nothing: they take what nobody else wants."""


@dataclass(frozen=True, eq=False)
class Field:
    """Candidates of one slice in `ORDER`, and what they compete for."""

    rows: pl.DataFrame
    """The candidates."""
    problem: Problem
    pools: Sequence[str]
    """Names of the local pools."""
    pool_capacity: Floats
    """What a day has of each pool, for all slices."""
    limits: Sequence[Limit]
    """The resources."""
    amounts: Floats
    """Money that a candidate is expected to cost, n."""


def living(candidates: pl.LazyFrame, foreseen: pl.LazyFrame | None) -> pl.DataFrame:
    """Candidates that nothing stands against, with what is foreseen for single ones, in `ORDER`.

    Where single proposals are scored, those who explore are drawn one of the open ones, by their odds; so what is
    learnt of offers and channels is learnt from chance. The others compete with all of them.

    Args:
        candidates: From `candidates`.
        foreseen: customer_id, strategy, offer, channel; effect (money before cost), response, model; None: nothing. Of
            as many touches as `contacts` says.

    Returns:
        The candidates with `priority`, by which they compete: worth as levers move it, where effects rank; fate no_gain
        where what is foreseen is not worth its cost and nobody explores, outbid where another one was drawn.
    """
    rows = candidates.filter(pl.col("fate") == Fate.CHOSEN.value)
    if foreseen is not None:
        rows = _with_foreseen(rows, foreseen)
    by_effect = pl.col("ranked_by") == RankBy.EFFECT.value
    worth = pl.col("worth")
    best = worth.max().over("customer_id", "strategy")
    explored = LEAST / (1 + best - worth)
    moved = worth * pl.col("factor") + pl.col("extra")
    gains = pl.when(worth > 0).then(moved).otherwise(explored)
    priority = pl.when(by_effect).then(gains).otherwise(pl.col("rank_value"))
    shown = pl.when(by_effect).then(moved).otherwise(pl.col("rank_value"))
    nothing, drawing = by_effect & (worth <= 0) & ~pl.col("explores"), pl.col("scored") & pl.col("explores")
    odds = _odds()
    passed = drawing & ~odds.hit
    found = rows.with_columns(
        priority=priority,
        rank_value=shown,
        fate=pl.when(nothing).then(pl.lit(Fate.NO_GAIN.value))
        .when(passed).then(pl.lit(Fate.OUTBID.value)).otherwise("fate"),
        decided_by=pl.when(passed).then(pl.lit(NOT_DRAWN)).otherwise("decided_by"),
        decided_value=pl.when(nothing).then(worth).when(passed).then("chance").otherwise("decided_value"),
        assigned_share=pl.when(drawing).then(pl.col("explored") * odds.share * pl.col("quote_share"))
        .when(pl.col("scored")).then((1 - pl.col("explored")) * pl.col("quote_share")).otherwise("assigned_share"),
        exposed=pl.lit(value=False),
    )  # fmt: skip
    return found.sort(ORDER).collect(engine="streaming")


@dataclass(frozen=True)
class _Odds:
    """The draw of one of the open proposals of a customer and strategy."""

    hit: pl.Expr
    """Whether it fell on the row."""
    share: pl.Expr
    """The chance that it would."""


def _odds() -> _Odds:
    """Open proposals are drawn in proportion to their `odds`; where all odds are small, most days none is."""
    pair, weight = ("customer_id", "strategy"), pl.col("odds")
    order = pl.concat_str("offer", "channel", separator="|")
    whole, upto = weight.sum().over(pair), weight.cum_sum().over(pair, order_by=order)
    often = weight.max().over(pair)
    lot = pl.col("chance") * whole / often
    return _Odds((lot < upto) & (lot >= upto - weight), weight / whole * often)


def _with_foreseen(rows: pl.LazyFrame, foreseen: pl.LazyFrame) -> pl.LazyFrame:
    """Effects of single candidates in place of what is known of all, where they rank."""
    names = {"effect": "f_effect", "response": "f_response", "model": "f_model"}
    joined = rows.join(foreseen.rename(names), on=list(ORDER), how="left")
    known = pl.col("f_effect").is_not_null()
    response = pl.coalesce(pl.col("f_response") / pl.col("contacts"), "response")
    cost = pl.when(known).then(pl.col("contact_cost") + response * pl.col("offer_cost")).otherwise(pl.col("cost"))
    joined = joined.with_columns(
        effect=pl.coalesce(pl.col("f_effect") / pl.col("contacts"), "effect"),
        response=response,
        cost=cost,
        worth_by=pl.coalesce("f_model", "worth_by"),
    )
    joined = joined.with_columns(worth=pl.when(known).then(pl.col("effect") - pl.col("cost")).otherwise("worth"))
    by_effect = pl.col("ranked_by") == RankBy.EFFECT.value
    return joined.with_columns(rank_value=pl.when(by_effect).then("worth").otherwise("rank_value")).drop(names.values())


def field_of(
    rows: pl.DataFrame,
    desk: pl.LazyFrame,
    book: Book,
    *,
    limits: DayLimits,
    homes: Homes,
) -> Field:
    """The arrays of some candidates.

    Args:
        rows: In `ORDER`, with `priority`.
        desk: One row per customer, with the counters of the caps.
        book: The proposals.
        limits: Resources of the whole bank, and contacts of its advisers.
        homes: Touches that households have left.
    """
    customer = rows["customer_id"].to_numpy()
    first = np.concatenate([np.flatnonzero(np.diff(customer, prepend=NONE)), [len(customer)]]).astype(np.int64)
    ids = customer[first[:-1]]
    channels = [one.name for one in book.workspace.policy.channels]
    touch = _touch(rows, book)
    pools, pool, capacity = pools_of(rows, book, limits.contacts_per_day)
    recipe_first, resource, amount = recipes_of(rows, book, limits.resources)
    room, channel_room = _room(ids, desk, book.workspace, channels)
    together = homes.shared(ids, room)
    problem = Problem(
        first=first,
        worth=rows["priority"].to_numpy(),
        groups=_groups(rows, book),
        touch=touch,
        channel=np.where(touch, _codes(rows["channel"], channels), NONE),
        pool=pool,
        use=np.where(pool == NONE, 0.0, 1.0),
        recipe_first=recipe_first,
        recipe_resource=resource,
        recipe_amount=amount,
        ghost=_ghosts(rows, book),
        room=together.alone,
        channel_room=channel_room,
        household=together.household,
        household_room=together.room,
        pool_capacity=capacity,
        capacity=np.array([one.capacity for one in limits.resources], dtype=np.float64),
        minimum=np.array([one.minimum for one in limits.resources], dtype=np.float64),
    )  # fmt: skip
    return Field(rows, problem, pools, capacity, limits.resources, rows["cost"].to_numpy())


def _codes(values: pl.Series, names: Sequence[str]) -> Ints:
    """Position of each value among names; NONE where it is not there."""
    places = {name: place for place, name in enumerate(names)}
    found = values.replace_strict(places, default=NONE, return_dtype=pl.Int32) if places else None
    return np.full(len(values), NONE, dtype=np.int32) if found is None else found.to_numpy().astype(np.int32)


def _groups(rows: pl.DataFrame, book: Book) -> Ints:
    """Of a strategy, an offer and a group of offers one each."""
    offers = book.workspace.offers
    named = {name: offers[name].group or name for name in book.offers}
    grouped = rows["offer"].replace_strict(named, default="", return_dtype=pl.String)
    groups = sorted(set(named.values()))
    strategies = [one.name for one in book.strategies]
    return np.column_stack([_codes(rows["strategy"], strategies), _codes(grouped, groups)]).astype(np.int32)


def _touch(rows: pl.DataFrame, book: Book) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return rows.select(touching(book).alias("touch"))["touch"].to_numpy()


def _ghosts(rows: pl.DataFrame, book: Book) -> Ints:
    """The holdout that leaves the customer alone, by number; NONE for a real candidate."""
    names = rows["held_by"].drop_nulls().unique().to_list()
    return _codes(rows["held_by"], sorted({GLOBAL, *names}))


def pools_of(rows: pl.DataFrame, book: Book, contacts: Mapping[str, int]) -> tuple[list[str], Ints, Floats]:
    """Hands: an adviser's contacts, or what a strategy gives each adviser or branch; names, pool of each, capacity."""
    human = [one.name for one in book.workspace.policy.channels if one.kind == "human"]
    pool, capacity = pl.lit(None, dtype=pl.String), pl.lit(None, dtype=pl.Float64)
    for one in book.strategies:
        if one.capacity is None or one.capacity.per == "strategy":
            continue
        mine, given = pl.col("strategy") == one.name, one.capacity.contacts_max
        holder = pl.col("adviser_id" if one.capacity.per == "adviser" else "branch_id")
        name = pl.lit(one.name + AT) + holder.fill_null("nobody")
        if one.capacity.per == "adviser" and given is None:
            mine = mine & pl.col("channel").is_in(human)
            name = (pl.lit("adviser ") + holder).fill_null(NO_ADVISER)
            most = (
                holder.replace_strict(dict(contacts), default=0, return_dtype=pl.Float64) if contacts else pl.lit(0.0)
            )
        else:
            most = pl.lit(float(given or 0))
        pool, capacity = pl.when(mine).then(name).otherwise(pool), pl.when(mine).then(most).otherwise(capacity)
    found = rows.with_columns(pool=pool, capacity=capacity)
    each = found.drop_nulls("pool").group_by("pool").agg(pl.col("capacity").first()).sort("pool")
    names = each["pool"].to_list()
    return names, _codes(found["pool"], names), each["capacity"].to_numpy().astype(np.float64)


def recipes_of(rows: pl.DataFrame, book: Book, limits: Sequence[Limit]) -> tuple[Longs, Ints, Floats]:
    """What each candidate takes of the bank's resources, row after row."""
    keys = rows.select(pl.concat_str("strategy", "offer", "channel", separator="|").alias("key"))["key"]
    mine = [proposal for one in book.strategies for proposal in proposals_of(one)]
    cost = np.maximum(rows["cost"].to_numpy(), 0.0)
    row, resource, amount = [np.empty(0, np.int64)], [np.empty(0, np.int32)], [np.empty(0)]
    for place, limit in enumerate(limits):
        covered = [f"{one.strategy}|{one.offer}|{one.channel}" for one in mine if covers(limit.scope, one)]
        inside = np.flatnonzero(keys.is_in(covered).to_numpy())
        row.append(inside)
        resource.append(np.full(len(inside), place, dtype=np.int32))
        amount.append(cost[inside] if limit.counts == "cost" else np.ones(len(inside)))
    rows_of, order = np.concatenate(row), np.argsort(np.concatenate(row), kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(rows_of, minlength=len(rows)))]).astype(np.int64)
    return first, np.concatenate(resource)[order], np.concatenate(amount)[order]


def _room(ids: Longs, desk: pl.LazyFrame, workspace: Workspace, channels: Sequence[str]) -> tuple[Ints, Ints]:
    """Touches that customers have left today, in all and per channel, under every cap."""
    most = workspace.arbitration.touches_per_day_max
    left: dict[str | None, list[pl.Expr]] = {None: [pl.lit(most)], **{name: [pl.lit(most)] for name in channels}}
    for counter in counters(workspace):
        if counter.cap.scope in ("customer", "channel"):
            left[counter.value].append(counter.cap.contacts_max - pl.col(counter.column))
    mine = desk.filter(pl.col("customer_id").is_in(pl.Series(ids).implode())).sort("customer_id")
    exprs = {"all": pl.min_horizontal(left[None])} | {f"c_{name}": pl.min_horizontal(left[name]) for name in channels}
    found = mine.select(pl.col("customer_id"), **exprs).collect(engine="streaming")
    rooms = found.select(pl.exclude("customer_id")).to_numpy().astype(np.int32)
    return rooms[:, 0], np.ascontiguousarray(rooms[:, 1:])
