"""Counts, means and covariances of one arm, and two arms to be compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Some variables of the customers of one arm."""

    count: int
    """Customers, n."""
    mean: Floats
    """Means; k variables."""
    covariance: Floats
    """Sample covariances (divided by n - 1), k x k; zeros if n < 2."""

    @staticmethod
    def of(values: Floats) -> Moments:
        """Of the values themselves, n x k."""
        rows = np.atleast_2d(np.asarray(values, dtype=np.float64))
        centre = rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])
        return from_sums(len(rows), (rows - centre).sum(axis=0), (rows - centre).T @ (rows - centre), centre)

    def spread(self, weights: Floats) -> float:
        """Variance of a weighted sum of the variables over customers."""
        return max(float(weights @ self.covariance @ weights), 0.0)


def from_sums(count: int, sums: Floats, products: Floats, shift: Floats) -> Moments:
    """Moments from sums of values less a constant, which keeps digits that sums of squares would lose.

    Args:
        count: Customers, n.
        sums: Sums of (value - shift); k.
        products: Sums of products of two such; k x k.
        shift: The constants; k.
    """
    if count == 0:
        return Moments(0, np.zeros_like(shift), np.zeros((len(shift), len(shift))))
    covariance = (products - sums[:, None] * sums / count) / max(count - 1, 1)
    variances = covariance.diagonal()
    noise = 1e-13 * products.diagonal() / max(count - 1, 1)
    covariance.flat[:: len(shift) + 1] = np.where(variances <= noise, 0.0, variances)
    return Moments(count, shift + sums / count, covariance)


@dataclass(frozen=True)
class Clusters:
    """Sums per cluster (adviser, branch) of both arms, about the arm's own mean."""

    treated_counts: Floats
    """Treated customers per cluster; K."""
    control_counts: Floats
    """Control customers per cluster; K."""
    treated_sums: Floats
    """Sums of (value - mean of the treated) per cluster; K x k."""
    control_sums: Floats
    """Sums of (value - mean of the control) per cluster; K x k."""

    @property
    def crossed(self) -> bool:
        """Whether some cluster has customers in both arms."""
        return bool(np.any((self.treated_counts > 0) & (self.control_counts > 0)))


@dataclass(frozen=True)
class Pair:
    """Two arms, and the clusters by which they were drawn, if they were."""

    treated: Moments
    """Those who could be touched."""
    control: Moments
    """Those left alone."""
    clusters: Clusters | None = None
    """If whole clusters were drawn."""

    @property
    def difference(self) -> Floats:
        """Means of the treated less those of the control; k."""
        return self.treated.mean - self.control.mean
