"""Forests: LightGBM's trees and additive curves read into arrays, so that a few rows cost microseconds.

LightGBM sets up a predictor at every call, which for thirty rows takes longer than the trees themselves. The walk is
LightGBM's own (`Tree::NumericalDecision`, `Tree::CategoricalDecision` of its tree.h); a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from cultiva.kit.compiled import compiled
from cultiva.strategy.models import linear
from cultiva.strategy.models.boosting import Numbers
from cultiva.strategy.models.foresight import TWICE

ZERO = 1e-35
"""Below this in size a number is 0 to LightGBM (kZeroThreshold)."""
CATEGORICAL, DEFAULT_LEFT = 1, 2
"""Bits of a node's decision type; the next two say what is missing: 0 nothing, 1 zero, 2 NaN."""
Whole = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Forest:
    """Trees, node after node; a child below 0 is a leaf: -1 - its place."""

    first_node: Whole
    """Per tree, and one more."""
    first_leaf: Whole
    feature: Whole
    threshold: Numbers
    """Of a categorical node: the place of its set of values."""
    kind: Whole
    left: Whole
    right: Whole
    leaves: Numbers
    set_first: Whole
    """Where each categorical set's words begin in `words`."""
    words: npt.NDArray[np.uint32]
    sigmoid: float
    """Of a chance: how steeply it rises; 0: the sum itself is the answer."""
    known: dict[bytes, Truths] = field(default_factory=dict)
    """Trees that vary, by the features that do."""

    def __call__(self, rows: Numbers, varies: Truths) -> Numbers:
        """What the trees say of rows; shape (n,).

        Args:
            rows: Shape (n, features).
            varies: By feature whether rows differ in it; trees that ask for none of these are walked once.
        """
        found: Numbers = _walk(
            rows, self._vary(varies), self.first_node, self.first_leaf, self.feature, self.threshold, self.kind,
            self.left, self.right, self.leaves, self.set_first, self.words,
        )  # fmt: skip
        if not self.sigmoid:
            return found
        chance: Numbers = 1.0 / (1.0 + np.exp(-self.sigmoid * found))
        return chance

    def _vary(self, varies: Truths) -> Truths:
        """By tree whether rows may end in different leaves."""
        key = varies.tobytes()
        found = self.known.get(key)
        if found is None:
            asked = varies[self.feature].astype(np.int64)
            upto = np.concatenate([[0], np.cumsum(asked)])
            found = self.known[key] = upto[self.first_node[1:]] > upto[self.first_node[:-1]]
        return found


@dataclass(frozen=True)
class Curves:
    """Additive curves of `models.linear`, one after another."""

    base: float
    first: Whole
    """Per column, and one more, where its knots begin."""
    knots: Numbers
    heights: Numbers
    missing: Numbers
    """Per column: what is added where nothing is known."""
    named: Truths

    def __call__(self, rows: Numbers, varies: Truths) -> Numbers:
        """What the curves say of rows; shape (n,). The arguments are those of `Forest`."""
        found: Numbers = _curves(
            rows, varies, self.base, self.first, self.knots, self.heights, self.missing, self.named
        )
        return found


@dataclass(frozen=True)
class Twice:
    """Trees asked with a touch and without."""

    trees: Forest

    def __call__(self, rows: Numbers, varies: Truths) -> Numbers:
        """The difference; shape (n,). The arguments are those of `Forest`."""
        count, width = rows.shape
        both = np.empty((2 * count, width + 1))
        both[:count, :width] = both[count:, :width] = rows
        both[:count, width], both[count:, width] = 1.0, 0.0
        said = self.trees(both, np.append(varies, True))
        difference: Numbers = said[:count] - said[count:]
        return difference


@lru_cache(maxsize=64)
def ready(model: str) -> Forest | Curves | Twice:
    """A model's text, ready to be asked for a few rows at once."""
    if model.startswith(linear.MARK):
        return _read_curves(model)
    if model.startswith(TWICE):
        return Twice(_read_trees(model.removeprefix(TWICE)))
    return _read_trees(model)


def _read_curves(model: str) -> Curves:
    data = json.loads(model.removeprefix(linear.MARK))
    columns = data["columns"]
    return Curves(
        float(data["base"]),
        np.cumsum([0, *(len(one["knots"]) for one in columns)]).astype(np.int64),
        np.array([at for one in columns for at in one["knots"]], dtype=np.float64),
        np.array([high for one in columns for high in one["heights"][:-1]], dtype=np.float64),
        np.array([one["heights"][-1] for one in columns], dtype=np.float64),
        np.array([one["named"] for one in columns], dtype=np.bool_),
    )


def _read_trees(model: str) -> Forest:
    header, *parts = model.split("\nTree=")
    trees = [_fields(part) for part in parts]
    names = ("split_feature", "threshold", "decision_type", "left_child", "right_child", "leaf_value")
    columns: dict[str, list[list[float]]] = {name: [_numbers(one, name) for one in trees] for name in names}
    sets, words, offsets = [0], [], []
    for one in trees:
        offsets.append(len(sets) - 1)
        bounds = [int(at) for at in _numbers(one, "cat_boundaries")]
        sets += [sets[-1] + at for at in bounds[1:]] if bounds else []
        words += [int(word) for word in _numbers(one, "cat_threshold")]
    for at, (kinds, thresholds) in enumerate(zip(columns["decision_type"], columns["threshold"], strict=True)):
        columns["threshold"][at] = [
            one + offsets[at] if int(kind) & CATEGORICAL else one for kind, one in zip(kinds, thresholds, strict=True)
        ]
    flat = {name: [one for tree in found for one in tree] for name, found in columns.items()}
    objective = _fields(header).get("objective", "")
    sigmoid = next((float(part[8:]) for part in objective.split() if part.startswith("sigmoid:")), 0.0)
    return Forest(
        np.cumsum([0, *(len(one) for one in columns["threshold"])]).astype(np.int64),
        np.cumsum([0, *(len(one) for one in columns["leaf_value"])]).astype(np.int64),
        np.array(flat["split_feature"], dtype=np.int64), np.array(flat["threshold"], dtype=np.float64),
        np.array(flat["decision_type"], dtype=np.int64), np.array(flat["left_child"], dtype=np.int64),
        np.array(flat["right_child"], dtype=np.int64), np.array(flat["leaf_value"], dtype=np.float64),
        np.array(sets, dtype=np.int64), np.array(words, dtype=np.uint32), sigmoid,
    )  # fmt: skip


def _fields(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _numbers(tree: dict[str, str], name: str) -> list[float]:
    return [float(one) for one in tree.get(name, "").split()]


@compiled(nogil=True)
def _walk(  # noqa: PLR0913, PLR0917  (arrays of a kernel)
    rows: Any, vary: Any, first_node: Any, first_leaf: Any, feature: Any, threshold: Any, kind: Any, left: Any,
    right: Any, leaves: Any, set_first: Any, words: Any,
) -> Any:  # fmt: skip
    count = rows.shape[0]
    found = np.zeros(count)
    for tree in range(len(first_node) - 1):
        base, leaf = first_node[tree], first_leaf[tree]
        alone = first_node[tree + 1] == base
        last = 0.0
        for row in range(count):
            if alone or (row > 0 and not vary[tree]):
                found[row] += leaves[leaf] if alone else last
                continue
            at = 0
            while at >= 0:
                node = base + at
                value, how = rows[row, feature[node]], kind[node]
                goes_left = False
                if how & CATEGORICAL:
                    if not np.isnan(value) and value >= 0.0:
                        which = int(value)
                        place = int(threshold[node])
                        word = which >> 5
                        if word < set_first[place + 1] - set_first[place]:
                            goes_left = (words[set_first[place] + word] >> np.uint32(which & 31)) & np.uint32(1) != 0
                else:
                    missing = (how >> 2) & 3
                    if np.isnan(value) and missing != 2:
                        value = 0.0
                    unknown = (missing == 1 and abs(value) <= ZERO) or (missing == 2 and np.isnan(value))
                    goes_left = (how & DEFAULT_LEFT) != 0 if unknown else value <= threshold[node]
                at = left[node] if goes_left else right[node]
            last = leaves[leaf - 1 - at]
            found[row] += last
    return found


@compiled(nogil=True)
def _curves(  # noqa: PLR0913, PLR0917  (arrays of a kernel)
    rows: Any, varies: Any, base: Any, first: Any, knots: Any, heights: Any, missing: Any, named: Any
) -> Any:
    count, columns = rows.shape
    found = np.full(count, base)
    for column in range(columns):
        begin, end = first[column], first[column + 1]
        last = 0.0
        for row in range(count):
            if row > 0 and not varies[column]:
                found[row] += last
                continue
            value = rows[row, column]
            if np.isnan(value) or begin == end:
                last = missing[column]
            else:
                place = np.searchsorted(knots[begin:end], value)
                if named[column]:
                    place = min(place, end - begin - 1)
                    last = heights[begin + place] if knots[begin + place] == value else missing[column]
                elif place == 0:
                    last = heights[begin]
                elif place == end - begin:
                    last = heights[end - 1]
                else:
                    low, high = begin + place - 1, begin + place
                    slope = (heights[high] - heights[low]) / (knots[high] - knots[low])
                    last = slope * (value - knots[low]) + heights[low]
            found[row] += last
    return found


Predictor = Forest | Curves | Twice
"""What can be asked."""


def blended(parts: Sequence[tuple[Predictor, float]], rows: Numbers, varies: Truths) -> Numbers:
    """The weighted sum of what several models say; shape (n,)."""
    total = np.zeros(len(rows))
    for model, weight in parts:
        total += weight * model(rows, varies)
    return total
