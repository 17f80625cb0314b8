"""Calibration: chances that come true as often as they say, learnt on rows that the trees have not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.strategy.models.boosting import Numbers

ISOTONIC_TAKERS_MIN = 300
"""Fewer who took something up are too few for a free curve; then two numbers have to do (Platt 1999)."""
KNOTS_MAX = 200
TILT = 1e-3
"""By which share of the way to 0 or 1 a step is tilted, from one end of the chances to the other."""
BINS = 10


@dataclass(frozen=True)
class Calibration:
    """A rising curve through points: from what trees say to a chance."""

    way: str
    """`isotonic` or `platt`."""
    said: tuple[float, ...]
    meant: tuple[float, ...]

    def __call__(self, said: Numbers) -> Numbers:
        """Chances of what trees said."""
        found: Numbers = np.interp(said, self.said, self.meant)
        return found


def calibrate(said: Numbers, taken: Numbers) -> Calibration:
    """Learns the curve.

    Args:
        said: Chances by models that have not seen the row; shape (n,).
        taken: 1 where it came true, else 0.
    """
    if min(taken.sum(), (1 - taken).sum()) >= ISOTONIC_TAKERS_MIN:
        return _isotonic(said, taken)
    return _platt(said, taken)


def _isotonic(said: Numbers, taken: Numbers) -> Calibration:
    """Isotonic regression, tilted a little so that within a step the order of what trees said is kept."""
    from sklearn.isotonic import IsotonicRegression

    least = 1 / len(said)  # nothing is certain
    curve = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip").fit(said, taken)
    at, to = np.asarray(curve.X_thresholds_, dtype=float), np.asarray(curve.y_thresholds_, dtype=float)
    at, to = np.r_[0.0, at, 1.0], np.r_[to[0], to, to[-1]]
    if len(at) > KNOTS_MAX:
        chosen = np.unique(np.linspace(0, len(at) - 1, KNOTS_MAX).astype(int))
        at, to = at[chosen], to[chosen]
    middle = float(said.mean())
    tilted = np.where(at < middle, to * (1 - TILT * (middle - at)), to + (1 - to) * TILT * (at - middle))
    return Calibration("isotonic", tuple(map(float, at)), tuple(map(float, tilted)))


def _platt(said: Numbers, taken: Numbers) -> Calibration:
    from sklearn.linear_model import LogisticRegression

    odds = _logit(said)
    curve = LogisticRegression(C=1e3).fit(odds[:, None], taken)
    at = np.unique(np.quantile(odds, np.linspace(0, 1, KNOTS_MAX)))
    to = curve.predict_proba(at[:, None])[:, 1]
    if curve.coef_[0, 0] < 0:  # worse than nothing: the mean for everybody
        to = np.full(len(at), taken.mean())
    return Calibration("platt", tuple(map(float, 1 / (1 + np.exp(-at)))), tuple(map(float, to)))


def _logit(chance: Numbers) -> Numbers:
    inside = np.clip(chance, 1e-6, 1 - 1e-6)
    found: Numbers = np.log(inside / (1 - inside))
    return found


def table(said: Numbers, taken: Numbers) -> list[dict[str, float]]:
    """Ten groups of equal size by what was said: how often it came true in each."""
    found = []
    for rows in np.array_split(np.argsort(said, kind="stable"), BINS):
        if len(rows):
            found.append(
                {"rows": len(rows), "said": round(float(said[rows].mean()), 6),
                 "came_true": round(float(taken[rows].mean()), 6)}
            )  # fmt: skip
    return found


def error(said: Numbers, taken: Numbers) -> float:
    """Expected calibration error: how far said and come true are apart on average over the ten groups."""
    rows = table(said, taken)
    total = sum(row["rows"] for row in rows)
    return sum(row["rows"] * abs(row["said"] - row["came_true"]) for row in rows) / total if total else 0.0


def area(said: Numbers, taken: Numbers) -> float:
    """Area under the ROC curve: chance that one who took it up was ranked above one who did not (ties count half)."""
    positive = taken > 0
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if not n1 or not n0:
        return float("nan")
    return float((ranks(said)[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def ranks(values: Numbers) -> Numbers:
    """Ranks from 1 on; ties share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    found: Numbers = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return found
