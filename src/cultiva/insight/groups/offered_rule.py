"""Rules of the rule language that reproduce clusters: a small decision tree, written out as ranges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cultiva.insight.groups.space import Axis, AxisKind, Space

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

LEAVES_PER_CLUSTER = (1, 1.5, 2, 3, 4, 6, 8)
"""Sizes of tree that are tried, smallest first."""
LEAF_SHARE_MIN = 0.002
"""Smallest share of the sample that a leaf may hold, so that a rule does not name single customers."""
TEST_EVERY = 3
"""Every third customer of the sample tests the tree instead of growing it."""


@dataclass(frozen=True)
class Bounds:
    """Where a leaf lies on one axis: above `low`, up to and including `high`."""

    low: float = float("-inf")
    """Lower end, not included."""
    high: float = float("inf")
    """Upper end, included."""

    def below(self, cut: float) -> Bounds:
        """The part up to the cut."""
        return Bounds(self.low, min(self.high, cut))

    def above(self, cut: float) -> Bounds:
        """The part above the cut."""
        return Bounds(max(self.low, cut), self.high)

    def holds(self, value: float) -> bool:
        """Whether the value lies within."""
        return self.low < value <= self.high


Box = dict[int, Bounds]
"""Axis -> bounds; an axis that is absent is free."""


@dataclass(frozen=True)
class OfferedRules:
    """For every cluster the boxes that make it up, and how well they did on the sample."""

    boxes: dict[int, list[Box]] = field(default_factory=dict)
    """Cluster -> boxes; a customer in any of them belongs to it."""
    accuracy: float = 0.0
    """Share of the test customers placed rightly."""

    @property
    def merit(self) -> tuple[bool, float]:
        """By which one is better than another: rules for all clusters before accuracy."""
        return bool(self.boxes) and all(self.boxes.values()), self.accuracy


def offer(raw: Floats, labels: Labels, *, accuracy_min: float) -> OfferedRules:
    """Grows the smallest tree that is accurate enough and knows every cluster, or the most accurate one.

    Args:
        raw: The sample in the tags' own units; shape (customers, axes).
        labels: Each customer's cluster.
        accuracy_min: Share of customers that must be placed rightly.

    Returns:
        The boxes; cuts are the shortest numbers that divide the sample in the same way.
    """
    test = np.arange(len(labels)) % TEST_EVERY == TEST_EVERY - 1
    test = test if test.any() and not test.all() else np.zeros(len(labels), dtype=bool)
    scored = raw[test] if test.any() else raw
    truth = labels[test] if test.any() else labels
    best = OfferedRules(accuracy=-1.0)
    for leaves in _sizes(len(np.unique(labels))):
        boxes = _grow(raw[~test], labels[~test], leaves)
        found = OfferedRules(boxes=boxes, accuracy=_accuracy(boxes, scored, truth))
        best = max(best, found, key=lambda one: one.merit)
        if best.merit >= (True, accuracy_min):
            break
    return best


def _sizes(clusters: int) -> list[int]:
    return sorted({max(2, round(clusters * share)) for share in LEAVES_PER_CLUSTER})


def _grow(raw: Floats, labels: Labels, leaves: int) -> dict[int, list[Box]]:
    from sklearn.tree import DecisionTreeClassifier

    smallest = max(1, int(len(labels) * LEAF_SHARE_MIN))
    grown = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=smallest, random_state=0).fit(raw, labels)
    boxes: dict[int, list[Box]] = defaultdict(list)
    for cluster, box in _leaves(grown, raw):
        boxes[cluster].append(box)
    return {int(cluster): boxes[int(cluster)] for cluster in np.unique(labels)}


def _leaves(grown: Any, raw: Floats) -> list[tuple[int, Box]]:
    """Walks the tree; a branch whose leaves all agree is one leaf."""
    tree = grown.tree_
    winner = grown.classes_[tree.value[:, 0, :].argmax(axis=1)]
    found: list[tuple[int, Box]] = []

    def agreed(node: int) -> set[int]:
        """Clusters of the leaves at and below a node."""
        if tree.children_left[node] < 0:
            return {int(winner[node])}
        return agreed(tree.children_left[node]) | agreed(tree.children_right[node])

    def walk(node: int, box: Box) -> None:
        """Notes the leaves at and below a node; the box holds the cuts on the way to it."""
        clusters = agreed(node)
        if len(clusters) == 1:
            found.append((clusters.pop(), box))
            return
        axis = int(tree.feature[node])
        cut = short_cut(raw[:, axis], float(tree.threshold[node]))
        bounds = box.get(axis, Bounds())
        walk(tree.children_left[node], {**box, axis: bounds.below(cut)})
        walk(tree.children_right[node], {**box, axis: bounds.above(cut)})

    walk(0, {})
    return found


def short_cut(values: Floats, cut: float) -> float:
    """The number with the fewest digits that divides the values as the cut does.

    Examples:
        >>> short_cut(np.array([10.0, 4800.0, 5321.0]), 5060.5)
        5000.0
    """
    low, high = values[values <= cut], values[values > cut]
    if not len(low) or not len(high):
        return cut
    least, beyond = float(low.max()), float(high.min())
    for digits in range(1, 17):
        short = float(f"{cut:.{digits - 1}e}")
        if least <= short < beyond:
            return short
    return cut


def _accuracy(boxes: dict[int, list[Box]], raw: Floats, labels: Labels) -> float:
    right = 0
    for cluster, alternatives in boxes.items():
        inside = np.zeros(len(raw), dtype=bool)
        for box in alternatives:
            inside |= _inside(box, raw)
        right += int((inside & (labels == cluster)).sum())
    return right / len(raw)


def _inside(box: Box, raw: Floats) -> NDArray[np.bool_]:
    inside = np.ones(len(raw), dtype=bool)
    for axis, bounds in box.items():
        inside &= (raw[:, axis] > bounds.low) & (raw[:, axis] <= bounds.high)
    return inside


def rule_text(boxes: Sequence[Box], space: Space, *, with_nulls: frozenset[str]) -> str:
    """Writes boxes in the rule language.

    Args:
        boxes: A customer in any of them belongs.
        space: What the axes measure.
        with_nulls: Tags that are null for some customers; a null counts as the axis's centre.

    Returns:
        An expression; `false` if there is no box.
    """
    texts = [_box_text(box, space, with_nulls) for box in boxes]
    if not texts:
        return "false"
    return texts[0] if len(texts) == 1 else " or ".join(f"({text})" for text in texts)


def _box_text(box: Box, space: Space, with_nulls: frozenset[str]) -> str:
    parts: list[str] = []
    categories: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for index, bounds in sorted(box.items()):
        axis = space.axes[index]
        if axis.kind is AxisKind.CATEGORY:
            categories[axis.tag].append((axis.value, bounds.holds(1.0)))
        elif axis.kind is AxisKind.FLAG:
            parts.append(_flag_text(axis.tag, bounds.holds(1.0), axis.tag in with_nulls))
        else:
            parts.append(_range_text(axis, bounds, axis.tag in with_nulls))
    parts += [_category_text(tag, values, tag in with_nulls) for tag, values in categories.items()]
    return " and ".join(parts) if parts else "true"


def _range_text(axis: Axis, bounds: Bounds, nulls: bool) -> str:
    ends = [f"{axis.tag} > {_digits(bounds.low)}"] if bounds.low > float("-inf") else []
    ends += [f"{axis.tag} <= {_digits(bounds.high)}"] if bounds.high < float("inf") else []
    text = " and ".join(ends)
    if nulls and bounds.holds(axis.centre):
        return f"({axis.tag} is null or ({text}))" if len(ends) > 1 else f"({axis.tag} is null or {text})"
    return text


def _flag_text(tag: str, wanted: bool, nulls: bool) -> str:
    flag = f"coalesce({tag}, false)" if nulls else tag
    return flag if wanted else f"not {flag}"


def _category_text(tag: str, values: list[tuple[str, bool]], nulls: bool) -> str:
    is_value = [value for value, wanted in values if wanted]
    if is_value:
        return f"{tag} = {_quoted(is_value[0])}"
    others = ", ".join(_quoted(value) for value, _ in values)
    text = f"{tag} not in ({others})" if len(values) > 1 else f"{tag} <> {others}"
    return f"({tag} is null or {text})" if nulls else text


def _digits(number: float) -> str:
    """The number in full, without an exponent."""
    text = format(Decimal(repr(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
