"""P-values when many are read together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm (1979): the chance of even one false alarm among all stays at the level. None stays None and counts not."""
    return _adjusted(p_values, step_up=False)


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Benjamini and Hochberg (1995): the share of false alarms among the alarms stays at the level. None stays None."""
    return _adjusted(p_values, step_up=True)


def _adjusted(p_values: Sequence[float | None], *, step_up: bool) -> list[float | None]:
    places = [place for place, p in enumerate(p_values) if p is not None]
    known = np.array([p for p in p_values if p is not None], dtype=np.float64)
    order = np.argsort(known, kind="stable")
    many = len(known)
    ranks = np.arange(1, many + 1)
    if step_up:
        ordered = np.minimum.accumulate((known[order] * many / ranks)[::-1])[::-1]
    else:
        ordered = np.maximum.accumulate(known[order] * (many - ranks + 1))
    out: list[float | None] = [None] * len(p_values)
    for place, p in zip(order, np.minimum(ordered, 1.0), strict=True):
        out[places[place]] = float(p)
    return out
