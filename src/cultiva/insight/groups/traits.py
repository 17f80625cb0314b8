"""What sets a group apart from everybody: differences of means and of shares, on one scale, for all groups at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]

CATEGORIES_MAX = 20
"""Values of a text tag that are looked at, the commonest first."""
CATEGORIES_SEEN_MAX = 200
"""A text tag with more values than this is a name, not a category, and is left out."""
TRIM = 0.01
"""Share cut from each end of a number before its mean and spread are taken, so that one giant does not decide."""
STRENGTH_MIN = 0.2
"""Smallest difference worth saying: a small effect by Cohen's convention."""
CERTAINTY_MIN = 3.0
"""Smallest difference in standard errors."""
INDIRECT_WEIGHT = 0.6
"""How much less it tells which value a group does not have, or that a tag is unknown, than what the group has."""
ALIKE_MIN = 0.8
"""Traits correlated more than this say the same thing; the stronger one is kept."""


class TraitKind(StrEnum):
    """What is compared."""

    MEAN = "mean"
    """The mean of a numeric tag."""
    SHARE = "share"
    """The share of one value of a text or boolean tag."""
    UNKNOWN = "unknown"
    """The share for whom the tag is null."""


@dataclass(frozen=True)
class Trait:
    """One difference between a group and everybody."""

    tag: str
    """The tag."""
    kind: TraitKind
    """What is compared."""
    value: str
    """For shares: the value, `true` for booleans; empty otherwise."""
    here: float
    """Mean or share in the group."""
    everywhere: float
    """Mean or share of everybody."""
    strength: float
    """For means the difference in standard deviations, for shares Cohen's h; positive: more here."""

    @property
    def lift(self) -> float | None:
        """For shares: share here over share everywhere; None for means and for what nobody else has."""
        if self.kind is TraitKind.MEAN or self.everywhere == 0:
            return None
        return self.here / self.everywhere


@dataclass(frozen=True)
class Feature:
    """One column of the matrix that groups are compared on."""

    tag: str
    kind: TraitKind
    value: str = ""


@dataclass(frozen=True)
class FeatureMatrix:
    """Customers by features; numbers with nulls as NaN, trimmed; indicators as 0 and 1."""

    features: tuple[Feature, ...]
    values: Floats
    """Shape (customers, features)."""


def feature_matrix(frame: pl.DataFrame, tags: Sequence[str], everybody: NDArray[np.intp]) -> FeatureMatrix:
    """Turns tags into comparable columns; limits and categories come from the rows that stand for everybody.

    Args:
        frame: One row per customer, one column per tag; money as decimal or float.
        tags: The tags to look at; dates and lists are passed over.
        everybody: Rows that stand for everybody.

    Returns:
        The features that vary, each with its column.
    """
    columns: list[tuple[Feature, Floats]] = []
    for tag in tags:
        columns += _features_of(tag, frame[tag], everybody)
    varied = [(feature, column) for feature, column in columns if _varies(column[everybody]) or _varies(column)]
    matrix = np.column_stack([column for _, column in varied]) if varied else np.empty((frame.height, 0))
    return FeatureMatrix(features=tuple(feature for feature, _ in varied), values=matrix)


def _features_of(tag: str, column: pl.Series, everybody: NDArray[np.intp]) -> list[tuple[Feature, Floats]]:
    import polars as pl

    if column.dtype.is_numeric():
        numbers = _trimmed(column.cast(pl.Float64).to_numpy().astype(np.float64), everybody)
        found = [(Feature(tag, TraitKind.MEAN), numbers)]
    elif column.dtype == pl.Boolean:
        found = [(Feature(tag, TraitKind.SHARE, "true"), column.fill_null(False).to_numpy().astype(np.float64))]
    elif column.dtype == pl.String:
        found = _category_features(tag, column, everybody)
        if not found:
            return []
    else:
        return []
    return [*found, (Feature(tag, TraitKind.UNKNOWN), column.is_null().to_numpy().astype(np.float64))]


def _category_features(tag: str, column: pl.Series, everybody: NDArray[np.intp]) -> list[tuple[Feature, Floats]]:
    seen = column.drop_nulls()
    if seen.n_unique() > CATEGORIES_SEEN_MAX:
        return []
    counted = seen.value_counts().sort(["count", tag], descending=[True, False])
    common = counted[tag].head(CATEGORIES_MAX).to_list()
    return [
        (Feature(tag, TraitKind.SHARE, value), (column == value).fill_null(False).to_numpy().astype(np.float64))
        for value in common
    ]


def _trimmed(numbers: Floats, everybody: NDArray[np.intp]) -> Floats:
    known = numbers[everybody][~np.isnan(numbers[everybody])]
    if not len(known):
        return numbers
    low, high = np.quantile(known, [TRIM, 1 - TRIM], method="inverted_cdf")
    return numbers if low == high else np.clip(numbers, low, high)


def _varies(column: Floats) -> bool:
    known = column[~np.isnan(column)]
    return bool(len(known) and known.min() < known.max())


def compare(
    matrix: FeatureMatrix,
    everybody: NDArray[np.intp],
    groups: Mapping[str, NDArray[np.intp]],
    *,
    first: Collection[str] = (),
) -> dict[str, list[Trait]]:
    """The traits of every group, the most telling first, each saying something of its own.

    Args:
        matrix: From `feature_matrix`.
        everybody: Rows that stand for everybody.
        groups: For each group the rows that stand for it.
        first: Tags that are told before all others.

    Returns:
        For each group its traits; empty if nothing sets it apart.
    """
    if not matrix.features:
        return {name: [] for name in groups}
    base = _summary(matrix.values, {"": everybody})
    inside = _summary(matrix.values, groups)
    strengths, errors = _strengths(matrix.features, base, inside, _spread(matrix.values[everybody]))
    alike = _correlations(matrix.values[everybody])
    kept = {}
    for row, name in enumerate(groups):
        telling = (np.abs(strengths[row]) >= STRENGTH_MIN) & (np.abs(strengths[row]) >= CERTAINTY_MIN * errors[row])
        order = [j for j in _told_first(strengths[row], matrix.features, first) if telling[j]]
        kept[name] = [
            _trait(matrix.features[j], inside.means[row, j], base.means[0, j], strengths[row, j])
            for j in _unlike(order, matrix.features, alike)
        ]
    return kept


def _told_first(strengths: Floats, features: tuple[Feature, ...], first: Collection[str]) -> list[int]:
    """Features in the order in which they are told."""
    weights = [_weight(feature, strength) for feature, strength in zip(features, strengths, strict=True)]
    return sorted(range(len(features)), key=lambda j: (features[j].tag not in first, -weights[j], j))


def _weight(feature: Feature, strength: float) -> float:
    lacks_value = feature.kind is TraitKind.SHARE and feature.value != "true" and strength < 0
    indirect = lacks_value or feature.kind is TraitKind.UNKNOWN
    return abs(float(strength)) * (INDIRECT_WEIGHT if indirect else 1.0)


@dataclass(frozen=True)
class _Summary:
    """Means of groups over the known values, and how many are known; shape (groups, features)."""

    means: Floats
    known: Floats


def _summary(values: Floats, groups: Mapping[str, NDArray[np.intp]]) -> _Summary:
    from scipy import sparse

    rows = [np.asarray(rows) for rows in groups.values()]
    starts = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64)
    chosen = np.concatenate(rows).astype(np.int64) if rows else np.empty(0, np.int64)
    picks = sparse.csr_array((np.ones(len(chosen)), chosen, starts), shape=(len(rows), len(values)))
    known = picks @ (~np.isnan(values)).astype(np.float64)
    sums = picks @ np.nan_to_num(values)
    return _Summary(means=np.divide(sums, known, out=np.zeros_like(sums), where=known > 0), known=known)


def _spread(values: Floats) -> Floats:
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.nansum(values, axis=0) / count
    return np.asarray(np.sqrt(np.nansum((values - mean) ** 2, axis=0) / count))


def _strengths(
    features: tuple[Feature, ...], base: _Summary, inside: _Summary, deviation: Floats
) -> tuple[Floats, Floats]:
    """Strength and its standard error under no difference, both of shape (groups, features)."""
    is_mean = np.array([feature.kind is TraitKind.MEAN for feature in features])
    gap = inside.means - base.means
    by_mean = np.divide(gap, deviation, out=np.zeros_like(gap), where=deviation > 0)
    angles = 2 * np.arcsin(np.sqrt(np.clip(np.where(is_mean, 0, inside.means), 0, 1)))
    angle = 2 * np.arcsin(np.sqrt(np.clip(np.where(is_mean, 0, base.means), 0, 1)))
    strength = np.where(is_mean, by_mean, angles - angle)
    strength[inside.known == 0] = 0
    return strength, 1 / np.sqrt(np.maximum(inside.known, 1))


def _correlations(values: Floats) -> Floats:
    mean = np.nansum(values, axis=0) / np.maximum((~np.isnan(values)).sum(axis=0), 1)
    centred = np.nan_to_num(values - mean)
    length = np.sqrt((centred**2).sum(axis=0))
    scaled = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    return np.asarray(np.abs(scaled.T @ scaled))


def _unlike(order: list[int], features: tuple[Feature, ...], alike: Floats) -> list[int]:
    """Drops what a stronger trait already says: the same tag, or one that moves with it."""
    kept: list[int] = []
    for j in order:
        same_tag = any(features[j].tag == features[k].tag for k in kept)
        if not same_tag and not any(alike[j, k] > ALIKE_MIN for k in kept):
            kept.append(j)
    return kept


def _trait(feature: Feature, here: float, everywhere: float, strength: float) -> Trait:
    return Trait(
        tag=feature.tag,
        kind=feature.kind,
        value=feature.value,
        here=round(float(here), 6),
        everywhere=round(float(everywhere), 6),
        strength=round(float(strength), 6),
    )
