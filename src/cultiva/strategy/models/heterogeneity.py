"""Who gains more than others: learners weighed by what they foresee of customers that they have not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cultiva.strategy.models.boosting import Inputs, Numbers
from cultiva.strategy.models.foresight import Parts
from cultiva.strategy.models.learners import Pseudo, Ready, Sides, Trial, learn, pseudo

PRIOR_WIDTH = 0.5
"""Standard deviation of a learner's weight, beforehand, in units of an equal share."""
FOLDS = 4
"""Parts of the rows; each is foreseen by models of the others."""


@dataclass(frozen=True)
class Crossfit:
    """What models say of rows that they have not seen."""

    score: Numbers
    """Doubly robust score of each row; shape (n,)."""
    effects: dict[str, Numbers]
    """Learner -> effect foreseen; shape (n,)."""
    fold: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Blend:
    """The learners together, and how far they are believed."""

    weights: dict[str, float]
    """Learner -> its weight; never negative."""
    belief: float
    """Empirical-Bayes weight of the whole: 0, nothing is believed of it, to 1."""
    slope: float
    """By how much the measured effect rises with the foreseen one on rows not seen (1 would be perfect)."""
    slope_se: float
    """Its standard error."""

    def parts(self, learnt: Mapping[str, Parts]) -> Parts:
        """The models whose weighted sum is the foreseen effect; equal ones are added up."""
        found: dict[str, float] = {}
        for name, weight in self.weights.items():
            for model, sign in learnt[name]:
                found[model] = found.get(model, 0.0) + self.belief * weight * sign
        return tuple((model, weight) for model, weight in found.items() if weight != 0)

    def foreseen(self, effects: dict[str, Numbers]) -> Numbers:
        """The believed sum of what learners foresee."""
        return self.belief * sum((weight * effects[name] for name, weight in self.weights.items()), np.zeros(1))


@dataclass(frozen=True)
class Learning:
    """A trial that is being learnt from: what sides foresee of rows that they have not seen, and what that says."""

    ready: Ready
    learners: tuple[str, ...]
    sides: tuple[Sides, ...]
    """By fold, models of the others."""
    said: Pseudo

    def crossfit(self) -> Crossfit:
        """Foresees the effect of every row with learners of the folds that it is not in."""
        effects: dict[str, Numbers] = {}
        for left_out, sides in enumerate(self.sides):
            held = self.ready.fold == left_out
            for name, parts in learn(self.ready, self.said, sides, self.learners, left_out).items():
                said = self.said.sides[0] - self.said.sides[1] if name == "t" else None
                mine = self.ready.foreseen(parts, held) if said is None else said[held]
                effects.setdefault(name, np.zeros(len(held)))[held] = mine
        return Crossfit(self.said.score, effects, self.ready.fold)

    def whole(self) -> tuple[dict[str, Parts], Sides]:
        """The learners, and both sides, of all rows."""
        sides = self.ready.sides(self.ready.trial.money, None)
        return learn(self.ready, self.said, sides, self.learners, None), sides


def begin(trial: Trial, inputs: Inputs, learners: Sequence[str], fold: npt.NDArray[np.int64]) -> Learning:
    """Learns both sides, so that each row is foreseen by models that have not seen it.

    Args:
        trial: The rows.
        inputs: What the columns are.
        learners: Of `LEARNERS`.
        fold: fold % FOLDS is left out in turn.
    """
    ready, near = Ready.of(trial, inputs, learners, fold % FOLDS, FOLDS), None
    sides, money = _foreseen(ready, trial.money)
    if "take_up" in learners and trial.near is not None:
        near = _foreseen(ready, trial.near, trees=False)[1]
    return Learning(ready, tuple(learners), sides, pseudo(trial, money, near))


def _foreseen(ready: Ready, target: Numbers, *, trees: bool = True) -> tuple[tuple[Sides, ...], Numbers]:
    models, found = [], np.zeros((2, len(target)))
    for left_out in range(ready.folds):
        held = ready.fold == left_out
        models.append(ready.sides(target, left_out, trees=trees))
        found[0, held] = ready.foreseen(models[-1].treated, held)
        found[1, held] = ready.foreseen(models[-1].control, held)
    return tuple(models), found


def weigh(found: Crossfit, trial: Trial, groups: npt.NDArray[np.int64]) -> Blend:
    """Weighs the learners (stacking: Wolpert 1992; of causal models: Han and Wu 2022), and their sum.

    Effects and scores are taken within their group, whose level is another question. The belief comes from the slope
    of the score on what the stack of the other folds foresees (the best linear predictor of Chernozhukov, Demirer,
    Duflo, Fernández-Val 2018): what is expected of a slope between 0 and 1 after it was measured; below 0, times how
    likely so low a slope is where nothing is foreseen at all, there and above (two-sided). It fades with the
    gain on rows not seen, to little where there is none, but an order among customers is kept: it costs nothing where
    they are alike, and where the level says to touch everybody who has room, it is all that there is to choose by.

    Args:
        found: From `crossfit`.
        trial: The rows.
        groups: Group of each row, from 0 on: strategies.
    """
    names, weight = list(found.effects), trial.precision
    columns = np.column_stack([within(found.effects[name], weight, groups) for name in names])
    target = within(found.score, weight, groups)
    unseen = np.zeros(len(trial))
    for left_out in range(FOLDS):
        held = found.fold % FOLDS == left_out
        unseen[held] = columns[held] @ _stack(columns[~held], target[~held], weight[~held])
    slope, se = _slope(unseen, target, weight)
    stacked = _stack(columns, target, weight)
    belief = _believed(slope, se, 1.0) * _unlikely(slope, se)
    return Blend(dict(zip(names, map(float, stacked), strict=True)), belief, slope, se)


def within(values: Numbers, weight: Numbers, groups: npt.NDArray[np.int64]) -> Numbers:
    """Values less the weighted mean of their group."""
    totals = np.bincount(groups, weight)
    means = np.bincount(groups, weight * values) / np.where(totals > 0, totals, 1)
    left: Numbers = values - means[groups]
    return left


def _stack(columns: Numbers, target: Numbers, weight: Numbers) -> Numbers:
    """Weights, none negative, whose sum of columns comes closest to the target, drawn towards equal ones.

    Learners say much the same, so the data hardly tell their weights apart, and an average errs less than a choice:
    each weight has a normal prior around its share of what the plain average explains, half as wide as that share.
    """
    from scipy.optimize import nnls

    spread = np.sqrt(np.average(columns**2, axis=0, weights=weight))
    usable = spread > 1e-9
    found = np.zeros(columns.shape[1])
    if not usable.any():
        return found
    scaled = columns[:, usable] / spread[usable]
    mean = scaled.mean(axis=1)
    # A learner is at most right and at worst useless: beforehand, anything between is as likely.
    equal = _believed(*_slope(mean, target, weight), float(spread[usable].mean())) / scaled.shape[1]
    if equal == 0:
        return found
    root = np.sqrt(weight)
    doubt = float(np.sqrt(np.mean(weight * target**2))) / (equal * PRIOR_WIDTH)
    eye = doubt * np.eye(scaled.shape[1])
    pulled = np.full(scaled.shape[1], doubt * equal)
    solved, _ = nnls(np.vstack([scaled * root[:, None], eye]), np.concatenate([target * root, pulled]))
    found[usable] = solved / spread[usable]
    return found


def _slope(foreseen: Numbers, target: Numbers, weight: Numbers) -> tuple[float, float]:
    """Weighted regression through the origin, with a standard error that allows for unequal spread (HC0)."""
    square = float(np.sum(weight * foreseen**2))
    if square < 1e-12:
        return 0.0, float("inf")
    slope = float(np.sum(weight * foreseen * target) / square)
    left = target - slope * foreseen
    return slope, float(np.sqrt(np.sum((weight * foreseen * left) ** 2)) / square)


def _unlikely(slope: float, se: float) -> float:
    from scipy.special import ndtr

    return min(1.0, 2 * float(ndtr(slope / se))) if se > 0 else float(slope > 0)


def _believed(slope: float, se: float, most: float) -> float:
    """The mean of a slope that is between 0 and `most`, anything as likely, after it was measured (Bayes)."""
    from scipy.special import log_ndtr

    if not np.isfinite(se) or most <= 0:
        return 0.0
    if se < 1e-9 * most:
        return min(max(slope, 0.0), most)
    # The mean of a normal distribution that is cut at both ends, in logarithms for the far tails.
    low, high = (0.0 - slope) / se, (most - slope) / se
    flip = low + high > 0
    a, b = (-high, -low) if flip else (low, high)
    mass = float(log_ndtr(b) + np.log1p(-np.exp(log_ndtr(a) - log_ndtr(b))))
    edge = [float(np.exp(-0.5 * x * x - 0.5 * np.log(2 * np.pi) - mass)) for x in (a, b)]
    moved = (edge[0] - edge[1]) * (-1.0 if flip else 1.0)
    return float(np.clip(slope + se * moved, 0.0, most))
