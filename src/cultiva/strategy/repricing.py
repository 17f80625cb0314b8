"""Repricing: during the day, what is left of the night's plan is solved anew, from the night's prices.

The candidates are the night's. Those go who were served since, may not be reached any more, or have no room left; what
was used since goes from what there was. What comes out is what one more unit is worth to the rest of the day.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.definitions.review import RankBy
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Engine, Files
from cultiva.strategy.allocation import Prices, solve, verify
from cultiva.strategy.allocation.problem import Floats, Ints
from cultiva.strategy.competition import Price, used_of
from cultiva.strategy.desk import lay_out
from cultiva.strategy.field import ORDER, Field, field_of, pools_of, recipes_of
from cultiva.strategy.homes import Homes, touching
from cultiva.strategy.limits import NOT_DRAWN, DayLimits, Limit, limits_of
from cultiva.strategy.permission import HOME, counters
from cultiva.strategy.proposals import Book
from cultiva.strategy.service import PlanInputs, papers_of

COMPETED = (Fate.CHOSEN.value, Fate.OUTBID.value, Fate.NO_CAPACITY.value)
"""Fates of the night's candidates that were worth something and stood in nobody's holdout."""
EVERY = "*"
"""Stands for every channel in what customers have closed."""
TOUCHES = {"customer_id": pl.Int64, "strategy": pl.String, "offer": pl.String, "channel": pl.String, "day": pl.Date,
           "planned": pl.Boolean, "exempt": pl.Boolean}  # fmt: skip
CLOSED = {"customer_id": pl.Int64, "channel": pl.String}


@dataclass(frozen=True)
class Since:
    """What has happened since the night."""

    touches: pl.DataFrame
    """`TOUCHES`: made or held; `planned`: a list, a play or a person did it, not a live decision."""
    closed: pl.DataFrame
    """`CLOSED`: who may not be reached any more over a channel."""
    standing: Sequence[int]
    """Customers whom nothing may reach: complaint opened, fraud hold."""
    used: Mapping[str, float]
    """Resource or pool -> units that live decisions have used today."""


@dataclass(frozen=True)
class Night:
    """The plan that is priced anew."""

    inputs: PlanInputs
    decisions: Files
    prices: Sequence[Mapping[str, Any]]
    """Rows of the lake table `price`."""
    start: Mapping[str, tuple[float, float]]
    """Resource or pool -> prices to begin from: of one more unit, and of the last one."""


@dataclass(frozen=True)
class Repriced:
    """What is scarce in the rest of the day."""

    prices: Sequence[Price]
    """Capacity is what is left; used is what the rest of the day's best plan would take."""
    taken: Mapping[str, float]
    """Resource or pool -> units used since the night, whoever used them."""
    candidates: int
    """That still compete."""
    value: float
    bound: float
    gap: float
    evaluations: int


def reprice(engine: Engine, night: Night, workspace: Workspace, since: Since, day: date, *, work: Path) -> Repriced:
    """Solves what is left of a night's plan.

    Args:
        engine: Where customers' room is counted.
        night: The plan.
        workspace: The definitions that it was made with.
        since: What has happened since.
        day: The bank's day.
        work: New folder for what is laid out meanwhile; it is removed.
    """
    book = Book(workspace, [one for one in workspace.strategies.values() if one.active])
    every = _candidates(night.decisions)
    done = every.join(since.touches.filter("planned"), on=ORDER, how="semi").filter(fate=Fate.CHOSEN.value)
    rows = _open(every, since, book)
    try:
        desk = _desk(engine, night.inputs, workspace, since, day, work)
        limits, taken = _limits(night, book, since, done, day)
        homes = Homes.of(desk, workspace)
        field = field_of(rows, desk, book, limits=DayLimits(limits), homes=homes)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return _solved(_left(field, night, taken, _today(rows, since, book, day)), night, taken)


def _candidates(decisions: Files) -> pl.DataFrame:
    """The night's candidates that competed by worth, in `ORDER`, with what they need to compete again."""
    kept = (
        (pl.col("ranked_by") == RankBy.EFFECT.value) & pl.col("fate").is_in(COMPETED) & (pl.col("worth") > 0)
        & pl.col("decided_by").ne_missing(NOT_DRAWN)
    )  # fmt: skip
    found = pl.scan_parquet(part_files(decisions)).filter(kept).with_columns(
        priority=pl.col("rank_value"), held_by=pl.lit(None, pl.String)
    )  # fmt: skip
    names = (*ORDER, "priority", "cost", "adviser_id", "branch_id", "held_by", "fate")
    return found.select(names).sort(ORDER).collect(engine="streaming")


def _open(every: pl.DataFrame, since: Since, book: Book) -> pl.DataFrame:
    """Who is still to be served, and may be."""
    service = pl.col("offer").is_in([name for name in book.offers if book.is_service(name)])
    shut = since.closed.filter(pl.col("channel") == EVERY)
    rows = every.join(since.touches, on=["customer_id", "strategy"], how="anti").join(
        since.touches, on=["customer_id", "offer"], how="anti"
    )
    told = rows.join(since.closed, on=["customer_id", "channel"], how="anti").join(shut, on="customer_id", how="anti")
    exempt = rows.filter(service)
    still = pl.concat([told.filter(~service), exempt])
    return still.filter(~pl.col("customer_id").is_in(list(since.standing))).sort(ORDER)


def _desk(
    engine: Engine, inputs: PlanInputs, workspace: Workspace, since: Since, day: date, work: Path
) -> pl.LazyFrame:
    """Counters of the caps as they are now: what was done today counts like what was done yesterday."""
    papers = papers_of(engine, inputs, workspace)
    past = papers.touches
    names = [one.name for one in workspace.policy.channels if one.touch]
    made = since.touches.filter(~pl.col("exempt") & pl.col("channel").is_in(names)).select(
        "customer_id", "channel", "strategy", "offer", touched_on=pl.min_horizontal("day", day - timedelta(days=1))
    )
    fresh = engine.load(made.to_arrow())
    both = past.union(fresh.anti_join(past, ["customer_id", "touched_on", "channel", "offer"]).select(*past.columns))
    whole = lay_out(replace(papers, touches=both), workspace, day)
    counted = [one.column for one in counters(workspace)]
    home = [HOME] if HOME in whole.columns else []
    engine.write(whole.select("customer_id", *dict.fromkeys(counted), *home), work)
    return pl.scan_parquet(part_files([work]))


def _limits(
    night: Night, book: Book, since: Since, done: pl.DataFrame, day: date
) -> tuple[list[Limit], dict[str, float]]:
    """The resources with what is left of them, and what was used of resources and pools."""
    named = limits_of(book.workspace, book.strategies, day, spent={}, days=1)
    _, resource, amount = recipes_of(done, book, named)
    units = np.bincount(resource, weights=amount, minlength=len(named))
    taken = {one.name: float(units[place]) for place, one in enumerate(named)}
    pools, pool, _ = pools_of(done, book, {})
    counted = np.bincount(pool[pool >= 0], minlength=len(pools))
    taken |= {name: float(counted[place]) for place, name in enumerate(pools)}
    for name, used in since.used.items():
        taken[name] = taken.get(name, 0.0) + used
    return [_limit(one, night, taken[one.name]) for one in named], taken


def _limit(one: Limit, night: Night, taken: float) -> Limit:
    rows = [row for row in night.prices if row["resource"] == one.name]
    mine = [row for row in rows if row["ranked_by"] == RankBy.EFFECT.value]
    minimum = sum(row["minimum"] for row in mine)
    before, since = (rows[0]["used_before"], rows[0]["since"]) if rows else (0.0, one.since)
    return replace(
        one, since=since, used_before=before, minimum=max(minimum - taken, 0.0), capacity=_capacity(rows, taken)
    )


def _capacity(rows: Sequence[Mapping[str, Any]], taken: float) -> float:
    """What is left for those whom effects rank: their share of what there was, less their share of what was used."""
    if not rows or any(row["capacity"] is None for row in rows):
        return float("inf")
    whole = sum(row["capacity"] for row in rows)
    mine = sum(row["capacity"] for row in rows if row["ranked_by"] == RankBy.EFFECT.value)
    return max(mine - taken * mine / whole, 0.0) if whole > 0 else 0.0


def _today(rows: pl.DataFrame, since: Since, book: Book, day: date) -> Ints:
    """Touches that each customer who is left has had today, in the order of their numbers."""
    counted = since.touches.filter((pl.col("day") >= day) & ~pl.col("exempt")).filter(touching(book))
    each = counted.group_by("customer_id").agg(made=pl.len())
    ids = rows.select("customer_id").unique().sort("customer_id")
    found = ids.join(each, on="customer_id", how="left", maintain_order="left")["made"].fill_null(0)
    return found.to_numpy().astype(np.int32)


def _left(field: Field, night: Night, taken: Mapping[str, float], today: Ints) -> Field:
    """The field with what is left of pools, and of the touches of a day."""
    by_pool: dict[str, list[Mapping[str, Any]]] = {}
    for row in night.prices:
        if row["kind"] == "pool":
            by_pool.setdefault(row["resource"], []).append(row)
    left: Floats = np.array([_capacity(by_pool.get(name, []), taken.get(name, 0.0)) for name in field.pools])
    problem = field.problem
    room = np.maximum(problem.room - today, 0).astype(np.int32)
    return replace(field, problem=replace(problem, room=room, pool_capacity=left), pool_capacity=left)


def _solved(field: Field, night: Night, taken: Mapping[str, float]) -> Repriced:
    start = Prices(
        np.array([night.start.get(one.name, (0.0, 0.0))[0] for one in field.limits], dtype=np.float64),
        np.array([night.start.get(name, (0.0, 0.0))[0] for name in field.pools], dtype=np.float64),
    )
    found = solve(field.problem, start=start)
    assert not verify(field.problem, found.chosen)
    prices = used_of(field, found.chosen, RankBy.EFFECT, found, found.last_in)
    known = {one.resource for one in prices}
    idle = dict.fromkeys(
        row["resource"] for row in night.prices if row["kind"] == "pool" and row["resource"] not in known
    )
    rest = [_nobodys(name, [row for row in night.prices if row["resource"] == name], taken) for name in idle]
    return Repriced(
        [*prices, *rest], taken, field.problem.candidates, found.value, found.bound, found.gap, found.evaluations
    )


def _nobodys(name: str, rows: Sequence[Mapping[str, Any]], taken: Mapping[str, float]) -> Price:
    """A pool that nobody wants any more."""
    left = _capacity(rows, taken.get(name, 0.0))
    return Price(name, "pool", RankBy.EFFECT.value, "touches", left, 0.0, 0.0, 0.0, 0.0, None, 0.0)
