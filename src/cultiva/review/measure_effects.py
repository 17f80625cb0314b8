"""Two arms become effects: as offered, trimmed, on those reached, for the whole and within groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cultiva.review.measure_cells import Reading
from cultiva.review.measure_design import Design, Kind
from cultiva.review.measure_groups import Group, pair_of
from cultiva.review.measure_results import Arm, Estimand, Measured
from cultiva.review.measure_variables import Variant
from cultiva.review.statistics.differences import REACHED_FEWEST, complier_difference, difference, level
from cultiva.review.statistics.estimate import Estimate, scaled
from cultiva.review.statistics.groups import shrink
from cultiva.review.statistics.moments import Moments, Pair
from cultiva.review.statistics.multiplicity import benjamini_hochberg, holm
from cultiva.review.statistics.sequences import always
from cultiva.review.statistics.shares import few_events, newcombe

PLANNED_CUSTOMERS = 10_000
"""Where sequences are tightest if nothing was planned; any fixed number is valid."""


def information(whole: Group, design: Design) -> float:
    """Information of a strategy so far over that planned: customers, times the part of the horizon passed."""
    planned = design.planned_customers.get(whole.strategy, PLANNED_CUSTOMERS)
    if whole.days is not None:
        return whole.days / (planned * design.horizon_days)
    return (whole.customers(0) + whole.customers(1)) / planned


def effects_of(groups: Sequence[Group], reading: Reading, design: Design, passed: float) -> list[Measured]:
    """All effects of the groups of one strategy and one dimension.

    Args:
        groups: All of the dimension; the whole alone for no dimension.
        reading: What was read.
        design: How.
        passed: Information so far over that planned.
    """
    found: list[Measured] = []
    for estimand in Estimand:
        if estimand is Estimand.REACHED and not _stated(groups[0].strategy, design):
            continue
        of_metrics = []
        for variant in _variants(reading, estimand):
            measured = [_effect(group, reading, variant, design, (estimand, passed)) for group in groups]
            of_metrics.append(_within(measured, design) if groups[0].dimension else measured)
        if not groups[0].dimension:
            of_metrics = _over_metrics(of_metrics)
        found += [one for measured in of_metrics for one in measured]
    return found


def _stated(strategy: str, design: Design) -> bool:
    """Whether the effect on those reached is."""
    return design.reached_of is None or strategy in design.reached_of


def _variants(reading: Reading, estimand: Estimand) -> list[Variant]:
    if estimand is Estimand.REACHED:
        return [one for one in reading.variants if not one.trimmed and one.roles.reached is not None]
    return [one for one in reading.variants if one.trimmed == (estimand is Estimand.TRIMMED)]


def _effect(group: Group, reading: Reading, variant: Variant, design: Design, what: tuple[Estimand, float]) -> Measured:
    estimand, passed = what
    pair = pair_of(group, reading, variant)
    plain, effect = _estimates(pair, variant, design, estimand)
    fewest = min(pair.treated.count, pair.control.count)
    return Measured(
        group.strategy,
        "|".join(group.dimension),
        "|".join(group.values),
        variant.metric.name,
        estimand,
        _arm(group, 0, pair.treated, variant),
        _arm(group, 1, pair.control, variant),
        plain,
        effect,
        always(effect, passed, confidence=design.confidence, smallest_arm=fewest),
        effect,
        effect.p_value,
        reading.cuts.get(f"y_{variant.metric.name}", {}).get(group.strategy) if variant.trimmed else None,
    )


def _estimates(pair: Pair, variant: Variant, design: Design, estimand: Estimand) -> tuple[Estimate, Estimate]:
    """Without and with the covariate."""
    roles, confidence = variant.roles, design.confidence
    exact = _exact(pair, variant, confidence, reached=estimand is Estimand.REACHED)
    if exact is not None:
        return exact, exact
    if estimand is Estimand.REACHED:
        bare = complier_difference(pair, replace(roles, covariate=None), confidence=confidence)
        return bare, complier_difference(pair, roles, confidence=confidence)
    plain = difference(pair, roles, confidence=confidence, adjusted=False)
    return plain, difference(pair, roles, confidence=confidence)


def _exact(pair: Pair, variant: Variant, confidence: float, *, reached: bool) -> Estimate | None:
    """A share of which few customers are: Newcombe's interval; None where the usual one is good."""
    if variant.metric.kind is not Kind.SHARE or pair.clusters is not None:
        return None
    arms = [(float(arm.mean[0]) * arm.count, arm.count) for arm in (pair.treated, pair.control)]
    if min(count for _, count in arms) < 2 or not few_events(arms[0], arms[1]):
        return None
    offered = newcombe(arms[0], arms[1], confidence)
    if not reached:
        return offered
    taken = float(pair.difference[variant.roles.reached or 0])
    return None if taken < REACHED_FEWEST else scaled(offered, 1 / taken)


def _arm(group: Group, arm: int, moments: Moments, variant: Variant) -> Arm:
    taken = variant.roles.reached
    reached = None if taken is None or moments.count == 0 else float(moments.mean[taken])
    return Arm(group.customers(arm), moments.count, level(moments, variant.roles), reached)


def _within(measured: Sequence[Measured], design: Design) -> list[Measured]:
    """Groups of one dimension together: shrunken, and their p-values adjusted."""
    guesses = shrink([one.effect for one in measured], confidence=design.confidence).effects
    adjusted = benjamini_hochberg([one.effect.p_value for one in measured])
    return [replace(one, shrunk=guess, p_adjusted=p) for one, guess, p in zip(measured, guesses, adjusted, strict=True)]


def _over_metrics(of_metrics: Sequence[Sequence[Measured]]) -> list[list[Measured]]:
    """The metrics of the whole together: their p-values adjusted."""
    flat = [one for measured in of_metrics for one in measured]
    adjusted = holm([one.effect.p_value for one in flat])
    return [[replace(one, p_adjusted=p)] for one, p in zip(flat, adjusted, strict=True)]
