"""Additive curves: one piecewise linear curve per column, fitted together as a ridge regression.

Where rows are few or money has a heavy tail, a few smooth curves err less than trees do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from cultiva.strategy.models.boosting import Inputs, Numbers

MARK = "curves\n"
"""Begins a model of this kind as text."""
KNOTS = np.array([0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995])
"""Quantiles between which curves are straight; outside they are level."""
RIDGES = np.logspace(-3, 4, 29)
"""Penalties that are tried, in units of the mean square of the columns."""


@dataclass(frozen=True)
class Design:
    """Curves without their heights: up to three columns of a regression for each column of a table."""

    knots: tuple[Numbers, ...]
    """By column; of one that only names values: the values."""
    named: npt.NDArray[np.bool_]
    """Columns whose numbers are only names of values."""
    matrix: Numbers
    """The training rows, centred; shape (n, terms)."""
    owner: npt.NDArray[np.int64]
    """Column of each term."""
    centres: Numbers
    """Mean of each term."""
    heights: tuple[Numbers, ...]
    """By column: what each term is at each knot and, last, where the value is missing; shape (knots + 1, terms)."""


def design(rows: Numbers, inputs: Inputs) -> Design:
    """Curves for a table: a straight line and the rank for numbers, one step for each name.

    Args:
        rows: Shape (n, columns); NaN is missing.
        inputs: What the columns are.
    """
    named = np.isin(np.arange(rows.shape[1]), inputs.categorical)
    knots, heights, terms, owner = [], [], [], []
    for place in range(rows.shape[1]):
        at, high = _named(rows[:, place]) if named[place] else _numeric(rows[:, place])
        knots.append(at)
        heights.append(high)
        terms.append(_read(rows[:, place], at, high, bool(named[place])))
        owner += [place] * high.shape[1]
    matrix = np.hstack(terms) if terms else np.zeros((len(rows), 0))
    centres = matrix.mean(axis=0) if len(matrix) else np.zeros(matrix.shape[1])
    return Design(
        tuple(knots), named, matrix - centres, np.array(owner, dtype=np.int64), centres, tuple(heights)
    )  # fmt: skip


def _numeric(column: Numbers) -> tuple[Numbers, Numbers]:
    known = np.sort(column[~np.isnan(column)])
    if not len(known):
        return np.zeros(1), np.zeros((2, 0))
    places = np.round(KNOTS * (len(known) - 1)).astype(np.int64)
    at = np.unique(known[places])
    if len(at) == 1:  # nearly everybody has the same: the rest may still say something
        at = np.unique(np.array([known[0], at[0], known[-1]]))
    line, rank = at, np.searchsorted(known, at, side="right") / len(known)
    shapes = []
    for shape in (line, rank):
        said = np.interp(known, at, shape)
        spread = said.std()
        if spread > 1e-12:
            shapes.append(np.r_[(shape - said.mean()) / spread, 0.0])
    if len(known) < len(column):
        shapes.append(np.r_[np.zeros(len(at)), 1.0])
    return at, np.column_stack(shapes) if shapes else np.zeros((len(at) + 1, 0))


def _named(column: Numbers) -> tuple[Numbers, Numbers]:
    at = np.unique(column[~np.isnan(column)])
    return at, np.vstack([np.eye(len(at)), np.zeros((1, len(at)))])


def _read(column: Numbers, knots: Numbers, heights: Numbers, named: bool) -> Numbers:
    """Heights of a column's values; shape (n, terms)."""
    found = np.tile(heights[-1], (len(column), 1))
    known = ~np.isnan(column)
    if not len(knots) or not heights.shape[1]:
        return found
    if named:
        places = np.clip(np.searchsorted(knots, column), 0, len(knots) - 1)
        known = known & (knots[places] == column)
        found[known] = heights[places[known]]
        return found
    for term in range(heights.shape[1]):
        found[known, term] = np.interp(column[known], knots, heights[:-1, term])
    return found


class Ridge:
    """Ridge regressions on parts of the same rows: products of columns are summed once per part."""

    def __init__(self, curves: Design, weight: Numbers, part: npt.NDArray[np.int64]) -> None:
        """Sums up.

        Args:
            curves: From `design`.
            weight: Shape (n,).
            part: Part of each row, from 0 on.
        """
        self._curves, self._weight, self._part = curves, weight, part
        self._sums = [self._summed(part == one) for one in range(int(part.max(initial=-1)) + 1)]
        self._known: dict[tuple[int, ...], _Axes] = {}
        self.said: dict[str, Numbers] = {}
        """What the models fitted so far say of all rows."""

    def _summed(self, which: npt.NDArray[np.bool_]) -> tuple[float, Numbers, Numbers]:
        rows, mass = self._curves.matrix[which], self._weight[which]
        heavy = rows * mass[:, None]
        return float(mass.sum()), heavy.sum(axis=0), heavy.T @ rows

    def fit(self, target: Numbers, parts: Sequence[int]) -> tuple[str, Numbers]:
        """Fits the heights on some parts; gives the model as text, and what it says of all rows of the design.

        The penalty is the one under which the target is likeliest (empirical Bayes: MacKay 1992, Neural Computation
        4(3)).

        Args:
            target: Shape (n,).
            parts: Which parts to learn from.
        """
        axes, which = self._axes(tuple(parts)), np.isin(self._part, parts)
        matrix, mass = self._curves.matrix, np.where(which, self._weight, 0.0) * axes.scale
        level = float(np.sum(mass * target) / mass.sum())
        left = mass * (target - level)
        along = axes.vectors.T @ (matrix.T @ left - axes.middle * left.sum())
        penalty = _ridge(axes.values, along, float(np.sum(left * (target - level))), int(which.sum()))
        found = axes.vectors @ (along / (axes.values + penalty))
        text = _text(self._curves, found, level - float((axes.middle + self._curves.centres) @ found))
        self.said[text] = level + matrix @ found - float(axes.middle @ found)
        return text, self.said[text]

    def _axes(self, parts: tuple[int, ...]) -> _Axes:
        if parts not in self._known:
            some = [self._sums[part] for part in parts]
            mass, first = sum(one[0] for one in some), np.sum([one[1] for one in some], axis=0)
            square = np.sum([one[2] for one in some], axis=0)
            middle = first / mass
            scale = int(np.isin(self._part, parts).sum()) / mass
            values, vectors = np.linalg.eigh((square - mass * np.outer(middle, middle)) * scale)
            self._known[parts] = _Axes(np.maximum(values, 0.0), vectors, middle, scale)
        return self._known[parts]


@dataclass(frozen=True)
class _Axes:
    """The directions of a regression, and how far rows are spread along them."""

    values: Numbers
    vectors: Numbers
    middle: Numbers
    """Mean of each term."""
    scale: float
    """Makes weights 1 on average."""


def _ridge(values: Numbers, along: Numbers, total: float, count: int) -> float:
    """The likeliest penalty, from eigenvalues, projections of the target, and its sum of squares."""
    tried = RIDGES * max(float(values.sum()) / max(len(values), 1), 1e-12)
    explained = np.where(values > 1e-9, along**2 / np.maximum(values, 1e-9), 0.0)
    kept = 1 + values[None, :] / tried[:, None]
    noise = (explained[None, :] / kept).sum(axis=1) + max(total - explained.sum(), 1e-12)
    likely = -0.5 * count * np.log(noise) - 0.5 * np.log(kept).sum(axis=1)
    return float(tried[int(np.argmax(likely))])


def _text(curves: Design, found: Numbers, base: float) -> str:
    """Curves with their heights, moved so that the mean of each is 0."""
    columns = []
    for place, (knots, heights) in enumerate(zip(curves.knots, curves.heights, strict=True)):
        mine = curves.owner == place
        high = heights @ found[mine]
        middle = float(curves.centres[mine] @ found[mine])
        base += middle
        columns.append({
            "named": bool(curves.named[place]),
            "knots": [float(one) for one in knots],
            "heights": [float(f"{one:.10g}") for one in high - middle],
        })  # fmt: skip
    return MARK + json.dumps({"base": float(f"{base:.12g}"), "columns": columns})


@lru_cache(maxsize=64)
def _model(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text.removeprefix(MARK))
    return found


def foreseen(text: str, rows: Numbers) -> Numbers:
    """What the curves say of rows; shape (n,)."""
    return contributions(text, rows).sum(axis=1)


def contributions(text: str, rows: Numbers) -> Numbers:
    """What each column adds; shape (n, columns + 1), the last is the base. Means are 0, so these are Shapley values."""
    model = _model(text)
    found = np.full((len(rows), rows.shape[1] + 1), float(model["base"]))
    for place, one in enumerate(model["columns"]):
        heights = np.array(one["heights"])[:, None]
        found[:, place] = _read(rows[:, place], np.array(one["knots"]), heights, one["named"])[:, 0]
    return found
