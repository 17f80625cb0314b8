"""What models say of rows, whether they are trees, curves, or trees asked twice: with a touch and without."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cultiva.strategy.models import boosting, linear
from cultiva.strategy.models.boosting import Numbers

TWICE = "with less without\n"
"""Begins trees that have one column more, the last, for whether there is a touch; what they say is the difference."""
Parts = tuple[tuple[str, float], ...]
"""Models as texts, with the weights of their sum."""


def foreseen(model: str, rows: Numbers, *, threads: int = 1) -> Numbers:
    """What a model says of rows; shape (n,), or (n, classes)."""
    if model.startswith(linear.MARK):
        return linear.foreseen(model, rows)
    if model.startswith(TWICE):
        trees = model.removeprefix(TWICE)
        said = [boosting.foreseen(trees, _touched(rows, touch), threads=threads) for touch in (1.0, 0.0)]
        difference: Numbers = said[0] - said[1]
        return difference
    return boosting.foreseen(model, rows, threads=threads)


def contributions(model: str, rows: Numbers, *, threads: int = 1) -> Numbers:
    """What each column adds to what a model says; shape (n, columns + 1), the last is the base."""
    if model.startswith(linear.MARK):
        return linear.contributions(model, rows)
    if model.startswith(TWICE):
        trees = model.removeprefix(TWICE)
        said = [boosting.contributions(trees, _touched(rows, touch), threads=threads) for touch in (1.0, 0.0)]
        apart = said[0] - said[1]
        return np.column_stack([apart[:, :-2], apart[:, -2:].sum(axis=1)])
    return boosting.contributions(model, rows, threads=threads)


def blended(parts: Sequence[tuple[str, float]], rows: Numbers, *, threads: int = 1) -> Numbers:
    """The weighted sum of what several models say; shape (n,)."""
    total = np.zeros(len(rows))
    for model, weight in parts:
        total += weight * foreseen(model, rows, threads=threads)
    return total


def _touched(rows: Numbers, touch: float) -> Numbers:
    return np.column_stack([rows, np.full(len(rows), touch)])
