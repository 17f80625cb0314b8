"""Clusters of a group: how many, where they lie, and which of them they were at the last run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from cultiva.definitions.segments import Clusters
from cultiva.kit.hashing import md5_hex

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

SILHOUETTE_SAMPLE = 2_000
"""Customers on whom the silhouette is measured; it compares all pairs."""
STARTS = 4
"""Starts of k-means, the best is kept."""
CHANGE_MIN = 0.02
"""How much better another number of clusters must be before the last run's number is given up."""
WARM_LOSS_MAX = 1.02
"""How much worse a start from the last run's centres may be and still be preferred."""


@dataclass(frozen=True)
class Clustering:
    """Centres found on a sample."""

    centres: Floats
    """Scaled; shape (clusters, axes)."""
    silhouette: float
    """Mean silhouette of the sample, -1 to 1; 0 if there is one cluster only."""
    tried: tuple[tuple[int, float], ...]
    """(number of clusters, silhouette) for every number tried."""


def cluster(points: Floats, wanted: Clusters, *, seed_text: str, previous: Floats | None = None) -> Clustering:
    """Divides the sample into the number of clusters with the best silhouette.

    Args:
        points: The sample, scaled; shape (customers, axes).
        wanted: Fewest and most clusters.
        seed_text: Names the draw of starting points; the same text gives the same result.
        previous: Centres of the last run on today's scale; kept where today's data allow.

    Returns:
        The centres, not yet in any order that means something.
    """
    import sklearn.cluster  # noqa: F401 - its threads can be limited only once they are there
    from threadpoolctl import threadpool_limits

    seed = int(md5_hex(seed_text)[:8], 16)
    distinct = len(np.unique(points, axis=0))
    most = min(wanted.maximum, distinct - 1)
    if most < wanted.minimum:
        return Clustering(centres=points.mean(axis=0, keepdims=True), silhouette=0.0, tried=())
    with threadpool_limits(limits=1):  # sums in one order: the same centres to the last bit
        fits = {k: _fit(points, k, seed=seed, previous=previous) for k in range(wanted.minimum, most + 1)}
        scores = _silhouettes(points, fits)
    chosen = _choose(scores, None if previous is None else len(previous))
    return Clustering(centres=fits[chosen], silhouette=scores[chosen], tried=tuple(sorted(scores.items())))


def _fit(points: Floats, k: int, *, seed: int, previous: Floats | None) -> Floats:
    from sklearn.cluster import KMeans

    fresh = KMeans(k, n_init=STARTS, random_state=seed).fit(points)
    if previous is not None and len(previous) == k:
        warm = KMeans(k, init=previous, n_init=1, random_state=seed).fit(points)
        if warm.inertia_ <= fresh.inertia_ * WARM_LOSS_MAX:
            return np.asarray(warm.cluster_centers_)
    return np.asarray(fresh.cluster_centers_)


def _silhouettes(points: Floats, fits: dict[int, Floats]) -> dict[int, float]:
    """The silhouette of every number of clusters; all pairs are measured once for all of them."""
    from sklearn.metrics import pairwise_distances

    part = points[:: max(1, len(points) // SILHOUETTE_SAMPLE)]
    apart = pairwise_distances(part)
    return {k: _silhouette(apart, assign(part, centres)) for k, centres in fits.items()}


def _silhouette(apart: Floats, labels: Labels) -> float:
    from sklearn.metrics import silhouette_score

    if len(np.unique(labels)) < 2:
        return -1.0
    return round(float(silhouette_score(apart, labels, metric="precomputed")), 6)


def _choose(scores: dict[int, float], before: int | None) -> int:
    best = min(scores, key=lambda k: (-scores[k], k))
    if before in scores and scores[before] + CHANGE_MIN >= scores[best]:
        return before
    return best


def assign(points: Floats, centres: Floats) -> Labels:
    """The nearest centre of every customer; the lower number where two are equally near.

    Distances are summed axis by axis, so that a customer's cluster does not depend on who shares the batch.
    """
    distance = np.zeros((len(centres), len(points)))
    for number, centre in enumerate(centres):
        for axis, at in enumerate(centre):
            distance[number] += (points[:, axis] - at) ** 2
    return np.asarray(distance.argmin(axis=0), dtype=np.int64)


def numbers(centres: Floats, sizes: Sequence[int], previous: dict[int, Floats]) -> list[int]:
    """The lasting number of every cluster.

    Clusters take the number of the last run's cluster they lie nearest to, matched so that the sum of distances
    is smallest (Hungarian method); the others get numbers above those, the larger cluster the lower one.

    Args:
        centres: Today's centres, scaled.
        sizes: Members of each.
        previous: The last run's centres by number, on today's scale; empty at the first run.

    Returns:
        For each of today's clusters its number, from 1.

    Examples:
        >>> numbers(np.array([[0.0], [5.0], [9.0]]), [10, 30, 20], {})
        [3, 1, 2]
        >>> numbers(np.array([[0.0], [5.0], [9.0]]), [10, 30, 20], {1: np.array([9.1]), 2: np.array([0.2])})
        [2, 3, 1]
    """
    from scipy.optimize import linear_sum_assignment

    found: dict[int, int] = {}
    if previous:
        old = sorted(previous)
        gaps = np.linalg.norm(centres[:, None, :] - np.array([previous[n] for n in old])[None, :, :], axis=2)
        found = {int(row): old[int(column)] for row, column in zip(*linear_sum_assignment(gaps), strict=True)}
    fresh = count(max(previous, default=0) + 1)
    for row in sorted(range(len(centres)), key=lambda row: (-sizes[row], row)):
        if row not in found:
            found[row] = next(fresh)
    return [found[row] for row in range(len(centres))]
