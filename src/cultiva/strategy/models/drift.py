"""Drift: whether those scored are still like those learnt from (population stability index)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cultiva.strategy.models.boosting import Numbers

BINS = 10
SMALLEST = 1e-4
"""Share that an empty bin counts as."""


@dataclass(frozen=True)
class Spread:
    """How a feature was spread in training."""

    edges: tuple[float, ...]
    """Between bins of equal share."""
    shares: tuple[float, ...]
    """Share of the rows in each bin, those with a missing value last."""


def spread_of(column: Numbers) -> Spread:
    """Deciles of a feature, and the share of the rows in each."""
    known = column[~np.isnan(column)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.zeros(0)
    return Spread(tuple(float(one) for one in edges), tuple(float(one) for one in _shares(column, edges)))


def stability(spread: Spread, column: Numbers) -> float:
    """The index: sum of (now - then) * ln(now / then) over the bins; below 0.1 like before, above 0.25 another world.

    Args:
        spread: In training.
        column: Now; shape (n,).
    """
    then = np.maximum(np.array(spread.shares), SMALLEST)
    now = np.maximum(_shares(column, np.array(spread.edges)), SMALLEST)
    return float(np.sum((now - then) * np.log(now / then)))


def spreads(rows: Numbers, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Spreads of all features as JSON-like data."""
    return {name: asdict(spread_of(rows[:, place])) for place, name in enumerate(names)}


def drift(known: Mapping[str, Mapping[str, Any]], rows: Numbers, names: Sequence[str]) -> dict[str, float]:
    """The index of every feature, largest first.

    Args:
        known: From `spreads`, in training.
        rows: Now; shape (n, len(names)).
        names: The columns.
    """
    found = {
        name: round(stability(Spread(tuple(known[name]["edges"]), tuple(known[name]["shares"])), rows[:, place]), 4)
        for place, name in enumerate(names)
        if name in known
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _shares(column: Numbers, edges: Numbers) -> Numbers:
    missing = np.isnan(column)
    places = np.where(missing, len(edges) + 1, np.searchsorted(edges, column, side="right"))
    counted: Numbers = np.bincount(places.astype(int), minlength=len(edges) + 2) / max(len(column), 1)
    return counted
