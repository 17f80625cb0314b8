"""What a policy is worth on randomised customers that no model has seen, and whether a new one takes its place.

A policy says for every customer what an effect is; it touches those with the largest effects above cost. Its value is
the money per customer beyond touching nobody, averaged over the room there may be: a tenth, two tenths, ... everyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cultiva.definitions.models import Promotion
from cultiva.strategy.models.boosting import Numbers
from cultiva.strategy.models.learners import Trial, doubly_robust

ROOMS = tuple(place / 10 for place in range(1, 11))
"""Shares of the customers that there may be room for."""
USUAL = 1.96


@dataclass(frozen=True)
class Estimate:
    """A value in money per customer, with a 95 % interval."""

    value: float
    low: float
    high: float
    se: float


@dataclass(frozen=True)
class Comparison:
    """A new policy beside the one in use, on the same customers."""

    customers: int
    challenger: dict[str, Estimate]
    """By way of estimating: `ips` (inverse probability), `dr` (doubly robust)."""
    champion: dict[str, Estimate]
    gain: dict[str, Estimate]
    """Challenger less champion, customer by customer."""
    together: Estimate
    """The doubly robust gain, with what the order among customers gained on folds that its learners had not seen."""
    promoted: bool
    why: str
    """In a few words, for the card."""

    def as_data(self) -> dict[str, Any]:
        """As JSON-like data."""
        return asdict(self)


@dataclass(frozen=True)
class Scores:
    """Estimates of each customer's effect less cost, by way of estimating; each is unbiased, none is exact."""

    ips: Numbers
    dr: Numbers


def scores_of(trial: Trial, with_touch: Numbers, without: Numbers, cost: Numbers) -> Scores:
    """Scores of held-back rows.

    Args:
        trial: The rows.
        with_touch: Money foreseen with a touch by a model that has not seen them.
        without: The same without one.
        cost: Cost of a touch.
    """
    centre = np.full(len(trial), np.average(trial.money, weights=trial.weight))
    return Scores(doubly_robust(trial, centre, centre) - cost, doubly_robust(trial, with_touch, without) - cost)


def touched_share(worth: Numbers) -> Numbers:
    """In how many of the `ROOMS` a policy touches each customer, as a share; ties share what room there is.

    Args:
        worth: Effect less cost as the policy sees it; shape (n,).
    """
    count = len(worth)
    order = np.argsort(-worth, kind="stable")
    ranked = worth[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    ends = np.r_[starts[1:], count]
    got = np.zeros(count)
    for room in ROOMS:
        share = np.clip((room * count - starts) / (ends - starts), 0, 1)
        got[order] += np.repeat(share, ends - starts)
    touched: Numbers = np.where(worth > 0, got / len(ROOMS), 0.0)
    return touched


def value(score: Numbers, touched: Numbers) -> Estimate:
    """The value of a policy with its interval (the mean of independent terms)."""
    return _mean(score * touched)


def compare(
    scores: Scores, challenger: Numbers, champion: Numbers, rule: Promotion, unseen: Estimate | None = None
) -> Comparison:
    """Holds two policies beside each other.

    Those held back are few where a bank is young. What the order among customers gained on folds that its learners had
    not seen then makes the judgement surer; it never overrules those held back, on whom there has to be a gain.

    Args:
        scores: Of the held-back rows.
        challenger: Effect less cost as the new one sees it; shape (n,).
        champion: The same of the one in use.
        rule: When the new one is promoted.
        unseen: From `gain_unseen`.
    """
    new, old = touched_share(challenger), touched_share(champion)
    ways = {"ips": scores.ips, "dr": scores.dr}
    gain = {name: _mean(score * (new - old)) for name, score in ways.items()}
    together = _together([gain["dr"], *([unseen] if unseen is not None else [])])
    sure = together.value - _quantile(rule.confidence) * together.se
    apart = bool(np.any(new != old))
    promoted = apart and gain["dr"].value > rule.gain_min and sure >= 0 and gain["ips"].high > 0
    why = "both touch the same customers" if not apart else (
        f"doubly robust {gain['dr'].value:+.2f}, with unseen folds {together.value:+.2f}, "
        f"{rule.confidence:.0%} sure of at least {sure:+.2f}; "
        f"inverse probability {gain['ips'].value:+.2f}"
    )  # fmt: skip
    return Comparison(
        len(challenger),
        {name: value(score, new) for name, score in ways.items()},
        {name: value(score, old) for name, score in ways.items()},
        gain,
        together,
        promoted,
        why,
    )


def gain_unseen(score: Numbers, gain: Numbers, anchor: Numbers) -> Estimate:
    """What an order among customers adds to the anchor on rows that its learners have not seen.

    Args:
        score: Doubly robust score less cost of each row.
        gain: What each gains more than others of its strategy, foreseen by models that have not seen it.
        anchor: What is believed without a model, less cost.
    """
    return _mean(score * (touched_share(anchor + gain) - touched_share(anchor)))


def _together(parts: Sequence[Estimate]) -> Estimate:
    """Independent estimates, by precision."""
    usable = [one for one in parts if np.isfinite(one.se) and one.se > 0]
    if not usable:
        return parts[0]
    weights = np.array([one.se**-2 for one in usable])
    mean, se = float(np.average([one.value for one in usable], weights=weights)), float(weights.sum() ** -0.5)
    return Estimate(mean, mean - USUAL * se, mean + USUAL * se, se)


def _quantile(confidence: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(confidence)


def _mean(terms: Numbers) -> Estimate:
    mean = float(np.mean(terms)) if len(terms) else 0.0
    se = float(np.std(terms, ddof=1) / np.sqrt(len(terms))) if len(terms) > 1 else float("inf")
    return Estimate(mean, mean - USUAL * se, mean + USUAL * se, se)
