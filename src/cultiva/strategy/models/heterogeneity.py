"""Who gains more than others: learners weighed by what they foresee of customers that they have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cultiva.strategy.models.boosting import Inputs, Numbers
from cultiva.strategy.models.learners import Learnt, Parts, Trial, doubly_robust, learn

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

    def parts(self, learnt: Learnt) -> Parts:
        """The boosters whose weighted sum is the foreseen effect; equal boosters are added up."""
        found: dict[str, float] = {}
        for name, weight in self.weights.items():
            for model, sign in learnt.effects[name]:
                found[model] = found.get(model, 0.0) + self.belief * weight * sign
        return tuple((model, weight) for model, weight in found.items() if weight != 0)

    def foreseen(self, effects: dict[str, Numbers]) -> Numbers:
        """The believed sum of what learners foresee."""
        return self.belief * sum((weight * effects[name] for name, weight in self.weights.items()), np.zeros(1))


def crossfit(trial: Trial, inputs: Inputs, learners: Sequence[str], fold: npt.NDArray[np.int64]) -> Crossfit:
    """Foresees every row with models of the folds that it is not in.

    Args:
        trial: The rows.
        inputs: What the columns are.
        learners: Of `t`, `x`, `dr`.
        fold: From 0 to 2 * FOLDS - 1; fold % FOLDS is left out in turn, fold // FOLDS makes the halves.
    """
    sides = np.zeros((2, len(trial)))
    effects = {name: np.zeros(len(trial)) for name in learners}
    for left_out in range(FOLDS):
        held = fold % FOLDS == left_out
        learnt = learn(trial.at(~held), inputs, learners, (fold // FOLDS == 0)[~held])
        rows = trial.rows[held]
        sides[:, held] = learnt.sides(rows, threads=inputs.threads)
        for name in learners:
            effects[name][held] = learnt.of(name, rows, threads=inputs.threads)
    return Crossfit(doubly_robust(trial, sides[0], sides[1]), effects, fold)


def weigh(found: Crossfit, trial: Trial, groups: npt.NDArray[np.int64]) -> Blend:
    """Weighs the learners (stacking: Wolpert 1992; of causal models: Han and Wu 2022), and their sum.

    Effects and scores are taken within their group, whose level is another question. The belief is the slope of the
    score on what the stack of the other folds foresees (the best linear predictor of Chernozhukov, Demirer, Duflo,
    Fernández-Val 2018), at most 1, times its empirical-Bayes weight slope² / (slope² + se²): it fades with the gain on
    rows not seen, and where there is none there is no belief.

    Args:
        found: From `crossfit`.
        trial: The rows.
        groups: Group of each row, from 0 on: strategies.
    """
    names, weight = list(found.effects), precision(trial)
    columns = np.column_stack([_within(found.effects[name], weight, groups) for name in names])
    target = _within(found.score, weight, groups)
    unseen = np.zeros(len(trial))
    for left_out in range(FOLDS):
        held = found.fold % FOLDS == left_out
        unseen[held] = columns[held] @ _stack(columns[~held], target[~held], weight[~held])
    slope, se = _slope(unseen, target, weight)
    stacked = _stack(columns, target, weight)
    belief = min(slope, 1.0) * slope**2 / (slope**2 + se**2) if slope > 0 else 0.0
    return Blend(dict(zip(names, map(float, stacked), strict=True)), float(belief), slope, se)


def precision(trial: Trial) -> Numbers:
    """How much a row's score says: its variance is that of the money over the odds of both sides."""
    weights: Numbers = trial.weight * trial.share * (1 - trial.share)
    return weights


def _within(values: Numbers, weight: Numbers, groups: npt.NDArray[np.int64]) -> Numbers:
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
    equal = max(_slope(mean, target, weight)[0], 0.0) / scaled.shape[1]
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
