"""Decisions by expected money: go on with all, stop, or wait and learn more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scipy import special


class Choice(StrEnum):
    """What can be done with a strategy."""

    SCALE = "scale"
    """Give it to everyone whom it suits."""
    STOP = "stop"
    """Give it to nobody."""
    WAIT = "wait"
    """Go on as it is for some periods, then decide with what will be known."""


@dataclass(frozen=True)
class Stakes:
    """What a decision is about."""

    effect: float
    """Best guess of the money per customer, before cost."""
    effect_se: float
    """Its standard error."""
    cost: float
    """Cost per customer."""
    customers: float
    """Customers per period whom it would be given to if it went on with all."""
    treated_share: float
    """Share of them who have it while the experiment goes on."""
    periods: int = 12
    """Periods for which the decision holds."""
    seen: float = 1.0
    """Periods of data behind the best guess; above 0."""


@dataclass(frozen=True)
class Worth:
    """Expected money of each choice, over all periods."""

    scale: float
    """Of going on with all now."""
    stop: float
    """Of stopping now: 0."""
    wait: float
    """Of waiting the best number of periods."""
    wait_periods: int
    """That number; 0 if there is none to wait."""
    probability: float
    """Chance that the effect exceeds the cost."""
    regret: float
    """Expected loss of the better of scale and stop, should it be the wrong one: what knowing all would be worth."""
    best: Choice
    """The choice with the highest expectation; with equal ones the simplest."""


def weigh(stakes: Stakes) -> Worth:
    """Expected money of scaling, stopping and waiting (preposterior analysis, Raiffa and Schlaifer 1961).

    The net effect per customer is Normal(effect - cost, se). Waiting n periods gives the experiment's share of the gain
    meanwhile, and then the better of scaling and stopping by what will be known: the guess will have moved by a normal
    amount of variance se**2 * n / (seen + n), since the standard error falls with the root of the data.
    """
    net, se = stakes.effect - stakes.cost, stakes.effect_se
    scale = net * stakes.customers * stakes.periods
    waits = [_waiting(stakes, net, periods) for periods in range(1, stakes.periods)]
    wait, periods = max(((value, -n) for n, value in enumerate(waits, start=1)), default=(-math.inf, 0))
    probability = float(special.ndtr(net / se)) if se > 0 else float(net > 0)
    regret = (_positive_part(net, se) - max(net, 0.0)) * stakes.customers * stakes.periods
    decided = Choice.SCALE if scale > 0 else Choice.STOP
    better = wait > max(scale, 0.0) * (1 + 1e-12) and regret > 0
    return Worth(scale, 0.0, wait, -periods, probability, regret, Choice.WAIT if better else decided)


def _waiting(stakes: Stakes, net: float, periods: int) -> float:
    moved = stakes.effect_se * math.sqrt(periods / (stakes.seen + periods))
    meanwhile = net * stakes.customers * stakes.treated_share * periods
    return meanwhile + _positive_part(net, moved) * stakes.customers * (stakes.periods - periods)


def _positive_part(mean: float, sd: float) -> float:
    """Expectation of max(X, 0) for normal X (unit normal loss)."""
    if sd <= 0:
        return max(mean, 0.0)
    z = mean / sd
    return float(mean * special.ndtr(z) + sd * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi))


def probability_above(effect: float, se: float, threshold: float) -> float:
    """Chance that a normal effect exceeds a threshold."""
    return float(special.ndtr((effect - threshold) / se)) if se > 0 else float(effect > threshold)


def pooled(effects: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Mean and standard error of independent guesses (value, se), weighted by precision; None without any."""
    known = [(value, se) for value, se in effects if se > 0]
    if not known:
        return None
    precision = sum(1 / se**2 for _, se in known)
    return sum(value / se**2 for value, se in known) / precision, math.sqrt(1 / precision)
