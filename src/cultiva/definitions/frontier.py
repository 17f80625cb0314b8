"""The weights of a model portfolio: the most return within a budget of risk and limits per bucket.

Markowitz' problem, as a second-order cone programme that Clarabel solves (docs/decisions/0018-model-portfolios.md):

    maximise m'w   subject to   sum w = 1,   lower <= w <= upper,   |L'w| <= volatility_max,   L L' = covariance

H. Markowitz, Portfolio Selection, Journal of Finance 7 (1952) 77-91.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cultiva.definitions.portfolios import (
    BUCKETS,
    AgeBand,
    BucketName,
    CautiousModel,
    Limits,
    Portfolios,
    open_buckets,
    rated_level,
)
from cultiva.kit.errors import CultivaError

NOISE_DIGITS = 6
"""Decimals of a solution that count; what is behind them is the solver's."""
ROUNDING_SLACK = 1e-9
"""Relative room for the budget: a portfolio that meets it exactly is not lost to the last bit."""


@dataclass(frozen=True)
class Weights:
    """A model portfolio."""

    key: str
    """Its name, e.g. `c3_middle`."""
    units: Mapping[BucketName, int]
    """Share of every bucket in units of the last digit; together `scale`."""
    scale: int
    """Units in the whole."""
    expected_return: float
    """Per year, of what is divided by the model."""
    volatility: float
    """Per year, of what is divided by the model."""
    volatility_max: float
    """Its budget."""
    level: int
    """Highest risk level of products in it; 0: unrated."""

    def share(self, bucket: BucketName) -> float:
        """The share of a bucket."""
        return self.units[bucket] / self.scale


def model_weights(portfolios: Portfolios) -> dict[str, Weights]:
    """The weights of every model portfolio, by its name; solved once per process and definition.

    Raises:
        CultivaError: if no portfolio within a model's limits meets its budget.
    """
    return dict(_solved(portfolios.model_dump_json(by_alias=True)))


@lru_cache(maxsize=8)
def _solved(text: str) -> dict[str, Weights]:
    portfolios = Portfolios.model_validate_json(text)
    return {key: weights_of(portfolios, key, model, band) for key, (model, band) in portfolios.model_keys().items()}


def weights_of(portfolios: Portfolios, key: str, model: CautiousModel, band: AgeBand | None) -> Weights:
    """Solves one model portfolio and rounds it.

    Raises:
        CultivaError: if no portfolio within the limits meets the budget.
    """
    import numpy as np

    names = portfolios.divided
    returns = np.array([getattr(portfolios.buckets, name).expected_return for name in names])
    covariance = covariance_of(portfolios, names)
    limits = limits_of(portfolios, model)
    budget = model.volatility_max * (band.risk if band is not None else 1.0)
    found = _frontier(returns, covariance, [limits[name] for name in names], budget)
    if found is None:
        raise _too_tight(portfolios, key, budget)
    scale = 10**portfolios.weight_digits
    rounded = _rounded(found, scale)
    shares = np.array(rounded) / scale
    return Weights(
        key=key,
        units={name: dict(zip(names, rounded, strict=True)).get(name, 0) for name in BUCKETS},
        scale=scale,
        expected_return=float(shares @ returns),
        volatility=float(np.sqrt(shares @ covariance @ shares)),
        volatility_max=budget,
        level=rated_level(model),
    )


def covariance_of(portfolios: Portfolios, names: tuple[BucketName, ...] = BUCKETS) -> Any:
    """The covariance of the buckets' returns per year.

    Returns:
        Array of shape (buckets, buckets), in the order of `names`.
    """
    import numpy as np

    deviations = np.array([getattr(portfolios.buckets, name).volatility for name in names])
    return np.outer(deviations, deviations) * correlation_of(portfolios, names)


def correlation_of(portfolios: Portfolios, names: tuple[BucketName, ...] = BUCKETS) -> Any:
    """The correlation of the buckets' returns, shape (buckets, buckets)."""
    import numpy as np

    correlation = np.eye(len(names))
    for pair in portfolios.correlations:
        if set(pair.between) <= set(names):
            row, column = (names.index(name) for name in pair.between)
            correlation[row, column] = correlation[column, row] = pair.correlation
    return correlation


def limits_of(portfolios: Portfolios, model: CautiousModel) -> dict[BucketName, Limits]:
    """The limits of every bucket that is divided; none of a bucket above the rating."""
    allowed = open_buckets(portfolios, model)
    held = allowed if rated_level(model) else frozenset(portfolios.divided)
    return {
        name: model.limits.get(name, Limits()) if name in held else Limits(min=0.0, max=0.0)
        for name in portfolios.divided
    }


def _frontier(returns: Any, covariance: Any, limits: list[Limits], budget: float) -> Any:
    """The weights, shape (buckets,); None if nothing meets limits and budget."""
    import clarabel
    import numpy as np
    from scipy import sparse

    count = len(returns)
    spectrum, vectors = np.linalg.eigh(covariance)
    factor = vectors * np.sqrt(np.maximum(spectrum, 0.0))
    rows = [np.ones((1, count)), np.eye(count), -np.eye(count), np.zeros((1, count)), -factor.T]
    lower, upper = ([getattr(limit, end) for limit in limits] for end in ("min", "max"))
    sides = np.concatenate([[1.0], upper, -np.array(lower), [budget * (1 + ROUNDING_SLACK)], np.zeros(count)])
    cones = [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(2 * count), clarabel.SecondOrderConeT(count + 1)]
    settings = clarabel.DefaultSettings()
    settings.verbose, settings.max_threads = False, 1
    nothing, matrix = sparse.csc_matrix((count, count)), sparse.csc_matrix(np.vstack(rows))
    solution = clarabel.DefaultSolver(nothing, -returns, matrix, sides, cones, settings).solve()
    return np.array(solution.x) if solution.status == clarabel.SolverStatus.Solved else None


def _rounded(weights: Any, scale: int) -> list[int]:
    """Weights in whole units that add up to `scale`: the largest remainders are rounded up, the first of equals.

    Examples:
        >>> _rounded([0.33333333, 0.33333333, 0.33333334], 100)
        [34, 33, 33]
    """
    exact = [max(0.0, round(float(weight), NOISE_DIGITS)) * scale for weight in weights]
    units = [int(round(part, NOISE_DIGITS)) for part in exact]
    order = sorted(range(len(exact)), key=lambda index: (-round(exact[index] - units[index], NOISE_DIGITS), index))
    for index in order[: scale - sum(units)]:
        units[index] += 1
    return units


def _too_tight(portfolios: Portfolios, key: str, budget: float) -> CultivaError:
    return CultivaError(
        f"no portfolio within the limits of '{key}' meets its budget of risk",
        code="portfolios.budget",
        seen=f"a volatility of {budget:.4g} a year",
        allowed="a budget that some mix of the buckets within the limits can meet",
        hint="raise volatility_max or the age band's risk, or lower the least shares of the model",
    )
