"""The space in which customers are clustered: chosen tags on one robust scale, nulls filled and remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cultiva.contracts.types import DataType
from cultiva.kit.errors import CultivaError

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]

CATEGORIES_MAX = 12
"""Values of a text tag that get an axis of their own."""
REACH = 3.0
"""Scaled numbers are cut at plus and minus this, so that one giant is not a cluster."""


class AxisKind(StrEnum):
    """How a tag becomes an axis."""

    NUMBER = "number"
    """A numeric tag, less its median, over its spread."""
    FLAG = "flag"
    """A boolean tag as 0 and 1; null counts as 0."""
    CATEGORY = "category"
    """One value of a text tag as 0 and 1."""


@dataclass(frozen=True)
class Axis:
    """One dimension."""

    tag: str
    """The tag."""
    kind: AxisKind
    """How it is measured."""
    value: str = ""
    """For categories: which value."""
    centre: float = 0.0
    """What becomes 0, and what stands in for null: the median."""
    scale: float = 1.0
    """What becomes 1 before weighing."""
    weight: float = 1.0
    """Makes every tag count the same: one over its deviation on the sample."""


@dataclass(frozen=True)
class Space:
    """The axes, fixed on a sample and then applied to everybody."""

    axes: tuple[Axis, ...]
    """In the order of the columns of `raw` and `scaled`."""

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags it reads, each once."""
        return tuple(dict.fromkeys(axis.tag for axis in self.axes))

    def raw(self, frame: pl.DataFrame) -> Floats:
        """The customers in the tags' own units, nulls filled; shape (customers, axes)."""
        return np.column_stack([_raw(axis, frame[axis.tag]) for axis in self.axes])

    def scaled(self, raw: Floats) -> Floats:
        """The customers (or centres) on the common scale; shape (customers, axes)."""
        centre = np.array([axis.centre for axis in self.axes])
        scale = np.array([axis.scale for axis in self.axes])
        return np.asarray(np.clip((raw - centre) / scale, -REACH, REACH) * self._weights)

    @property
    def _weights(self) -> Floats:
        return np.array([axis.weight for axis in self.axes])

    def unscaled(self, point: Floats) -> Floats:
        """One point of the common scale in the tags' own units; shape (axes,)."""
        return np.array(
            [axis.centre + at / axis.weight * axis.scale for axis, at in zip(self.axes, point, strict=True)]
        )


def fit_space(frame: pl.DataFrame, tags: Sequence[str], types: dict[str, DataType]) -> Space:
    """Chooses the axes for the tags from a sample of customers.

    Args:
        frame: The sample, one column per tag.
        tags: The tags to cluster on: numeric, boolean or text.
        types: Their types.

    Returns:
        The space; without axes if no tag varies within the sample.

    Raises:
        CultivaError: if a tag has another type.
    """
    axes = [axis for tag in tags for axis in _axes(tag, types[tag], frame[tag])]
    return Space(axes=_weighed(axes, frame) if axes else ())


def _weighed(axes: Sequence[Axis], frame: pl.DataFrame) -> tuple[Axis, ...]:
    """Gives every tag the same variance, however many axes it has."""
    space = Space(axes=tuple(axes))
    variance = space.scaled(space.raw(frame)).var(axis=0)
    whole = {tag: sum(v for axis, v in zip(axes, variance, strict=True) if axis.tag == tag) for tag in space.tags}
    return tuple(replace(axis, weight=float(whole[axis.tag] ** -0.5 if whole[axis.tag] else 1.0)) for axis in axes)


def _axes(tag: str, type_: DataType, column: pl.Series) -> list[Axis]:
    if type_.numeric:
        return _number_axis(tag, column)
    if type_ is DataType.BOOLEAN:
        return [Axis(tag, AxisKind.FLAG)] if column.fill_null(False).n_unique() > 1 else []
    if type_ is DataType.TEXT:
        counted = column.drop_nulls().value_counts().sort(["count", tag], descending=[True, False])
        common = counted[tag].head(CATEGORIES_MAX).to_list()
        return [Axis(tag, AxisKind.CATEGORY, value=value) for value in common] if column.n_unique() > 1 else []
    raise CultivaError(
        "this tag cannot be clustered on",
        code="groups.bad_axis",
        seen=f"{tag} is a {type_}",
        allowed="integer, number, money, boolean and text tags",
        hint="make an expression tag of it, e.g. the days since a date",
    )


def _number_axis(tag: str, column: pl.Series) -> list[Axis]:
    import polars as pl

    known = column.drop_nulls().cast(pl.Float64).to_numpy()
    if not len(known):
        return []
    low, centre, high = np.quantile(known, [0.25, 0.5, 0.75], method="inverted_cdf")
    spread = (high - low) or _trimmed_deviation(known)
    return [Axis(tag, AxisKind.NUMBER, centre=float(centre), scale=float(spread))] if spread > 0 else []


def _trimmed_deviation(known: Floats) -> float:
    """The spread where half of the customers share one value: the deviation without the outermost hundredths."""
    low, high = np.quantile(known, [0.01, 0.99], method="inverted_cdf")
    return float(np.clip(known, low, high).std()) if low < high else float(known.std())


def _raw(axis: Axis, column: pl.Series) -> Floats:
    import polars as pl

    if axis.kind is AxisKind.NUMBER:
        numbers = column.cast(pl.Float64).fill_null(axis.centre)
    elif axis.kind is AxisKind.FLAG:
        numbers = column.fill_null(False).cast(pl.Float64)
    else:
        numbers = (column == axis.value).fill_null(False).cast(pl.Float64)
    return numbers.to_numpy()
