"""Competition: who gets the customers' attention and the bank's resources, and why everybody else does not.

Where effects rank, candidates are allocated so that the whole plan is worth most (`allocation`); in the slices that
rank otherwise they get in one after another (`ordered`). Each slice of the health experiments has its share of every
resource, so that none takes from another. Held-out candidates are ghosts (decision 0012).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.definitions.arbitration import Lever
from cultiva.definitions.review import RankBy, Review
from cultiva.kit.errors import CultivaError
from cultiva.strategy.allocation import Problem, Solution, solve, verify
from cultiva.strategy.allocation.problem import Flags, Floats
from cultiva.strategy.field import Field
from cultiva.strategy.levers import LeverEffect, lever_effects
from cultiva.strategy.limits import Limit, shared
from cultiva.strategy.ordered import BESIDE, IN, POOL, Ordered, by_rank, in_order
from cultiva.strategy.proposals import Book

_NOBODY = np.array(None, dtype=object)
CHOSEN, OUTBID, NO_CAPACITY = Fate.CHOSEN.value, Fate.OUTBID.value, Fate.NO_CAPACITY.value


@dataclass(frozen=True)
class Price:
    """What a resource was worth to one slice of a day's plan; one row of the lake table `price`."""

    resource: str
    """Name of the resource, or of the pool: an adviser, a strategy's share of a branch, ..."""
    kind: str
    """`resource` or `pool`."""
    ranked_by: str
    """The slice."""
    counts: str
    """What is counted: touches or cost."""
    capacity: float | None
    """Units that the slice had; None: no limit."""
    used: float
    """Units that it used."""
    minimum: float
    """Units that it should use at least."""
    price: float | None
    """What one more unit would bring; negative: what the minimum costs per unit. None where nothing is compared in
    money."""
    price_last: float | None
    """What the last unit brought: a newcomer has to bring more."""
    since: date | None
    """First day of the resource's period; None for a pool."""
    used_before: float
    """Units that the period had used before today, by all slices."""


@dataclass(frozen=True)
class Outcome:
    """What became of a slice's candidates."""

    rows: pl.DataFrame
    """The candidates, with fate, decided_by, decided_value and exposed."""
    prices: Sequence[Price]
    worth: float
    """Worth of those chosen, before levers."""
    bound: float | None
    """No plan has more priority; None where nothing is optimised."""
    value: float
    """Priority of those chosen."""
    levers: Sequence[LeverEffect] = ()
    """What each lever has done."""


def slice_shares(review: Review) -> dict[str, float]:
    """The slices of the health experiments and their shares, without the rest."""
    return {by.value: share for by, share in review.health.slices}


def compete(field: Field, by: RankBy, book: Book, *, on: date) -> Outcome:
    """Lets the candidates of one slice compete.

    Args:
        field: Of this slice.
        by: The slice.
        book: The proposals.
        on: Business date.
    """
    field = _with_its_share(field, by, book.workspace.review, on)
    whole = {one.name for one in book.strategies if one.holdout_by != "customer"}
    fellows = field.rows["held_by"].is_in(sorted(whole)).fill_null(value=False).to_numpy()
    if by is RankBy.EFFECT:
        return _allocated(field, fellows, book.levers)
    found = in_order(field.problem, by_rank(field.problem.worth), fellows=fellows)
    real = field.problem.ghost < 0
    value, told = _reasons_in_order(field, found)
    chosen = found.taken & real
    prices = used_of(field, chosen, by, None, None)
    return _outcome(field, chosen, found.taken, told, prices=prices, bound=None, value=value)


def _with_its_share(field: Field, by: RankBy, review: Review, on: date) -> Field:
    """The field with the slice's share of every pool and resource."""
    shares, rest = slice_shares(review), review.rank_by.value
    if not shares:
        return field

    def mine(capacities: Floats, names: Sequence[str]) -> Floats:
        pairs = zip(capacities, names, strict=True)
        return np.array([shared(float(one), shares, rest, f"{name}:{on}").get(by.value, 0.0) for one, name in pairs])

    part = shares.get(by.value, 1.0 - sum(shares.values()))
    problem = replace(
        field.problem,
        pool_capacity=mine(field.pool_capacity, field.pools),
        capacity=mine(field.problem.capacity, [one.name for one in field.limits]),
        minimum=field.problem.minimum * part,
    )
    return replace(field, problem=problem, pool_capacity=problem.pool_capacity)


@dataclass(frozen=True, eq=False)
class _Told:
    """decided_by and decided_value of the candidates that lost, and the fate of each, n."""

    fate: Sequence[str]
    by: Sequence[str | None]
    value: Floats


def _allocated(field: Field, fellows: Flags, levers: Sequence[Lever]) -> Outcome:
    problem = field.problem
    found = solve(problem)
    exposed = np.where(problem.ghost < 0, found.chosen, found.exposed)
    if fellows.any():
        among = replace(problem, ghost=np.where(fellows, -1, problem.ghost))
        exposed = np.where(fellows, solve(among, start=found.prices).chosen, exposed)
    told = _reasons_by_price(field, found)
    prices = used_of(field, found.chosen, RankBy.EFFECT, found, found.last_in)
    outcome = _outcome(field, found.chosen, exposed, told, prices=prices, bound=found.bound, value=found.value)
    return replace(outcome, levers=lever_effects(field, levers, found.chosen, found.prices))


def _outcome(  # noqa: PLR0913  (the parts of an outcome)
    field: Field, chosen: Flags, exposed: Flags, told: _Told, *, prices: Sequence[Price], bound: float | None,
    value: float,
) -> Outcome:  # fmt: skip
    _check(field, chosen)
    rows = field.rows.with_columns(
        fate=pl.Series(told.fate, dtype=pl.String),
        decided_by=pl.Series(told.by, dtype=pl.String),
        decided_value=pl.Series(told.value).fill_nan(None),
        exposed=pl.Series(exposed),
    )
    return Outcome(rows, prices, float(rows["worth"].fill_null(0.0).to_numpy()[chosen].sum()), bound, value)


def _check(field: Field, chosen: Flags) -> None:
    """Nothing leaves the plan that breaks a limit: the sums are made again, apart from the search."""
    broken = verify(field.problem, chosen)
    if broken:
        names = {"pool": field.pools, "resource": [one.name for one in field.limits]}
        first = broken[0]
        where = names[first.kind][first.index] if first.kind in names else str(first.index)
        raise CultivaError(
            f"the plan breaks {len(broken)} limits",
            code="strategy.limit_broken",
            seen=f"{first.kind} {where}: {first.seen:g}",
            allowed=f"{first.allowed:g}",
            hint="nothing was published; this is a fault of the program, please report it with the workspace",
        )


def _reasons_in_order(field: Field, found: Ordered) -> tuple[float, _Told]:
    strategies, rank = field.rows["strategy"].to_numpy(), field.rows["rank_value"].to_numpy()
    names = np.array([one.name for one in field.limits], dtype=object)
    pools = np.array([*field.pools, None], dtype=object)
    rival = np.maximum(found.rival, 0)
    beside, in_queue = found.reason == BESIDE, found.reason == POOL
    by = np.where(beside, strategies[rival], np.where(in_queue, pools[field.problem.pool], _NOBODY))
    if len(names):
        by = np.where(found.reason > POOL, names[np.minimum(rival, len(names) - 1)], by)
    value = np.where(beside, rank[rival], np.where(in_queue, found.place.astype(np.float64), np.nan))
    fate = np.select([found.reason == IN, beside], [CHOSEN, OUTBID], default=NO_CAPACITY)
    chosen = found.taken & (field.problem.ghost < 0)
    return float(field.problem.worth[chosen].sum()), _Told(fate.tolist(), by.tolist(), value)


def _reasons_by_price(field: Field, found: Solution) -> _Told:
    """Who stood in the way of a candidate, or which resource was worth more elsewhere, and the number that decided.

    At the prices a candidate that brings more than its resources, and still lost, lost to another of the same customer.
    """
    problem, rows = field.problem, field.rows
    dear = found.reduced <= 0
    beside = in_order(_unlimited(problem), by_rank(np.where(found.chosen, np.inf, found.reduced)))
    lost_to = (beside.reason == BESIDE) & ~dear
    rival = np.maximum(beside.rival, 0)
    charge, name, price = _dearest(field, found)
    fate = np.select([found.chosen, lost_to], [CHOSEN, OUTBID], default=NO_CAPACITY)
    strategies = rows["strategy"].to_numpy()
    by = np.where(found.chosen, _NOBODY, np.where(lost_to, strategies[rival], name))
    value = np.where(lost_to, problem.worth[rival], np.where(charge > 0, price, np.nan))
    return _Told(fate.tolist(), by.tolist(), np.where(found.chosen, np.nan, value))


def _unlimited(problem: Problem) -> Problem:
    """The same customers and candidates without anything that customers share."""
    return replace(
        problem,
        pool_capacity=np.full(len(problem.pool_capacity), np.inf),
        capacity=np.full(len(problem.capacity), np.inf),
        minimum=np.zeros(len(problem.capacity)),
    )


def _dearest(field: Field, found: Solution) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.object_]], Floats]:
    """Of each candidate the resource that costs it most: its charge, its name, its price per unit."""
    p, prices = field.problem, found.prices.resources
    pools = np.array([*field.pools, None], dtype=object)
    last = np.append(found.last_in, 0.0)
    charge = last[p.pool] * p.use
    name, price = pools[p.pool], last[p.pool]
    for place, limit in enumerate(field.limits):
        entry = np.flatnonzero(p.recipe_resource == place)
        row = np.searchsorted(p.recipe_first, entry, side="right") - 1
        mine = prices[place] * p.recipe_amount[entry]
        more = mine > charge[row]
        charge[row[more]], price[row[more]] = mine[more], prices[place]
        name[row[more]] = limit.name
    return charge, name, price


def used_of(
    field: Field, chosen: Flags, by: RankBy, found: Solution | None, last_in: Floats | None
) -> list[Price]:  # fmt: skip
    """What each pool and resource of the slice had, used, and was worth."""
    p = field.problem
    inside = chosen & (p.pool >= 0)
    pools = np.bincount(p.pool[inside], weights=p.use[inside], minlength=len(field.pools))
    row = np.repeat(np.arange(p.candidates), np.diff(p.recipe_first))
    taken = chosen[row] if len(row) else np.empty(0, dtype=np.bool_)
    resources = np.bincount(p.recipe_resource[taken], weights=p.recipe_amount[taken], minlength=len(field.limits))
    told = [
        Price(limit.name, "resource", by.value, limit.counts, _finite(p.capacity[place]), float(resources[place]),
              float(p.minimum[place]), None if found is None else float(found.prices.resources[place]),
              None if found is None else float(found.prices.resources[place]), limit.since, limit.used_before)
        for place, limit in enumerate(field.limits)
    ]  # fmt: skip
    return told + [
        Price(name, "pool", by.value, "touches", _finite(p.pool_capacity[place]), float(pools[place]), 0.0,
              None if found is None else float(found.first_out[place]),
              None if last_in is None else float(last_in[place]), None, 0.0)
        for place, name in enumerate(field.pools)
    ]  # fmt: skip


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def unmet(outcomes: Mapping[str, Outcome], limits: Sequence[Limit]) -> list[tuple[str, float, float]]:
    """Minimums that the plan does not reach: resource, reached, minimum."""
    found = []
    for limit in limits:
        used = sum(one.used for outcome in outcomes.values() for one in outcome.prices if one.resource == limit.name)
        if used < limit.minimum - 1e-9:
            found.append((limit.name, used, limit.minimum))
    return found
