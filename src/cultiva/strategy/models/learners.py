"""Meta-learners: from two sides of an experiment with known odds to the effect on each customer.

S is one model of both sides, asked twice; T is the difference of two models; X learns each side's differences from the
other side's model and mixes them by the known probability (Künzel et al. 2019, PNAS 116(10)). DR regresses the doubly
robust score on what is known of the customer (Kennedy 2023, Electronic Journal of Statistics 17(2)), by trees, and
`linear` by curves. `take_up` reads the effect on a nearer result that is less rare than money, and scales it to money
by the ratio of the two mean effects (surrogates: Athey, Chetty, Imbens, Kang 2019, NBER 26463).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cultiva.strategy.models import linear
from cultiva.strategy.models.boosting import Binned, Growth, Inputs, Numbers
from cultiva.strategy.models.foresight import TWICE, Parts, blended

LEARNERS = ("s", "t", "x", "dr", "linear", "take_up")
TOUCH = "of_touch"
"""The column that S has more than others."""
OUTCOME = Growth(rounds=60, leaves=8, leaf_rows=100)
EFFECT = Growth(rounds=40, leaves=4, leaf_rows=200, ridge=50.0)
BOTH = Growth(rounds=80, leaves=16, leaf_rows=100)
"""S needs splits on the touch below splits on the customer."""


@dataclass(frozen=True)
class Trial:
    """An experiment as arrays of n rows."""

    rows: Numbers
    """Shape (n, columns)."""
    treated: npt.NDArray[np.bool_]
    share: Numbers
    """Known probability of being treated."""
    money: Numbers
    """What the customer brought in, in money over the horizon."""
    weight: Numbers
    """How much of the horizon was seen, up to 1."""
    near: Numbers | None = None
    """A nearer result that is less rare than money: a visit, a take-up."""

    def __len__(self) -> int:
        return len(self.money)

    def at(self, which: npt.NDArray[np.bool_]) -> Trial:
        """Some of the rows."""
        near = None if self.near is None else self.near[which]
        return Trial(
            self.rows[which], self.treated[which], self.share[which], self.money[which], self.weight[which], near
        )

    @property
    def precision(self) -> Numbers:
        """How much a row's score says: its variance is that of the money over the odds of both sides."""
        weights: Numbers = self.weight * self.share * (1 - self.share)
        return weights


@dataclass(frozen=True)
class Sides:
    """Models of what customers bring in, with a touch and without."""

    treated: Parts
    control: Parts

    def of(self, rows: Numbers, *, threads: int = 1) -> Numbers:
        """What is foreseen with and without a touch; shape (2, n)."""
        return np.stack([blended(one, rows, threads=threads) for one in (self.treated, self.control)])

    @property
    def apart(self) -> Parts:
        """Their difference, which is learner T."""
        return (*self.treated, *((model, -weight) for model, weight in self.control))


@dataclass(frozen=True)
class Ready:
    """A trial prepared for many fits: rows in bins, and as terms of curves."""

    trial: Trial
    inputs: Inputs
    fold: npt.NDArray[np.int64]
    """From 0 on."""
    folds: int
    bins: Binned
    with_touch: Binned | None
    by_side: linear.Ridge
    """Its parts are fold and side: 2 * fold + 1 for those treated."""
    by_odds: linear.Ridge
    """Its parts are folds."""

    @classmethod
    def of(
        cls, trial: Trial, inputs: Inputs, learners: Sequence[str], fold: npt.NDArray[np.int64], folds: int
    ) -> Ready:
        """Prepares what the learners need."""
        both = None
        if "s" in learners:
            columns = np.column_stack([trial.rows, trial.treated.astype(float)])
            both = Binned(columns, replace(inputs, names=(*inputs.names, TOUCH), monotone=None))
        curves = linear.design(trial.rows, inputs)
        by_side = linear.Ridge(curves, trial.weight, 2 * fold + trial.treated)
        return cls(trial, inputs, fold, folds, Binned(trial.rows, inputs), both, by_side,
                   linear.Ridge(curves, trial.precision, fold))  # fmt: skip

    def but(self, left_out: int | None) -> tuple[tuple[int, ...], npt.NDArray[np.bool_]]:
        """All folds but one, and their rows."""
        return tuple(one for one in range(self.folds) if one != left_out), self.fold != (
            -1 if left_out is None else left_out
        )

    def foreseen(self, parts: Parts, which: npt.NDArray[np.bool_]) -> Numbers:
        """The weighted sum of what models say of some of the rows; of curves it is known already."""
        known = self.by_side.said | self.by_odds.said
        total = np.zeros(int(which.sum()))
        trees = []
        for model, weight in parts:
            if model in known:
                total += weight * known[model][which]
            else:
                trees.append((model, weight))
        return total + blended(trees, self.trial.rows[which], threads=self.inputs.threads)

    def sides(self, target: Numbers, left_out: int | None, *, trees: bool = True) -> Sides:
        """Learns a result on both sides: curves, and trees for what these leave."""
        (folds, which), found = self.but(left_out), []
        for side in (1, 0):
            curves, said = self.by_side.fit(target, [2 * fold + side for fold in folds])
            # What holds for the effect need not hold for the money that customers bring anyway.
            parts: Parts = ((curves, 1.0),)
            if trees:
                mine = which & (self.trial.treated == bool(side))
                left = self.bins.grow(mine, target - said, OUTCOME, weight=self.trial.weight, free=True)
                parts = (*parts, (left, 1.0))
            found.append(parts)
        return Sides(found[0], found[1])


@dataclass(frozen=True)
class Pseudo:
    """What each row says of its own effect, by models of sides that have not seen it."""

    sides: Numbers
    """Money foreseen with and without a touch; shape (2, n)."""
    score: Numbers
    """Doubly robust score of the money."""
    near: Numbers | None
    """Doubly robust score of the nearer result, in money."""


def pseudo(trial: Trial, money: Numbers, near: Numbers | None) -> Pseudo:
    """What rows say of their effects.

    Args:
        trial: The rows.
        money: Money foreseen with and without a touch; shape (2, n).
        near: The same of the nearer result.
    """
    score = doubly_robust(trial, money[0], money[1])
    if near is None or trial.near is None:
        return Pseudo(money, score, None)
    nearer = doubly_robust(replace(trial, money=trial.near), near[0], near[1])
    return Pseudo(money, score, nearer * _rate(score, nearer, trial.precision))


def _rate(score: Numbers, near: Numbers, weight: Numbers) -> float:
    """Money per unit of the nearer result; 0 unless both are measured to go the same way."""
    means = [float(np.average(one, weights=weight)) for one in (score, near)]
    return max(means[0] / means[1], 0.0) if abs(means[1]) > 1e-12 else 0.0


def learn(ready: Ready, said: Pseudo, sides: Sides, learners: Sequence[str], left_out: int | None) -> dict[str, Parts]:
    """Trains learners on some of the rows; gives their models of the effect.

    Args:
        ready: The rows.
        said: From `pseudo`.
        sides: Learnt from the same rows.
        learners: Of `LEARNERS`.
        left_out: The fold that is not learnt from.
    """
    trial, odds = ready.trial, ready.trial.precision
    folds, which = ready.but(left_out)
    found: dict[str, Parts] = {}
    if "s" in learners and ready.with_touch is not None:
        trees = ready.with_touch.grow(which, trial.money, BOTH, weight=trial.weight, free=True)
        found["s"] = ((TWICE + trees, 1.0),)
    if "t" in learners:
        found["t"] = sides.apart
    if "x" in learners:
        found["x"] = _x(ready, said, which)
    if "dr" in learners:
        found["dr"] = ((ready.bins.grow(which, said.score, EFFECT, weight=odds), 1.0),)
    if "linear" in learners:
        found["linear"] = ((ready.by_odds.fit(said.score, folds)[0], 1.0),)
    if "take_up" in learners and said.near is not None:
        curves, _ = ready.by_odds.fit(said.near, folds)
        trees = ready.bins.grow(which, said.near, EFFECT, weight=odds)
        found["take_up"] = ((curves, 0.5), (trees, 0.5))
    return found


def doubly_robust(trial: Trial, with_touch: Numbers, without: Numbers) -> Numbers:
    """The doubly robust score of the effect: its mean is the effect, whatever the outcome models are worth.

    (Robins, Rotnitzky, Zhao 1994; the odds are known, so it is unbiased.)

    Args:
        trial: The rows.
        with_touch: Money foreseen with a touch, by models that have not seen the row.
        without: The same without one.
    """
    left = np.where(trial.treated, trial.money - with_touch, -(trial.money - without))
    odds = np.where(trial.treated, trial.share, 1 - trial.share)
    scores: Numbers = with_touch - without + left / odds
    return scores


def _x(ready: Ready, said: Pseudo, which: npt.NDArray[np.bool_]) -> Parts:
    trial, side = ready.trial, ready.trial.treated
    with_touch, without = said.sides
    gained = ready.bins.grow(which & side, trial.money - without, EFFECT, weight=trial.weight)
    missed = ready.bins.grow(which & ~side, with_touch - trial.money, EFFECT, weight=trial.weight)
    # The probability of treatment weighs the model of the other side: there are more rows behind the first.
    odds = float(np.average(trial.share[which], weights=trial.weight[which]))
    return (gained, 1 - odds), (missed, odds)
