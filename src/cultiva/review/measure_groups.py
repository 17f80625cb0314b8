"""Cells summed up to the groups of a dimension, and read as two arms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cultiva.review.measure_cells import CLUSTER, DAYS, ROWS, Cells, Reading
from cultiva.review.measure_design import LOT
from cultiva.review.measure_variables import Variant
from cultiva.review.statistics.checks import NORMAL_KURTOSIS
from cultiva.review.statistics.moments import Clusters, Floats, Moments, Pair, from_sums

_TREATED, _CONTROL = 0, 1


@dataclass(frozen=True)
class Group:
    """The sums of one group of one strategy."""

    strategy: str
    """The strategy."""
    dimension: tuple[str, ...]
    """Group columns; empty for the whole."""
    values: tuple[str, ...]
    """Their values."""
    sums: Floats
    """Arms (treated, control) x aggregates."""
    by_cluster: Floats | None
    """Clusters x arms x aggregates, if whole clusters were drawn."""
    lots: NDArray[np.bool_] | None
    """Which clusters are lots of customers who were drawn alone."""
    cells: Cells
    """Where the sums come from."""

    def customers(self, arm: int) -> int:
        """Customers of an arm: 0 treated, 1 control."""
        return round(float(self.sums[arm, self.cells.names[ROWS]]))

    @property
    def units(self) -> tuple[int, int]:
        """What was drawn: clusters if each is wholly in one arm, and customers drawn alone; treated and control."""
        if self.by_cluster is None or self.lots is None:
            return self.customers(_TREATED), self.customers(_CONTROL)
        rows = self.by_cluster[:, :, self.cells.names[ROWS]]
        if (rows > 0).all(axis=1).any():
            return self.customers(_TREATED), self.customers(_CONTROL)
        drawn = np.where(self.lots[:, None], rows, rows > 0).sum(axis=0)
        return round(float(drawn[_TREATED])), round(float(drawn[_CONTROL]))

    @property
    def days(self) -> float | None:
        """Customer-days that count; None if nobody says."""
        place = self.cells.names.get(DAYS)
        return None if place is None else float(self.sums[:, place].sum())


def groups_of(cells: Cells, dimension: tuple[str, ...], clustered: frozenset[str]) -> Iterator[Group]:
    """Sums per strategy and group of a dimension, in order of their names.

    Args:
        cells: Of a pass that holds the dimension's columns.
        dimension: Group columns; empty for the whole.
        clustered: Strategies of which whole clusters were drawn.
    """
    names = ("strategy", *dimension)
    codes, keys = _codes([cells.keys[name] for name in names], len(cells.treated))
    arms = np.where(cells.treated, _TREATED, _CONTROL)
    sums = np.zeros((len(keys), 2, cells.values.shape[1]))
    np.add.at(sums, (codes, arms), cells.values)
    for place in sorted(range(len(keys)), key=lambda one: keys[one]):
        strategy, values = keys[place][0], keys[place][1:]
        by_cluster, lots = _by_cluster(cells, codes == place) if strategy in clustered else (None, None)
        yield Group(strategy, dimension, values, sums[place], by_cluster, lots, cells)


def _codes(columns: Sequence[NDArray[np.object_]], rows: int) -> tuple[NDArray[np.int64], list[tuple[str, ...]]]:
    """A number for each combination of values, and the combinations."""
    found: dict[tuple[str, ...], int] = {}
    codes = [found.setdefault(tuple(map(str, values)), len(found)) for values in zip(*columns, strict=True)]
    return np.array(codes, dtype=np.int64).reshape(rows), list(found)


def _by_cluster(cells: Cells, chosen: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Sums by cluster, and which of them are lots."""
    codes, keys = _codes([cells.keys[CLUSTER][chosen]], int(chosen.sum()))
    sums = np.zeros((len(keys), 2, cells.values.shape[1]))
    np.add.at(sums, (codes, np.where(cells.treated[chosen], _TREATED, _CONTROL)), cells.values[chosen])
    return sums, np.array([name.startswith(LOT) for (name,) in keys], dtype=np.bool_)


def pair_of(group: Group, reading: Reading, variant: Variant) -> Pair:
    """The two arms of a group, by the variables of a metric."""
    names = group.cells.names
    shift = np.array([reading.shifts[one.name] for one in variant.variables])
    count, places = names[variant.count_name], [names[name] for name in variant.sum_names]
    arms = [_moments(group.sums[arm], variant, names, shift) for arm in (_TREATED, _CONTROL)]
    if group.by_cluster is None:
        return Pair(arms[0], arms[1])
    counts = [group.by_cluster[:, arm, count] for arm in (_TREATED, _CONTROL)]
    about = [
        group.by_cluster[:, arm, places] - counts[arm][:, None] * (arms[arm].mean - shift)[None, :]
        for arm in (_TREATED, _CONTROL)
    ]
    return Pair(arms[0], arms[1], Clusters(counts[0], counts[1], about[0], about[1]))


def kurtosis_of(group: Group, variant: Variant) -> float:
    """Kurtosis of a metric's covariate over both arms; 3, as if normal, where it does not vary."""
    wanted = [group.cells.names[name] for name in variant.tail_terms]
    n, one, two, three, four = (float(number) for number in group.sums[:, wanted].sum(axis=0))
    if n < 2:
        return NORMAL_KURTOSIS
    mean = one / n
    variance = two / n - mean**2
    fourth = four / n - 4 * mean * three / n + 6 * mean**2 * two / n - 3 * mean**4
    return max(fourth / variance**2, 1.0) if variance > 1e-12 * max(two / n, 1e-300) else NORMAL_KURTOSIS


def _moments(sums: Floats, variant: Variant, names: Mapping[str, int], shift: Floats) -> Moments:
    rows, columns = variant.product_places
    products = np.zeros((len(shift), len(shift)))
    products[rows, columns] = products[columns, rows] = sums[[names[name] for _, _, name in variant.product_names]]
    first = sums[[names[name] for name in variant.sum_names]]
    return from_sums(round(float(sums[names[variant.count_name]])), first, products, shift)
