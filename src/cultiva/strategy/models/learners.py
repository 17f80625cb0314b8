"""Meta-learners T, X and DR: from two sides of an experiment with known odds to the effect on each customer.

T is the difference of two models (Künzel et al. 2019, PNAS 116(10)); X learns each side's differences from the other
side's model and mixes them by the known probability (same paper); DR regresses the doubly robust score on what is known
of the customer (Kennedy 2023, Electronic Journal of Statistics 17(2)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cultiva.strategy.models.boosting import Growth, Inputs, Numbers, blended, foreseen, grow

Parts = tuple[tuple[str, float], ...]
"""Boosters as texts, with the weights of their sum."""
OUTCOME = Growth(rounds=80, leaves=8, leaf_rows=100)
EFFECT = Growth(rounds=60, leaves=4, leaf_rows=200, ridge=50.0)


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

    def __len__(self) -> int:
        return len(self.money)

    def at(self, which: npt.NDArray[np.bool_]) -> Trial:
        """Some of the rows."""
        return Trial(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Learnt:
    """What was learnt from one trial."""

    treated: str
    """Model of the money of those treated."""
    control: str
    """Model of the money of those left alone."""
    effects: dict[str, Parts]
    """Learner -> its model of the effect."""

    def sides(self, rows: Numbers, *, threads: int = 1) -> tuple[Numbers, Numbers]:
        """Money foreseen with and without a touch."""
        return foreseen(self.treated, rows, threads=threads), foreseen(self.control, rows, threads=threads)

    def of(self, learner: str, rows: Numbers, *, threads: int = 1) -> Numbers:
        """The effect that a learner foresees."""
        return blended(self.effects[learner], rows, threads=threads)


def learn(trial: Trial, inputs: Inputs, learners: Sequence[str], halves: npt.NDArray[np.bool_]) -> Learnt:
    """Trains learners on a trial.

    Args:
        trial: The rows.
        inputs: What the columns are.
        learners: Of `t`, `x`, `dr`.
        halves: Splits the rows in two: X and DR read the outcome models of the half that a row is not in.
    """
    # What holds for the effect need not hold for the money that customers bring anyway.
    free = replace(inputs, monotone=None)
    treated, control = _sides(trial, free)
    effects: dict[str, Parts] = {}
    if "t" in learners:
        effects["t"] = ((treated, 1.0), (control, -1.0))
    if {"x", "dr"} & set(learners):
        with_touch, without = _crossed(trial, free, halves)
        if "x" in learners:
            effects["x"] = _x(trial, inputs, with_touch, without)
        if "dr" in learners:
            odds = trial.weight * trial.share * (1 - trial.share)
            score = doubly_robust(trial, with_touch, without)
            effects["dr"] = ((grow(trial.rows, score, inputs, EFFECT, weight=odds), 1.0),)
    return Learnt(treated, control, effects)


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


def _sides(trial: Trial, inputs: Inputs) -> tuple[str, str]:
    """Models of the money of both sides."""
    models = []
    for side in (trial.treated, ~trial.treated):
        models.append(grow(trial.rows[side], trial.money[side], inputs, OUTCOME, weight=trial.weight[side]))
    return models[0], models[1]


def _crossed(trial: Trial, inputs: Inputs, halves: npt.NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """Money foreseen for each half by models of the other one."""
    found = np.zeros((2, len(trial)))
    for half in (halves, ~halves):
        for place, model in enumerate(_sides(trial.at(~half), inputs)):
            found[place, half] = foreseen(model, trial.rows[half], threads=inputs.threads)
    return found[0], found[1]


def _x(trial: Trial, inputs: Inputs, with_touch: Numbers, without: Numbers) -> Parts:
    side = trial.treated
    gained = grow(trial.rows[side], (trial.money - without)[side], inputs, EFFECT, weight=trial.weight[side])
    missed = grow(trial.rows[~side], (with_touch - trial.money)[~side], inputs, EFFECT, weight=trial.weight[~side])
    # The probability of treatment weighs the model of the other side: there are more rows behind the first.
    odds = float(np.average(trial.share, weights=trial.weight))
    return (gained, 1 - odds), (missed, odds)
