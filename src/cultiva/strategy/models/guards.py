"""Guards against leaks: a feature that knows more than anybody could on the day of the decision is named and refused.

Dates catch a profile of a later day; these catch a tag that lies about its day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cultiva.strategy.models.boosting import Numbers
from cultiva.strategy.models.calibration import area, ranks

CHANCE = 1e-6
"""Probability with which an honest feature is refused by bad luck, over all features together."""
AREA_MAX = 0.98
"""A single feature that tells takers from others so well has seen them take."""
TAKERS_MIN = 30


@dataclass(frozen=True)
class Refused:
    """A feature that is left out."""

    feature: str
    why: str
    """`separates_arms`: the sides of a randomised experiment differ in it. `foretells_outcome`: it tells alone who
    took the offer up."""
    number: float
    """The z of the difference between the sides, or the area under the curve."""


def refused(
    rows: Numbers,
    names: Sequence[str],
    treated: npt.NDArray[np.bool_],
    share: Numbers,
    groups: npt.NDArray[np.int64],
    *,
    taken: Numbers | None = None,
) -> list[Refused]:
    """Features that cannot be from before the decision.

    What was known before a draw cannot say how the draw fell: within a group, ranks of the two sides differ by chance
    only (a score test of the draw on the rank and on being missing).

    Args:
        rows: Shape (n, len(names)).
        names: The features; those of the action are not given.
        treated: Side of each row.
        share: Known probability of it.
        groups: Strategy of each row, from 0 on.
        taken: 1 where a touched customer took the offer up, 0 where not, NaN for others.
    """
    from statistics import NormalDist

    bound = -NormalDist().inv_cdf(CHANCE / (4 * max(len(names), 1)))
    found = []
    for place, name in enumerate(names):
        column = rows[:, place]
        missing = np.isnan(column)
        forms = [_ranks(column)] + ([missing.astype(float)] if 0 < missing.sum() < len(column) else [])
        worst = max((_score(form, treated, share, groups) for form in forms), key=abs)
        if abs(worst) > bound:
            found.append(Refused(name, "separates_arms", round(worst, 2)))
            continue
        if taken is not None and (told := _told(column, taken)) > AREA_MAX:
            found.append(Refused(name, "foretells_outcome", round(told, 4)))
    return found


def _ranks(column: Numbers) -> Numbers:
    """Ranks between 0 and 1; missing in the middle."""
    known = ~np.isnan(column)
    found = np.full(len(column), 0.5)
    if known.any():
        found[known] = ranks(column[known]) / known.sum()
    return found


def _score(form: Numbers, treated: npt.NDArray[np.bool_], share: Numbers, groups: npt.NDArray[np.int64]) -> float:
    spread = share * (1 - share)
    totals = np.bincount(groups, spread)
    means = np.bincount(groups, spread * form) / np.where(totals > 0, totals, 1)
    centred = form - means[groups]
    variance = float(np.sum(spread * centred**2))
    return float(np.sum((treated - share) * centred) / np.sqrt(variance)) if variance > 1e-9 else 0.0


def _told(column: Numbers, taken: Numbers) -> float:
    """Area under the curve of one feature, whichever way round it is; missing counts as lowest."""
    asked = ~np.isnan(taken)
    if taken[asked].sum() < TAKERS_MIN:
        return 0.5
    values = np.where(np.isnan(column), -np.inf, column)[asked]
    found = area(values, taken[asked])
    return max(found, 1 - found)
