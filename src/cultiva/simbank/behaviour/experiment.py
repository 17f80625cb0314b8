"""One randomised experiment in a world, drawn in milliseconds: for the coverage of the review's intervals.

A light kernel beside `advance`: a single offer over a single channel, touched once, with the world's kinds, take-up,
sums, delay, fading, trend and season; without interference and the rest of life. What matters to a statistician is
here: skewed money, many who bring nothing new, a covariate that explains part of it, clusters (advisers) that differ in
level and effect, effects that differ by group and over time.

What the truth is: every customer has two potential outcomes that are drawn with the same chance; `effect` is their
difference. `truth_sample` is its average over the customers of this experiment: what a finite-sample interval should
cover. `truth` is the average over a population of very many customers of the same world: what intervals of the usual
kind (customers drawn from a superpopulation) cover; it does not depend on the experiment's seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from cultiva.simbank.arrays import Floats, Ints
from cultiva.simbank.behaviour.amounts import size_factor
from cultiva.simbank.behaviour.kinds import kind_terms
from cultiva.simbank.behaviour.readiness import WARMTH_MAX, chance, effect_paths, season
from cultiva.simbank.behaviour.touching import trend
from cultiva.simbank.world import World

Small = npt.NDArray[np.float32]
DAYS_PER_WEEK = 7
CLUSTER_CUSTOMERS = 100
"""Customers per adviser."""
_MARGIN_DAILY = 0.03 / 365
"""Contribution of a yuan of new money per day."""
_POPULAR = 16.0
"""How much more often this offer is taken up than a deposit in the world."""
_DAILY_NOISE = 1.2
"""Spread of a day's contribution, as a share of what is usual."""
_POPULATION, _POPULATION_SEED, _BATCH = 2_000_000, 424_242, 50_000


@dataclass(frozen=True)
class _Drawn:
    """Customers of one experiment and their chance, the same with and without the touch."""

    kind: Ints
    group: Ints
    wealth: Floats
    usual: Floats
    """Daily contribution without anything new."""
    luck: Floats
    """Uniform: decides whether and when they take it up."""
    size: Floats
    """Factor of the sum, mean 1."""
    strength: Floats
    """Of the touch."""
    cluster: Ints


def experiment(
    world: World, *, customers: int, seed: int, holdout: float = 0.5, weeks: int = 8, clustered: bool = False
) -> dict[str, Any]:
    """Draws one randomised experiment.

    Args:
        world: Kinds, strengths, sums, trend, season, and the group on which touches work at all.
        customers: How many are enrolled, all on the same day.
        seed: Equal arguments give equal arrays.
        holdout: Chance to be left alone.
        weeks: Duration.
        clustered: Whether whole clusters (advisers) are drawn in place of customers.

    Returns:
        Arrays by name, customers in rows: `treated` (bool), `y` (contribution in yuan), `converted` (bool),
        `x` (contribution of the same number of weeks before, untouched), `cluster`, `group` (1: where a world with
        `effect_only` has its effect), `y0` and `y1` (potential outcomes of y), `effect` (their difference),
        `converted_effect` (on converted: -1, 0, 1), `daily` (float32, shape (days, customers): increments that add up
        to y); and numbers: `truth`, `truth_sample`, `truth_converted`, `truth_converted_sample`.
    """
    rng = np.random.default_rng([seed, 51])
    drawn = _draw(world, rng, customers)
    unit = np.arange(customers) if not clustered else drawn.cluster
    treated = (rng.random(int(unit.max()) + 1) >= holdout)[unit]
    days = weeks * DAYS_PER_WEEK
    day = [_take_up_day(_chances(world, drawn, weeks, touched=flag), drawn.luck) for flag in (False, True)]
    gain, loss = _daily_gain(world, drawn), _daily_loss(world, drawn)
    usual = _usual_days(rng, drawn, days)
    without, with_it = (_with_gain(usual, at, gain) for at in day)
    with_it -= loss.astype(np.float32)
    y0, y1 = (bank.sum(axis=0, dtype=np.float64) for bank in (without, with_it))
    converted_effect = (day[1] < days).astype(np.float64) - (day[0] < days)
    before = drawn.usual * days + _DAILY_NOISE * drawn.usual * np.sqrt(days) * rng.standard_normal(customers)
    money, taken = superpopulation_truth(world, weeks)
    return {
        "treated": treated,
        "y": np.where(treated, y1, y0),
        "y0": y0,
        "y1": y1,
        "converted": np.where(treated, day[1], day[0]) < days,
        "x": before,
        "cluster": drawn.cluster,
        "group": drawn.group,
        "effect": y1 - y0,
        "converted_effect": converted_effect,
        "daily": np.where(treated, with_it, without),
        "truth": money,
        "truth_sample": float((y1 - y0).mean()),
        "truth_converted": taken,
        "truth_converted_sample": float(converted_effect.mean()),
    }


@lru_cache(maxsize=64)
def _truth_of(world_json: str, weeks: int) -> tuple[float, float]:
    world = World.model_validate_json(world_json)
    rng = np.random.default_rng([_POPULATION_SEED, 51])
    money = taken = 0.0
    days = weeks * DAYS_PER_WEEK
    for _ in range(_POPULATION // _BATCH):
        drawn = _draw(world, rng, _BATCH)
        without, with_it = (_chances(world, drawn, weeks, touched=flag) for flag in (False, True))
        earning = _expected_days(with_it) - _expected_days(without)
        gain = _daily_gain(world, drawn) / drawn.size  # sums do not depend on take-up and have mean 1
        money += float((gain * earning - _daily_loss(world, drawn) * days).sum())
        taken += float((with_it[-1] - without[-1]).sum())
    return money / _POPULATION, taken / _POPULATION


def superpopulation_truth(world: World, weeks: int) -> tuple[float, float]:
    """Average effect on contribution (yuan) and on conversion (share) over very many customers of a world.

    Chance is integrated out, so that its own error is small beside an experiment's: about 1 % of the effect.
    """
    return _truth_of(world.model_dump_json(), weeks)


def _draw(world: World, rng: np.random.Generator, customers: int) -> _Drawn:
    terms = kind_terms(world)
    shares = np.array([one.share for one in terms])
    kind = np.minimum(np.searchsorted(np.cumsum(shares), rng.random(customers), side="right"), 3)
    group = (rng.random(customers) < 0.33).astype(np.int64)
    common = rng.standard_normal(customers)
    wealth = 40_000 * np.exp(0.9 * common)
    cluster = np.arange(customers) // CLUSTER_CUSTOMERS
    of_cluster = rng.standard_normal(int(cluster[-1]) + 1)[cluster]
    usual = 2.0 * np.exp(0.8 * common + 0.15 * of_cluster + 0.4 * rng.standard_normal(customers))
    strength = np.exp(world.advisers.skill_spread * of_cluster) * np.exp(0.35 * rng.standard_normal(customers))
    return _Drawn(
        kind=kind.astype(np.int64),
        group=group,
        wealth=wealth,
        usual=usual,
        luck=rng.random(customers),
        size=size_factor(world, np.maximum(rng.random(customers), 1e-12)),
        strength=strength,
        cluster=cluster,
    )


def _chances(world: World, drawn: _Drawn, weeks: int, *, touched: bool) -> Floats:
    """Chance to have taken it up by the end of each week, shape (weeks, n)."""
    weekly = min(world.category("deposit").weekly * _POPULAR, 0.5)
    base = np.log(weekly / (1 - weekly)) + _of_kind(world, drawn, "appeal")
    works = world.effect * (drawn.group == 1 if world.effect_only is not None else 1.0)
    effect = _of_kind(world, drawn, "lift") * drawn.strength * works * touched
    path, _ = effect_paths(world.response, weeks)
    never = np.ones(drawn.kind.size)
    by_week = np.empty((weeks, drawn.kind.size))
    for week in range(weeks):
        added = np.clip(effect * path[week] * trend(world, week), -WARMTH_MAX, WARMTH_MAX)
        never = never * (1 - chance(base + season(world, week * DAYS_PER_WEEK) + added))
        by_week[week] = 1 - never
    return by_week


def _take_up_day(by_week: Floats, luck: Floats) -> Floats:
    """Day of the take-up, counted from 0; the day after the last for those who never do."""
    weeks = by_week.shape[0]
    week = (luck >= by_week).sum(axis=0)
    edges = np.vstack([np.zeros(luck.size), by_week])
    people, at = np.arange(luck.size), np.minimum(week, weeks - 1)
    low, high = edges[at, people], edges[at + 1, people]
    within = np.clip((luck - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    day = np.minimum(at * DAYS_PER_WEEK + np.floor(within * DAYS_PER_WEEK), (at + 1) * DAYS_PER_WEEK - 1)
    return np.where(week < weeks, day, float(weeks * DAYS_PER_WEEK))


def _expected_days(by_week: Floats) -> Floats:
    """Expected days of earning until the end; a take-up is equally likely on every day of its week."""
    weeks = by_week.shape[0]
    in_week = np.diff(by_week, axis=0, prepend=0.0)
    left = (weeks - np.arange(weeks)) * DAYS_PER_WEEK - (DAYS_PER_WEEK - 1) / 2
    days: Floats = left @ in_week
    return days


def _daily_gain(world: World, drawn: _Drawn) -> Floats:
    """Contribution per day of a take-up."""
    return world.category("deposit").new_money * drawn.wealth * drawn.size * _MARGIN_DAILY


def _daily_loss(world: World, drawn: _Drawn) -> Floats:
    """Contribution per day that a touch drives away."""
    works = abs(world.effect) * (drawn.group == 1 if world.effect_only is not None else 1.0)
    gone = _of_kind(world, drawn, "outflow") * drawn.wealth * _MARGIN_DAILY
    return (gone + _of_kind(world, drawn, "annoyance") * drawn.usual) * works


def _of_kind(world: World, drawn: _Drawn, name: str) -> Floats:
    return np.array([float(getattr(one, name)) for one in kind_terms(world)])[drawn.kind]


def _usual_days(rng: np.random.Generator, drawn: _Drawn, days: int) -> Small:
    """Contribution without anything new, shape (days, n)."""
    noise = rng.standard_normal((days, drawn.usual.size), dtype=np.float32)
    return drawn.usual.astype(np.float32) * (1 + np.float32(_DAILY_NOISE) * noise)


def _with_gain(usual: Small, day: Floats, gain: Floats) -> Small:
    """The same with what a take-up brings from its day on."""
    earning = np.arange(usual.shape[0])[:, None] >= day
    return usual + earning * gain.astype(np.float32)
