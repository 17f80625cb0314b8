"""The shape of a tag's values in few numbers, and how far two shapes lie apart."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

BINS = 10
"""Bins of a number's histogram: deciles of the day on which it was first drawn."""
VALUES_MAX = 10
"""Commonest values kept of a text."""
SHARE_MIN = 1e-4
"""Smallest share that enters the stability index, so that an empty bin does not make it infinite."""


@dataclass(frozen=True)
class Sketch:
    """Shares of customers by bin or by value; with `other` and `unknown` they add up to 1."""

    edges: tuple[float, ...] = ()
    """For numbers: upper ends of the bins but the last, ascending."""
    values: tuple[str, ...] = ()
    """For texts and booleans: the commonest values, commonest first."""
    shares: tuple[float, ...] = ()
    """Share per bin or value."""
    other: float = 0.0
    """Share of all other values."""
    unknown: float = 0.0
    """Share of nulls."""

    def text(self) -> str:
        """As JSON, for the catalogue."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of_text(cls, text: str) -> Sketch:
        """From the catalogue's JSON."""
        fields = json.loads(text)
        return cls(
            edges=tuple(fields["edges"]),
            values=tuple(fields["values"]),
            shares=tuple(fields["shares"]),
            other=fields["other"],
            unknown=fields["unknown"],
        )


def sketch(column: pl.Series, like: Sketch | None = None) -> Sketch | None:
    """The shape of a column; None for types without one.

    Args:
        column: Values of a sample of customers.
        like: Use this sketch's bins or values instead of the column's own, to compare two days.
    """
    import polars as pl

    if column.dtype == pl.Boolean:
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        return _text_sketch(column, like)
    if column.dtype.is_temporal():
        column = column.cast(pl.Date).to_physical()
    if column.dtype.is_numeric():
        return _number_sketch(column.cast(pl.Float64), like)
    return None


def _number_sketch(column: pl.Series, like: Sketch | None) -> Sketch:
    numbers = column.drop_nulls().to_numpy()
    edges = like.edges if like else _edges(numbers)
    counts = np.bincount(np.searchsorted(np.array(edges), numbers, side="left"), minlength=len(edges) + 1)
    return Sketch(edges=edges, shares=_shares(counts.tolist(), len(column)), unknown=_share(column))


def _edges(numbers: NDArray[np.float64]) -> tuple[float, ...]:
    if not len(numbers):
        return ()
    cuts = np.quantile(numbers, np.arange(1, BINS) / BINS, method="inverted_cdf")
    return tuple(float(cut) for cut in np.unique(cuts) if cut < numbers.max())


def _text_sketch(column: pl.Series, like: Sketch | None) -> Sketch:
    counted = column.rename("value").drop_nulls().value_counts().sort(["count", "value"], descending=[True, False])
    counts = dict(zip(counted["value"].to_list(), counted["count"].to_list(), strict=True))
    values = like.values if like else tuple(list(counts)[:VALUES_MAX])
    shares = _shares([counts.get(value, 0) for value in values], len(column))
    unknown = _share(column)
    return Sketch(values=values, shares=shares, other=round(max(0.0, 1 - sum(shares) - unknown), 6), unknown=unknown)


def _shares(counts: Sequence[int], total: int) -> tuple[float, ...]:
    return tuple(round(count / total, 6) if total else 0.0 for count in counts)


def _share(column: pl.Series) -> float:
    return round(column.null_count() / len(column), 6) if len(column) else 0.0


def stability_index(before: Sketch, now: Sketch) -> float:
    """The population stability index: sum of (now - before) x ln(now / before) over bins, others and nulls.

    Below 0.1 a shape counts as stable, above 0.25 as shifted (the convention of credit scoring).

    Args:
        before: The earlier sketch.
        now: The later one, with the earlier one's bins or values.

    Examples:
        >>> same = Sketch(values=("a", "b"), shares=(0.5, 0.5))
        >>> stability_index(same, same)
        0.0
        >>> round(stability_index(same, Sketch(values=("a", "b"), shares=(0.8, 0.2))), 3)
        0.416
    """
    pairs = zip((*before.shares, before.other, before.unknown), (*now.shares, now.other, now.unknown), strict=True)
    floored = [(max(p, SHARE_MIN), max(q, SHARE_MIN)) for p, q in pairs]
    return round(sum((q - p) * math.log(q / p) for p, q in floored), 6)
