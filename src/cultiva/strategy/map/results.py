"""Results: targets against what was measured, and measured money and cost added up without counting anything twice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from cultiva.contracts.readout import Contrast, Readout, StrategyReview
from cultiva.definitions.strategies import Objective
from cultiva.definitions.workspace import Workspace
from cultiva.kit.numbers import settled
from cultiva.strategy.map.arrangement import Money
from cultiva.strategy.map.axes import EVERYBODY, Axes
from cultiva.strategy.map.places import Cell, Progress, RolledUp, Standing, Whole, together
from cultiva.strategy.map.reach import Levels

SIDE_LEAST = 20
"""Fewest customers on each side for a difference of levels."""


@dataclass(frozen=True)
class Findings:
    """What is known of results, by strategy."""

    reviews: Mapping[str, StrategyReview]
    """Of the day, without the whole programme."""
    whole: StrategyReview | None
    """The whole programme."""
    levels: Sequence[Levels]
    """Of objectives' metrics today."""
    take_up: Mapping[str, float]
    """Share of those touched who take something up, as learnt."""


def money_of(findings: Findings, strategies: Iterable[str]) -> dict[str, Money]:
    """What is spread over each strategy's customers."""
    found = {}
    for name in strategies:
        one = findings.reviews.get(name)
        incremental = one.incremental if one is not None and one.incremental is not None else 0.0
        found[name] = Money(findings.take_up.get(name, 0.0), incremental, one.cost if one is not None else 0.0)
    return found


def interval_of_money(one: StrategyReview) -> tuple[float | None, float | None]:
    """The ends of a strategy's incremental money: those of the effect, times the customers."""
    main = one.main()
    if main is None or one.incremental is None:
        return None, None
    return _times(main.always_low, main), _times(main.always_high, main)


def _times(end: float | None, main: Readout) -> float | None:
    return None if end is None or not math.isfinite(end) else end * main.customers_treated


def whole_of(one: StrategyReview | None) -> Whole | None:
    """The programme's total; None before it is measured."""
    if one is None or one.incremental is None:
        return None
    low, high = interval_of_money(one)
    return Whole(one.incremental, low, high, one.cost, one.incremental - one.cost)


def progress(objective: Objective, strategy: str, findings: Findings, workspace: Workspace) -> Progress:
    """A strategy's target against what was measured: by the review if it measures the metric, else as it is today."""
    name = next((one.name for one in workspace.review.metrics if one.tag == objective.metric), None)
    review = findings.reviews.get(strategy)
    main = review.main(name, Contrast.ITT) if review is not None and name is not None else None
    if main is not None and main.effect is not None:
        return _standing(objective, (main.effect, main.always_low, main.always_high), "review")
    sides = {one.treated: one for one in findings.levels if one.strategy == strategy}
    if len(sides) == 2 and min(one.customers for one in sides.values()) >= SIDE_LEAST:
        effect, low, high = difference(sides[True], sides[False], workspace.review.confidence)
        ends = (low, high) if high > low else (None, None)  # nobody differs from anybody: no interval to speak of
        return _standing(objective, (effect, *ends), "today")
    return _standing(objective, (None, None, None), "")


def difference(treated: Levels, control: Levels, confidence: float) -> tuple[float, float, float]:
    """The difference of two means with its interval for one look (normal, unequal variances).

    Examples:
        >>> low = Levels("a", True, 100, 3.0, 4.0)
        >>> effect, lower, upper = difference(low, Levels("a", False, 100, 2.0, 4.0), 0.95)
        >>> effect, round(lower, 3), round(upper, 3)
        (1.0, 0.446, 1.554)
    """
    se = math.sqrt(treated.variance / treated.customers + control.variance / control.customers)
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * se
    effect = treated.mean - control.mean
    return effect, effect - half, effect + half


def _standing(objective: Objective, measured: tuple[float | None, float | None, float | None], source: str) -> Progress:
    effect, *ends = map(settled, measured)
    low, high = (None if end is None or not math.isfinite(end) else end for end in ends)
    given = (objective.metric, objective.direction, objective.target, effect, low, high, source)
    return Progress(*given, standing_of(objective, effect, low, high))


def standing_of(objective: Objective, effect: float | None, low: float | None, high: float | None) -> Standing:
    """Where an interval lies against a target; a target is a size, its sign is the objective's direction."""
    if objective.target is None or effect is None:
        return Standing.UNKNOWN
    sign = 1.0 if objective.direction == "increase" else -1.0
    ends = sorted(sign * end for end in (low, high) if end is not None)
    target = abs(objective.target)
    if len(ends) < 2:
        return Standing.POSSIBLE
    return Standing.REACHED if ends[0] >= target else Standing.MISSED if ends[1] < target else Standing.POSSIBLE


def rollups(axes: Axes, every: Sequence[Cell]) -> tuple[RolledUp, ...]:
    """Results along every dimension: all, strategies, groups, stages, tiers."""
    everybody = [one for one in every if one.group == EVERYBODY]
    found = [_rolled("all", "", together(everybody, EVERYBODY))]
    found += _of_strategies(axes, together(everybody, EVERYBODY))
    for group in axes.lines:
        found.append(_rolled("group", group, together([one for one in every if one.group == group], group)))
    for stage in axes.stages:
        parts = [one for one in everybody if one.stage == stage]
        found.append(_rolled("stage", stage, together(parts, EVERYBODY, stage)))
    for tier in axes.tiers:
        parts = [one for one in everybody if one.tier == tier]
        found.append(_rolled("tier", tier, together(parts, EVERYBODY, "", tier)))
    return tuple(found)


def _rolled(dimension: str, name: str, cell: Cell) -> RolledUp:
    return RolledUp(
        dimension=dimension,
        name=name,
        customers=cell.customers,
        covered=cell.covered,
        touched=cell.touched,
        contacts=sum(one.contacts for one in cell.presences),
        spent=cell.spent,
        enrolled=sum(one.enrolled for one in cell.presences),
        incremental=cell.incremental,
        cost=cell.cost,
    )


def _of_strategies(axes: Axes, whole: Cell) -> Iterator[RolledUp]:
    held = {one.strategy: one for one in whole.presences}
    for name, active in zip(axes.strategies, axes.active, strict=True):
        if (one := held.get(name)) is not None:
            yield RolledUp(
                dimension="strategy",
                name=name,
                customers=one.audience,
                covered=one.audience if active else 0,
                touched=one.touched,
                contacts=one.contacts,
                spent=one.spent,
                enrolled=one.enrolled,
                incremental=one.incremental,
                cost=one.cost,
            )
