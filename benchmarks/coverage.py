"""How often 95 % intervals are right, and how often daily readers see an effect where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.bank_experiments import bank_without_effect, bank_worlds
from benchmarks.experiments import DAYS, Daily, World, no_effect, seldom, skewed, worlds
from cultiva.review.statistics.differences import Roles, difference
from cultiva.review.statistics.estimate import Estimate
from cultiva.review.statistics.sequences import always

DESCRIPTION = "coverage of intervals, and false alarms of daily reading with and without sequences"
EXPERIMENTS = 4000
SEED = 20_260_101
AA_WORLDS: dict[str, Callable[[np.random.Generator], Daily]] = {
    "all at once, normal": lambda draw: no_effect(draw, 1000, enrolling=1, planned=1000),
    "all at once, skewed money": lambda draw: no_effect(draw, 2000, enrolling=1, daily=skewed, planned=10_000),
    "enrolling for 8 weeks, normal": lambda draw: no_effect(draw, 1000, enrolling=56, planned=500),
    "enrolling for 8 weeks, skewed money": lambda draw: no_effect(draw, 2000, enrolling=56, daily=skewed, planned=2000),
    "hardly any buyer, 10 % control": lambda draw: no_effect(
        draw, 3000, enrolling=1, planned=3000, daily=seldom, control=0.1
    ),
}
"""A/A worlds; the plan is right, too large, too small."""


def run(size: str | None) -> dict[str, Any]:
    """Runs the experiments; `size` is their number per world."""
    from benchmarks.harness import parse_size

    many = parse_size(size) if size else EXPERIMENTS
    rows = [coverage_row(name, world, many) for name, world in worlds().items()]
    rows += [coverage_row(name, world, max(many // 4, 1)) for name, world in bank_worlds().items()]
    banks = {**AA_WORLDS, "bank without effect, contribution": bank_without_effect}
    rows += [alarm_row(name, once, max(many // 4, 1)) for name, once in banks.items()]
    shares = [row["covered"] for row in rows if "covered" in row]
    return {
        "title": "Intervals that keep their promise",
        "experiments_per_world": many,
        "covered_overall": round(float(np.mean(shares)), 4),
        "rows": [{column: row.get(column, "") for column in _COLUMNS} for row in rows],
    }


_COLUMNS = ("world", "about", "experiments", "covered", "sampling_error", "naive_alarms", "sequence_alarms")


def coverage_row(name: str, world: World, many: int) -> dict[str, Any]:
    """How often the interval holds the truth."""
    draw = np.random.default_rng([SEED, sum(map(ord, name))])
    share = float(np.mean([covers(world.once(draw), world.truth) for _ in range(many)]))
    error = math.sqrt(share * (1 - share) / many)
    return {
        "world": name,
        "about": world.about,
        "experiments": many,
        "covered": round(share, 4),
        "sampling_error": round(error, 4),
    }


def covers(estimate: Estimate, truth: float) -> bool:
    """Whether the interval holds the truth; no interval is no cover."""
    return estimate.low is not None and estimate.high is not None and estimate.low <= truth <= estimate.high


def alarm_row(name: str, once: Callable[[np.random.Generator], Daily], many: int) -> dict[str, Any]:
    """How often someone who reads every day sees an effect that is not there."""
    draw = np.random.default_rng([SEED, sum(map(ord, name))])
    alarms = np.array([alarms_of(once(draw)) for _ in range(many)])
    naive, sequence = alarms.mean(axis=0)
    return {
        "world": f"A/A: {name}",
        "about": f"read on each of {DAYS} days, with covariate",
        "experiments": many,
        "naive_alarms": round(float(naive), 4),
        "sequence_alarms": round(float(sequence), 4),
    }


def alarms_of(daily: Daily) -> tuple[bool, bool]:
    """Whether any daily look calls an effect: with the usual interval, with the sequence."""
    naive = sequence = False
    for day in range(DAYS):
        pair = daily.pair(day)
        effect = difference(pair, Roles(covariate=1))
        fewest = min(pair.treated.count, pair.control.count)
        look = always(effect, float(daily.information[day]), smallest_arm=fewest)
        naive, sequence = naive or effect.certain, sequence or look.certain
    return naive, sequence
