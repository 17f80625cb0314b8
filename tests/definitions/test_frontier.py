"""The weights of model portfolios against every mix of a grid, and the properties that they promise."""

from __future__ import annotations

import numpy as np
import pytest
from tests.insight.assets.bank import changed, portfolios

from cultiva.definitions.frontier import covariance_of, limits_of, model_weights
from cultiva.definitions.portfolios import BUCKETS
from cultiva.kit.errors import CultivaError

STEP = 0.01


def grid(count: int) -> np.ndarray:
    """All shares of so many buckets in steps of a hundredth, shape (mixes, count)."""
    axes = np.meshgrid(*[np.arange(0, 1 + STEP / 2, STEP)] * (count - 1), indexing="ij")
    free = np.stack([axis.ravel() for axis in axes], axis=1)
    last = 1 - free.sum(axis=1)
    found = np.column_stack([free, last])[last > -1e-9]
    return np.round(found, 6)


@pytest.mark.parametrize("by_need", [True, False])
def test_no_mix_of_a_fine_grid_within_budget_and_limits_brings_more(by_need: bool) -> None:
    used = portfolios() if by_need else changed(protection_need=None)
    names = used.divided
    returns = np.array([getattr(used.buckets, name).expected_return for name in names])
    covariance, mixes = covariance_of(used, names), grid(len(names))
    swings = np.sqrt(np.einsum("ij,jk,ik->i", mixes, covariance, mixes))
    for key, (model, _) in used.model_keys().items():
        found, limits = model_weights(used)[key], limits_of(used, model)
        within = swings <= found.volatility_max
        for column, name in enumerate(names):
            within &= (mixes[:, column] >= limits[name].min - 1e-9) & (mixes[:, column] <= limits[name].max + 1e-9)
        best = (mixes[within] @ returns).max()
        rounding = returns.max() / found.scale
        assert best - rounding <= found.expected_return <= best + 2 * STEP * np.ptp(returns), key


def test_weights_add_up_keep_their_limits_and_their_budget() -> None:
    used = portfolios()
    for key, found in model_weights(used).items():
        limits = limits_of(used, used.model_keys()[key][0])
        assert sum(found.units.values()) == found.scale == 1000
        assert all(limits[name].min <= found.share(name) <= limits[name].max for name in used.divided)
        assert found.volatility <= found.volatility_max + 0.2 / found.scale, key
        assert set(found.units) == set(BUCKETS)


def test_more_risk_brings_more_and_age_takes_it_back() -> None:
    found = model_weights(portfolios())
    for band in ("young", "middle", "late"):
        returns = [found[f"c{rating}_{band}"].expected_return for rating in range(1, 6)]
        assert returns == sorted(returns)
    for rating in range(1, 6):
        returns = [found[f"c{rating}_{band}"].expected_return for band in ("late", "middle", "young")]
        assert returns == sorted(returns)


def test_no_model_holds_what_is_above_its_rating() -> None:
    found = model_weights(changed(models=[{"rating": "C3", "volatility_max": 0.5}]))
    assert found["c3_young"].units["aggressive"] == 0


def test_a_budget_that_nothing_meets_is_named() -> None:
    tight = {"rating": "C5", "volatility_max": 0.01, "limits": {"aggressive": {"min": 0.5}}}
    with pytest.raises(CultivaError) as error:
        model_weights(changed(models=[tight]))
    assert "c5_young" in str(error.value) and "0.01" in str(error.value)
