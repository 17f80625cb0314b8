"""What the competition must never let through."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from cultiva.kit.errors import CultivaError
from cultiva.strategy.allocation import Problem
from cultiva.strategy.competition import _check
from cultiva.strategy.field import Field


def test_a_plan_that_breaks_a_limit_is_refused_by_name() -> None:
    problem = Problem(
        first=np.array([0, 1, 2]), worth=np.ones(2), pool=np.zeros(2, dtype=np.int32), pool_capacity=np.array([1.0])
    )
    field = Field(pl.DataFrame(), problem, ["adviser A1"], np.array([1.0]), [], np.zeros(2))
    _check(field, np.array([True, False]))
    with pytest.raises(CultivaError, match="breaks 1 limits") as refused:
        _check(field, np.array([True, True]))
    assert "pool adviser A1: 2" in str(refused.value)
